"""Anthropic Messages, both ways (core/ports.Codec). Reading usage of bytes that pass unchanged is `anthropic_messages.py`'s."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.core.answer import Reply
from trunkline.core.conversation import Change, Request
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.messages.read_reply import read_reply
from trunkline.plugins.adapters.messages.read_request import read_request
from trunkline.plugins.adapters.messages.reader import MessagesReader
from trunkline.plugins.adapters.messages.write_reply import write_reply
from trunkline.plugins.adapters.messages.write_request import write_request
from trunkline.plugins.adapters.messages.writer import MessagesWriter


class MessagesCodec:
    """Stateless."""

    dialect = "anthropic-messages"
    kind = "chat"
    names: Mapping[str, str] = {
        "stop": "stop_sequences",
        "format": "output_config.format",
        "effort": "thinking",
        "user": "metadata.user_id",
        "parallel_tools": "tool_choice.disable_parallel_tool_use",
    }
    fields: tuple[bytes, ...] = (b"anthropic-",)

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

    def reader(self, asked: Request) -> MessagesReader:
        return MessagesReader(asked)

    def writer(self, asked: Request, changes: list[Change]) -> MessagesWriter:
        return MessagesWriter(asked, changes)
