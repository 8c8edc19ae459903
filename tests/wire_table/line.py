"""A server connection without a socket: bytes in, bytes out, and what the handler saw. For the table, unit and fuzz tests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, cast

from trunkline.wire.inbound import Inbound
from trunkline.wire.server import Reply, Request, Server, ServerLimits

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")
LENGTH = re.compile(rb"content-length: (\d+)\r\n")


class Wire:
    """Stands in for a transport: keeps what was written and how the connection was ended."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.finished = False  # our half is closed
        self.closed = False
        self.aborted = False
        self.reading = True
        self.unread = 0  # what the client has not read of what was written

    def get_extra_info(self, name: str) -> Any:
        return ("192.0.2.7", 1234) if name == "peername" else None

    def write(self, data: bytes) -> None:
        assert not self.finished, "written after the end"
        assert not self.closed, "written after the close"
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.finished = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.unread


class Line:
    """One connection to a server whose handler is given, or answers 200 at once, or (`late`) after the bytes are in."""

    def __init__(
        self,
        handler: Callable[[Request, Reply], None] | None = None,
        *,
        late: bool = False,
        limits: ServerLimits | None = None,
    ) -> None:
        self.seen: list[str] = []
        self.requests: list[Request] = []
        self.waiting: list[Reply] = []
        self.late = late
        self.server = Server(handler or self._answer, limits=limits)
        self.server.sweep(0.0)
        self.wire = Wire()
        self.connection = Inbound(self.server)
        self.connection.connection_made(cast(asyncio.Transport, self.wire))

    def _answer(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        self.seen.append(f"{request.method} {request.target.decode()} {request.body.decode('latin-1')}")
        if self.late:
            assert not self.waiting, "a request came before the one before it was answered"
            self.waiting.append(reply)
        else:
            reply.send(200, b"", b"ok")

    def answer_waiting(self) -> None:
        while self.waiting:
            self.waiting.pop().send(200, b"", b"ok")

    def feed(self, data: bytes) -> None:
        if not self.wire.closed:
            self.connection.data_received(data)

    def feed_eof(self) -> None:
        if not self.wire.closed and not self.connection.eof_received():
            self.wire.close()

    @property
    def ended(self) -> bool:
        return self.wire.finished or self.wire.closed

    def statuses(self) -> list[int]:
        return statuses(bytes(self.wire.written), self.seen)


def statuses(data: bytes, seen: list[str]) -> list[int]:
    """Read replies strictly: nothing stands between or after them. Those to HEAD, as `seen` tells, have no body."""
    found: list[int] = []
    final = 0
    while data:
        match = STATUS.match(data)
        assert match, data[:80]
        status = int(match[1])
        head, _, data = data.partition(b"\r\n\r\n")
        found.append(status)
        if status < 200:
            continue
        length = LENGTH.search(head + b"\r\n")
        assert length, head
        refused_head = status >= 400 and not data  # it did not reach `seen`, and is the last one
        bare = refused_head or (final < len(seen) and seen[final].startswith("HEAD "))
        final += 1
        if not bare and int(length[1]):
            assert len(data) >= int(length[1])
            data = data[int(length[1]) :]
    return found
