"""Keeps incidents: what the watch says goes into the control database, what people say there goes into the watch.

One writer of its own accord, the console; people write from any process (`control/incidents.py`), and what they have said always wins.
A file tells until when something was watched, so that a gap is told. Not for: when an incident begins and ends (`watch.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trunkline.core.alerting import IncidentTimes
from trunkline.ledger import incident_tables as tables
from trunkline.ops.findings import Store
from trunkline.ops.incidents.incident import Entry, Incident
from trunkline.ops.incidents.signs import Sign
from trunkline.ops.incidents.watch import Change, Watch

if TYPE_CHECKING:
    import sqlalchemy as sa

SEEN_FILE = "incidents.seen"
SEEN_EVERY_S = 5.0
GAP_S = 20.0
"""The console is started again within seconds; nothing was missed then."""
RECENT_S = 8 * 86_400.0
"""Longer than `merge_within` may be."""


class Incidents:
    """The incidents of one state folder, as the console watches them."""

    def __init__(self, state: Store, folder: Path) -> None:
        self._state = state
        self._seen_file = folder / SEEN_FILE
        self._seen_at = float("-inf")
        self._place = -1
        self._watch: Watch | None = None

    @property
    def open(self) -> list[Incident]:
        """Those that are open, as of the last turn."""
        return self._watch.open if self._watch is not None else []

    def turn(
        self,
        signs: Iterable[Sign],
        times: IncidentTimes,
        now: float,
        *,
        owners: Mapping[str, str] | None = None,
        news: Sequence[Entry] = (),
    ) -> list[Change]:
        """One look. `news` belong into the timeline of all that are open. Answers what has changed."""
        changes: list[Change] = []
        first = self._watch is None
        watch = self._fresh(now)
        if first and (gap := self._gap(now)) is not None:
            changes += watch.tell(gap)
        for entry in news:
            changes += watch.tell(entry)
        changes += watch.step(signs, times, now, dict(owners or {}))
        if changes:
            self._keep(watch, changes)
        if now - self._seen_at >= SEEN_EVERY_S:
            self._seen_at = now
            with suppress(OSError):  # on a full disk watching goes on; a gap is told that was none
                self._seen_file.write_text(f"{now:.3f}\n")
        return changes

    def _fresh(self, now: float) -> Watch:
        """The watch, with what people have said since the last look."""
        with self._state.view() as connection:
            place = tables.changed(connection)
            if self._watch is not None and place == self._place:
                return self._watch
            rows = tables.listed(connection, since=now - RECENT_S, limit=10_000)
        known = [_incident(row) for row in rows]
        if self._watch is None:
            self._watch = Watch(known)
        else:
            for one in sorted(known, key=lambda one: one.opened_at):
                self._watch.take(one)
        self._place = place
        return self._watch

    def _keep(self, watch: Watch, changes: Sequence[Change]) -> None:
        with self._state.change() as connection:
            for change in changes:
                incident = _with_people(connection, change.incident)
                put(connection, incident, change.entries)
                if incident != change.incident:
                    watch.take(incident)
            self._place = tables.changed(connection)

    def _gap(self, now: float) -> Entry | None:
        try:
            seen = float(self._seen_file.read_text())
        except (OSError, ValueError):
            return None
        if now - seen < GAP_S:
            return None
        text = f"Nothing was watched from {clock(seen)} to {clock(now)}: the console was not running."
        return Entry(at=now, kind="gap", text=text, detail={"from": seen, "to": now})


def listed(
    state: Store, *, integration: str | None = None, open_only: bool = False, since: float = 0.0, limit: int = 100
) -> list[Incident]:  # fmt: skip
    """Newest first. `since`: only those that were open then or later."""
    with state.view() as connection:
        rows = tables.listed(
            connection, integration=integration, open_only=open_only, since=since, limit=limit
        )
    return [_incident(row) for row in rows]


def find(state: Store, incident_id: str) -> tuple[Incident, list[Entry]] | None:
    """One incident with its timeline."""
    with state.view() as connection:
        row = tables.find(connection, incident_id)
        rows = tables.timeline(connection, incident_id)
    return None if row is None else (_incident(row), [_entry(one) for one in rows])


def tell(state: Store, incident_ids: Iterable[str], entry: Entry) -> None:
    """Something that happened with incidents, by id, e.g. that an alert went out."""
    with state.change() as connection:
        for incident_id in incident_ids:
            if tables.find(connection, incident_id) is not None:
                tables.add_entries(connection, [_entry_row(incident_id, entry)])


def put(connection: sa.Connection, incident: Incident, entries: Iterable[Entry]) -> None:
    """Writes an incident and what happened, within the transaction of the caller."""
    row = {name: getattr(incident, name) for name in ("id", "integration", "state", "opened_at", "closed_at")}
    tables.put(connection, {**row, "incident": msgspec.to_builtins(incident)})
    tables.add_entries(connection, [_entry_row(incident.id, entry) for entry in entries])


def clock(at: float) -> str:
    """An instant for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _with_people(connection: sa.Connection, incident: Incident) -> Incident:
    """What people have said since it was read: who looks after it, and that it is closed."""
    row = tables.find(connection, incident.id)
    if row is None:
        return incident
    stored = _incident(row)
    if stored.closed_by and incident.state == "open" and incident.reopened <= stored.reopened:
        return stored
    return msgspec.structs.replace(
        incident, acknowledged_at=stored.acknowledged_at, acknowledged_by=stored.acknowledged_by
    )


def _incident(row: Any) -> Incident:
    return msgspec.convert(row["incident"], Incident)


def _entry(row: Any) -> Entry:
    names = ("at", "kind", "text", "by", "detail")
    return msgspec.convert({name: row[name] for name in names}, Entry)


def _entry_row(incident_id: str, entry: Entry) -> dict[str, Any]:
    return {"incident_id": incident_id, **msgspec.to_builtins(entry)}
