"""One connection to a vendor: writes a request, reads its reply, and knows whether it may be used again.

Used for one exchange at a time. The parser (httptools) finds the framing; what it lets through in replies is
refused here. Whenever it is not certain where a reply ends, the connection is closed.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Protocol

import httptools

from trunkline.wire.errors import (
    Aborted,
    BadReply,
    BodyFailed,
    ReplyCut,
    ResetBeforeReply,
    WireError,
    WriteFailed,
)
from trunkline.wire.response import Response, Sink

# Bytes, or a stream. A stream's attribute `length` is what its head announces; without one, or with None, the head
# announces chunked.
Body = bytes | AsyncIterable[bytes] | None


@dataclass(frozen=True)
class ClientLimits:
    """Bounds per origin and per reply. `stored_bytes` is what may wait before the caller asks for the body."""

    max_connections: int = 1024
    max_waiting: int = 4096
    idle_expiry_s: float = 30.0
    head_bytes: int = 65536
    fields: int = 200
    max_interim: int = 16
    stored_bytes: int = 262144


class Owner(Protocol):
    """Whom a connection tells what becomes of it and of its task."""

    def made(self, connection: Connection) -> None: ...
    def started(self, task: asyncio.Task[None]) -> None: ...
    def freed(self, connection: Connection) -> None: ...
    def closed(self, connection: Connection) -> None: ...
    def gone(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """An asyncio protocol around one httptools parser, reused from reply to reply."""

    __slots__ = (
        "_drained",
        "_excess",
        "_finished",
        "_headed",
        "_headers",
        "_held",
        "_idle_s",
        "_idle_until",
        "_interim",
        "_keep",
        "_limits",
        "_loop",
        "_owner",
        "_parser",
        "_paused",
        "_pieces",
        "_poller",
        "_pump",
        "_quiet",
        "_relaying",
        "_response",
        "_sink",
        "_sock",
        "_stopped",
        "_stored",
        "_time",
        "_transport",
        "_until_close",
        "is_closed",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        owner: Owner,
        limits: ClientLimits,
        sock: socket.socket,
    ) -> None:
        self._loop, self._owner, self._limits = loop, owner, limits
        self._time = loop.time
        self._sock: socket.socket | None = (
            sock  # kept: its number must not go to another file while we poll it
        )
        self._poller = select.poll()
        self._poller.register(sock.fileno(), select.POLLIN)
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._response: Response | None = None
        self._pump: asyncio.Task[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._idle_s = -1.0
        self._idle_until = 0.0
        self._held = self._paused = self._stopped = self.is_closed = False
        self._sink: Sink = _ignore
        self._pieces: list[bytes] = []
        self._headers: list[tuple[bytes, bytes]] = []
        self._begin()

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else "idle" if self._response is None else "busy"
        return f"<Connection {state}>"

    # --- the life of the connection ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no asyncio.Transport by type
        self._owner.made(self)

    def usable(self, now: float) -> bool:
        """Idle, not expired, and the vendor has sent nothing: neither its end nor bytes that nobody asked for."""
        return not self.is_closed and now < self._idle_until and not self._poller.poll(0)

    def close(self) -> None:
        """Close now, whatever is under way; the exchange must have been failed or ended before."""
        if self.is_closed:
            return
        self.is_closed = True
        self._response = None
        self._sink = _ignore
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None
        if self._transport is not None:
            self._transport.abort()
        self._owner.closed(self)

    def shut(self, error: BaseException) -> None:
        """Fail the exchange under way, if there is one, and close."""
        self._fail(error)

    def eof_received(self) -> None:
        self._vendor_closed(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._vendor_closed(exc)
        self._transport = self._sock = None
        self._parser = None
        self._wake_pump()
        self._owner.gone(self)

    def _vendor_closed(self, exc: Exception | None) -> None:
        """A body that ends with the connection is complete if the end was clean; anything else is cut."""
        response = self._response
        if response is None:
            self.close()
        elif self._headed and self._until_close and exc is None:
            self._finished, self._keep = True, False
            self._settle(response)
        elif self._headed or self._quiet or self._interim:
            self._fail(
                ReplyCut(
                    "the vendor closed the connection in the middle of its reply",
                    sent=True,
                )
            )
        elif self._pump is not None:
            self._fail(
                WriteFailed(
                    "the vendor closed the connection while the request was being sent",
                    sent=True,
                )
            )
        else:
            self._fail(ResetBeforeReply("the vendor closed the connection without a reply", sent=True))

    # --- one exchange ---

    def exchange(self, response: Response, head: bytes, body: Body) -> None:
        """Write the request and hand its reply to `response`."""
        assert self._response is None and self._transport is not None
        self._response = response
        self._begin()
        response._holder = self
        response.connected = response.sent = True
        if body is None:
            self._transport.write(head)
        elif isinstance(body, bytes):
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._pump = self._loop.create_task(self._send(body))
            self._owner.started(self._pump)

    def _begin(self) -> None:
        self._headers = []
        self._pieces = []
        self._sink = self._pieces.append
        self._headed = self._finished = self._excess = self._until_close = self._relaying = False
        self._keep = False
        self._interim = self._quiet = self._stored = 0

    def _settle(self, response: Response) -> None:
        """The reply is whole: give the connection back if its state is certain, and tell the caller."""
        whole = not self._relaying
        pieces = self._pieces
        reusable = self._keep and not self._excess and self._pump is None
        self._response = None
        self._sink = self._surplus
        if reusable:
            if self._idle_s < 0:
                self._idle_s = _idle_time(response.fields, self._limits.idle_expiry_s)
            self._idle_until = response.activity + self._idle_s
            if self._stopped:
                self._held = self._paused = False
                self._set_reading()
        response.ended(pieces[0] if len(pieces) == 1 else b"".join(pieces), whole=whole)
        if reusable:
            self._owner.freed(self)
        else:
            self.close()

    def _fail(self, error: BaseException) -> None:
        response = self._response
        if response is not None:
            response.failed(error)
        self.close()

    # --- what Response asks for ---

    def drop(self) -> None:
        self.close()

    def stream_to(self, sink: Sink) -> None:
        response = self._response
        pieces, self._pieces = self._pieces, []
        self._relaying = True
        self._sink = sink
        for piece in pieces:
            if self._response is not response:
                return
            sink(piece)
        if self._held and self._response is response:
            self._held = False
            self._set_reading()

    def hold_back(self, hold: bool) -> None:
        self._paused = hold
        self._set_reading()

    def _set_reading(self) -> None:
        """Read unless the caller paused, or has not asked for the body and enough of it waits here."""
        stopped = self._held or self._paused
        if self._transport is None or self.is_closed or stopped == self._stopped:
            return
        self._stopped = stopped
        if stopped:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # --- the request body ---

    async def _send(self, body: AsyncIterable[bytes]) -> None:
        length: int | None = getattr(body, "length", None)
        left = length or 0
        try:
            async for piece in body:
                left -= len(piece)
                if length is not None and left < 0:
                    raise BodyFailed(
                        f"the request body is longer than the {length} bytes announced",
                        sent=True,
                    )
                if piece:
                    await self._write(piece if length is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
            if length is None:
                await self._write(b"0\r\n\r\n")
            elif left:
                raise BodyFailed(
                    f"the request body is {left} bytes shorter than the {length} announced",
                    sent=True,
                )
        except WireError as error:
            self._pump = None
            self._fail(error)
        except Exception as error:  # noqa: BLE001  # whatever a stranger's code raises ends this exchange only
            self._pump = None
            failure = BodyFailed(
                f"the request body could not be read to its end ({type(error).__name__})",
                sent=True,
            )
            failure.__cause__ = error
            self._fail(failure)
        self._pump = None

    async def _write(self, data: bytes) -> None:
        if self._drained is not None:
            await self._drained
        if self._transport is not None and not self.is_closed:
            self._transport.write(data)

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        self._wake_pump()

    def _wake_pump(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # --- the reply ---

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:  # nobody asked: these bytes must never answer the next request
            self.close()
            return
        response.activity = self._time()
        self._quiet += len(data)
        try:
            self._parser.feed_data(data)
        except Exception as error:  # noqa: BLE001  # whatever a stranger's code raises ends this exchange only
            if not self._finished:  # bytes after the end are not the reply's fault, but the connection's
                if self._response is response:
                    self._fail(_as_bad_reply(error))
                return
            self._excess = True
        if self._response is not response:  # the sink gave up
            return
        if self._finished:
            self._settle(response)
        elif self._quiet > self._limits.head_bytes:
            self._fail(
                BadReply(
                    f"the reply spends over {self._limits.head_bytes} bytes without a byte of body",
                    sent=True,
                )
            )
        elif self._headed:
            if response._ready is not None:
                response.arrived()
            if not self._relaying:
                self._stored += len(data)
                if self._stored > self._limits.stored_bytes:
                    self._held = True
                    self._set_reading()

    # --- called by the parser; a callback may raise BadReply ---

    def on_message_begin(self) -> None:
        if self._finished:
            self._excess = True

    def on_status(self, reason: bytes) -> None:
        if b"\0" in reason:
            raise BadReply("the reply's status line holds a NUL", sent=True)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._headed:  # a trailer is not a header
            self._headers.append((name.lower(), value.strip()))

    def on_headers_complete(self) -> None:
        response = self._response
        if response is None or self._finished:
            return
        headers = self._headers
        self._check_head(headers)
        status = self._parser.get_status_code()
        if status < 200:
            self._pass_over(status)
            return
        fields = dict(reversed(headers))
        encoding = fields.get(b"transfer-encoding")
        if encoding is not None:
            self._check_encoding(encoding, headers)
        else:
            self._until_close = b"content-length" not in fields
        response.status = status
        response.headers = headers
        response.fields = fields
        self._headed = True
        self._quiet = 0
        if response.head_only:
            self._finish_head_only(fields)

    def on_body(self, data: bytes) -> None:
        self._quiet = 0
        self._sink(data)

    def on_message_complete(self) -> None:
        if self._headed and not self._finished:
            self._finished = True
            self._sink = self._surplus
            self._keep = self._parser.should_keep_alive()

    def _check_head(self, headers: list[tuple[bytes, bytes]]) -> None:
        limits = self._limits
        if len(headers) > limits.fields:
            raise BadReply(f"the reply has over {limits.fields} header fields", sent=True)
        if (
            self._quiet > limits.head_bytes
            and sum(len(n) + len(v) + 4 for n, v in headers) > limits.head_bytes
        ):
            raise BadReply(f"the reply's head is over {limits.head_bytes} bytes", sent=True)
        if self._parser.get_http_version() not in ("1.1", "1.0"):
            raise BadReply("the reply is not HTTP/1.0 or HTTP/1.1", sent=True)

    def _check_encoding(self, encoding: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        """We never offer a transfer coding, so `chunked`, once, on 1.1, is the only one that may come."""
        times = sum(1 for name, _ in headers if name == b"transfer-encoding")
        if encoding.lower() != b"chunked" or times != 1 or self._parser.get_http_version() == "1.0":
            raise BadReply("the reply's transfer-encoding is not plain chunked", sent=True)

    def _pass_over(self, status: int) -> None:
        """An interim reply says nothing that we wait for. 101 would be the seam for upgrades: none is asked for yet."""
        if status < 100:
            raise BadReply(f"the reply's status {status} does not exist", sent=True)
        if status == 101:
            raise BadReply("the vendor switched protocols without being asked", sent=True)
        self._interim += 1
        if self._interim > self._limits.max_interim:
            raise BadReply(
                f"over {self._limits.max_interim} interim replies before the final one",
                sent=True,
            )
        if any(name in (b"content-length", b"transfer-encoding") for name, _ in self._headers):
            raise BadReply(f"an interim reply ({status}) announces a body", sent=True)
        self._headers.clear()

    def _finish_head_only(self, fields: dict[bytes, bytes]) -> None:
        """A reply to HEAD ends with its head; the parser does not know that and would take the next reply for a body."""
        self._finished = True
        self._until_close = False
        self._sink = self._surplus
        version = self._parser.get_http_version()
        self._keep = version == "1.1" and b"close" not in fields.get(b"connection", b"").lower()
        self._parser = httptools.HttpResponseParser(self)

    def _surplus(self, data: bytes) -> None:
        self._excess = True


def _ignore(data: bytes) -> None:
    """The sink of an exchange that is over."""


def _as_bad_reply(error: Exception) -> BaseException:
    """What the parser found wrong, or what a callback raised."""
    cause = error.__context__ or error.__cause__
    if isinstance(error, httptools.HttpParserCallbackError) and cause is not None:
        if isinstance(cause, WireError):
            return cause
        failure = Aborted(f"the reply's consumer raised {type(cause).__name__}", sent=True)
        failure.__cause__ = cause
        return failure
    text = (
        str(error.args[0])[:120]
        if error.args and not isinstance(error, httptools.HttpParserUpgrade)
        else "it switches protocols"
    )
    return BadReply(f"the reply is not valid HTTP/1.1: {text}", sent=True)


def _idle_time(fields: dict[bytes, bytes], most_s: float) -> float:
    """How long the connection may lie idle: one second less than the vendor says that it keeps it."""
    for word in fields.get(b"keep-alive", b"").split(b","):
        name, _, value = word.strip().partition(b"=")
        if name.lower() == b"timeout" and value.isdigit():
            return min(most_s, max(int(value[:9]) - 1.0, 0.0))
    return most_s
