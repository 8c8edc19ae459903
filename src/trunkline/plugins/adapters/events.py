"""Taking whole server-sent events apart when a block holds something worth reading (WHATWG HTML, 9.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_LINE = re.compile(rb"\r\n|\n|\r")


def data_of(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(event name, data) of each event in a block of whole events; comments and empty events are passed over."""
    for event in _BLANK.split(block):
        name, data = b"", []
        for line in _LINE.split(event):
            field, _, value = line.partition(b":")
            value = value[1:] if value[:1] == b" " else value
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value
        if data:
            yield name, b"\n".join(data)
