"""Recognises a request whose head repeats the one before it on the same connection, and spares it the parser.

Clients send the same head again and again on a kept connection; what changes is the number in Content-Length. A head that is
equal byte for byte to one that was accepted, but for those digits, gets the same verdict. Per connection, so that no
client's secrets stay longer than its connection is in use. Not for: judging a head for the first time (`head`).
"""

from __future__ import annotations

from trunkline.wire.request import Request

_NEVER = b"\x00"  # no head begins with it
_LONGEST_HEAD = 8192
_MOST_DIGITS = 8
# A connection on which heads keep changing (one shared by many clients behind a proxy) is not worth the trouble.
_MOST_STRANGERS = 4


class Repeats:
    """The last head of one connection. `recall` what repeats it, else `remember` the new one."""

    __slots__ = ("_after", "_at", "_before", "_request", "_rest", "_strangers")

    def __init__(self) -> None:
        self._before = _NEVER  # the head up to the digits of Content-Length, or all of it where there is none
        self._after = b""  # the head from there on
        self._at = self._rest = 0  # their lengths
        self._request: Request | None = None
        self._strangers = 0

    def recall(self, data: bytes, most: int) -> Request | None:
        """The request in `data`, if that is the remembered head and one whole body of up to `most` bytes."""
        old = self._request
        if old is None or not data.startswith(self._before):
            return None
        at = self._at
        if not self._after:
            if len(data) != at:
                return None
            self._strangers = 0
            return Request(old.method, old.target, old.headers, old.fields, memo=old.memo)
        stop = data.find(b"\r", at, at + _MOST_DIGITS + 1)
        start = stop + self._rest
        length = len(data) - start
        if (
            data[at:stop] != b"%d" % length
            or not 0 < length <= most
            or not data.startswith(self._after, stop)
        ):
            return None
        self._strangers = 0
        return Request(
            old.method, old.target, old.headers, old.fields, body=data[start:], length=length, memo=old.memo
        )

    def remember(self, head: bytes, request: Request) -> None:
        """Take in an accepted head, if it is of a kind that a plain repetition may share its verdict with."""
        self._strangers += 1
        self._before = _NEVER
        plain = (
            request.minor == 1 and request.persistent and not request.expects and request.length is not None
        )
        if not plain or self._strangers > _MOST_STRANGERS or len(head) > _LONGEST_HEAD:
            return
        self._request = request
        value = request.fields.get(b"content-length")
        if value is None:
            self._before, self._after, self._at = head, b"", len(head)
            return
        name = head.lower().find(b"\r\ncontent-length:")
        at = head.find(value, name + 17)
        after = head[at + len(value) :]
        if name > 0 and value != b"0" and after.startswith(b"\r\n"):
            self._before, self._after = head[:at], after
            self._at, self._rest = at, len(after)
            headers = [field for field in request.headers if field[0] != b"content-length"]
            self._request = Request(
                request.method, request.target, headers, dict(reversed(headers)), memo=request.memo
            )
