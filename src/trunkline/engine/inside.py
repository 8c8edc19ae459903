"""A call that Trunkline makes to itself, without sockets: a request made up in the process, and a reply that is gathered.

Handed to `Gateway.handle`, such a call is like any other: identified, limited, recorded. Not for: deciding what to call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline.core.ports import Inbound
from trunkline.core.text import HOP_BY_HOP

Field = tuple[bytes, bytes]
_FRAMING = HOP_BY_HOP | {b"content-length", b"expect", b"accept-encoding"}


class Asked:
    """The request of such a call. It comes from where the request came that it is made for."""

    __slots__ = ("body", "fields", "headers", "memo", "method", "peer", "secure", "stream", "target")

    def __init__(self, method: str, target: bytes, headers: list[Field], body: bytes, cause: Inbound) -> None:
        """`headers` in lower case; those of framing are left out and made anew."""
        self.method = method
        self.target = target
        self.headers = [field for field in headers if field[0] not in _FRAMING]
        if body or method == "POST":
            self.headers.append((b"content-length", b"%d" % len(body)))
        self.fields: dict[bytes, bytes] = {}
        for name, value in self.headers:
            self.fields.setdefault(name, value)
        self.body = body
        self.stream: Any = None
        self.peer = cause.peer
        self.secure = cause.secure
        self.memo: dict[str, Any] = {}

    def __repr__(self) -> str:
        """Method and path only: queries and fields may hold secrets."""
        return f"<Asked {self.method} {self.target.partition(b'?')[0].decode('ascii', 'replace')}>"


class Room:
    """Bytes that several replies may take together."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


class Gathered:
    """The reply to such a call, streams included. `ended` is called once: at the end, at a cut, when it is given up."""

    __slots__ = (
        "_ended",
        "_limit",
        "_pieces",
        "_room",
        "_size",
        "closed",
        "flow",
        "hangup",
        "lines",
        "outgrown",
        "started",
        "status",
        "whole",
    )

    def __init__(self, ended: Callable[[], None], limit: int, room: Room | None = None) -> None:
        self._ended = ended
        self._limit = limit
        self._room = room or Room(limit)
        self._pieces: list[bytes] = []
        self._size = 0
        self.closed = self.started = False
        self.hangup: Callable[[], None] | None = None
        self.flow: Callable[[bool], None] | None = None
        self.status = 0
        self.lines = b""
        self.whole = False
        """It came to its proper end."""
        self.outgrown = False
        """It was given up because it is longer than wanted."""

    @property
    def body(self) -> bytes:
        return b"".join(self._pieces)

    @property
    def fields(self) -> list[Field]:
        """The header lines in their order."""
        lines = self.lines.split(b"\r\n")[:-1]
        return [(name.lower(), value) for name, _, value in (line.partition(b": ") for line in lines)]

    def send(self, status: int, fields: bytes, body: bytes) -> None:
        self.start(status, fields, len(body))
        self.write(body)
        self.end()

    def start(self, status: int, fields: bytes, length: int | None) -> None:
        del length
        if not self.closed:
            self.started, self.status, self.lines = True, status, fields

    def write(self, chunk: bytes) -> None:
        if self.closed:
            return
        self._size += len(chunk)
        self._room.left -= len(chunk)
        if self._size > self._limit or self._room.left < 0:
            self._room.left += self._size
            self._pieces.clear()
            self.outgrown = True
            self.give_up()
            return
        self._pieces.append(chunk)

    def end(self) -> None:
        if not self.closed:
            self.whole = True
            self._close()

    def abort(self) -> None:
        if not self.closed:
            self._close()

    def give_up(self) -> None:
        """Ends the call from this side, as a caller does who hangs up."""
        if not self.closed:
            hangup = self.hangup
            self._close()
            if hangup is not None:
                hangup()

    def _close(self) -> None:
        self.closed = True
        self._ended()
