"""OpenAI Chat Completions, both ways (core/ports.Codec). Reading usage of bytes that pass unchanged is `openai_chat.py`'s."""

from __future__ import annotations

from functools import partial

from trunkline.plugins.adapters.chat.read_reply import read_reply
from trunkline.plugins.adapters.chat.read_request import read_request
from trunkline.plugins.adapters.chat.reader import ChatReader
from trunkline.plugins.adapters.chat.variants import MISTRAL as _MISTRAL
from trunkline.plugins.adapters.chat.write_reply import write_reply
from trunkline.plugins.adapters.chat.write_request import write_request
from trunkline.plugins.adapters.chat.writer import ChatWriter
from trunkline.plugins.adapters.codec import DialectCodec

_NAMES = {
    "parallel_tools": "parallel_tool_calls",
    "format": "response_format",
    "effort": "reasoning_effort",
    "cache_key": "prompt_cache_key",
    "cache_ttl": "prompt_cache_retention",
}
CHAT = DialectCodec(
    "openai-chat",
    "chat",
    names=_NAMES,
    fields=(b"openai-",),
    read_request=read_request,
    write_request=write_request,
    read_reply=read_reply,
    write_reply=write_reply,
    reader=ChatReader,
    writer=ChatWriter,
)

MISTRAL = DialectCodec(
    "mistral-chat",
    "chat",
    names=_NAMES,
    fields=(),
    write_request=partial(write_request, variant=_MISTRAL),
    read_reply=partial(read_reply, dialect="mistral-chat"),
    reader=partial(ChatReader, dialect="mistral-chat"),
)
"""Of a vendor alone: callers speak OpenAI's."""
