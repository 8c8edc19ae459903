"""Whether a client that has closed its sending half still waits for the reply, and how to end a connection
hard.

A half-close and a full close look alike (both are a FIN): only after something was written to it does the
system of a client that is gone answer with a reset, and that shows on the socket. Not for: when to look
(`inbound`).
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from typing import Protocol

# After a half-close: when to write something harmless, when to look for the answer, and how often again.
PROBE_S = 0.3
ANSWER_S = 0.15
AGAIN_S = 1.0

_RESET = struct.pack("ii", 1, 0)


class Answer(Protocol):
    """The reply that the client may be waiting for; `probe` writes what means nothing."""

    closed: bool

    def probe(self) -> None: ...


def watch(transport: asyncio.Transport, reply: Answer) -> None:
    """Look, until the reply has ended, whether the client is still there; end the connection when it is not."""
    loop = asyncio.get_running_loop()

    def probe() -> None:
        if not reply.closed:
            reply.probe()
            loop.call_later(ANSWER_S, look)

    def look() -> None:
        if not reply.closed:
            if is_gone(transport):
                transport.abort()
            else:
                loop.call_later(AGAIN_S, look)

    loop.call_later(PROBE_S, probe)


def is_gone(transport: asyncio.Transport) -> bool:
    """Whether the client's system has said that nobody is there any more."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def reset(transport: asyncio.Transport) -> None:
    """End with a reset, so that a body which only the connection's end delimits does not look complete."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
