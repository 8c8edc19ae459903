"""Calls whose vendor speaks another dialect than the caller: the request is read by the caller's codec and written by the vendor's,
its answer the other way round, whole or event by event.

Here are the joins and the report of what was lost. Not for: any dialect's words (`plugins/adapters`), nor calls of one dialect,
whose bytes pass unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from trunkline.core.answer import Began, events_of
from trunkline.core.codec import DecodeError, mended
from trunkline.core.conversation import Change, Request
from trunkline.core.embedding import TooMany
from trunkline.core.errors import CallError
from trunkline.core.ports import Codec, Facts, Written
from trunkline.core.stored import Turn
from trunkline.engine.answer_format import FormatWatch
from trunkline.engine.frames import frames_of

MODE = b"x-trunkline-translation-mode"
MODES = (b"strict", b"lenient")
REQUEST_MAX = 32 << 20
"""What is translated is held whole; vendors of models take no more."""
ON_LOOP = 256 << 10
"""Longer bodies are translated in a thread."""
FAMILIES = (b"anthropic-", b"openai-", b"x-goog-", b"x-stainless-", b"x-gemini-")
"""Header names that only one vendor's dialect knows."""
_TOLD_MAX = 900
_ODD = re.compile(r"[^ -~]|[;,]")
"""What a line of the report may not hold."""
_MEMBER = re.compile(r"`([\w.\[\]]{1,100})` ")
"""The member of the body that a refusal begins with."""
_UNREADABLE = (DecodeError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)
"""What reading raises for JSON that is none of a dialect's."""


class Translator:
    """From a caller's dialect to a vendor's and back; one for all calls of a route."""

    __slots__ = ("asks", "facts", "name", "serves")

    def __init__(self, asks: Codec, serves: Codec, facts: Facts) -> None:
        self.asks = asks
        self.serves = serves
        self.facts = facts
        self.name = f"{asks.dialect}>{serves.dialect}"

    def request(
        self, body: bytes, *, stream: bool, fields: dict[bytes, bytes], now: float, turn: Turn | None = None
    ) -> Translation:
        """A caller's request for this vendor; `turn`: its answer is kept here if the caller wants it kept.

        Raises CallError `invalid_request` for what is none, and for what would lose something where the caller forbids that.
        """
        changes: list[Change] = []
        mode = fields.get(MODE)
        if mode is not None and mode not in MODES:
            text = f"{MODE.decode()} takes {' or '.join(m.decode() for m in MODES)}, not {mode[:40].decode('latin-1')!r}"
            raise CallError("invalid_request", text, param=MODE.decode(), never_acted=True)
        asked = asked_of(self.asks, body, changes)
        if mended(body) is not None:
            changes.append(Change("changed", "messages", "halves of characters"))
        asked.model, asked.stream = self.facts.model, stream and self.asks.kind == "chat"
        if turn is not None and asked.store is not False:
            asked.store, asked.stored, turn.begun = None, turn, True
        if b"anthropic-beta" in fields:
            asked.betas = [beta.strip() for beta in fields[b"anthropic-beta"].decode("latin-1").split(",")]
        try:
            written = self.serves.write_request(asked, self.facts, changes)
        except ValueError as problem:
            text = f"this call cannot be translated to {self.serves.dialect}: {_shortly(problem)}"
            code = "request_too_large" if isinstance(problem, TooMany) else "invalid_request"
            member = getattr(problem, "member", "")
            param = self.asks.names.get(member, member)
            raise CallError(code, text, scope="call", param=param, never_acted=True) from None
        told = self.told(changes)
        if mode == b"strict":
            self._refuse_losses(told)
        return Translation(self, asked, written, told, now)

    def told(self, changes: list[Change]) -> list[Change]:
        """The changes under the caller's names, each once."""
        names = self.asks.names
        if not changes:
            return []
        return list(
            dict.fromkeys(Change(c.act, names[c.field], c.how) if c.field in names else c for c in changes)
        )

    def _refuse_losses(self, told: list[Change]) -> None:
        lost = [change for change in told if change.act != "renamed"]
        if lost:
            text = (
                f"translation from {self.asks.dialect} to {self.serves.dialect} would not be exact: "
                f"{'; '.join(map(line, lost))[:1500]}. Leave these out, name a model whose vendor speaks {self.asks.dialect}, "
                f"or call without `{MODE.decode()}: strict`"
            )
            raise CallError(
                "invalid_request", text, scope="translation", param=lost[0].field, never_acted=True
            )


class Translation:
    """One call's request in the vendor's dialect, and what turns the answer back."""

    __slots__ = ("_now", "_report", "asked", "body", "changes", "fields", "translator")

    def __init__(
        self, translator: Translator, asked: Request, written: Written, changes: list[Change], now: float
    ) -> None:
        self.translator = translator
        self.asked = asked
        self.body, self.fields = written
        self.changes = changes
        """Of the request, then also of the answer."""
        self._now = now
        self._report = ""

    @property
    def dialect(self) -> str:
        """The vendor's."""
        return self.translator.serves.dialect

    def reply(self, body: bytes) -> bytes:
        """A vendor's whole answer in the caller's dialect. Raises ValueError or DecodeError for what is no answer of the vendor's."""
        lost: list[Change] = []
        try:
            said = self.translator.serves.read_reply(body, self.asked)
            said.created = said.created or self._now
            watch = FormatWatch(self.asked)
            if self.asked.format is not None:
                watch.see(events_of(said))
        except _UNREADABLE as problem:
            raise ValueError(_shortly(problem)) from None
        if self.asked.stream:
            # The caller reads events, whatever the vendor made of its wish for a stream.
            answer = self.translator.asks.writer(self.asked, lost).write(events_of(said))
        else:
            answer = self.translator.asks.write_reply(said, self.asked, lost)
        self.note(lost + watch.found())
        return answer

    def note(self, lost: list[Change]) -> None:
        """What was lost of the answer."""
        if lost:
            self.changes = list(dict.fromkeys([*self.changes, *self.translator.told(lost)]))
            self._report = ""

    def stream(self) -> Stream:
        """Of one attempt: from now on its events are translated."""
        return Stream(self, self._now)

    def passing(self, fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The vendor's header fields that mean something to a caller of another dialect."""
        return [f for f in fields if f[0] not in OF_BYTES and not f[0].startswith(FAMILIES)]

    def lines(self, request_id: str) -> bytes:
        """Header lines of a good answer: its type, the report, and the vendor's request id under the names that SDKs of all dialects
        read.
        """
        kind = frames_of(self.asked.dialect).media if self.asked.stream else b"application/json"
        told = b"content-type: %b\r\n%b" % (kind, self.told)
        if not request_id:
            return told
        return b"%brequest-id: %b\r\nx-request-id: %b\r\n" % (told, *[request_id.encode("latin-1")] * 2)

    @property
    def told(self) -> bytes:
        """The header line of the report."""
        return b"x-trunkline-translation: %b\r\n" % self.report().encode("ascii", "replace")

    def report(self) -> str:
        """The report on one line: `openai-chat>anthropic-messages, dropped logit_bias, emulated response_format (forced tool)`."""
        self._report = self._report or report(self.translator.name, self.changes)
        return self._report


class Stream:
    """The events of one vendor's stream, as the caller's dialect writes them."""

    __slots__ = ("_began", "_lost", "_now", "_reader", "_translation", "_watch", "_writer")

    def __init__(self, translation: Translation, now: float) -> None:
        self._translation = translation
        self._now = now
        self._began = False
        self._lost: list[Change] = []
        self._watch = FormatWatch(translation.asked)
        self._reader = translation.translator.serves.reader(translation.asked)
        self._writer = translation.translator.asks.writer(translation.asked, self._lost)

    def feed(self, block: bytes) -> bytes:
        """Raises ValueError for events that are none of the vendor's dialect."""
        try:
            events = self._reader.feed(block)
            if not self._began and events:
                self._began = True
                began = events[0]
                if isinstance(began, Began):
                    began.created = began.created or self._now
            self._watch.see(events)
            return self._writer.write(events)
        except _UNREADABLE as problem:
            raise ValueError(_shortly(problem)) from None

    def finish(self) -> bytes:
        """What is left to write at the proper end."""
        events = self._reader.finish()
        self._watch.see(events)
        rest = self._writer.write(events)
        self._translation.note(self._lost + self._watch.found())
        return rest


OF_BYTES = frozenset(
    (
        b"content-type",
        b"content-encoding",
        b"etag",
        b"digest",
        b"content-digest",
        b"request-id",
        b"x-request-id",
    )
)
"""Header fields that speak of bytes which the caller does not get, and those that are told anew."""


def passes_on(name: bytes, translator: Translator) -> bool:
    """Whether a caller's header field is sent to a vendor of another dialect."""
    if name in (b"content-type", b"accept", b"anthropic-beta"):
        return False
    return not name.startswith(FAMILIES) or name.startswith(translator.serves.fields)


def asked_of(codec: Codec, body: bytes, changes: list[Change]) -> Request:
    """A caller's request. Raises CallError `invalid_request`."""
    try:
        return codec.read_request(body, changes)
    except _UNREADABLE as problem:
        text = f"the body does not fit {codec.dialect}: {_shortly(problem)}"
        told = _MEMBER.match(str(problem))
        member = getattr(problem, "member", "") or (told[1] if told else "")
        raise CallError("invalid_request", text, scope="call", param=member, never_acted=True) from None


def line(change: Change) -> str:
    """A change for people and headers."""
    return f"{change.act} {change.field} ({change.how})" if change.how else f"{change.act} {change.field}"


def report(name: str, changes: Iterable[Change]) -> str:
    """At most about 900 characters of it, printable and without `;`, which divides notes of the record."""
    told, left = name, 0
    for change in changes:
        piece = ", " + _ODD.sub("?", line(change))
        if left or len(told) + len(piece) > _TOLD_MAX:
            left += 1
        else:
            told += piece
    return f"{told}, and {left} more" if left else told


def _shortly(problem: Exception) -> str:
    """What of a problem may be shown. Only codecs and msgspec speak of members; other texts could hold what the caller sent."""
    if isinstance(problem, DecodeError | ValueError) and not isinstance(problem, UnicodeError):
        return str(problem)[:300]
    return f"its members are not as documented ({type(problem).__name__})"
