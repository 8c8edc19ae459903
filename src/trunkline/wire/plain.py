"""The usual reply, read without the parser: a 2xx that came whole, in one piece, with a head that holds nothing unusual.

A parser that calls back for each field costs more than all else that is done with a short reply. Vendors send the same lines over
and over, so each line is judged once, as strictly as the parser does, and remembered. Whatever is unusual in any way is left to
`framing.py`. Not for: replies that the parser would refuse, or frame otherwise; the tests compare both.
"""

from __future__ import annotations

import re

Field = tuple[bytes, bytes]

_STATUS = re.compile(rb"HTTP/1\.1 (2\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)")
_BODILESS = (204, 205)
_FRAMING = frozenset((b"transfer-encoding", b"upgrade", b"trailer", b"proxy-connection", b"keep-alive"))
"""Fields that say where a reply ends or what becomes of its connection: such a reply is the parser's."""
_LINES = 2048
_LINE_BYTES = 256


class _Unusual(Exception):
    """Something that the parser must see."""


Plain = tuple[int, list[Field], dict[bytes, bytes], bytes]
"""A whole reply: status, headers, the same with the first value winning, body."""


class _Statuses(dict[bytes, int]):
    """Status line -> status."""

    def __missing__(self, line: bytes) -> int:
        hit = _STATUS.fullmatch(line)
        status = int(hit[1]) if hit is not None else 0
        if not status or status in _BODILESS:
            raise _Unusual
        if len(self) < _LINES:
            self[line] = status
        return status


class _Fields(dict[bytes, Field]):
    """Field line -> (lower-cased name, value without surrounding whitespace)."""

    def __missing__(self, line: bytes) -> Field:
        hit = _FIELD.fullmatch(line)
        if hit is None:
            raise _Unusual
        name, value = hit[1].lower(), hit[2].strip(b" \t")
        if name in _FRAMING or (name == b"connection" and value.lower() != b"keep-alive"):
            raise _Unusual
        field = (name, value)
        if len(line) <= _LINE_BYTES:
            if len(self) >= _LINES:
                self.clear()
            self[line] = field
        return field


class PlainReader:
    """Reads usual replies; one for all connections, since a line means the same whoever sent it."""

    def __init__(self, *, head_bytes: int, fields: int) -> None:
        self._head_bytes = head_bytes
        self._fields = fields
        self._status = _Statuses()
        self._field = _Fields().__getitem__

    def read(self, data: bytes) -> Plain | None:
        """The reply that `data` is, whole and nothing more; None when it is for the parser to say."""
        end = data.find(b"\r\n\r\n", 0, self._head_bytes)
        if end < 0:
            return None
        first, *lines = data[:end].split(b"\r\n")
        try:
            status = self._status[first]
            headers = list(map(self._field, lines))
        except _Unusual:
            return None
        fields = dict(reversed(headers))
        body = data[end + 4 :]
        if fields.get(b"content-length") != b"%d" % len(body) or len(headers) > self._fields:
            return None
        if len(fields) != len(headers) and sum(name == b"content-length" for name, _ in headers) != 1:
            return None
        return status, headers, fields, body
