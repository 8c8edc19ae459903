"""Whole messages of one turn of the loop, written together at its end.

Each write to a socket wakes whoever waits at its other end; where that core sleeps, the waking costs more than the write. Written
one right after the other, only the first of them finds it asleep. Not for: pieces of streams, which must not wait for anything.
"""

from __future__ import annotations

import asyncio


class Direct:
    """An outbox that keeps nothing: where there is no loop to wait for."""

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Writes now."""
        transport.write(data)

    def flush(self) -> None:
        """Nothing waits."""


class Outbox:
    """Keeps (transport, data) until the loop has served what was ready. Who closes or writes otherwise must `flush` first."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Has `data` written soon, in order."""
        waiting = self._waiting
        if not waiting:
            self._loop.call_soon(self.flush)
        waiting.append((transport, data))

    def flush(self) -> None:
        """Writes now what waits; what belongs to a closed transport is dropped."""
        waiting = self._waiting
        if waiting:
            self._waiting = []
            for transport, data in waiting:
                if not transport.is_closing():
                    transport.write(data)
