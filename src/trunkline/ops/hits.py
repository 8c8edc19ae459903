"""Which features use an integration and how they fare: counted from the calls that become final in the ledger.

Bounded: the features with most calls are told. Thread-safe, since the drain counts in its thread. Not for totals (`totals.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from trunkline.core.record import Begin, End
from trunkline.ops.health import is_failure
from trunkline.ops.outside import Hit

MINUTES = 15
FEATURES_MAX = 200
TOLD_MAX = 20
NAMELESS = "(none)"
"""Stands for calls that say no feature."""


class Hits:
    """Counts by integration and feature, in minutes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seeded = False
        self._counts: dict[str, dict[str, dict[int, list[int]]]] = {}

    def add(self, ended: Iterable[tuple[Begin, End]]) -> None:
        """Count calls that have become final."""
        with self._lock:
            for begin, end in ended:
                tried = [(one.target, one.code) for one in end.tried]
                self._call(begin.integration, begin.feature, int(end.at_us), end.code, tried)

    def seed(self, calls: Iterable[dict[str, Any]]) -> None:
        """Calls that the ledger has already (ledger/query.py), from before this process; once only."""
        with self._lock:
            for call in () if self._seeded else calls:
                tried = [(one["target"], one["code"]) for one in call["attempts"]]
                self._call(call["integration"], call["feature"], int(call["begun_us"]), call["code"], tried)
            self._seeded = True

    def _call(self, named: str, feature: str, at_us: int, code: str, tried: list[tuple[str, str]]) -> None:
        """Each integration that was tried has failed the call or not, whoever has served it in the end."""
        last = {target.partition("/")[0]: code for target, code in tried} or {named: code}
        for name, outcome in last.items():
            self._count(name, feature or NAMELESS, at_us // 60_000_000, is_failure(outcome) is True)

    def told(self, now: float) -> dict[str, list[Hit]]:
        """The last minutes, failing features first."""
        first = int(now // 60) - MINUTES + 1
        with self._lock:
            found = {name: _hits(features, first) for name, features in self._counts.items()}
        return {name: hits for name, hits in found.items() if hits}

    def _count(self, integration: str, feature: str, minute: int, failed: bool) -> None:
        features = self._counts.setdefault(integration, {})
        slots = features.get(feature)
        if slots is None:
            if len(features) >= FEATURES_MAX:
                for name in [n for n, known in features.items() if max(known, default=0) <= minute - MINUTES]:
                    del features[name]
            if len(features) >= FEATURES_MAX:
                return
            slots = features[feature] = {}
        slot = slots.get(minute)
        if slot is None:
            for old in [at for at in slots if at <= minute - MINUTES]:
                del slots[old]
            slot = slots[minute] = [0, 0]
        slot[0] += 1
        slot[1] += failed


def _hits(features: dict[str, dict[int, list[int]]], first: int) -> list[Hit]:
    found = []
    for feature, slots in features.items():
        recent = [slot for at, slot in slots.items() if at >= first]
        if recent:
            found.append(
                Hit(feature=feature, calls=sum(s[0] for s in recent), failures=sum(s[1] for s in recent))
            )
    return sorted(found, key=lambda hit: (-hit.failures, -hit.calls, hit.feature))[:TOLD_MAX]
