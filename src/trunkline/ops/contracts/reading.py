"""A sampled call -> what each part of its operation shows: the reply, the error, the request, the events of a stream, the statuses. Pure.

Not for: counting (`evidence.py`), nor for which operation it is (`watch.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.sample import Sample
from trunkline.core.service import ErrorShape
from trunkline.engine.extract import read
from trunkline.ops.contracts.cut import read as read_cut
from trunkline.ops.contracts.formats import LINES
from trunkline.ops.contracts.observe import Seen, Word, bare
from trunkline.wire.sse import Splitter, TooLong

EVENTS_MAX = 400
"""Events of one stream that are looked at."""
ECHO_MAX = 300
PARSED_MAX = 2 << 20
PASSING = frozenset(
    (401, 402, 403, 407, 408, 409, 423, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529)
)
"""Statuses that come with the moment or the credential; they tell nothing of the contract."""
REFUSALS = frozenset((400, 422))
ACCEPTED, REFUSED = "accepted", "refused"
"""Outcomes; a refusal that says what the vendor has come to want has words of its own."""
_DEMANDS = re.compile(
    r"missing|required|must (be )?(specif|provid|includ)|unknown (param|field|version)|unsupported|no longer|not (be )?allowed",
    re.IGNORECASE,
)
"""How vendors say that a request lacks something that they have come to want, or holds what they no longer take."""

Parts = dict[str, Seen]


def parts_of(
    sample: Sample,
    known: Mapping[str, Collection[str]],
    maps: Mapping[str, Collection[str]],
    shape: ErrorShape,
) -> Parts:
    """What one call shows of its operation. `known` and `maps`: by part, the places that are known and those of maps."""
    asked = _body(sample.request, sample.request_type, cut=sample.request_cut)
    reader = _Reader(known, maps, _words(asked.tree))
    if isinstance(asked.tree, dict | list):
        reader.body("request", asked.tree, asked.incomplete)
    if sample.status < 400:
        reader.word("status", str(sample.status))
        reader.word("outcome", ACCEPTED)
        if sample.stream or LINES.search(sample.response_type.lower()):
            reader.stream(sample)
        else:
            reader.reply("reply", sample)
    elif sample.status in REFUSALS:
        facts = read(
            shape, {b"content-type": sample.response_type.encode("latin-1", "replace")}, sample.response
        )
        if _DEMANDS.search(" ".join((*facts.codes, facts.message))):
            code = next(iter(facts.codes), "")[:60]
            reader.word("outcome", f"{sample.status} {code}".strip())
        else:
            reader.word("outcome", REFUSED)
    return reader.parts


def error_parts(
    sample: Sample,
    known: Mapping[str, Collection[str]],
    maps: Mapping[str, Collection[str]],
    *,
    always: bool = False,
) -> Parts:
    """What a failed call shows of the errors of its vendor, which look alike whatever the operation. `always`: whatever the status."""
    reader = _Reader(known, maps, frozenset())
    if sample.status not in PASSING:
        reader.word("error status", str(sample.status))
    if always or sample.status not in PASSING or sample.status >= 500:
        reader.reply("error", sample)
    return reader.parts


class _Reader:
    def __init__(
        self, known: Mapping[str, Collection[str]], maps: Mapping[str, Collection[str]], echo: frozenset[Word]
    ) -> None:
        self.parts: Parts = {}
        self._known = known
        self._maps = maps
        self._echo = echo

    def body(self, part: str, tree: Any, incomplete: Collection[int] = ()) -> None:
        seen = Seen(self._maps.get(part, ()), () if part == "request" else self._echo)
        seen.body(tree, self._known.get(part, ()), incomplete)
        if part in self.parts:
            self.parts[part].merge(seen)
        else:
            self.parts[part] = seen

    def word(self, part: str, word: str) -> None:
        """A code, as if it stood alone in a body."""
        seen = self.parts.setdefault(part, Seen())
        for fact in ("+", "t:string", f"v:{word}"):
            seen.fact("", fact)

    def reply(self, part: str, sample: Sample) -> None:
        told = _body(sample.response, sample.response_type, cut=sample.response_cut)
        if told.tree is not None:
            self.body(part, told.tree, told.incomplete)

    def stream(self, sample: Sample) -> None:
        names: dict[str, bool] = {}
        lines = LINES.search(sample.response_type.lower())
        for event, data in json_lines(sample.response) if lines else events(sample.response):
            try:
                tree = from_json(data)
            except DecodeError:
                names[data if data.startswith("[") and len(data) < 20 else event] = True
                continue
            name = _event_name(event, tree)
            names[name] = True
            self.body(f"event {name}", tree)
        if names and not sample.response_cut:
            self.body("stream", names)


def _event_name(event: str, tree: Any) -> str:
    """An event that has no name of its own is known by the `type` in it."""
    kind = tree.get("type") if isinstance(tree, dict) else None
    if event != "message":
        return event
    return kind[:60] if isinstance(kind, str) else "data"


def events(body: bytes) -> list[tuple[str, str]]:
    """Name and data of the first events of a stream; `message` where one has no name."""
    splitter = Splitter(limit_bytes=PARSED_MAX)
    try:
        found = splitter.feed(body)
    except TooLong as problem:
        found = problem.events
    return [(event.event[:60], event.data) for event in found[:EVENTS_MAX]]


def json_lines(body: bytes) -> list[tuple[str, str]]:
    """The first lines of a body of JSON lines, as events without a name."""
    if len(body) > PARSED_MAX:
        return []
    lines = body.decode("utf-8", "replace").split("\n", EVENTS_MAX)[:EVENTS_MAX]
    return [("message", line) for line in lines if line.strip()]


class _Body(NamedTuple):
    tree: Any
    incomplete: set[int] | frozenset[int] = frozenset()
    """The `id`s of what a cut fell into."""


def _body(body: bytes, media: str, *, cut: bool) -> _Body:
    """A JSON or form body as a tree; None for what is neither, or is empty."""
    if not body or len(body) > PARSED_MAX:
        return _Body(None)
    if "x-www-form-urlencoded" in media:
        return _Body(None if cut else _form(body))
    if "json" not in media and body[:1] not in (b"{", b"["):
        return _Body(None)
    try:
        return _Body(*read_cut(body)) if cut else _Body(from_json(body))
    except DecodeError:
        return _Body(None)


def _form(body: bytes) -> dict[str, Any] | None:
    """A form with nested names: `metadata[order]=1`, `items[0][price]=x`."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=500)
    except (UnicodeDecodeError, ValueError):
        return None
    tree: dict[str, Any] = {}
    for name, value in pairs:
        steps = [step for step in re.split(r"[\[\]]+", name) if step] or [name]
        _put(tree, steps[:12], value)
    return {name: _arrays(inner) for name, inner in tree.items()}


def _put(tree: dict[str, Any], steps: list[str], value: str) -> None:
    for step in steps[:-1]:
        inner = tree.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    tree[steps[-1]] = value


def _arrays(tree: Any) -> Any:
    """Objects whose keys count from 0 are arrays."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(key.isdigit() for key in tree):
        return [_arrays(item) for item in tree.values()]
    return {key: _arrays(item) for key, item in tree.items()}


def _words(tree: Any) -> frozenset[Word]:
    """The short texts of a request: where a reply repeats them under the same name, they are the caller's words."""
    found: set[Word] = set()
    queue = [("", tree)]
    while queue and len(found) < ECHO_MAX:
        name, value = queue.pop()
        if isinstance(value, str) and len(value) <= 40:
            found.add((bare(name), value))
        elif isinstance(value, dict):
            queue += value.items()
        elif isinstance(value, list):
            queue += [(name, item) for item in value[:50]]
    return frozenset(found)
