"""Looks at sampled calls for categories of data: keeps where which was seen, and says what nobody declared.

Called in a thread, one sample after the other; writes after each batch. Of a value nothing is kept. Not for: how samples come
(`console/looking.py`), nor for what may be sent (`judge.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

from trunkline.core.data.bodies import Seen, look
from trunkline.core.data.leaves import FORM, key_shown
from trunkline.core.data.text import EVERYTHING, find
from trunkline.core.sample import Sample
from trunkline.core.service import Service, Snapshot
from trunkline.ledger import data_tables as tables
from trunkline.ops import findings
from trunkline.ops.data.judge import ANSWER, KINDS, REQUEST, judged, verdict
from trunkline.ops.findings import Finding, Store, id_of

AGAIN_S = 3600.0
"""What goes on is noted again so often."""
LATELY_S = 30 * 86_400.0
"""What was last seen so long ago is not held against a new declaration."""
PLACES_MAX = 400
"""Of one integration; beyond them categories are kept without their path."""
IDS_MAX = 5
DECLARED = "the registry declares it now"
_IN_PATHS = frozenset(("pii.email", "payment.card", "payment.iban", "pii.phone"))
"""What may be told from a path, where no words stand around it."""
_IN_FIELDS = EVERYTHING - {"pii.ip", "pii.birth_date"}
"""Versions of programs look like addresses, and days stand in many fields."""


class _Place(NamedTuple):
    integration: str
    operation: str
    side: str
    path: str
    category: str


class _Sight:
    __slots__ = ("first_at", "ids", "last_at", "samples")

    def __init__(self, at: float) -> None:
        self.samples = 0
        self.first_at = self.last_at = at
        self.ids: list[str] = []


class DataLooker:
    """The looker of one installation. `snapshot` gives what is declared now."""

    def __init__(
        self, state: Store, snapshot: Callable[[], Snapshot | None], *, clock: Callable[[], float]
    ) -> None:
        self._state = state
        self._snapshot = snapshot
        self._clock = clock
        self._sights: dict[_Place, _Sight] = {}
        self._paths: dict[str, set[str]] = {}
        self._noted: dict[str, tuple[frozenset[str], float]] = {}
        """What was last said of a finding, and when."""
        self._version: str | None = None

    def __call__(self, sample: Sample) -> None:
        """Takes in one call."""
        at = sample.at_us / 1e6
        for side, seen in (
            (REQUEST, asked(sample)),
            (ANSWER, set(look(sample.response, sample.response_type))),
        ):
            for category, path in seen:
                place = _Place(
                    sample.integration, sample.operation, side, self._bounded(sample, path), category
                )
                sight = self._sights.setdefault(place, _Sight(at))
                sight.samples += 1
                sight.first_at, sight.last_at = min(sight.first_at, at), max(sight.last_at, at)
                sight.ids = [*sight.ids[-IDS_MAX + 1 :], sample.correlation_id]

    def flush(self) -> None:
        """Writes down what was gathered and judges it; also after a changed declaration."""
        sights, self._sights = self._sights, {}
        if sights:
            rows = [_row(place, sight) for place, sight in sights.items()]
            with self._state.change() as connection:
                tables.add(connection, rows)
        snapshot = self._snapshot()
        if snapshot is None:
            return
        touched = {place.integration for place in sights if place.side == REQUEST}
        changed = snapshot.version != self._version
        if changed:
            self._resolve(snapshot)
            self._version = snapshot.version
        for service in snapshot.services:
            if changed or service.name in touched:
                self._judge(service, seen_now=service.name in touched)

    def _judge(self, service: Service, *, seen_now: bool) -> None:
        now = self._clock()
        with self._state.view() as connection:
            rows = [row for row in tables.listed(connection, service.name) if now - row["last_at"] < LATELY_S]
        for finding in judged(service, rows):
            last_at = max(row["last_at"] for row in rows if row["category"] == finding.subject)
            if seen_now or not self._is_settled(finding, last_at):
                self._note(finding, now)

    def _is_settled(self, finding: Finding, last_at: float) -> bool:
        """Whether it is open already, or a person has resolved it since it was last seen."""
        old = findings.find(self._state, id_of(finding.kind, finding.integration, finding.subject))
        if old is None:
            return False
        return old.state != "resolved" or (old.resolved_at >= last_at and old.resolved_why != DECLARED)

    def _note(self, finding: Finding, now: float) -> None:
        finding_id = id_of(finding.kind, finding.integration, finding.subject)
        places = frozenset(finding.detail["places"])
        said, at = self._noted.get(finding_id, (frozenset(), 0.0))
        old = findings.find(self._state, finding_id)
        if old is not None and old.state != "resolved" and places <= said and now - at < AGAIN_S:
            return
        self._noted[finding_id] = (places, now)
        findings.note(self._state, finding, now)

    def _resolve(self, snapshot: Snapshot) -> None:
        """Ends findings that a declaration has answered, or whose integration is gone."""
        services = {service.name: service for service in snapshot.services}
        now = self._clock()
        for kind in KINDS:
            for row in findings.listed(self._state, kind=kind):
                service = services.get(row.integration)
                why = "the integration is gone from the registry"
                if service is not None:
                    if verdict(service, row.subject) == kind:
                        continue
                    why = DECLARED
                findings.resolve(self._state, kind, row.integration, row.subject, why, now)

    def _bounded(self, sample: Sample, path: str) -> str:
        paths = self._paths.setdefault(sample.integration, set())
        if path in paths or len(paths) < PLACES_MAX:
            paths.add(path)
            return path
        return "*"


def asked(sample: Sample) -> set[Seen]:
    """The categories in a request: its body, query, header and path, and that it is a prompt."""
    seen = set(look(sample.request, sample.request_type))
    hits = find(unquote(sample.path), wanted=_IN_PATHS)
    seen.update(Seen(hit.category, "(path)") for hit in hits)
    seen.update(Seen(one.category, f"(query) {one.path}") for one in look(sample.query.encode(), FORM))
    for name, value in sample.fields:
        named = find(unquote(value), key=name, wanted=_IN_FIELDS)
        seen.update(Seen(hit.category, f"(header) {key_shown(name)}") for hit in named)
    if sample.model and sample.request:
        seen.add(Seen("prompts", ""))
    return seen


def _row(place: _Place, sight: _Sight) -> dict[str, Any]:
    return {
        **place._asdict(),
        "samples": sight.samples,
        "first_at": sight.first_at,
        "last_at": sight.last_at,
        "correlation_ids": sight.ids,
    }
