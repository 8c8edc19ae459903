"""Readings of vendors' changelogs in the control database: one row for each. All its SQL.

Not for: when one is due (`ops/contracts/reviews.py`). Times are epoch seconds.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from trunkline.ledger.control_tables import Row, metadata

reviews = sa.Table(
    "contract_reviews",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("integration", sa.String, nullable=False, index=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("note", sa.String, nullable=False),
    sa.Column("version", sa.String, nullable=False),
)


def insert(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Adds a reading."""
    connection.execute(reviews.insert().values(**row))


def listed(connection: sa.Connection, *, integration: str = "", limit: int = 1000) -> list[Row]:
    """Readings, the newest first."""
    query = reviews.select().order_by(reviews.c.at.desc(), reviews.c.id.desc()).limit(limit)
    if integration:
        query = query.where(reviews.c.integration == integration)
    return list(connection.execute(query).mappings())


def latest(connection: sa.Connection) -> list[Row]:
    """The last reading of each integration."""
    newest = sa.select(sa.func.max(reviews.c.id)).group_by(reviews.c.integration)
    return list(connection.execute(reviews.select().where(reviews.c.id.in_(newest))).mappings())
