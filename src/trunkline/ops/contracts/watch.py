"""One operation under watch: what was learned, what is seen since, and what of that is a change. Pure but for what it keeps.

Calls of one caller within a minute count as one; a unit is counted when it is over. Not for: where it is kept (`store.py`), nor for
saying it (`looker.py`).
"""

from __future__ import annotations

import hashlib

import msgspec

from trunkline.core.data.kept import without_persons
from trunkline.core.sample import Sample
from trunkline.core.service import ErrorShape
from trunkline.ops.contracts.change import HARMS, Change
from trunkline.ops.contracts.evidence import Evidence
from trunkline.ops.contracts.judge import judged
from trunkline.ops.contracts.reading import Parts, error_parts, parts_of

UNIT_US = 60_000_000
OPEN_MAX = 32
"""Callers whose minute is under way; with more, the oldest is counted early."""
LEARNED_UNITS = 60
"""So many units are learned from where no lock says what holds."""

Contract = dict[str, Evidence]
"""By part: `reply`, `error`, `request`, `status`, `event NAME`, ..."""


def mark_of(sample: Sample) -> str:
    """A mark of who called: its key and what for, in a few letters that tell nobody's name."""
    return hashlib.sha256(f"{sample.key_id}\0{sample.feature}".encode()).hexdigest()[:6]


class Operation(msgspec.Struct):
    """What is known of one operation."""

    method: str = ""
    path: str = ""
    version: str = ""
    learned: Contract = {}
    accepted: str = ""
    """Mark of the lock's text that `learned` was taken from; empty: learned by watching."""
    recent: Contract = {}
    since_us: int = 0
    """Of the first call in `recent`."""
    until_us: int = 0

    @property
    def learning(self) -> bool:
        """Whether there is too little yet to judge anything by."""
        return not self.learned

    def units(self) -> int:
        """Units seen since it was learned."""
        return max((evidence.units for evidence in self.recent.values()), default=0)

    def changes(self) -> list[Change]:
        """What has changed, worst first."""
        found: list[Change] = []
        for part, recent in self.recent.items():
            learned = self.learned.get(part)
            if learned is not None and part != "request":
                found += judged(part, learned, recent)
        return sorted(found, key=lambda change: (-HARMS.index(change.harm), change.part, change.place))

    def accept(self, contract: Contract, mark: str) -> None:
        """From now on this is what holds."""
        self.learned, self.accepted = contract, mark
        self.recent, self.since_us = {}, 0

    def take_in(self, parts: Parts, caller: str) -> None:
        """Counts one unit."""
        for part, seen in parts.items():
            self.recent.setdefault(part, Evidence()).add(seen, caller)


class Watch:
    """Feeds an operation with samples. `errors`: what is watched are the errors of all operations of an integration."""

    def __init__(
        self, operation: Operation, shape: ErrorShape | None = None, *, errors: bool = False
    ) -> None:
        self.operation = operation
        self._errors = errors
        self._shape = shape or ErrorShape()
        self._open: dict[str, tuple[int, Parts]] = {}
        """By caller: the minute under way, and what was seen in it."""
        self._known: dict[str, set[str]] = {}
        self._maps: dict[str, set[str]] = {}
        self.refresh()

    def refresh(self) -> None:
        """After what is known has changed."""
        self._known, self._maps = {}, {}
        for contract in (self.operation.learned, self.operation.recent):
            for part, evidence in contract.items():
                self._known.setdefault(part, set()).update(evidence.places)
                self._maps.setdefault(part, set()).update(evidence.maps)

    def add(self, sample: Sample) -> bool:
        """Takes in one call; True if units were counted, so that there may be something new to say."""
        operation = self.operation
        operation.method, operation.path = sample.method, without_persons(sample.path)[0]
        operation.version = sample.version or operation.version
        operation.since_us = operation.since_us or sample.at_us
        operation.until_us = max(operation.until_us, sample.at_us)
        parts = self._read(sample)
        counted = self.close(sample.at_us - UNIT_US)
        caller = mark_of(sample)
        begun, unit = self._open.get(caller, (sample.at_us, {}))
        for part, seen in parts.items():
            if part in unit:
                unit[part].merge(seen)
            else:
                unit[part] = seen
        self._open[caller] = (begun, unit)
        if len(self._open) > OPEN_MAX:
            self._count(min(self._open, key=lambda caller: self._open[caller][0]))
            counted = True
        return counted

    def _read(self, sample: Sample) -> Parts:
        if self._errors:
            return error_parts(sample, self._known, self._maps)
        return parts_of(sample, self._known, self._maps, self._shape)

    def close(self, before_us: int) -> bool:
        """Counts the units that began before an instant (epoch microseconds)."""
        over = [caller for caller, (begun, _) in self._open.items() if begun <= before_us]
        for caller in over:
            self._count(caller)
        return bool(over)

    def _count(self, caller: str) -> None:
        _, unit = self._open.pop(caller)
        self.operation.take_in(unit, caller)
        for part, seen in unit.items():
            self._known.setdefault(part, set()).update(seen.places)
            self._maps.setdefault(part, set()).update(self.operation.recent[part].maps)
