"""Categories of data that were seen in sampled calls, in the control database: one row for each place where one stood. All its SQL.

Never a value: integration, operation, side, JSON path, category. Not for: judging them (`ops/data/`). Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from trunkline.ledger.control_tables import Row, metadata

PLACE = ("integration", "operation", "side", "path", "category")

observed = sa.Table(
    "observed_data",
    metadata,
    *(sa.Column(name, sa.String, primary_key=True) for name in PLACE),
    sa.Column("samples", sa.Integer, nullable=False),
    sa.Column("first_at", sa.Float, nullable=False),
    sa.Column("last_at", sa.Float, nullable=False),
    sa.Column("correlation_ids", sa.JSON, nullable=False),
)
"""`side` is `request` or `answer`; `samples` how many sampled calls held it; `correlation_ids` of the latest of them."""


def add(connection: sa.Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Counts sights: a new place is added, one that is known is counted up."""
    for row in rows:
        new = insert(observed).values(**row)
        columns = observed.c
        connection.execute(
            new.on_conflict_do_update(
                index_elements=list(PLACE),
                set_={
                    "samples": columns.samples + new.excluded.samples,
                    "last_at": sa.func.max(columns.last_at, new.excluded.last_at),
                    "correlation_ids": new.excluded.correlation_ids,
                },
            )
        )


def listed(connection: sa.Connection, integration: str = "") -> list[Row]:
    """Every place, by integration; those of one only if it is named."""
    query = observed.select().order_by(*(observed.c[name] for name in PLACE))
    if integration:
        query = query.where(observed.c.integration == integration)
    return list(connection.execute(query).mappings())


def forget(connection: sa.Connection, integration: str) -> int:
    """Forgets what was seen of an integration; how many places that were."""
    return connection.execute(observed.delete().where(observed.c.integration == integration)).rowcount
