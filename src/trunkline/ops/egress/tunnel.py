"""One client of the CONNECT listener: its head, then bytes both ways with back-pressure, until either side ends.

Not for: who may reach what (`listener.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from .head import HEAD_BYTES, Refused, answer

if TYPE_CHECKING:
    from .listener import Listener

HEAD_S = 10.0
EARLY_BYTES = 64 << 10


class Outside(asyncio.Protocol):
    """The side of the vendor."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._client.from_outside(data)

    def eof_received(self) -> bool:
        self._client.outside_ended()
        return True

    def pause_writing(self) -> None:
        self._client.hold(True)

    def resume_writing(self) -> None:
        self._client.hold(False)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self._client.close()


class Client(asyncio.Protocol):
    """The side of the client; it owns the tunnel."""

    def __init__(self, listener: Listener, clock: Callable[[], float]) -> None:
        self._listener = listener
        self._clock = clock
        self._head = b""
        self._early = b""
        self._asked = False
        self._ends = 0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.outside: Outside | None = None
        self.task: asyncio.Task[None] | None = None
        self.peer = ""
        self.name = ""
        """Under which its bytes are counted."""
        self.caller_id = ""
        self.target: tuple[str, int] = ("", 0)
        self.active_at = clock()

    @property
    def closed(self) -> bool:
        return self._transport is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HEAD_S, self._too_slow)
        self._listener.came(self)

    def _too_slow(self) -> None:
        self.refuse(Refused(408, "timeout", f"No complete request came within {HEAD_S:g} s."))

    def data_received(self, data: bytes) -> None:
        self.active_at = self._clock()
        if self.outside is not None and self.outside.transport is not None:
            self._listener.counts.sent[self.name] += len(data)
            self.outside.transport.write(data)
        elif self._asked:
            self._early += data
            if len(self._early) > EARLY_BYTES and self._transport is not None:
                self._transport.pause_reading()
        else:
            self._reads(data)

    def _reads(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > HEAD_BYTES:
                self.refuse(
                    Refused(
                        431,
                        "invalid_request",
                        f"The head of the request is larger than {HEAD_BYTES >> 10} KB.",
                    )
                )
            return
        self._asked = True
        self._stop_timer()
        head, self._early, self._head = self._head[:end], self._head[end + 4 :], b""
        if end > HEAD_BYTES:
            self.refuse(
                Refused(
                    431, "invalid_request", f"The head of the request is larger than {HEAD_BYTES >> 10} KB."
                )
            )
        else:
            self._listener.asked(self, head)

    def opened(self, outside: Outside) -> None:
        """The outside is reached: bytes pass from now on."""
        if self._transport is None or outside.transport is None:
            if outside.transport is not None:
                outside.transport.abort()
            self.close()
            return
        self.outside = outside
        self._transport.write(answer(200))
        early, self._early = self._early, b""
        if early:
            self._listener.counts.sent[self.name] += len(early)
            outside.transport.write(early)
        self._transport.resume_reading()

    def refuse(self, refused: Refused) -> None:
        """Answers why not, and closes."""
        self._stop_timer()
        if self._transport is None:
            return
        self._listener.counts.refused[refused.code] += 1
        reason = "Host Not Declared" if refused.code == "undeclared_host" else ""
        self._transport.write(answer(refused.status, refused, reason=reason))
        self._transport.close()

    def from_outside(self, data: bytes) -> None:
        """Bytes of the vendor."""
        self.active_at = self._clock()
        if self._transport is not None:
            self._listener.counts.received[self.name] += len(data)
            self._transport.write(data)

    def hold(self, yes: bool) -> None:
        """The outside takes no more for now, or takes again."""
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.pause_reading if yes else self._transport.resume_reading)()

    def pause_writing(self) -> None:
        if self.outside is not None and self.outside.transport is not None:
            self.outside.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.outside is not None and self.outside.transport is not None:
            self.outside.transport.resume_reading()

    def eof_received(self) -> bool:
        """The client sends no more; what it is still sent goes on."""
        if self.outside is None or self.outside.transport is None:
            return False
        self._end(self.outside.transport)
        return True

    def outside_ended(self) -> None:
        """The vendor sends no more."""
        if self._transport is not None:
            self._end(self._transport)

    def _end(self, other: asyncio.Transport) -> None:
        self._ends += 1
        if self._ends > 1:
            self.close()
        elif other.can_write_eof() and not other.is_closing():
            other.write_eof()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_timer()
        self._transport = None
        if self.task is not None:
            self.task.cancel()
        self.close()
        self._listener.left(self)

    def close(self) -> None:
        """Ends both sides; what was written still goes out."""
        for transport in (self._transport, self.outside.transport if self.outside else None):
            if transport is not None and not transport.is_closing():
                transport.close()

    def cut(self) -> None:
        """Ends both sides at once."""
        for transport in (self._transport, self.outside.transport if self.outside else None):
            if transport is not None:
                transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
