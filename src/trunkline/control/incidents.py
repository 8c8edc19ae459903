"""What people say of incidents: a note, that they look after one, that it is over; and that they work by a runbook.

Each is an entry of the timeline and an audit row, in one transaction. Not for: what is seen by itself (`ops/incidents`).
"""

from __future__ import annotations

import time
from typing import Any

from msgspec.structs import replace

from trunkline.control import audit
from trunkline.control.state import State
from trunkline.ledger import incident_tables as tables
from trunkline.ops.incidents import book
from trunkline.ops.incidents.incident import Entry, EntryKind, Incident

LONGEST_NOTE = 4000


class IncidentProblem(Exception):
    """What was asked of an incident cannot be done; says why and the cure."""


def find(state: State, incident_id: str) -> tuple[Incident, list[Entry]]:
    """One incident with its timeline. Raises IncidentProblem."""
    found = book.find(state, incident_id)
    if found is None:
        raise IncidentProblem(
            f"There is no incident {incident_id!r}. `trunkline incidents list --all` shows every one."
        )
    return found


def note(state: State, incident_id: str, who: str, text: str, now: float | None = None) -> Incident:
    """Adds a line to the timeline, also after the end. Raises IncidentProblem."""
    if not text.strip():
        raise IncidentProblem("A note needs words.")
    incident, _ = find(state, incident_id)
    return _write(state, incident, "note", who, text, now)


def acknowledge(
    state: State, incident_id: str, who: str, text: str = "", now: float | None = None
) -> Incident:
    """Somebody looks after it; reminders end. Raises IncidentProblem."""
    incident = _open(state, incident_id)
    at = _now(now)
    taken = replace(incident, acknowledged_at=at, acknowledged_by=who)
    said = f"{who} looks after it" + (f": {text}" if text else ".")
    return _write(state, taken, "ack", who, said, at)


def close(state: State, incident_id: str, who: str, text: str = "", now: float | None = None) -> Incident:
    """Somebody says that it is over. If it still fails, it does not come back before it was well once. Raises IncidentProblem."""
    incident = _open(state, incident_id)
    at = _now(now)
    closed = replace(incident, state="closed", closed_at=at, closed_by=who, recovered_at=0.0)
    said = f"Closed by {who}" + (f": {text}" if text else ".")
    return _write(state, closed, "closed", who, said, at)


def acknowledge_runbook(
    state: State, integration: str, who: str, text: str = "", now: float | None = None
) -> str:
    """Somebody works by the runbook; stands in the incident that is open, too, and answers its id (empty without one)."""
    at = _now(now)
    _short(text)
    incidents = book.listed(state, integration=integration, open_only=True, limit=10)
    incident_id = incidents[0].id if incidents else ""
    row = {"integration": integration, "at": at, "by": who, "note": text, "incident_id": incident_id}
    with state.change() as connection:
        tables.add_ack(connection, row)
        detail = {"note": text, "incident": incident_id}
        audit.add(connection, state, [audit.Entry(who, "runbook.ack", integration, detail)], at)
        for one in incidents:
            said = f"{who} works by the runbook" + (f": {text}" if text else ".")
            taken = replace(one, acknowledged_at=at, acknowledged_by=who)
            book.put(connection, taken, [Entry(at=at, kind="ack", text=said, by=who)])
    return incident_id


def runbook_acks(state: State, integration: str, limit: int = 20) -> list[dict[str, Any]]:
    """Who worked by the runbook, newest first."""
    with state.view() as connection:
        rows = tables.acks(connection, integration, limit)
    return [{name: row[name] for name in ("at", "by", "note", "incident_id")} for row in rows]


def _open(state: State, incident_id: str) -> Incident:
    incident, _ = find(state, incident_id)
    if incident.state != "open":
        raise IncidentProblem(f"The incident {incident_id} is closed already. A note can still be added.")
    return incident


def _write(
    state: State, incident: Incident, kind: EntryKind, who: str, text: str, now: float | None
) -> Incident:
    at = _now(now)
    _short(text)
    with state.change() as connection:
        book.put(connection, incident, [Entry(at=at, kind=kind, text=text, by=who)])
        action = f"incident.{'close' if kind == 'closed' else kind}"
        audit.add(connection, state, [audit.Entry(who, action, incident.id, {"text": text})], at)
    return incident


def _short(text: str) -> None:
    if len(text) > LONGEST_NOTE:
        raise IncidentProblem(f"The note has {len(text)} characters; at most {LONGEST_NOTE} are kept.")


def _now(now: float | None) -> float:
    return time.time() if now is None else now
