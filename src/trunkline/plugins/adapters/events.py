"""Taking whole server-sent events apart when a block holds something worth reading (WHATWG HTML, 9.2).

An event may be megabytes long, so that the only copy made of it is its data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PART = re.compile(
    rb"(?<![^\r\n])(?:data(?:: ?([^\r\n]*))?|event(?:: ?([^\r\n]*))?)(?=[\r\n]|\Z)"
    rb"|(\r\n\r\n|\n\n|\r\r|\n\r\n)"
)
"""By its last group: the value of a `data` field, that of an `event` field, a blank line; none: a field without a colon."""


def holds_any(block: bytes, marks: tuple[bytes, ...]) -> bool:
    """Whether one of these stands in a block. By `find`, at half the price of `in`, which first tries to take bytes for a number."""
    for mark in marks:  # noqa: SIM110 - a generator would cost more than all it saves; this is asked of each chunk
        if block.find(mark) >= 0:
            return True
    return False


def data_of(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(event name, data) of each event in a block of whole events; comments and empty events are passed over."""
    name, data = b"", []
    for part in _PART.finditer(block):
        match part.lastindex:
            case 1:
                data.append(part[1])
            case 2:
                name = part[2]
            case 3:
                if data:
                    yield name, data[0] if len(data) == 1 else b"\n".join(data)
                name, data = b"", []
            case _ if part[0] == b"data":
                data.append(b"")
            case _:
                name = b""
    if data:
        yield name, b"\n".join(data)
