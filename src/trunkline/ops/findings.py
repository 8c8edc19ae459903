"""Findings: the one list of everything that a person should look at, whoever found it.

    id = note(state, Finding(kind="contract.drift", integration="stripe", subject="create_charge", ...), now)
    resolve(state, "contract.drift", "stripe", "create_charge", "accepted", now)

A finding is known by kind, integration and subject: noted again it is counted up, after it was resolved it opens anew. Each call is
a writing transaction; who sees the same thing a thousand times a second gathers first. Not for: sending alerts
(`ops/alerting`), nor for what people decide about one (`control/findings.py`, which audits it).
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from trunkline.core.alerting import SEVERITIES, Severity
from trunkline.ledger import findings_tables as tables

if TYPE_CHECKING:
    import sqlalchemy as sa

FindingState = Literal["open", "acknowledged", "resolved"]

CORRELATIONS_MAX = 10
TITLE_MAX = 300
LISTED_MAX = 10_000


class Store(Protocol):
    """The control database, as `control.state.State` has it."""

    def view(self) -> AbstractContextManager[sa.Connection]: ...
    def change(self) -> AbstractContextManager[sa.Connection]: ...


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should look at, as whoever found it says it."""

    kind: str
    """Words with full stops, the part first: `contract.drift`, `rotation.due`, `data.forbidden`, ..."""
    integration: str
    """Name in the registry; empty for what concerns the whole installation."""
    subject: str
    """What of it: an operation, a credential, a model, a host."""
    severity: Severity
    title: str
    """One sentence for people, without secrets or anybody's data."""
    detail: dict[str, Any] = {}
    """Plain JSON values, redacted."""
    correlation_ids: list[str] = []
    """Calls that show it, the latest last; the last ten are kept."""
    due: str = ""
    """By when, `YYYY-MM-DD`; empty if it has no date."""


class FindingRow(Finding, frozen=True, kw_only=True):
    """A finding as it is kept. Times are epoch seconds, 0: never."""

    id: str
    state: FindingState
    times: int
    """How often it was noted since it opened."""
    episode: int
    """How often it has opened."""
    first_at: float
    opened_at: float
    last_at: float
    acknowledged_at: float
    acknowledged_by: str
    note: str
    """Of who acknowledged it."""
    resolved_at: float
    resolved_why: str


def id_of(kind: str, integration: str, subject: str) -> str:
    """The id of a finding; the same for the same thing. Pure."""
    return "fnd_" + hashlib.sha256("\0".join((kind, integration, subject)).encode()).hexdigest()[:12]


def note(state: Store, finding: Finding, now: float) -> str:
    """Makes a finding, or counts it up with its latest words; opens it anew if it was resolved. Answers its id."""
    finding_id = id_of(finding.kind, finding.integration, finding.subject)
    with state.change() as connection:
        found = tables.find(connection, finding_id)
        old = _row(found) if found is not None else None
        values = noted(old, finding, now)
        if old is None:
            tables.insert(connection, {"id": finding_id, **values})
        else:
            tables.update(connection, finding_id, values)
    return finding_id


def resolve(state: Store, kind: str, integration: str, subject: str, why: str, now: float) -> bool:
    """It is no longer so. False if there was no such open finding."""
    finding_id = id_of(kind, integration, subject)
    found = find(
        state, finding_id
    )  # reading first: most resolutions find nothing, and need no writing transaction
    if found is None or found.state == "resolved":
        return False
    with state.change() as connection:
        close(connection, finding_id, why, now)
    return True


def acknowledge(state: Store, finding_id: str, who: str, note: str, now: float) -> bool:
    """Somebody looks after it; it stays open, and reminders end. False if it is not open."""
    with state.change() as connection:
        return take(connection, finding_id, who, note, now)


def listed(
    state: Store,
    *,
    kind: str | None = None,
    integration: str | None = None,
    open_only: bool = True,
    limit: int = LISTED_MAX,
) -> list[FindingRow]:
    """The worst first, then the newest opened. `kind` also stands for all below it: `contract` for `contract.drift`."""
    with state.view() as connection:
        rows = tables.listed(
            connection, kind=kind, integration=integration, open_only=open_only, limit=LISTED_MAX
        )
    found = [_row(row) for row in rows]
    return sorted(found, key=lambda one: -SEVERITIES.index(one.severity))[:limit]


def find(state: Store, finding_id: str) -> FindingRow | None:
    """One finding."""
    with state.view() as connection:
        found = tables.find(connection, finding_id)
    return _row(found) if found is not None else None


def resolved_since(state: Store, at: float) -> list[FindingRow]:
    """Those that were resolved at this time or later, oldest first."""
    with state.view() as connection:
        return [_row(row) for row in tables.resolved_since(connection, at)]


def close(connection: sa.Connection, finding_id: str, why: str, now: float) -> None:
    """Resolves within the transaction of the caller."""
    tables.update(connection, finding_id, {"state": "resolved", "resolved_at": now, "resolved_why": why})


def take(connection: sa.Connection, finding_id: str, who: str, note: str, now: float) -> bool:
    """Acknowledges within the transaction of the caller."""
    found = tables.find(connection, finding_id)
    if found is None or found["state"] == "resolved":
        return False
    values = {"state": "acknowledged", "acknowledged_at": now, "acknowledged_by": who, "note": note}
    tables.update(connection, finding_id, values)
    return True


def noted(old: FindingRow | None, finding: Finding, now: float) -> dict[str, Any]:
    """The columns of a finding that is noted now. What has become worse needs to be looked at again. Pure."""
    said = msgspec.to_builtins(finding)
    said["title"] = finding.title[:TITLE_MAX]
    said["correlation_ids"] = finding.correlation_ids[-CORRELATIONS_MAX:]
    if old is None or old.state == "resolved":
        fresh = {
            "acknowledged_at": 0.0,
            "acknowledged_by": "",
            "note": "",
            "resolved_at": 0.0,
            "resolved_why": "",
        }
        first, episode = (old.first_at, old.episode + 1) if old is not None else (now, 1)
        opened = {"state": "open", "times": 1, "episode": episode, "first_at": first, "opened_at": now}
        return {**said, **fresh, **opened, "last_at": now}
    known = dict.fromkeys([*old.correlation_ids, *finding.correlation_ids])
    said["correlation_ids"] = list(known)[-CORRELATIONS_MAX:]
    if SEVERITIES.index(finding.severity) > SEVERITIES.index(old.severity):
        said["state"] = "open"
    return {**said, "times": old.times + 1, "last_at": max(now, old.last_at)}


def _row(row: Any) -> FindingRow:
    return msgspec.convert({str(name): value for name, value in row.items()}, FindingRow)
