"""Keeps the findings of some kinds as they are now: notes what is new or says something else, resolves what is no longer so.

Not for: what is found (the other modules here).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trunkline.ops import findings
from trunkline.ops.findings import Finding, Store


def settle(state: Store, kinds: Sequence[str], found: Iterable[Finding], why: str, now: float) -> bool:
    """`found`: everything of these kinds that is so now. True if anything was written."""
    wanted = {(one.kind, one.integration, one.subject): one for one in found}
    open_now = [row for kind in kinds for row in findings.listed(state, kind=kind)]
    there = {(row.kind, row.integration, row.subject): row for row in open_now if row.kind in kinds}
    wrote = False
    for key, finding in wanted.items():
        old = there.get(key)
        if old is None or (old.title, old.severity, old.due) != (
            finding.title,
            finding.severity,
            finding.due,
        ):
            findings.note(state, finding, now)
            wrote = True
    for key in there.keys() - wanted.keys():
        wrote |= findings.resolve(state, *key, why, now)
    return wrote
