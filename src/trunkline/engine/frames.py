"""How the events of a stream are told apart: server-sent events by a blank line, lines of JSON (NDJSON) by the end of each. Pure.

A model's stream is passed on in whole events, and here is only where these end. Not for: what stands in them (`plugins/adapters`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from trunkline.core.dialects import LINES as LINED

_CR = ord("\r")
"""Its number is looked for at a fraction of the price of its byte, which `in` first tries to take for one."""


class Frames(NamedTuple):
    """One way."""

    media: bytes
    """Beginning of the content type."""
    boundary: Callable[[bytes, bytes], int]
    """Offset in a piece just after the last whole event that ends in it, 0 or less when none does; first come the last bytes already
    held."""
    end: bytes
    """What ends an event."""
    mark: bytes
    """What stands in each event once."""

    def before_error(self, block: bytes, data: bytes) -> bytes:
        """The whole events of a block that stand before the one that holds `data`."""
        at = block.find(data.partition(b"\n")[0])
        return block[: self.boundary(b"", block[:at])] if at > 0 else b""


def boundary(before: bytes, piece: bytes) -> int:
    """Offset in `piece` just after the last blank line that ends an SSE event; 0 or less when it holds none.

    Lines may end in LF, CRLF or CR (WHATWG HTML, 9.2.6); `before` are the last bytes already held.
    """
    cut = piece.rfind(b"\n\n")
    best = cut + 2 if cut >= 0 else 0
    if _CR in piece or _CR in before:
        for mark in (b"\n\r\n", b"\r\r"):
            at = piece.rfind(mark)
            if at >= 0:
                best = max(best, at + len(mark))
    if best:
        return best
    for mark in (b"\n\n", b"\n\r\n", b"\r\r"):
        for split in range(1, len(mark)):
            if before.endswith(mark[:split]) and piece.startswith(mark[split:]):
                best = max(best, len(mark) - split)
    return best


def line_end(before: bytes, piece: bytes) -> int:
    """Offset in `piece` just after its last line feed; 0 when it has none. A line feed stands in JSON only between its members."""
    del before
    return piece.rfind(b"\n") + 1


EVENTS = Frames(b"text/event-stream", boundary, b"\n\n", b"data:")
LINES = Frames(b"application/x-ndjson", line_end, b"\n", b"\n")


def frames_of(dialect: str) -> Frames:
    """Those of a dialect's streams; empty: of no model's."""
    return LINES if dialect in LINED else EVENTS
