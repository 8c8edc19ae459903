"""Incidents with their timelines, and who has acknowledged a runbook, in the control database. All their SQL.

Nothing is deleted. Not for: when an incident begins and ends (`ops/incidents`). Times are epoch seconds.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from trunkline.ledger.control_tables import Row, metadata

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("integration", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("opened_at", sa.Float, nullable=False, index=True),
    sa.Column("closed_at", sa.Float, nullable=False),
    sa.Column("incident", sa.JSON, nullable=False),
)

entries = sa.Table(
    "incident_entries",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("incident_id", sa.ForeignKey("incidents.id"), nullable=False, index=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("text", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)

runbook_acks = sa.Table(
    "runbook_acks",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("integration", sa.String, nullable=False, index=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("note", sa.String, nullable=False),
    sa.Column("incident_id", sa.String, nullable=False),
)


def put(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Adds or replaces an incident."""
    same = incidents.c.id == row["id"]
    if not connection.execute(incidents.update().where(same).values(**row)).rowcount:
        connection.execute(incidents.insert().values(**row))


def add_entries(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    """Adds lines to timelines."""
    if rows:
        connection.execute(entries.insert(), rows)


def find(connection: sa.Connection, incident_id: str) -> Row | None:
    """One incident."""
    return connection.execute(incidents.select().where(incidents.c.id == incident_id)).mappings().first()


def timeline(connection: sa.Connection, incident_id: str) -> list[Row]:
    """Its entries in order."""
    query = entries.select().where(entries.c.incident_id == incident_id)
    return list(connection.execute(query.order_by(entries.c.at, entries.c.seq)).mappings())


def listed(
    connection: sa.Connection, *, integration: str | None = None, open_only: bool = False, since: float = 0.0, limit: int = 1000
) -> list[Row]:  # fmt: skip
    """Newest first. `since`: only those that were open then or later."""
    query = incidents.select().order_by(incidents.c.opened_at.desc(), incidents.c.id).limit(limit)
    if integration is not None:
        query = query.where(incidents.c.integration == integration)
    if open_only:
        query = query.where(incidents.c.state == "open")
    if since:
        query = query.where(sa.or_(incidents.c.state == "open", incidents.c.closed_at >= since))
    return list(connection.execute(query).mappings())


def changed(connection: sa.Connection) -> int:
    """Grows with every entry: whether anything was written since."""
    return int(connection.execute(sa.select(sa.func.max(entries.c.seq))).scalar() or 0)


def add_ack(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Somebody works by a runbook."""
    connection.execute(runbook_acks.insert().values(**row))


def acks(connection: sa.Connection, integration: str, limit: int) -> list[Row]:
    """Who did, newest first."""
    query = runbook_acks.select().where(runbook_acks.c.integration == integration)
    return list(connection.execute(query.order_by(runbook_acks.c.seq.desc()).limit(limit)).mappings())
