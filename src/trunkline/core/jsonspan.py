"""Finds members of the outermost JSON object in a body without parsing the rest, piece by piece.

For: reading `model` and `stream` of bodies too large to parse on the loop, and replacing one value while every other byte stays
as the caller sent it. Not for: validating JSON; the vendor does that.
"""

from __future__ import annotations

import re

from trunkline.core.codec import DecodeError, from_json, to_json

_STRUCTURE = re.compile(rb'["{}\[\],:]')
_LITERAL_MAX = 512
_DEPTH_MAX = 512
"""Parsers give up on deeper values, too."""


def _whole_values(levels: int) -> bytes:
    """A pattern for everything up to a bracket that is not closed again within so many levels, or a string that is long or has no
    end here: those are passed over faster by a search for their end.
    """
    plain = rb'[^"{}\[\]]++|"[^"\\]{0,512}+(?:\\.[^"\\]{0,512}+)*+"'
    if levels == 0:
        return b"(?:" + plain + b")*+"
    inner = _whole_values(levels - 1)
    return b"(?:" + plain + rb"|\{" + inner + rb"\}|\[" + inner + rb"\])*+"


# Nobody looks into what lies deeper than the outermost members: long bodies are passed over at the speed of the pattern.
_DEEP = re.compile(_whole_values(4), re.DOTALL)


class Members:
    """Feed it a body in pieces; `found` maps each wanted key to (start, end, value) with offsets in the whole body.

    `twice` holds wanted keys that occur more than once. `done` is set when the outermost object has ended. `broken` is set when
    the body is no JSON object as far as seen.
    """

    def __init__(self, *wanted: str) -> None:
        self.wanted = frozenset(wanted)
        self.found: dict[str, tuple[int, int, object]] = {}
        self.twice: set[str] = set()
        self.done = False
        self.broken = False
        self._offset = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._expect_key = True
        self._key: str | None = None
        self._token: bytearray | None = None
        self._value_at = -1

    def feed(self, data: bytes) -> None:
        position = 0
        if self._escaped and data:
            self._keep(data[:1])
            self._escaped = False
            position = 1
        while position < len(data) and not self.done and not self.broken:
            position = self._string(data, position) if self._in_string else self._outside(data, position)
        self._offset += len(data)

    def _string(self, data: bytes, position: int) -> int:
        """To the end of a string, or of the data: to the next quote that no odd number of backslashes precedes.

        Strings are the bulk of a body (images), so they are passed by `find`.
        """
        quote = data.find(b'"', position)
        while quote >= 0 and _escaped(data, position, quote):
            quote = data.find(b'"', quote + 1)
        if quote < 0:
            self._escaped = _escaped(data, position, len(data))
            if self._token is not None:
                self._keep(data[position:])
            return len(data)
        if self._token is not None:
            self._keep(data[position : quote + 1])
        self._in_string = False
        if self._depth == 1 and self._expect_key:
            self._end_key()
        return quote + 1

    def _outside(self, data: bytes, position: int) -> int:
        if self._depth > 1:
            begin, position = position, _end_of(_DEEP, data, position)
            if self._token is not None:
                self._keep(data[begin:position])
        hit = _STRUCTURE.search(data, position)
        if hit is None:
            self._keep(data[position:])
            return len(data)
        at = hit.start()
        byte = data[at]
        if self._depth == 0 and byte != 0x7B:
            self.broken = True
            return at
        if byte == 0x22:
            self._keep(data[position:at])
            self._in_string = True
            if self._depth == 1 and self._expect_key:
                self._token = bytearray()
            self._keep(b'"')
        elif byte in b"{[":
            self._keep(data[position : at + 1])
            self._depth += 1
            self.broken = self._depth > _DEPTH_MAX
        elif byte in b"}]":
            self._close(data, position, at)
        elif self._depth == 1:
            self._separator(data, position, at)
        else:
            self._keep(data[position : at + 1])
        return at + 1

    def _close(self, data: bytes, position: int, at: int) -> None:
        if self._depth == 1:
            self._keep(data[position:at])
            self._end_value(self._offset + at)
            self.done = True
        else:
            self._keep(data[position : at + 1])
        self._depth -= 1

    def _separator(self, data: bytes, position: int, at: int) -> None:
        if data[at] == 0x3A:
            self._expect_key = False
            self._value_at = self._offset + at + 1
            self._token = bytearray() if self._key in self.wanted else None
        else:
            self._keep(data[position:at])
            self._end_value(self._offset + at)
            self._expect_key = True

    def _keep(self, piece: bytes) -> None:
        if self._token is not None and len(self._token) <= _LITERAL_MAX:
            self._token += piece

    def _end_key(self) -> None:
        try:
            key = from_json(bytes(self._token or b""))
        except DecodeError:
            self.broken = True
            return
        self._key = key if isinstance(key, str) else None
        self._token = None

    def _end_value(self, end: int) -> None:
        if self._key in self.wanted and self._token is not None:
            raw = bytes(self._token)
            try:
                value = from_json(raw) if len(raw) <= _LITERAL_MAX else None
            except DecodeError:
                self.broken = True
                return
            start = self._value_at + len(raw) - len(raw.lstrip())
            if self._key in self.found:
                self.twice.add(self._key)
            self.found[self._key] = (start, end - (len(raw) - len(raw.rstrip())), value)
        self._key = None
        self._token = None


def _end_of(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    hit = pattern.match(data, position)
    return hit.end() if hit is not None else position


def _escaped(data: bytes, start: int, at: int) -> bool:
    """Whether an odd number of backslashes stands right before `at`, looking no further back than `start`."""
    before = at
    while before > start and data[before - 1] == 0x5C:
        before -= 1
    return (at - before) % 2 == 1


def replace_model(body: bytes, asked: str, name: bytes) -> bytes:
    """The body with the value of its outermost `model` replaced by the JSON string of `name`; all other bytes stay."""
    # A key may be spelled with escapes; then the plain spelling may be that of an inner object.
    if body.count(b'"model"') == 1 and body.find(b"\\u00") < 0:
        for key in (b'"model":', b'"model": '):
            head, found, tail = body.partition(key + b'"' + asked.encode() + b'"')
            if found:
                return head + key + quoted(name) + tail
    members = Members("model")
    members.feed(body)
    span = members.found.get("model")
    if span is None:
        return body
    return body[: span[0]] + quoted(name) + body[span[1] :]


def quoted(name: bytes) -> bytes:
    """The JSON string of a name (UTF-8). A caller chooses it, so it must not be able to end its own string."""
    return to_json(name.decode())
