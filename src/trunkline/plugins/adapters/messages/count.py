"""Anthropic's count of tokens: a request as for an answer, and one number back. Source: docs.claude.com/en/api/messages-count-tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.core.answer import Reply, Usage
from trunkline.core.codec import from_json, to_json
from trunkline.core.conversation import Change, Request, Untranslatable
from trunkline.core.ports import Facts, Reader, Writer, Written
from trunkline.plugins.adapters.count import count
from trunkline.plugins.adapters.members import whole_object
from trunkline.plugins.adapters.messages.blocks import OWN
from trunkline.plugins.adapters.messages.read_request import read_request
from trunkline.plugins.adapters.messages.write_request import write_request

_TAKEN = frozenset(
    (
        "model",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "cache_control",
        "speed",
    )
)


class MessagesCount:
    """Stateless. Requests are read as those of Messages, so that they can be written as such."""

    dialect = "anthropic-count-tokens"
    kind = "count"
    names: Mapping[str, str] = {}
    fields: tuple[bytes, ...] = (b"anthropic-",)

    def method(self, stream: bool) -> tuple[str, bytes]:
        del stream
        return "", b""

    def read_request(self, body: bytes, changes: list[Change]) -> Request:
        return read_request(body, changes)

    def write_request(self, request: Request, facts: Facts, changes: list[Change]) -> Written:
        request.stream = False
        written = write_request(request, facts, changes)
        said: dict[str, Any] = from_json(written.body)
        return Written(
            to_json({name: value for name, value in said.items() if name in _TAKEN}), written.fields
        )

    def read_reply(self, body: bytes, asked: Request) -> Reply:
        told = count(whole_object(body).get("input_tokens"))
        if told < 0:
            raise Untranslatable("`input_tokens` is missing")
        return Reply(dialect=OWN, model=asked.model, usage=Usage(input=told))

    def write_reply(self, reply: Reply, asked: Request, changes: list[Change]) -> bytes:
        del asked, changes
        return to_json({"input_tokens": reply.usage.input if reply.usage is not None else 0})

    def reader(self, asked: Request) -> Reader:
        raise Untranslatable("counts do not stream")

    def writer(self, asked: Request, changes: list[Change]) -> Writer:
        raise Untranslatable("counts do not stream")
