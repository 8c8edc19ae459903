"""Server-sent events out of bytes as they arrive (WHATWG HTML, section 9.2.6), for looking into streams.

Lines may end in LF, CRLF or CR, mixed, and a cut may fall anywhere, even inside a character. One thing differs from a
browser: an event that the stream's end cuts off before its blank line is not thrown away but given by `finish`, for
vendors forget that line. Nothing is interpreted here beyond the fields: JSON and `[DONE]` are the dialects' business.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# A line's end and then an empty line. A CR that is the last byte so far is undecided: its LF may still come.
_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r(?!\Z))")
_LONGEST_END = 4
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event. `event` is "message" where the stream names none; `id` is the last one seen, as a browser keeps it.

    `raw` is all bytes since the event before, comments and pings included: the `raw` of all events and the splitter's
    `rest` together are the stream.
    """

    event: str
    data: str
    id: str
    raw: bytes


class TooLong(Exception):
    """An event is longer than the limit. `events` are those that were complete before it."""

    def __init__(self, limit_bytes: int, events: list[Event]) -> None:
        super().__init__(f"an event of the stream is longer than {limit_bytes} bytes")
        self.events = events


class Splitter:
    """Feed it the body piece by piece; call `finish` at its end."""

    __slots__ = ("_block", "_buffer", "_id", "_limit_bytes", "_scanned", "_started")

    def __init__(self, limit_bytes: int = 8 << 20) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()
        self._block = 0  # where the block under way begins; before it lie blocks that were no events
        self._scanned = 0
        self._id = ""
        self._started = False

    @property
    def rest(self) -> bytes:
        """The bytes that belong to no event yet."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. Raises TooLong; the splitter is of no use then."""
        buffer = self._buffer
        buffer += data
        events: list[Event] = []
        while end := _END.search(buffer, self._scanned):
            self._finish_block(end.start(), end.end(), events)
        self._scanned = max(self._block, len(buffer) - _LONGEST_END)
        if len(buffer) > self._limit_bytes:
            raise TooLong(self._limit_bytes, events)
        return events

    def finish(self) -> Event | None:
        """The event that the end of the stream completes, if there is one."""
        events: list[Event] = []
        self._finish_block(len(self._buffer), len(self._buffer), events)
        return events[0] if events else None

    def _finish_block(self, end: int, after: int, events: list[Event]) -> None:
        buffer = self._buffer
        fields = self._read(bytes(buffer[self._block : end]))
        self._block = self._scanned = after
        if fields is None:
            return
        if after > self._limit_bytes:
            raise TooLong(self._limit_bytes, events)
        events.append(Event(*fields, bytes(buffer[:after])))
        del buffer[:after]
        self._block = self._scanned = 0

    def _read(self, block: bytes) -> tuple[str, str, str] | None:
        """Event, data and id of a block; None if it holds no data and so is no event."""
        if not self._started:
            self._started = True
            block = block.removeprefix(_BOM)
        name = b""
        data: list[bytes] = []
        for line in block.splitlines():
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value
            elif field == b"id" and b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        if not data:
            return None
        return (
            name.decode("utf-8", "replace") or "message",
            b"\n".join(data).decode("utf-8", "replace"),
            self._id,
        )
