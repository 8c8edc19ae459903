"""What people decide about findings: acknowledge one, resolve one. Each decision is an audit row in the same transaction.

Not for: noting findings (`ops/findings.py`).
"""

from __future__ import annotations

import time

from trunkline.control import audit
from trunkline.control.state import State
from trunkline.ops import findings
from trunkline.ops.findings import FindingRow

LONGEST_NOTE = 2000


class FindingProblem(Exception):
    """What was asked of a finding cannot be done; says why and the cure."""


def find(state: State, finding_id: str) -> FindingRow:
    """One finding. Raises FindingProblem."""
    found = findings.find(state, finding_id)
    if found is None:
        raise FindingProblem(
            f"There is no finding {finding_id!r}. `trunkline findings list --all` shows every one."
        )
    return found


def acknowledge(
    state: State, finding_id: str, who: str, note: str = "", now: float | None = None
) -> FindingRow:
    """Somebody looks after it. Raises FindingProblem."""
    at = time.time() if now is None else now
    _open(state, finding_id, note)
    with state.change() as connection:
        if findings.take(connection, finding_id, who, note, at):
            detail = {"note": note}
            audit.add(connection, state, [audit.Entry(who, "finding.ack", finding_id, detail)], at)
    return find(state, finding_id)


def resolve(state: State, finding_id: str, who: str, why: str, now: float | None = None) -> FindingRow:
    """Somebody says that it is settled; it opens anew if it is found again. Raises FindingProblem."""
    at = time.time() if now is None else now
    _open(state, finding_id, why)
    with state.change() as connection:
        findings.close(connection, finding_id, f"{who}: {why}" if why else f"by {who}", at)
        audit.add(connection, state, [audit.Entry(who, "finding.resolve", finding_id, {"why": why})], at)
    return find(state, finding_id)


def _open(state: State, finding_id: str, text: str) -> None:
    if len(text) > LONGEST_NOTE:
        raise FindingProblem(f"The note has {len(text)} characters; at most {LONGEST_NOTE} are kept.")
    found = find(state, finding_id)
    if found.state == "resolved":
        raise FindingProblem(f"The finding {finding_id} is resolved already: {found.resolved_why}")
