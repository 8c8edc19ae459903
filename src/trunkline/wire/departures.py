"""Requests of one turn of the loop, sent together at its end, each over a connection that still is good at that very moment.

A kept connection may have been closed by the vendor, or hold bytes that nobody asked for; the loop tells us only when it next
polls. What is sent into a closed connection has an unknown outcome; what was not sent can go elsewhere. So all sockets are looked at
once, right before the writes: one system call per turn, however many requests leave. Written one right after the other, they also
wake the other side once and not each time. Not for: the pieces of a streamed request body.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
from typing import Protocol


class Departing(Protocol):
    """A connection with a request to send."""

    def depart(self, stirred: bool) -> None:
        """Sends what waits, or takes it elsewhere if something has come from the other side (`stirred`)."""


class Departures:
    """All connections of a client, and those that have something to send."""

    __slots__ = ("_loop", "_selector", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._selector = selectors.DefaultSelector()
        self._waiting: list[Departing] = []

    def watch(self, sock: socket.socket, connection: Departing) -> None:
        """From now on `stirred` tells of this socket."""
        self._selector.register(sock, selectors.EVENT_READ, connection)

    def forget(self, sock: socket.socket) -> None:
        """The socket is about to be closed."""
        self._selector.unregister(sock)

    def stirred(self) -> set[object]:
        """The connections on which something waits to be read, be it their end."""
        return {key.data for key, _ in self._selector.select(0)}

    def add(self, connection: Departing) -> None:
        """Has `depart` called at the end of this turn."""
        waiting = self._waiting
        if not waiting:
            self._loop.call_soon(self.flush)
        waiting.append(connection)

    def flush(self) -> None:
        """Sends what waits, in order."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            stirred = self.stirred()
            for connection in waiting:
                connection.depart(connection in stirred)

    def close(self) -> None:
        """Gives the selector's own descriptor back."""
        self._selector.close()
