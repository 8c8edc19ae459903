"""One connection to a vendor: writes a request, hands its reply to the Response, and knows whether it may be used again.

Used for one exchange at a time. Whenever it is not certain where a reply ends, or the vendor speaks out of turn, the
connection is closed. What a reply may look like is decided in `framing.py`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, Callable
from typing import Protocol, cast

from trunkline.wire.departures import Departures
from trunkline.wire.errors import BodyFailed, ReplyCut, ResetBeforeReply, WireError, WriteFailed
from trunkline.wire.framing import BODY, WHOLE, ClientLimits, ReplyReader, Sink
from trunkline.wire.plain import PlainReader
from trunkline.wire.response import Response
from trunkline.wire.trust import Trust, said_goodbye

# Bytes, or a stream. A stream's attribute `length` is what its head announces; without one, or with None, the head
# announces chunked.
Body = bytes | AsyncIterable[bytes] | None


class Owner(Protocol):
    """Whom a connection tells what becomes of it and of its task."""

    departures: Departures

    def made(self, connection: Connection) -> None: ...
    def started(self, task: asyncio.Task[None]) -> None: ...
    def freed(self, connection: Connection) -> None: ...
    def closed(self, connection: Connection) -> None: ...
    def gone(self, connection: Connection) -> None: ...
    def elsewhere(self, response: Response, request: bytes, deadline: float) -> None: ...


class Connection(asyncio.Protocol):
    """An asyncio protocol around one reply reader, used from reply to reply."""

    __slots__ = (
        "_deadline",
        "_drained",
        "_held",
        "_idle_s",
        "_idle_until",
        "_limits",
        "_loop",
        "_owner",
        "_paused",
        "_pieces",
        "_pump",
        "_reader",
        "_relaying",
        "_request",
        "_response",
        "_sock",
        "_stopped",
        "_stored",
        "_time",
        "_tls",
        "_transport",
        "_unsent",
        "is_closed",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        owner: Owner,
        limits: ClientLimits,
        sock: socket.socket,
        plain: PlainReader | None = None,
    ) -> None:
        self._loop, self._owner, self._limits = loop, owner, limits
        self._time = loop.time
        self._reader = ReplyReader(limits, plain)
        self._sock: socket.socket | None = (
            sock  # kept: its number must not go to another file while it is watched
        )
        self._transport: asyncio.Transport | None = None
        self._unsent: Callable[[], int] = _nothing
        self._tls: ssl.SSLObject | None = None
        self._response: Response | None = None
        self._request: bytes | None = None  # what `depart` has to send
        self._deadline = 0.0  # until when it may look for another connection
        self._pump: asyncio.Task[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._pieces: list[bytes] = []
        self._idle_s = -1.0
        self._idle_until = 0.0
        self._stored = 0
        self._held = self._paused = self._stopped = self._relaying = self.is_closed = False

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else "idle" if self._response is None else "busy"
        return f"<Connection {state}>"

    # --- the life of the connection ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        streaming = cast(asyncio.Transport, transport)  # uvloop's is one in all but its type
        self._transport = streaming
        self._unsent = streaming.get_write_buffer_size
        self._tls = streaming.get_extra_info("ssl_object")
        assert self._sock is not None
        self._owner.departures.watch(self._sock, self)
        self._owner.made(self)

    def usable(self, now: float) -> bool:
        """Idle and not expired, as far as we have been told; `depart` looks at the socket itself."""
        return not self.is_closed and now < self._idle_until

    def quiet(self) -> bool:
        """Whether it is open and without a word from the vendor (TLS has words of its own when it is new)."""
        return not self.is_closed and (self._tls is not None or self not in self._owner.departures.stirred())

    def _remember_session(self) -> None:
        """After a reply, for TLS 1.3 gives its tickets after the handshake."""
        if self._tls is not None:
            Trust.remember(self._tls)

    def close(self) -> None:
        """Close now, whatever is under way; the exchange must have been failed or ended before."""
        if self.is_closed:
            return
        self.is_closed = True
        self._response = self._request = None
        self._reader.stop()
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None
        if self._transport is not None:
            self._remember_session()
            self._transport.abort()
        self._owner.closed(self)

    def fail(self, error: BaseException) -> None:
        """Fail the exchange under way, if there is one, and close."""
        if self._response is not None:
            self._response.failed(error)
        self.close()

    def eof_received(self) -> None:
        self._vendor_closed(clean=self._tls is None or said_goodbye(self._tls))

    def connection_lost(self, exc: Exception | None) -> None:
        self._vendor_closed(clean=False)  # a proper end was told by eof_received
        self._wake_pump()
        if self._sock is not None:
            self._owner.departures.forget(self._sock)
        self._transport = self._sock = None
        self._unsent = _nothing
        self._owner.gone(self)

    def _vendor_closed(self, *, clean: bool) -> None:
        """A body that ends with the connection is complete if the end was clean; anything else is cut."""
        response, reader = self._response, self._reader
        if response is None:
            self.close()
        elif self._request is not None:
            self._leave(response, self._request)
        elif clean and reader.end():
            self._settle(response)
        elif reader.begun:
            self.fail(ReplyCut("the vendor closed the connection in the middle of its reply", sent=True))
        elif self._pump is not None:
            self.fail(
                WriteFailed("the vendor closed the connection while the request was being sent", sent=True)
            )
        else:
            self.fail(ResetBeforeReply("the vendor closed the connection without a reply", sent=True))

    # --- one exchange ---

    def exchange(self, response: Response, head: bytes, body: Body, deadline: float) -> None:
        """Send the request and hand its reply to `response`. Only when idle and open. Until `deadline` it may go elsewhere."""
        self._response = response
        self._relaying = False
        pieces: list[bytes] = []
        self._pieces = pieces
        self._stored = 0
        self._reader.begin(response.head_only, pieces.append)
        response._holder = self
        response.connected = True
        if body is None or isinstance(body, bytes):
            self._request = head + body if body else head
            self._deadline = deadline
            self._owner.departures.add(self)
        else:
            assert self._transport is not None
            response.sent = True
            self._transport.write(head)
            self._pump = self._loop.create_task(self._send(body))
            self._owner.started(self._pump)

    def depart(self, stirred: bool) -> None:
        """Send what waits, unless something has come from the vendor meanwhile: then nothing is sent here."""
        request, response, transport = self._request, self._response, self._transport
        if request is None or response is None:
            return  # given up, or gone elsewhere already
        if stirred and self._tls is not None and self._idle_s < 0:
            stirred = False  # a new TLS connection has words of its own
        if stirred or transport is None or transport.is_closing():
            self._leave(response, request)
            return
        self._request = None
        response.sent = True
        transport.write(request)

    def _leave(self, response: Response, request: bytes) -> None:
        """The connection turned out to be no good before a byte was sent: the request goes elsewhere, or fails where even a
        new connection is like that.
        """
        if self._idle_s < 0:
            self.fail(ResetBeforeReply("the vendor closed the connection, or spoke, before it was asked"))
            return
        self._response = self._request = None
        response.connected = False
        self.close()
        self._owner.elsewhere(response, request, self._deadline)

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:  # nobody asked: these bytes must never answer the next request
            self.close()
            return
        if self._request is not None:  # an answer to what was not asked yet
            self._leave(response, self._request)
            return
        response.activity = self._time()
        reader = self._reader
        try:
            reader.feed(data)
        except WireError as error:
            if self._response is response:
                self.fail(error)
            return
        if self._response is not response:  # the sink gave up
            return
        if reader.stage >= WHOLE:
            self._settle(response)
        elif reader.stage == BODY:
            if not response.status:
                response.arrived(reader.status, reader.headers, reader.fields)
            if not self._relaying:
                self._store(len(data))
            if response.waiter is not None:
                response.tell()

    def _settle(self, response: Response) -> None:
        """The reply is whole: tell the caller, and give the connection back if its state is certain."""
        reader = self._reader
        self._response = None
        if not response.status:
            response.arrived(reader.status, reader.headers, reader.fields)
        if self._relaying:
            response.ended()
        else:
            pieces, self._pieces = self._pieces, []
            response.completed(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        # An answer that came before the whole request was out leaves the rest of it in between.
        if reader.keep and reader.stage == WHOLE and self._pump is None and not self._unsent():
            if self._idle_s < 0:
                self._idle_s = _idle_time(response.fields, self._limits.idle_expiry_s)
                self._remember_session()
            self._idle_until = response.activity + self._idle_s
            if self._stopped:
                self._held = self._paused = False
                self._set_reading()
            self._owner.freed(self)
        else:
            self.close()
        if response.waiter is not None:
            response.tell()

    # --- what Response asks for ---

    def drop(self) -> None:
        self.close()

    def stream_to(self, sink: Sink) -> None:
        response = self._response
        pieces, self._pieces = self._pieces, []
        self._relaying = True
        self._reader.sink = sink
        for piece in pieces:
            sink(piece)
            if self._response is not response:  # the sink gave up
                return
        self._held = False
        self._set_reading()

    def hold_back(self, hold: bool) -> None:
        self._paused = hold
        self._set_reading()

    def _store(self, size: int) -> None:
        """Keep for a caller who has not asked for the body yet, within bounds."""
        self._stored += size
        if self._stored > self._limits.stored_bytes:
            self._held = True
            self._set_reading()

    def _set_reading(self) -> None:
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
        """Stream the body. It stays its owner's: it is neither closed nor read on when this ends early."""
        try:
            await self._send_all(body, getattr(body, "length", None))
        except WireError as error:
            self._pump = None
            self.fail(error)
        except Exception as error:  # whatever the body's source raises ends this exchange only
            self._pump = None
            failure = BodyFailed(
                f"the request body could not be read to its end: {type(error).__name__}", sent=True
            )
            failure.__cause__ = error
            self.fail(failure)
        self._pump = None

    async def _send_all(self, body: AsyncIterable[bytes], length: int | None) -> None:
        left = length or 0
        async for piece in body:
            if length is None:
                if piece:  # an empty chunk would be the end
                    await self._write(b"%x\r\n%b\r\n" % (len(piece), piece))
                continue
            left -= len(piece)
            if left < 0:
                raise BodyFailed(f"the request body is longer than the {length} bytes announced", sent=True)
            await self._write(piece)
        if left:
            raise BodyFailed(f"the request body lacks {left} of the {length} bytes announced", sent=True)
        if length is None:
            await self._write(b"0\r\n\r\n")

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


def _nothing() -> int:
    return 0


def _idle_time(fields: dict[bytes, bytes], most_s: float) -> float:
    """How long the connection may lie idle: one second less than the vendor says that it keeps it."""
    for word in fields.get(b"keep-alive", b"").split(b","):
        name, _, value = word.strip().partition(b"=")
        if name.lower() == b"timeout" and value.isdigit():
            return min(most_s, max(int(value[:9]) - 1.0, 0.0))
    return most_s
