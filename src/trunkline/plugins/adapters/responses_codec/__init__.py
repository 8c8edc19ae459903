"""OpenAI Responses, both ways (core/ports.Codec). Usage of bytes that pass unchanged is `openai_responses.py`'s."""

from __future__ import annotations

from trunkline.plugins.adapters.codec import DialectCodec
from trunkline.plugins.adapters.responses_codec.read_reply import read_reply
from trunkline.plugins.adapters.responses_codec.read_request import read_request
from trunkline.plugins.adapters.responses_codec.reader import ResponsesReader
from trunkline.plugins.adapters.responses_codec.write_reply import write_reply
from trunkline.plugins.adapters.responses_codec.write_request import write_request
from trunkline.plugins.adapters.responses_codec.writer import ResponsesWriter

RESPONSES = DialectCodec(
    "openai-responses",
    "chat",
    names={
        "max_tokens": "max_output_tokens",
        "messages": "input",
        "format": "text.format",
        "verbosity": "text.verbosity",
        "effort": "reasoning",
        "parallel_tools": "parallel_tool_calls",
        "previous": "previous_response_id",
        "cache_key": "prompt_cache_key",
        "cache_ttl": "prompt_cache_retention",
    },
    fields=(b"openai-",),
    read_request=read_request,
    write_request=write_request,
    read_reply=read_reply,
    write_reply=write_reply,
    reader=ResponsesReader,
    writer=ResponsesWriter,
)
