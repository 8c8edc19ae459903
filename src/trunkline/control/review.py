"""Puts the review of an incident together: its timeline, what the ledger says it did, and who has changed things meanwhile.

Not for: how it is written (`ops/incidents/review.py`).
"""

from __future__ import annotations

import time

from trunkline.control import audit, published
from trunkline.control.incidents import find
from trunkline.control.state import State
from trunkline.ledger.impact import Impact as Reader
from trunkline.ops.incidents.impact import FAILURES, impact
from trunkline.ops.incidents.incident import Entry, Incident
from trunkline.ops.incidents.review import Review, review

BEFORE_S = 3600.0
"""Changes of so long before the begin are listed, too: one of them may have been it."""
QUIET = ("secret.open", "secret.fetch", "incident.", "runbook.", "finding.", "session.", "auth.", "alert.")
"""Audit rows that changed nothing about calls, or stand in the timeline already."""


def made(state: State, incident_id: str, *, runbook: str = "", now: float | None = None) -> Review:
    """The review as of now. `runbook`: what is wrong with it. Raises IncidentProblem."""
    at = time.time() if now is None else now
    incident, timeline = find(state, incident_id)
    until = incident.closed_at or at
    reader = Reader(state.ledger)
    try:
        first_us = reader.failing_since(incident.integration, int(incident.opened_at * 1e6), FAILURES)
        first = first_us / 1e6 if first_us is not None else None
        since = min(incident.began_at, first or incident.began_at)
        callers = published.read_callers(state)
        names = {key.id: key.name for key in callers.keys} if callers is not None else {}
        hit = impact(reader, incident.integration, since, until + 1, key_names=names)
    finally:
        reader.close()
    whole = sorted([*timeline, *_changes(state, incident, since, until)], key=lambda entry: entry.at)
    return review(incident, whole, hit, first_failure=first, runbook=runbook, now=at)


def _changes(state: State, incident: Incident, since: float, until: float) -> list[Entry]:
    """What people have changed meanwhile and shortly before, as the audit log has it."""
    found = []
    for row in audit.entries(state, since=since - BEFORE_S):
        if row["at"] > until or row["action"].startswith(QUIET):
            continue
        text = f"{row['action']} {row['subject']}".strip()
        found.append(Entry(at=row["at"], kind="change", text=text, by=row["actor"]))
    return found
