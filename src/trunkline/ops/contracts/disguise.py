"""Takes whoever's data out of recorded bodies, leaving their form: an id stays an id of its kind, a date a date, a text as long as it was.

The same value gets the same stand-in within one recording, so that ids still fit together. What is not known to be harmless is
replaced. Pure, given a key. Not for: findings, which need no values (`skeleton.py`), nor for the categories of data (the data map).
"""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from trunkline.core.codec import DecodeError, from_json, to_json
from trunkline.core.scrub import Scrubber
from trunkline.ops.contracts.formats import PERSONAL, is_random_key, is_word, text_format
from trunkline.ops.contracts.observe import FREE, OPAQUE

KEPT_FORMATS = frozenset(
    ("date-time", "date-time-local", "date-time-space", "date", "date-slash", "http-date", "duration", "boolean-text", "empty",
     "decimal-text")
)  # fmt: skip
LONGEST = 2000
VECTOR = 64
"""An array of so many numbers says something of what it was made from."""
_SETTINGS = re.compile(
    r"(^|_)(model|version|encoding|format|locale|language|lang|currency|timezone|dialect|engine|voice|unit)s?$",
    re.IGNORECASE,
)
"""Names of fields that hold nobody's data, whatever the words look like."""
_FILLER = "lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod tempor "
_KIND = re.compile(r"([a-z]+|[A-Z]+)(_[a-z]+)*")
_PREFIX = re.compile(r"([A-Za-z]{1,12}[_-])+")


class Disguise:
    """One recording's stand-ins. `key`: anything that nobody knows afterwards. `secrets` are blotted out wherever they stand."""

    def __init__(self, key: bytes, secrets: Scrubber | None = None) -> None:
        self._key = key
        self._secrets = secrets or Scrubber()

    def body(self, body: bytes, media: str) -> bytes:
        """A JSON, form or text body; anything else is replaced by its length."""
        if not body:
            return body
        if "x-www-form-urlencoded" in media:
            pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
            return urlencode([(name, str(self.value(_last(name), value))) for name, value in pairs]).encode()
        try:
            return to_json(self.value("", from_json(body)))
        except DecodeError:
            pass
        if media.startswith("text/"):
            return self._filler(body.decode("utf-8", "replace")).encode()
        return f"<{len(body)} bytes of {media or 'unknown type'}>".encode()

    def event(self, raw: bytes) -> bytes:
        """One event of a stream: the data in it, line by line."""
        lines = raw.split(b"\n")
        return b"\n".join(self._line(line) for line in lines)

    def _line(self, line: bytes) -> bytes:
        name, colon, value = line.partition(b":")
        if name != b"data" or not colon:
            return line if name in (b"event", b"retry", b"") else b"" if name == b"id" else line
        space = b" " if value.startswith(b" ") else b""
        end = b"\r" if value.endswith(b"\r") else b""
        try:
            return b"data:" + space + to_json(self.value("", from_json(value.strip()))) + end
        except DecodeError:
            return line if len(value.strip()) <= 20 else b"data:" + space + b"<text>" + end

    def query(self, query: str) -> str:
        """A query string."""
        pairs = parse_qsl(query, keep_blank_values=True)
        return urlencode([(name, str(self.value(_last(name), value))) for name, value in pairs])

    def path(self, path: str) -> str:
        """A path: steps that look like ids or addresses are replaced."""
        return "/".join(self._text("", step) if is_random_key(step) else step for step in path.split("/"))

    def value(self, name: str, value: Any, *, free: bool = False) -> Any:
        """Anything that JSON can hold. `free`: everything here is the user's."""
        if isinstance(value, dict):
            inner = free or name.lower() in FREE or name.lower() in OPAQUE
            return {self._name(key): self.value(key, item, free=inner) for key, item in value.items()}
        if isinstance(value, list):
            if len(value) >= VECTOR and all(isinstance(item, int | float) for item in value):
                return [0.0] * len(value)
            return [self.value(name, item, free=free) for item in value]
        if isinstance(value, str):
            return self._secrets.text(self._text(name, value, free=free))
        if isinstance(value, bool) or value is None:
            return value
        if PERSONAL.search(name) and isinstance(value, int):
            return int(self._digits(str(abs(value))))
        return value

    def _name(self, key: str) -> str:
        return self._text("", key) if is_random_key(key) else key

    def _text(self, name: str, value: str, *, free: bool = False) -> str:
        form = text_format(value)
        if form in KEPT_FORMATS:
            return value
        if form == "email":
            return f"user-{self._mark(value)[:8]}@example.com"
        if form == "uri":
            parts = urlsplit(value)
            return f"{parts.scheme}://example.com/{self._mark(value)[:12]}"
        if form in ("uuid", "integer-text"):
            return self._digits(value)
        if is_word(value) and not free and (_SETTINGS.search(name) or _is_kind(name, value)):
            return value
        if " " in value or len(value) > LONGEST:
            return self._filler(value[:LONGEST])
        prefix = _PREFIX.match(value)
        start = prefix.group() if prefix is not None and prefix.end() < len(value) else ""
        return start + self._digits(value[len(start) :])

    def _mark(self, value: str) -> str:
        return hashlib.blake2b(value.encode(), key=self._key[:64], digest_size=32).hexdigest()

    def _digits(self, value: str) -> str:
        """Another text of the same kinds of characters."""
        marks = self._mark(value)
        out = []
        for n, letter in enumerate(value):
            code = int(marks[n % 64], 16) + n
            if letter.isdigit():
                out.append(str((code + 1) % 10) if n else str(code % 9 + 1))
            elif letter in "abcdef":
                out.append("abcdef"[code % 6])
            elif letter.isascii() and letter.isalpha():
                first = "A" if letter.isupper() else "a"
                out.append(chr(ord(first) + code % 26))
            else:
                out.append(letter if letter.isascii() else "x")
        return "".join(out)

    @staticmethod
    def _filler(value: str) -> str:
        """Words that say nothing, in place of those that were there: as long, with the same spaces at its ends."""
        inner = value.strip()
        if not inner:
            return value
        filled = (_FILLER * (len(inner) // len(_FILLER) + 1))[: len(inner)]
        start = value.index(inner)
        return (
            value[:start]
            + (filled[:-1] + "." if filled.endswith(" ") else filled)
            + value[start + len(inner) :]
        )


def _is_kind(name: str, value: str) -> bool:
    """Whether a word is of a vendor's set rather than of anybody's life."""
    return bool(_KIND.fullmatch(value)) and not PERSONAL.search(name)


def _last(name: str) -> str:
    """The name that a nested form field ends with: `address[city]` -> `city`."""
    return re.split(r"[\[\]]+", name.rstrip("]"))[-1]
