"""Takes whoever's data out of recorded bodies, leaving their form: an id stays an id of its kind, a date a date, a text as long as it was.

The same value gets the same stand-in within one recording, so that ids still fit together. What is not known to be harmless is
replaced. Pure, given a key. Not for: findings, which need no values (`skeleton.py`), nor for the categories of data (the data map).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from trunkline.core.codec import DecodeError, from_json, to_json
from trunkline.core.scrub import Scrubber
from trunkline.ops.contracts.formats import (
    LINES,
    PERSONAL,
    SECRET,
    is_random_key,
    is_word,
    number_format,
    text_format,
)
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
_OF_SOMEBODY = re.compile(
    r"(^|_)(first|last|given|family|middle|nick|full|display|legal|maiden)(_?name)?$|(^|_)(dob|user|sub|person|people|member|patient|guest"
    r"|recipient|sender|signer|note|notes|memo|comment|comments|remark|remarks|message|text|content|contents|delta|description|summary|body|bio"
    r"|caption|query|q|prompt|input|output|response|completion|answer|thinking|reasoning|transcript|transcription|translation|refusal"
    r"|partial_json|keyword|keywords|tag|tags|label|labels|word|words|to|from|cc|bcc|host|hostname|domain|device|employer|religion"
    r"|diagnosis|occupation|profession)$",
    re.IGNORECASE,
)
"""Names of fields whose words, even single ones in small letters, are what somebody wrote or is."""
_BORN = re.compile(r"birth|(^|_)(dob|born)(_|$)", re.IGNORECASE)
_WHERE = re.compile(r"(^|_)(lat|lng|lon|long|latitude|longitude)$", re.IGNORECASE)
LONG_NUMBER = 10**8
"""Numbers from here on that are no instants may be of a card, an account or a phone."""
DEPTH_MAX = 100
"""What is nested deeper is left out."""
_FILLER = "lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod tempor "
_KIND = re.compile(r"([a-z]+|[A-Z]+)(_[a-z]+)*")
_PREFIX = re.compile(r"([A-Za-z]{1,12}[_-]){1,2}(?=[A-Za-z0-9]{6,}$)(?=.*(\d|[a-z][A-Z]|[A-Z][a-z]))")
"""With which vendors begin their ids."""
_STEP_ID = re.compile(
    r"[A-Za-z]{1,12}_(?=[A-Za-z0-9]{8,}$)(?=.*[a-z][A-Z]).*|.*@.*|.*\s.*|(?=(.*\d){4})(?!v?\d{4}-\d\d).*"
)
_MONTH = re.compile(r"\d{4}-\d\d")
_MARK = re.compile(rb"\[[A-Z_]{1,18}\]|")
"""Data of an event that is no data: `[DONE]`."""
_EVENT_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_.:/-]{0,60}|")
_ENDS = re.compile(rb"(\r\n|\n|\r)")
_ADDRESS = re.compile(r"[^\s<>\"'@]{1,64}@[A-Za-z0-9.-]+|[a-z][a-z0-9+.-]{1,20}://[^\s<>\"']+")


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
        if streamed_lines(media):
            return b"".join(self.line(line) for line in body.splitlines(keepends=True))
        try:
            return to_json(self.value("", from_json(body)))
        except DecodeError:
            pass
        if media.startswith("text/"):
            return self._filler(body.decode("utf-8", "replace")).encode()
        return f"<{len(body)} bytes of {media.partition(';')[0].strip() or 'unknown type'}>".encode()

    def line(self, line: bytes) -> bytes:
        """One line of a body of JSON lines."""
        inner = line.strip()
        if not inner:
            return line
        return self._data(inner) + (b"\n" if line.endswith((b"\n", b"\r")) else b"")

    def event(self, raw: bytes) -> bytes:
        """Events of a stream as they came: names and the kind of line ends stay, data and ids are replaced, remarks go."""
        pieces = _ENDS.split(raw)
        out, block = [], []
        for line, end in zip(pieces[::2], [*pieces[1::2], b""], strict=True):
            if line:
                block.append((line, end))
                continue
            out += [*self._block(block), end]
            block = []
        return b"".join([*out, *self._block(block)])

    def _block(self, lines: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """The lines up to an empty one. JSON over several lines of data becomes one."""
        data = [_field(line)[2] for line, _ in lines if _field(line)[0] == b"data"]
        told = self._data(b"\n".join(data))
        whole = [told] if told != _TEXT else [each if _MARK.fullmatch(each) else _TEXT for each in data]
        for line, end in lines:
            name, start, value = _field(line)
            if name == b"data":
                if whole:
                    yield start + whole.pop(0) + end
            elif name == b"event":
                yield start + (value if _EVENT_NAME.fullmatch(value) else b"event") + end
            elif name == b"id":
                yield start + self._digits(value.decode("latin-1")).encode() + end
            elif name == b"retry" and value.isdigit():
                yield line + end
            elif name == b"":
                yield b":" + end

    def _data(self, data: bytes) -> bytes:
        if _MARK.fullmatch(data):
            return data
        try:
            return to_json(self.value("", from_json(data)))
        except DecodeError:
            return _TEXT

    def query(self, query: str) -> str:
        """A query string."""
        pairs = parse_qsl(query, keep_blank_values=True)
        return urlencode([(name, str(self.value(_last(name), value))) for name, value in pairs])

    def path(self, path: str) -> str:
        """A path: steps that look like ids or addresses are replaced."""
        return "/".join(self._step(step) for step in path.split("/"))

    def _step(self, step: str) -> str:
        plain = unquote(step)
        return quote(self._text("", plain), safe=_SAFE) if is_somebodys(plain) else step

    def header(self, name: str, value: str) -> str:
        """The value of a header field that is kept: without addresses, and without the parts that were drawn for this one body."""
        if name == "content-type":
            return re.sub(r"boundary=[^;]+", "boundary=x", value)
        return self._secrets.text(_ADDRESS.sub(lambda found: self._text("", found.group()), value))

    def value(self, name: str, value: Any, *, free: bool = False, depth: int = 0) -> Any:
        """Anything that JSON can hold. `free`: everything here is the user's."""
        if isinstance(value, dict | list) and depth >= DEPTH_MAX:
            return type(value)()
        if isinstance(value, dict):
            inner = free or name.lower() in FREE or name.lower() in OPAQUE
            return {
                self._name(key, free=inner): self.value(key, item, free=inner, depth=depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list):
            if len(value) >= VECTOR and all(isinstance(item, int | float) for item in value):
                return [0.0] * len(value)
            return [self.value(name, item, free=free, depth=depth + 1) for item in value]
        if isinstance(value, str):
            return self._secrets.text(self._text(name, value, free=free))
        return self._number(name, value)

    def _number(self, name: str, value: Any) -> Any:
        """Numbers stay, but those that are somebody's; so do the other values without letters."""
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, float):
            return float(round(value)) if _WHERE.search(name) else value
        long = abs(value) >= LONG_NUMBER and not number_format(value, name).startswith("epoch")
        if long or PERSONAL.search(name) or SECRET.search(name):
            return (-1 if value < 0 else 1) * int(self._digits(str(abs(value))))
        return value

    def _name(self, key: str, *, free: bool = False) -> str:
        ours = is_random_key(key) or (free and not key.isidentifier())
        return self._text("", key) if ours else key

    def _text(self, name: str, value: str, *, free: bool = False) -> str:
        form = text_format(value)
        if SECRET.search(name) and value:
            return self._digits(value[:LONGEST])
        if _BORN.search(name) and value:
            return self._day(value)
        if (form in KEPT_FORMATS or _MONTH.fullmatch(value)) and not _WHERE.search(name):
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
        start = prefix.group() if prefix is not None else ""
        return start + self._digits(value[len(start) :])

    def _day(self, value: str) -> str:
        """Another day in place of one on which somebody was born; what is no day becomes other digits."""
        mark = int(self._mark(value)[:8], 16)
        day = f"{1950 + mark % 50}-{mark // 50 % 12 + 1:02}-{mark // 600 % 28 + 1:02}"
        if re.match(r"\d{4}-\d\d-\d\d(?!\d)", value):
            return day + value[10:]
        return self._digits(value)

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
    return bool(_KIND.fullmatch(value)) and not (PERSONAL.search(name) or _OF_SOMEBODY.search(name))


def is_somebodys(step: str) -> bool:
    """Whether a step of a path is an id, a key or an address rather than the name of something. A month is a vendor's version."""
    return (is_random_key(step) or bool(_STEP_ID.fullmatch(step))) and not _MONTH.fullmatch(step)


def streamed_lines(media: str) -> bool:
    """Whether a body of this type is one JSON text a line."""
    return bool(LINES.search(media.lower()))


_TEXT = b"<text>"
_SAFE = "$&+,;=:@!'()*"


def _field(line: bytes) -> tuple[bytes, bytes, bytes]:
    """A line of an event: its name, what stands before its value, and the value."""
    name, colon, value = line.partition(b":")
    space = b" " if value.startswith(b" ") else b""
    return name.removeprefix(b"\xef\xbb\xbf"), name + colon + space, value[len(space) :]


def _last(name: str) -> str:
    """The name that a nested form field ends with: `address[city]` -> `city`."""
    return re.split(r"[\[\]]+", name.rstrip("]"))[-1]
