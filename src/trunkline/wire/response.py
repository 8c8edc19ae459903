"""One reply of a vendor as its caller sees it: ready, then the body by `read` or `relay`. No sockets here.

A caller that stops caring must call `abort`: dropping the object, or cancelling the task that waits, leaves the
connection to the vendor occupied until the reply ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from trunkline.wire.errors import Aborted, ReplyTooLarge
from trunkline.wire.framing import Sink

# What a response has before its head is here. Replaced, never filled; shared, for there is one response per call.
_NO_HEADERS: list[tuple[bytes, bytes]] = []
_NO_FIELDS: dict[bytes, bytes] = {}


class Holder(Protocol):
    """Whatever works on the exchange just now: the line for a connection, a dial, or a connection."""

    def drop(self) -> None: ...
    def stream_to(self, sink: Sink) -> None: ...
    def hold_back(self, hold: bool) -> None: ...


class Response:
    """The reply to one request, from `Client.open` on. `fields` are the headers as a dict, first value wins."""

    __slots__ = (
        "_end",
        "_error",
        "_holder",
        "_loop",
        "_ready",
        "activity",
        "body",
        "complete",
        "connected",
        "fields",
        "head_only",
        "headers",
        "sent",
        "status",
        "waiter",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, now: float, head_only: bool) -> None:
        self._loop = loop
        self._ready: asyncio.Future[Response] | None = None
        self._end: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._holder: Holder | None = None
        self.activity = now
        self.head_only = head_only
        self.status = 0
        self.headers = _NO_HEADERS
        self.fields = _NO_FIELDS
        self.body = b""
        self.complete = self.sent = self.connected = False
        self.waiter: Callable[[], None] | None = None
        """Called once, synchronously, when `ready` would be done: the way for one who can go on without a task."""

    def __repr__(self) -> str:
        if self._error is not None:
            state = f"failed {type(self._error).__name__}"
        elif self.complete:
            state = "complete"
        else:
            state = "streaming" if self.status else "sent" if self.sent else "connecting"
        return f"<Response {self.status or '-'} {state}>"

    @property
    def ready(self) -> asyncio.Future[Response]:
        """Resolves with this object when status and fields are here; fails with a WireError."""
        if self._ready is not None:
            return self._ready
        future: asyncio.Future[Response] = self._loop.create_future()
        if self.status:
            future.set_result(
                self
            )  # not kept: an object and a future that hold each other are work for the collector
        elif self._error is not None:
            _fail(future, self._error)
        else:
            self._ready = future
        return future

    def relay(self, sink: Sink) -> asyncio.Future[None]:
        """Push every piece of the body into `sink`, those already here first; resolves at the true end.

        Once per response and only when it is ready. `sink` is called from the socket's callback and must not raise.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        if self._error is not None:
            _fail(future, self._error)
        elif self.complete:
            if self.body:
                sink(self.body)
            future.set_result(None)
        elif self._holder is None or not self.status or self._end is not None:
            raise RuntimeError("relay() may be called once, after ready")
        else:
            self._end = future
            self._holder.stream_to(sink)
        return future

    async def read(self, limit: int) -> bytes:
        """The whole body; ReplyTooLarge, and the connection closed, if it is longer than `limit`."""
        pieces: list[bytes] = []
        size = 0

        def keep(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            pieces.append(piece)
            if size > limit:
                self.abort(ReplyTooLarge(f"the reply is longer than {limit} bytes", sent=True))

        try:
            await self.ready
            if self.complete and len(self.body) > limit:
                raise ReplyTooLarge(f"the reply is longer than {limit} bytes", sent=True)
            if self.complete:
                return self.body
            await self.relay(keep)
        except asyncio.CancelledError:
            self.abort()
            raise
        return b"".join(pieces)

    def pause(self) -> None:
        """Stop reading from the vendor; what is already parsed may still reach the sink."""
        if self._holder is not None:
            self._holder.hold_back(True)

    def resume(self) -> None:
        """Go on reading. Counts as activity: the silence was ours."""
        if self._holder is not None:
            self.activity = self._loop.time()
            self._holder.hold_back(False)

    def abort(self, error: BaseException | None = None) -> None:
        """Give up: leave the line, stop the dial or close the connection, and fail whoever waits."""
        holder = self._holder
        if holder is None:
            return
        self.failed(error if error is not None else Aborted("the exchange was given up", sent=self.sent))
        holder.drop()

    # The rest is called by the holder.

    def tell(self) -> None:
        """The reply is ready, or never will be, and nothing of it is being worked on: let the waiter go on."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None:
            waiter()

    @property
    def error(self) -> BaseException | None:
        """Why there will be no (further) reply."""
        return self._error

    def arrived(self, status: int, headers: list[tuple[bytes, bytes]], fields: dict[bytes, bytes]) -> None:
        """The final status and the fields are here."""
        self.status, self.headers, self.fields = status, headers, fields
        future, self._ready = self._ready, None
        if future is not None and not future.done():
            future.set_result(self)

    def completed(self, body: bytes) -> None:
        """The whole body is here, and no sink took it."""
        self._holder = None
        self.body = body
        self.complete = True

    def ended(self) -> None:
        """The sink has got everything."""
        self._holder = None
        future, self._end = self._end, None
        if future is not None and not future.done():
            future.set_result(None)

    def failed(self, error: BaseException) -> None:
        """No (further) reply will come."""
        self._holder = None
        self._error = error
        ready, self._ready = self._ready, None
        end, self._end = self._end, None
        if ready is not None:
            _fail(ready, error)
        if end is not None:
            _fail(end, error)
        self.tell()


def _fail(future: asyncio.Future[Response] | asyncio.Future[None], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # seen: a future that nobody awaits must not log at its end
