"""Blots categories of data out of an answer on its way to the caller: whole, or event by event as a stream comes.

A text that comes in pieces over many events is held back by HELD characters, so that what stands over the border of two is found, too;
it is passed on once nothing that began before could still become a hit. Answers that hold no text (images, sound) pass as they
are. Not for: requests (`data_guard.py`).
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import deque
from collections.abc import Callable

from trunkline.core.codec import to_json
from trunkline.core.data.bodies import hits
from trunkline.core.data.leaves import Leaf, Unreadable, events, json_leaves
from trunkline.core.data.rewrite import blotted, replaced
from trunkline.core.data.text import Hit, find
from trunkline.core.ports import Outbound

ON_LOOP = 16 << 10
"""Longer answers are looked at in a thread."""
HELD = 96
"""Characters of a text that are held back: longer than anything that is looked for in a stream."""
STEP = 32
"""So many new characters are awaited before a text is looked at again."""
WHOLE_MAX = 16 << 20
_TEXTS = frozenset(
    ("content", "text", "delta", "arguments", "partial_json", "thinking", "reasoning_content", "transcript")
)
"""Keys under which streams of models carry texts piece by piece."""
_FIELD = re.compile(rb"^content-(type|encoding|length): ?([^\r\n]*)\r\n", re.IGNORECASE | re.MULTILINE)
_ETAG = re.compile(
    rb"^(?:etag|digest|content-md5|content-digest): ?[^\r\n]*\r\n", re.IGNORECASE | re.MULTILINE
)
_LINE_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_PACKED = (b"gzip", b"x-gzip", b"deflate")


class BlottedReply:
    """Stands before the caller's reply (an `Outbound`) and changes bodies only."""

    __slots__ = ("_gather", "_gathered", "_inner", "_media", "_stream", "_unpack", "_wanted")

    def __init__(self, inner: Outbound, wanted: frozenset[str]) -> None:
        self._inner = inner
        self._wanted = wanted
        self._media = ""
        self._stream: Stream | None = None
        self._gather: list[bytes] | None = None
        self._gathered = 0
        self._unpack: Callable[[bytes], bytes] | None = None

    @property
    def closed(self) -> bool:
        """As of any reply."""
        return self._inner.closed

    @closed.setter
    def closed(self, is_so: bool) -> None:
        self._inner.closed = is_so

    @property
    def started(self) -> bool:
        """As of any reply."""
        return self._inner.started

    @started.setter
    def started(self, is_so: bool) -> None:
        self._inner.started = is_so

    @property
    def hangup(self) -> Callable[[], None] | None:
        """As of any reply."""
        return self._inner.hangup

    @hangup.setter
    def hangup(self, call: Callable[[], None] | None) -> None:
        self._inner.hangup = call

    @property
    def flow(self) -> Callable[[bool], None] | None:
        """As of any reply."""
        return self._inner.flow

    @flow.setter
    def flow(self, call: Callable[[bool], None] | None) -> None:
        self._inner.flow = call

    def send(self, status: int, fields: bytes, body: bytes) -> None:
        """A whole answer; a long one goes out a moment later, from a thread."""
        fields = self._opened(fields)
        if not body or not self._media:
            self._inner.send(status, fields, body)
        elif len(body) <= ON_LOOP:
            self._at_once(status, fields, body)
        else:
            self._later(body, lambda clean: self._inner.send(status, fields, clean))

    def _at_once(self, status: int, fields: bytes, body: bytes) -> None:
        try:
            clean = self._clean(body)
        except (Unreadable, zlib.error):
            self._inner.abort()  # it must not go out as it was
            return
        self._inner.send(status, fields, clean)

    def start(self, status: int, fields: bytes, length: int | None) -> None:
        """A stream begins; its length will be another."""
        fields = self._opened(fields)
        if self._media.startswith("text/event-stream"):
            self._stream = Stream(self._wanted)
        elif self._media.startswith("application/x-ndjson"):
            self._stream = Stream(self._wanted, lines=True)
        elif self._media:
            self._gather = []
        changed = self._stream is not None or self._gather is not None
        self._inner.start(status, fields, None if changed else length)

    def write(self, chunk: bytes) -> None:
        """A piece of a stream."""
        if self._unpack is not None:
            chunk = self._unpack(chunk)
        if self._stream is not None:
            chunk = self._stream.feed(chunk)
        elif self._gather is not None:
            self._gather.append(chunk)
            self._gathered += len(chunk)
            if self._gathered > WHOLE_MAX:
                self.abort()
            return
        if chunk:
            self._inner.write(chunk)

    def end(self) -> None:
        """The stream is complete."""
        if self._stream is not None:
            rest = self._stream.finish()
            if rest:
                self._inner.write(rest)
        elif self._gather is not None:
            body = b"".join(self._gather)
            self._gather = None
            self._later(body, self._ended)
            return
        self._inner.end()

    def abort(self) -> None:
        """As of any reply; what was held back is not sent."""
        self._stream = self._gather = None
        self._inner.abort()

    def _ended(self, clean: bytes) -> None:
        self._inner.write(clean)
        self._inner.end()

    def _opened(self, fields: bytes) -> bytes:
        """Notes what kind of answer it is; header lines that would not be true any more are left out."""
        found = {name.lower(): value.strip() for name, value in _FIELD.findall(fields)}
        self._media = found.get(b"type", b"").decode("latin-1")
        if not is_text(self._media):
            self._media = ""
            return fields
        packed = found.get(b"encoding", b"").lower()
        if packed in _PACKED:
            self._unpack = zlib.decompressobj(wbits=47).decompress
        fields = _ETAG.sub(b"", fields)
        return _FIELD.sub(
            lambda line: b"" if line[1].lower() in (b"encoding", b"length") else line[0], fields
        )

    def _clean(self, body: bytes) -> bytes:
        if self._unpack is not None:
            body = zlib.decompressobj(wbits=47).decompress(body, WHOLE_MAX)
        return blotted(body, self._media, self._wanted)[0]

    def _later(self, body: bytes, then: Callable[[bytes], None]) -> None:
        """In a thread; a defect there cuts the answer, for it must not go out as it was."""

        def done(future: asyncio.Future[bytes]) -> None:
            if future.cancelled() or future.exception() is not None:
                self._inner.abort()
            else:
                then(future.result())

        asyncio.get_running_loop().run_in_executor(None, self._clean, body).add_done_callback(done)


def is_text(media: str) -> bool:
    """Whether an answer of this media type can be looked at."""
    kind = media.partition(";")[0].strip().lower()
    return "json" in kind or kind.startswith("text/") or kind.endswith("xml")


class _Event:
    """One event that is held back: its bytes, the text in it that goes on in others, and where that begins in the whole text."""

    __slots__ = ("begin", "leaf", "raw", "text")

    def __init__(self, raw: bytes, leaf: Leaf | None, text: _Text | None, begin: int) -> None:
        self.raw = raw
        self.leaf = leaf
        self.text = text
        self.begin = begin


class _Text:
    """A text that comes in pieces: what came, the hits in it, and up to where it is sure."""

    __slots__ = ("hits", "looked", "offset", "sure", "value")

    def __init__(self) -> None:
        self.value = ""
        self.looked = 0
        """How much of it there was when it was last looked at."""
        self.offset = 0
        """Characters that were let go of at its begin."""
        self.hits: list[Hit] = []
        self.sure = 0


class Stream:
    """Events in, events out; pure but for what it holds back. `lines`: each line is an event, a JSON value (NDJSON)."""

    def __init__(self, wanted: frozenset[str], *, lines: bool = False) -> None:
        self._wanted = wanted
        self._lines = lines
        self._ends = re.compile(rb"\n") if lines else _LINE_END
        self._rest = b""
        self._held: deque[_Event] = deque()
        self._texts: dict[tuple[str, ...], _Text] = {}

    def feed(self, data: bytes) -> bytes:
        """The events that may go on now."""
        self._rest += data
        at = 0
        for end in self._ends.finditer(self._rest):
            self._take(self._rest[at : end.end()])
            at = end.end()
        self._rest = self._rest[at:]
        return self._released(end=False)

    def finish(self) -> bytes:
        """All that is left."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""
        return self._released(end=True)

    def _take(self, raw: bytes) -> None:
        start = raw.find(b"data:")
        is_json = start >= 0 and raw[start + 5 : start + 7].lstrip()[:1] in (b"{", b"[")
        if self._lines:
            found = list(json_leaves(raw))
        else:
            found = list(json_leaves(raw, start + 5) if is_json else events(raw)) if start >= 0 else []
        going = next(
            (
                leaf
                for leaf in found
                if leaf.value and (leaf.kind == "text" or (leaf.kind == "string" and leaf.key in _TEXTS))
            ),
            None,
        )
        whole = [(leaf, hits(leaf, self._wanted)) for leaf in found if leaf is not going]
        for leaf, its in reversed(whole):
            if its:
                raw = raw[: leaf.start] + _rewritten(leaf, its) + raw[leaf.end :]
                if going is not None and leaf.start < going.start:
                    shift = len(_rewritten(leaf, its)) - (leaf.end - leaf.start)
                    going = going._replace(start=going.start + shift, end=going.end + shift)
        if going is None:
            self._held.append(_Event(raw, None, None, 0))
            return
        key = (
            *going.keys,
            *(leaf.value for leaf in found if leaf.key in ("index", "output_index", "content_index")),
        )
        text = self._texts.setdefault(key, _Text())
        self._held.append(_Event(raw, going, text, text.offset + len(text.value)))
        text.value += going.value

    def _released(self, *, end: bool) -> bytes:
        for text in self._texts.values():
            if end or text.offset + len(text.value) - text.looked >= STEP:
                _look(text, self._wanted, end=end)
        out: list[bytes] = []
        while self._held:
            event = self._held[0]
            if (
                event.leaf is not None
                and event.text is not None
                and event.begin + len(event.leaf.value) > event.text.sure
            ):
                break
            out.append(_told(self._held.popleft()))
        begins = {id(event.text): event.begin for event in reversed(self._held) if event.text is not None}
        for text in self._texts.values():
            _let_go(text, begins.get(id(text), text.sure))
        return b"".join(out)


def _look(text: _Text, wanted: frozenset[str], *, end: bool) -> None:
    """Finds the hits in what is there, and how much of it cannot change any more."""
    length = len(text.value)
    found = find(text.value, wanted=wanted)
    sure = length
    if not end:
        sure = max(0, length - HELD)
        sure = next((hit.start for hit in found if hit.start < sure < hit.end), sure)
    text.hits = [Hit(hit.category, hit.start + text.offset, hit.end + text.offset) for hit in found]
    text.sure = text.offset + sure
    text.looked = text.offset + length


def _let_go(text: _Text, needed: int) -> None:
    """Keeps what is still held back, and enough before it for words before a hit to be seen."""
    surplus = min(text.sure, needed) - text.offset - 2 * HELD
    if surplus > HELD and not any(hit.start < text.offset + surplus < hit.end for hit in text.hits):
        text.value = text.value[surplus:]
        text.offset += surplus


def _told(event: _Event) -> bytes:
    """The event with what of its text may be told: a hit stands where it begins, its rest in later events is left out."""
    leaf, text = event.leaf, event.text
    if leaf is None or text is None:
        return event.raw
    begin, end = event.begin, event.begin + len(leaf.value)
    pieces: list[str] = []
    at = begin
    for hit in text.hits:
        if hit.end <= begin or hit.start >= end:
            continue
        if hit.start >= begin:
            pieces += (leaf.value[at - begin : hit.start - begin], f"[{hit.category}]")
        at = min(hit.end, end)
    if at == begin and not pieces:
        return event.raw
    pieces.append(leaf.value[at - begin :])
    whole = "".join(pieces)
    told = to_json(whole) if leaf.kind == "string" else whole.encode()
    return event.raw[: leaf.start] + told + event.raw[leaf.end :]


def _rewritten(leaf: Leaf, found: list[Hit]) -> bytes:
    text = replaced(leaf.value, found)
    return b"0" if leaf.kind == "number" else text.encode() if leaf.kind == "text" else to_json(text)
