"""The answer to one request, written straight to the transport. Not for: deciding anything about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

import msgspec

from trunkline.wire.outbox import Direct, Outbox

LINES: dict[int, bytes] = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus
}  # Replies that end with their head whatever it says (RFC 9110 sections 15.3.5 and 15.4.5).
BODILESS = frozenset((204, 304))


def status_line(status: int) -> bytes:
    """The status line; the reason phrase may be empty (RFC 9112 section 4)."""
    return LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


class Line(Protocol):
    """What a reply needs of its connection."""

    transport: asyncio.Transport
    outbox: Outbox | Direct

    @property
    def date(self) -> bytes: ...

    def complete(self) -> bool: ...

    def ended(self, keep: bool) -> None: ...

    def cut(self, reset: bool) -> None: ...


class Reply(msgspec.Struct, eq=False):
    """The answer to one request; every method does nothing once `closed`.

    Either `send`, or `start`, `write`..., `end`. `abort` cuts at any point. `hangup` and `flow` are set by
    the app: the first is called once when the client goes away before the end, the second with True when
    the client reads too slowly and with False when it has caught up. `fields` are whole lines,
    `name: value CR LF`; the server adds content-length or transfer-encoding, connection, and date where it
    is missing. To a HEAD request, `start` with the length that a GET would have had, then `end`.
    """

    _line: Line
    _bare: bool  # no body whatever is written: a HEAD request, 204, 304
    _minor: int
    _keep: bool  # the connection may serve another request after this
    closed: bool = False
    started: bool = False
    hangup: Callable[[], None] | None = None
    flow: Callable[[bool], None] | None = None
    _left: int = -1  # bytes still owed of the length that was announced
    _chunked: bool = False

    def send(self, status: int, fields: bytes, body: bytes) -> None:
        """Answer at once with a whole body, in one write."""
        if self.closed or self.started:
            return
        line = self._line
        self.started = self.closed = True
        keep = self._keep and line.complete()
        if keep and self._minor and not self._bare and status not in BODILESS:
            date = line.date if fields.find(b"date:") < 0 else b""
            first = LINES.get(status) or status_line(status)
            length = b"content-length: %d\r\n\r\n" % len(body)
            line.outbox.write(line.transport, b"".join((first, fields, date, length, body)))
        else:
            length = b"" if status in BODILESS else b"content-length: %d\r\n" % len(body)
            head = self._head(status, fields, length, keep)
            line.outbox.flush()
            line.transport.write(head if self._bare or status in BODILESS else head + body)
        line.ended(keep)

    def start(self, status: int, fields: bytes, length: int | None) -> None:
        """Begin a streamed body of `length` bytes; None means chunked, or up to the connection's end for
        HTTP/1.0.
        """
        if self.closed or self.started:
            return
        self._keep = self._keep and self._line.complete()
        framing = b""
        if status in BODILESS:
            self._bare = True
        elif length is not None:
            framing = b"content-length: %d\r\n" % length
            self._left = length
        elif self._minor:
            framing = b"transfer-encoding: chunked\r\n"
            self._chunked = True
        else:
            self._keep = False
        self.started = True
        self._line.outbox.flush()
        self._line.transport.write(self._head(status, fields, framing, self._keep))

    def write(self, chunk: bytes) -> None:
        """Send the next piece of a started body. More bytes than `length` promised cut the connection."""
        if self.closed or not self.started or self._bare or not chunk:
            return
        if self._chunked:
            self._line.transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            return
        if self._left >= 0:
            if len(chunk) > self._left:
                self.abort()
                return
            self._left -= len(chunk)
        self._line.transport.write(chunk)

    def end(self) -> None:
        """The body is complete. Fewer bytes than `length` promised cut the connection."""
        if self.closed:
            return
        if not self.started or (self._left > 0 and not self._bare):
            self.abort()
            return
        self.closed = True
        if self._chunked and not self._bare:
            self._line.transport.write(b"0\r\n\r\n")
        self._line.ended(self._keep)

    def abort(self) -> None:
        """Cut: the client sees a broken transfer. Where only the connection's end marks the body's, by a
        reset.
        """
        if self.closed:
            return
        self.closed = True
        self._line.cut(self.started and not self._chunked and self._left < 0)

    def interim(self, status: int) -> None:
        """Send a 1xx reply; HTTP/1.0 clients do not know these (RFC 9110 section 15.2)."""
        if not self.closed and not self.started and self._minor:
            self._line.outbox.flush()
            self._line.transport.write(status_line(status) + b"\r\n")

    def probe(self) -> None:
        """Send a byte or more that means nothing, so that the system of a client that has gone away answers
        with a reset.

        100 (Continue) may come unasked and any number of times (RFC 9110 section 15.2.1); within a chunked
        body it is a leading zero of the next chunk size (RFC 9112 section 7.1). Elsewhere there is nothing
        harmless to send.
        """
        if not self.started:
            self.interim(100)
        elif self._chunked and not self._bare and not self.closed:
            self._line.transport.write(b"0")

    def lost(self) -> None:
        """The client is gone: tell the app once."""
        if not self.closed:
            self.closed = True
            if self.hangup is not None:
                self.hangup()

    def last(self) -> None:
        """Nothing can follow on this connection: say so in the head, if that is still to come."""
        self._keep = False

    def _head(self, status: int, fields: bytes, framing: bytes, keep: bool) -> bytes:
        date = b"" if b"date:" in fields else self._line.date
        if not keep:
            framing += b"connection: close\r\n"
        elif not self._minor:
            framing += b"connection: keep-alive\r\n"
        return b"%b%b%b%b\r\n" % (status_line(status), fields, date, framing)
