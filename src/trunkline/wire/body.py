"""A body in motion: an async iterator of bytes with back-pressure, filled from one side and read from the
other.

The server fills one from a caller's long upload, the client reads one to send it on. Not for: framing;
whoever fills it has already taken chunk sizes and the like off.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

HIGH_WATER = 256 * 1024
LOW_WATER = 64 * 1024


class BodyCut(Exception):
    """The body ended before its end: the sender went away, was too slow, or broke its framing."""


class BodyStream:
    """Bytes of one body in order. `length` is what the stream yields in all, None when not known beforehand.

    One producer (`push`, `finish`, `fail`) and one consumer (`async for`, `unread`, `close`), both on the
    same loop. `throttle(True)` is called when more than 256 KB wait to be read, `throttle(False)` when the
    reader has caught up.
    """

    __slots__ = (
        "_chunks",
        "_closed",
        "_done",
        "_error",
        "_size",
        "_slowed",
        "_throttle",
        "_waiter",
        "length",
    )

    def __init__(self, length: int | None, throttle: Callable[[bool], None] | None = None) -> None:
        self.length = length
        self._throttle = throttle
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._done = False
        self._closed = False
        self._slowed = False
        self._error: BaseException | None = None

    @property
    def complete(self) -> bool:
        """Whether the producer has delivered the whole body."""
        return self._done

    def push(self, chunk: bytes) -> None:
        """Add bytes; they are dropped when the reader has closed the stream."""
        if self._closed or not chunk:
            return
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > HIGH_WATER and not self._slowed:
            self._slow(True)
        self._wake()

    def finish(self) -> None:
        """The body is complete."""
        self._done = True
        self._wake()

    def fail(self, error: BaseException) -> None:
        """The body will never be complete: the reader gets `error` after the bytes that are here."""
        if not self._done and self._error is None:
            self._error = error
            self._wake()

    def unread(self, chunk: bytes) -> None:
        """Put bytes back before all others, e.g. those read ahead, so that one stream carries the whole body."""
        if chunk:
            self._chunks.appendleft(chunk)
            self._size += len(chunk)
            if self.length is not None:
                self.length += len(chunk)

    def close(self) -> None:
        """Read no further: what is here and what still comes is dropped."""
        self._closed = True
        self._chunks.clear()
        self._size = 0
        if self._slowed:
            self._slow(False)
        self._wake()

    def __aiter__(self) -> BodyStream:
        return self

    async def __anext__(self) -> bytes:
        """The next piece, never empty; raises what `fail` was given."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._done or self._closed:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        chunk = self._chunks.popleft()
        self._size -= len(chunk)
        if self._slowed and self._size < LOW_WATER:
            self._slow(False)
        return chunk

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _slow(self, slow: bool) -> None:
        self._slowed = slow
        if self._throttle is not None:
            self._throttle(slow)
