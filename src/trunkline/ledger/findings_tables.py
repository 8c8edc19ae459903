"""Findings in the control database: one row for each kind, integration and subject that a person should look at. All its SQL.

Not for: what is worth a finding (whoever calls `ops/findings.py`). Times are epoch seconds, 0: never.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from trunkline.ledger.control_tables import Row, metadata

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False, index=True),
    sa.Column("integration", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("severity", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("correlation_ids", sa.JSON, nullable=False),
    sa.Column("due", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("first_at", sa.Float, nullable=False),
    sa.Column("opened_at", sa.Float, nullable=False),
    sa.Column("last_at", sa.Float, nullable=False),
    sa.Column("acknowledged_at", sa.Float, nullable=False),
    sa.Column("acknowledged_by", sa.String, nullable=False),
    sa.Column("note", sa.String, nullable=False),
    sa.Column("resolved_at", sa.Float, nullable=False),
    sa.Column("resolved_why", sa.String, nullable=False),
)


def find(connection: sa.Connection, finding_id: str) -> Row | None:
    """One finding by its id."""
    return connection.execute(findings.select().where(findings.c.id == finding_id)).mappings().first()


def insert(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Adds a finding."""
    connection.execute(findings.insert().values(**row))


def update(connection: sa.Connection, finding_id: str, values: dict[str, Any]) -> None:
    """Replaces columns of a finding."""
    connection.execute(findings.update().where(findings.c.id == finding_id).values(**values))


def listed(
    connection: sa.Connection, *, kind: str | None, integration: str | None, open_only: bool, limit: int
) -> list[Row]:
    """Findings, the newest opened first. `kind` also stands for all that begin with it and a full stop."""
    table = findings.c
    query = findings.select().order_by(table.opened_at.desc(), table.id).limit(limit)
    if kind is not None:
        query = query.where(sa.or_(table.kind == kind, table.kind.startswith(f"{kind}.", autoescape=True)))
    if integration is not None:
        query = query.where(table.integration == integration)
    if open_only:
        query = query.where(table.state != "resolved")
    return list(connection.execute(query).mappings())


def resolved_since(connection: sa.Connection, at: float) -> list[Row]:
    """Findings that were resolved at this time or later."""
    query = findings.select().where(findings.c.state == "resolved", findings.c.resolved_at >= at)
    return list(connection.execute(query.order_by(findings.c.resolved_at)).mappings())
