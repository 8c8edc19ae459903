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

# After a half-close: when to write something harmless, and when to look for the answer.
PROBE_S = 0.3
ANSWER_S = 0.15

_RESET = struct.pack("ii", 1, 0)


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
