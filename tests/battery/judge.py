"""Compares three accounts of the same calls: what the simulator saw, what callers got, what the ledger says. Pure.

The simulator's account is the truth of what happened; the ledger must tell it whole and once (battery, I1 and I2).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.battery.load import Asked
from trunkline.ledger.fold import STOPPED_MESSAGE
from trunkline.simulator.ledger import Entry

FINAL = {"ok", "error", "cancelled", "truncated", "outcome_unknown"}
Row = dict[str, Any]


@dataclass
class Verdict:
    """Lists of correlation ids, one per way in which the accounts can differ. All but `late` must be empty."""

    calls: int = 0
    seen: int = 0
    answered: int = 0
    cut: int = 0
    """Calls whose gateway died under them, as the ledger says."""
    lost: list[str] = field(default_factory=list)
    """Seen by the simulator or answered, and not in the ledger."""
    doubled: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    """Without a final state."""
    done_twice: list[str] = field(default_factory=list)
    """Unprotected acts that were carried out more than once."""
    sent_twice: list[str] = field(default_factory=list)
    """Unprotected acts that were sent again although the first might have acted."""
    wrongly_unknown: list[str] = field(default_factory=list)
    """`outcome_unknown` by a stop, although it was no act or the caller had its whole answer."""
    wrongly_known: list[str] = field(default_factory=list)
    """Acts that a stop cut, with another state than `outcome_unknown`."""
    contradicted: list[str] = field(default_factory=list)
    """The caller had a whole good answer and the ledger says otherwise."""
    late: list[str] = field(default_factory=list)
    """Recorded as good, but the caller did not get the end any more: the record comes before the last byte."""

    @property
    def faults(self) -> dict[str, list[str]]:
        """What must be empty and is not."""
        names = (
            "lost",
            "doubled",
            "unfinished",
            "done_twice",
            "sent_twice",
            "wrongly_unknown",
            "wrongly_known",
            "contradicted",
        )
        return {name: found[:5] for name in names if (found := getattr(self, name))}


def judge(asked: Iterable[Asked], entries: Iterable[Entry], rows: Iterable[Row]) -> Verdict:
    """The verdict on one run. Rows of calls that are none of `asked` (the test's own) are left aside."""
    calls = {one.id: one for one in asked}
    seen: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.correlation_id in calls:
            seen[entry.correlation_id].append(entry)
    told: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["correlation_id"] in calls:
            told[row["correlation_id"]].append(row)
    verdict = Verdict(len(calls), len(seen), sum(1 for one in calls.values() if one.status))
    for name, one in calls.items():
        _acts(verdict, one, seen.get(name, []))
        found = told.get(name, [])
        if not found and (one.status or seen.get(name)):
            verdict.lost.append(name)
        if len(found) > 1:
            verdict.doubled.append(name)
        for row in found:
            _row(verdict, one, row)
    verdict.doubled += [
        call_id for call_id, n in Counter(r["call_id"] for rs in told.values() for r in rs).items() if n > 1
    ]
    return verdict


def _acts(verdict: Verdict, one: Asked, entries: list[Entry]) -> None:
    if not one.sort.acts:
        return
    if sum(entry.acted for entry in entries) > 1:
        verdict.done_twice.append(one.id)
    # Only what the vendor itself refused unread (429) may be sent once more.
    if any(entry.status != 429 for entry in entries[:-1]):
        verdict.sent_twice.append(one.id)


def _row(verdict: Verdict, one: Asked, row: Row) -> None:
    state, cut = row["state"], row["message"] == STOPPED_MESSAGE
    verdict.cut += cut
    if state not in FINAL:
        verdict.unfinished.append(one.id)
    elif cut and (state == "outcome_unknown") and (one.whole or not one.sort.acts):
        verdict.wrongly_unknown.append(one.id)
    elif cut and one.sort.acts and state != "outcome_unknown":
        verdict.wrongly_known.append(one.id)
    elif one.good and state != "ok":
        verdict.contradicted.append(one.id)
    elif state == "ok" and not one.whole:
        verdict.late.append(one.id)
