"""A codec (core/ports.Codec) put together from the functions of its package, one for each direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trunkline.core.answer import Reply
from trunkline.core.conversation import Change, Request, Untranslatable
from trunkline.core.ports import Facts, Reader, Writer, Written


def _no_method(stream: bool) -> tuple[str, bytes]:
    """Of dialects whose path and query are always the same."""
    del stream
    return "", b""


def no_reader(asked: Request) -> Reader:
    """Of dialects without streams."""
    raise Untranslatable("there are no streams in this dialect")


def no_writer(asked: Request, changes: list[Change]) -> Writer:
    """Of dialects without streams."""
    raise Untranslatable("there are no streams in this dialect")


def no_request(body: bytes, changes: list[Change]) -> Request:
    """Of dialects that vendors speak and callers do not."""
    raise Untranslatable("no caller speaks this dialect")


def no_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """Of dialects that vendors speak and callers do not."""
    raise Untranslatable("no caller speaks this dialect")


@dataclass(slots=True)
class DialectCodec:
    """Stateless; the members are those of the protocol."""

    dialect: str
    kind: str
    names: Mapping[str, str]
    fields: tuple[bytes, ...]
    write_request: Callable[[Request, Facts, list[Change]], Written]
    read_reply: Callable[[bytes, Request], Reply]
    read_request: Callable[[bytes, list[Change]], Request] = no_request
    write_reply: Callable[[Reply, Request, list[Change]], bytes] = no_reply
    reader: Callable[[Request], Reader] = no_reader
    writer: Callable[[Request, list[Change]], Writer] = no_writer
    method: Callable[[bool], tuple[str, bytes]] = _no_method
