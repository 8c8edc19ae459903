"""Sends a well-formed reply at its pace. `Line` is the sending side of a connection, as playback and wire faults see it.

Not for: replies that break the rules (`wire_faults.py`).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from trunkline.simulator import reply as replies
from trunkline.simulator.reply import Reply


class Line(Protocol):
    """What can be done with a connection. After `reset` and `close`, and when the client is gone, `put` does nothing."""

    method: str
    """Of the request being answered."""
    closing: bool
    """Whether the connection ends after this reply."""

    def put(self, data: bytes) -> None:
        """Hands bytes to the transport at once."""

    async def room(self) -> None:
        """Waits until the client has taken most of what was put."""

    def close(self) -> None:
        """Ends the connection with a FIN after what was put."""

    def reset(self) -> None:
        """Ends the connection with a RST, at once."""

    def deafen(self) -> None:
        """Stops reading from the client."""


async def pause(milliseconds: float) -> None:
    """Waits; not at all when there is nothing to wait for."""
    if milliseconds > 0:
        await asyncio.sleep(milliseconds / 1000)


async def play(line: Line, reply: Reply) -> str:
    """Sends the whole reply. Returns the ledger's outcome, `answered`."""
    await pause(reply.first_ms)
    if reply.pieces is None:
        line.put(replies.whole(reply, line.method, line.closing))
        return "answered"
    chunked = reply.length is None
    framing = (
        b"transfer-encoding: chunked\r\n" if chunked else b"content-length: %d\r\n" % (reply.length or 0)
    )
    line.put(replies.head(reply, framing, line.closing))
    if not replies.bodiless(reply.status, line.method):
        await _pieces(line, reply, chunked)
    return "answered"


async def _pieces(line: Line, reply: Reply, chunked: bool) -> None:
    for number, piece in enumerate(reply.pieces or ()):
        if number:
            await pause(reply.gap_ms)
        if number % 64 == 63:
            await asyncio.sleep(0)  # a client that reads as fast as this writes must not starve the others
        line.put(replies.chunk(piece) if chunked else piece)
        await line.room()
    if chunked:
        line.put(replies.LAST_CHUNK)
