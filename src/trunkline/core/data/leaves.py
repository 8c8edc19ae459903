"""Takes a body apart into its values, each with its key path and its place in the bytes; a body that is cut off gives what is there. Pure.

JSON (also lines of it), forms (`a[b]=c`), multipart with its text parts, event streams, any other text as one value. Not for: what the
values hold (`text.py`). Nothing here raises for bytes that are not what their media type says: they give fewer values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

from trunkline.core.codec import DecodeError, from_json

LEAVES_MAX = 50_000
DEEPEST = 128
ELEMENT = "[]"
FORM = "application/x-www-form-urlencoded"
FILE_NAME = "file"
"""The key under which the name of a file stands; names of files say nothing else of what they hold."""

Kind = str
"""`string`, `number` and `key` of JSON, `form`, `text`, `quoted` (a file name in percent signs)."""


class Unreadable(ValueError):
    """A body that cannot be looked into to its end; says why. Only where `strict` asks for it."""


class Leaf(NamedTuple):
    """One value. `keys` lead to it from the top; `[]` is any element of a list."""

    keys: tuple[str, ...]
    value: str
    kind: Kind
    start: int
    end: int

    @property
    def key(self) -> str:
        """The key that holds it, also as an element of a list; empty if none does."""
        return next((key for key in reversed(self.keys) if key != ELEMENT), "")

    @property
    def above(self) -> list[str]:
        """The keys above that one."""
        named = [key for key in self.keys if key != ELEMENT]
        return named[:-1]

    @property
    def path(self) -> str:
        """For people and records: `messages[].content`. A key that may be somebody's own is `*`."""
        return ".".join(map(key_shown, self.keys[:12])).replace(".[]", "[]")


_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)("?)|([{}\[\],])|(:)|(-?\d[\d.eE+-]*)', re.DOTALL)


def leaves(body: bytes, media: str, *, strict: bool = False) -> Iterator[Leaf]:
    """The values of a body of this media type; without one it is told by its first character.

    `strict` is for those who let pass only what they have seen: keys of JSON that may be somebody's own count as values, text is
    looked for whatever the media type says, and what cannot be looked at to its end raises Unreadable.
    """
    kind = media.partition(";")[0].strip().lower()
    if strict and not kind.startswith(MEDIA) and b"\0" in body[:4]:
        raise Unreadable("it is no UTF-8")
    if kind == FORM:
        return form(body, strict=strict)
    if kind == "multipart/form-data":
        return multipart(body, media, strict=strict)
    if kind == "text/event-stream":
        return events(body, strict=strict)
    if "json" in kind or ((not kind or strict) and _opens_json(kind, body)):
        return json_leaves(body, strict=strict)
    if is_text(kind) or (strict and _is_utf8(kind, body)):
        return iter((Leaf((), body.decode("utf-8", "replace"), "text", 0, len(body)),))
    return iter(())


MEDIA = ("image/", "audio/", "video/", "font/")


def _opens_json(kind: str, body: bytes) -> bool:
    return not kind.startswith((*MEDIA, "text/")) and body[:64].lstrip()[:1] in (b"{", b"[")


def _is_utf8(kind: str, body: bytes) -> bool:
    if kind.startswith(MEDIA) or b"\0" in body[:1024]:
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_text(kind: str) -> bool:
    """Whether a media type holds text that can be looked at."""
    return not kind or kind.startswith("text/") or kind.endswith(("xml", "yaml", "graphql", "javascript"))


def json_leaves(
    body: bytes, offset: int = 0, until: int | None = None, *, strict: bool = False
) -> Iterator[Leaf]:
    """Strings and numbers of JSON in their order."""
    keys: list[str] = []
    pending: tuple[str, int, int] | None = None
    count = 0
    for found in _TOKEN.finditer(body, offset, len(body) if until is None else until):
        mark, colon, number = found[3], found[4], found[5]
        if colon is not None:
            if pending is not None and keys and keys[-1] != ELEMENT:
                if strict and is_telling(pending[0]):
                    yield Leaf(tuple(keys[:-1]), pending[0], "key", pending[1], pending[2])
                keys[-1], pending = pending[0], None
            continue
        if pending is not None:
            # A string that no colon followed is a value.
            yield Leaf(tuple(keys), pending[0], "string", pending[1], pending[2])
            pending = None
        if mark is not None:
            if not _enter(keys, mark):
                _stop(strict, "it is nested too deep")
                return
            continue
        count += 1
        if count > LEAVES_MAX:
            _stop(strict, f"it has more than {LEAVES_MAX} values")
            return
        if number is not None:
            yield Leaf(tuple(keys), number.decode("ascii"), "number", found.start(), found.end())
        else:
            pending = (_unquoted(found[1]), found.start(), found.end())
    if pending is not None:
        yield Leaf(tuple(keys), pending[0], "string", pending[1], pending[2])


def is_telling(key: str) -> bool:
    """Whether a key of JSON may be an address or a number of somebody, and no name of a field."""
    return "@" in key or sum(map(str.isdigit, key)) >= 7


def _stop(strict: bool, why: str) -> None:
    if strict:
        raise Unreadable(why)


def _enter(keys: list[str], mark: bytes) -> bool:
    """Goes into or out of a part; False if it is nested beyond reason."""
    if mark == b"{":
        keys.append("")
    elif mark == b"[":
        keys.append(ELEMENT)
    elif mark != b"," and keys:
        keys.pop()
    return len(keys) <= DEEPEST


def _unquoted(raw: bytes) -> str:
    if b"\\" not in raw:
        return raw.decode("utf-8", "replace")
    try:
        return str(from_json(b'"' + raw + b'"'))
    except DecodeError:
        return raw.decode("utf-8", "replace")


_PAIR = re.compile(rb"([^=&]*)=([^&]*)")
_INDEX = re.compile(r"\d*")


def form(body: bytes, *, strict: bool = False) -> Iterator[Leaf]:
    """`billing_details[email]=jane%40example.com` is the email of billing_details."""
    for count, found in enumerate(_PAIR.finditer(body)):
        if count > LEAVES_MAX:
            _stop(strict, f"it has more than {LEAVES_MAX} values")
            return
        name = unquote_plus(found[1].decode("ascii", "replace"))
        first, *parts = name.split("[")
        keys = [
            first,
            *(ELEMENT if _INDEX.fullmatch(part.rstrip("]")) else part.rstrip("]") for part in parts),
        ]
        value = unquote_plus(found[2].decode("ascii", "replace"))
        yield Leaf(tuple(keys), value, "form", *found.span(2))


_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,70})"?', re.IGNORECASE)
_PART_NAME = re.compile(rb'name="([^"]*)"', re.IGNORECASE)
_FILE_NAME = re.compile(
    rb"filename(?:=\"((?:[^\"\\\r\n]|\\.)*)|=([^\"\s;]+)|\*=[\w-]*'[\w-]*'([^\s;]+))", re.IGNORECASE
)
_ENDING = re.compile(
    rb"\.(?:pdf|docx?|xlsx?|pptx?|od[st]|rtf|csv|tsv|txt|md|eml|msg|vcf|ics|jpe?g|png|gif|webp|heic|tiff?|zip|gz|json|xml|html?|mp[34]|m4a|"
    rb"mov|wav|webm|ogg)$",
    re.IGNORECASE,
)
_PART_TYPE = re.compile(rb"content-type:\s*([^\r\n]+)", re.IGNORECASE)


def multipart(body: bytes, media: str, *, strict: bool = False) -> Iterator[Leaf]:
    """Fields, names of files, and files that are text."""
    said = _BOUNDARY.search(media)
    if said is None:
        return
    mark = b"--" + said[1].encode("latin-1", "replace")
    at = body.find(mark)
    while at >= 0:
        head = body.find(b"\r\n\r\n", at)
        following = body.find(b"\r\n" + mark, at + 1)
        if head < 0:
            return
        start, end = head + 4, following if following >= 0 else len(body)
        name = _PART_NAME.search(body, at, head)
        kind = _PART_TYPE.search(body, at, head)
        key = name[1].decode("utf-8", "replace") if name else ""
        part = kind[1].decode("latin-1").lower() if kind else "text/plain"
        yield from _file_names(key, body, at, head)
        if "json" in part:
            yield from json_leaves(body, start, end, strict=strict)
        elif is_text(kind_of := part.partition(";")[0].strip()) or (
            strict and _is_utf8(kind_of, body[start:end])
        ):
            yield Leaf((key,), body[start:end].decode("utf-8", "replace"), "text", start, end)
        at = following + 2 if following >= 0 else -1


def _file_names(key: str, body: bytes, start: int, end: int) -> Iterator[Leaf]:
    """`Jane_Doe.pdf` as words, one letter for one; an address stays as it is."""
    for found in _FILE_NAME.finditer(body, start, end):
        group = found.lastindex or 1
        at, until = found.span(group)
        ending = _ENDING.search(body, at, until)
        until = ending.start() if ending else until
        name = body[at:until].decode("utf-8", "replace")
        name = unquote(name) if group == 3 else name
        if "@" not in name:
            name = name.replace("_", " ").replace("-", " ")
        yield Leaf((key, FILE_NAME), name, "quoted" if group == 3 else "text", at, until)


_DATA = re.compile(rb"^data:[ ]?(.*)$", re.MULTILINE)


def events(body: bytes, *, strict: bool = False) -> Iterator[Leaf]:
    """The data of each event of a stream; JSON where it is some."""
    for found in _DATA.finditer(body):
        start, end = found.span(1)
        if body[start : start + 1] in (b"{", b"["):
            yield from json_leaves(body, start, end, strict=strict)
        elif end > start:
            yield Leaf((), found[1].decode("utf-8", "replace"), "text", start, end)


_KEY = re.compile(r"[A-Za-z_$@][\w$.:-]{0,63}")
_MARKED = re.compile(r"\d{4}|[0-9a-f]{12}")


def key_shown(key: str) -> str:
    """A key as it may be kept; one that looks like data of somebody, or like a mark of a machine, is not."""
    return key if key == ELEMENT or (_KEY.fullmatch(key) and not _MARKED.search(key)) else "*"
