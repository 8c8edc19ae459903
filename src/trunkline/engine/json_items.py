"""Reads a stream that is one JSON array of events (Gemini without `alt=sse`) while it passes unchanged, so that its usage is known.

Not for: making such arrays (`json_array.py`), nor streams of SSE (`relay.py`).
"""

from __future__ import annotations

import re

from trunkline.core.codec import DecodeError
from trunkline.core.ports import Adapter, Reading

ITEM_MAX = 16 << 20
"""A longer event is not read; the rest of the stream then neither."""
_MARK = re.compile(rb'[{}"]|\\.', re.DOTALL)


class Items:
    """Hands each event of an array to the dialect's adapter as soon as it is whole."""

    __slots__ = ("_adapter", "_at", "_depth", "_held", "_lost", "_quoted", "_reading", "seen")

    def __init__(self, adapter: Adapter, reading: Reading) -> None:
        self._adapter, self._reading = adapter, reading
        self._held = bytearray()
        """From the begin of the event that is not whole yet."""
        self._at = 0
        """So much of it was looked at."""
        self._depth = 0
        self._quoted = self._lost = False
        self.seen = False
        """Whether there was an event."""

    def feed(self, piece: bytes) -> None:
        """Looks at what passes."""
        if self._lost:
            return
        self._held += piece
        start = 0 if self._depth else -1
        end = len(self._held)
        slashes = end - self._at - len(self._held[self._at :].rstrip(b"\\"))
        end -= slashes % 2  # the last one belongs to what comes next
        for hit in _MARK.finditer(self._held, self._at, end):
            mark = hit[0]
            if mark == b'"':
                self._quoted = not self._quoted
            elif self._quoted or len(mark) > 1:
                continue
            elif mark == b"{":
                start = hit.start() if not self._depth else start
                self._depth += 1
            elif self._depth:
                self._depth -= 1
                if not self._depth:
                    self._read(bytes(self._held[start : hit.end()]))
                    start = -1
        self._keep(start, end)

    def _keep(self, start: int, end: int) -> None:
        """Only the event that has begun is still needed."""
        cut = start if self._depth else end
        del self._held[:cut]
        self._at = end - cut
        self._lost = len(self._held) > ITEM_MAX
        if self._lost:
            self._held.clear()

    def _read(self, event: bytes) -> None:
        self.seen = True
        try:
            self._adapter.read(event, self._reading)
        except DecodeError:
            self._lost = True
