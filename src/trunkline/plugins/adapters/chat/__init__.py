"""OpenAI Chat Completions, both ways (core/ports.Codec). Reading usage of bytes that pass unchanged is `openai_chat.py`'s."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.core.answer import Reply
from trunkline.core.conversation import Change, Request
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.chat.read_reply import read_reply
from trunkline.plugins.adapters.chat.read_request import read_request
from trunkline.plugins.adapters.chat.reader import ChatReader
from trunkline.plugins.adapters.chat.write_reply import write_reply
from trunkline.plugins.adapters.chat.write_request import write_request
from trunkline.plugins.adapters.chat.writer import ChatWriter


class ChatCodec:
    """Stateless."""

    dialect = "openai-chat"
    kind = "chat"
    names: Mapping[str, str] = {
        "parallel_tools": "parallel_tool_calls",
        "format": "response_format",
        "effort": "reasoning_effort",
        "cache_key": "prompt_cache_key",
        "cache_ttl": "prompt_cache_retention",
    }
    fields: tuple[bytes, ...] = (b"openai-",)

    def method(self, stream: bool) -> tuple[str, bytes]:
        del stream
        return "", b""

    def read_request(self, body: bytes, changes: list[Change]) -> Request:
        return read_request(body, changes)

    def write_request(self, request: Request, facts: Facts, changes: list[Change]) -> Written:
        return write_request(request, facts, changes)

    def read_reply(self, body: bytes, asked: Request) -> Reply:
        return read_reply(body, asked)

    def write_reply(self, reply: Reply, asked: Request, changes: list[Change]) -> bytes:
        return write_reply(reply, asked, changes)

    def reader(self, asked: Request) -> ChatReader:
        return ChatReader(asked)

    def writer(self, asked: Request, changes: list[Change]) -> ChatWriter:
        return ChatWriter(asked, changes)
