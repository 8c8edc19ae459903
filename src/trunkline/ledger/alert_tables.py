"""What alerts have told, in the control database: one row for each rule and condition, and notices on their way to the outbox. All its SQL.

Not for: what is told (`ops/alerting`). Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from trunkline.ledger.control_tables import Row, metadata

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("rule", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("ended_at", sa.Float, nullable=False),
    sa.Column("known", sa.JSON, nullable=False),
)

outgoing = sa.Table(
    "alert_notices",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)
"""Written together with what it tells of; taken over into the outbox afterwards, so that a crash loses and doubles nothing."""


def rows(connection: sa.Connection) -> list[Row]:
    """Everything that is known."""
    return list(connection.execute(alerts.select().order_by(alerts.c.rule, alerts.c.key)).mappings())


def put(connection: sa.Connection, found: Iterable[dict[str, Any]]) -> None:
    """Adds or replaces rows."""
    for row in found:
        same = sa.and_(alerts.c.rule == row["rule"], alerts.c.key == row["key"])
        if not connection.execute(alerts.update().where(same).values(**row)).rowcount:
            connection.execute(alerts.insert().values(**row))


def forget(connection: sa.Connection, before: float) -> None:
    """Removes what ended before a time."""
    connection.execute(alerts.delete().where(alerts.c.state == "ended", alerts.c.ended_at < before))


def waiting(connection: sa.Connection) -> list[Row]:
    """Notices that are not in the outbox yet, oldest first."""
    return list(connection.execute(outgoing.select().order_by(outgoing.c.at, outgoing.c.id)).mappings())


def add_waiting(connection: sa.Connection, found: list[dict[str, Any]]) -> None:
    """Adds notices."""
    if found:
        connection.execute(outgoing.insert(), found)


def taken(connection: sa.Connection, ids: Iterable[str]) -> None:
    """Those are in the outbox now."""
    connection.execute(outgoing.delete().where(outgoing.c.id.in_(list(ids))))
