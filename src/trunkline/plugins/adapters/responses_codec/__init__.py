"""OpenAI Responses, both ways (core/ports.Codec), and its count of tokens. Usage of bytes that pass unchanged is
`openai_responses.py`'s.
"""

from __future__ import annotations

from trunkline.plugins.adapters.codec import DialectCodec
from trunkline.plugins.adapters.responses_codec import count
from trunkline.plugins.adapters.responses_codec.read_reply import read_reply
from trunkline.plugins.adapters.responses_codec.read_request import read_request
from trunkline.plugins.adapters.responses_codec.reader import ResponsesReader
from trunkline.plugins.adapters.responses_codec.write_reply import write_reply
from trunkline.plugins.adapters.responses_codec.write_request import write_request
from trunkline.plugins.adapters.responses_codec.writer import ResponsesWriter

_NAMES = {
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "format": "text.format",
    "verbosity": "text.verbosity",
    "effort": "reasoning",
    "parallel_tools": "parallel_tool_calls",
    "previous": "previous_response_id",
    "cache_key": "prompt_cache_key",
    "cache_ttl": "prompt_cache_retention",
}
FIELDS = (b"openai-",)
RESPONSES = DialectCodec(
    "openai-responses",
    "chat",
    names=_NAMES,
    fields=FIELDS,
    read_request=read_request,
    write_request=write_request,
    read_reply=read_reply,
    write_reply=write_reply,
    reader=ResponsesReader,
    writer=ResponsesWriter,
)
COUNT = DialectCodec(
    "openai-input-tokens",
    "count",
    names=_NAMES,
    fields=FIELDS,
    read_request=read_request,
    write_request=count.write_request,
    read_reply=count.read_reply,
    write_reply=count.write_reply,
)
