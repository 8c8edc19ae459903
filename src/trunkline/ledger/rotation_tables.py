"""Rotations of credentials in the control database: one row for each, from the new version to its end. All its SQL.

Not for: what comes next in one (`control/rotation.py`). Times are epoch seconds, 0: never.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from trunkline.ledger.control_tables import Row, metadata, secret_versions

rotations = sa.Table(
    "rotations",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, index=True),
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
)
"""`facts` holds the rest of `control.rotation.Rotation`."""


def insert(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Adds a rotation."""
    connection.execute(rotations.insert().values(**row))


def replace(connection: sa.Connection, row: dict[str, Any], *, expected: str) -> bool:
    """Replaces one, if it is in the expected state still; False when somebody else was faster."""
    chosen = sa.and_(rotations.c.id == row["id"], rotations.c.state == expected)
    return connection.execute(rotations.update().where(chosen).values(**row)).rowcount == 1


def find(connection: sa.Connection, rotation_id: str) -> Row | None:
    """One rotation."""
    return connection.execute(rotations.select().where(rotations.c.id == rotation_id)).mappings().first()


def listed(
    connection: sa.Connection, *, name: str = "", running: bool = False, limit: int = 100
) -> list[Row]:
    """Rotations, the newest first."""
    query = rotations.select().order_by(rotations.c.created_at.desc(), rotations.c.id).limit(limit)
    if name:
        query = query.where(rotations.c.name == name)
    if running:
        query = query.where(rotations.c.ended_at == 0.0)
    return list(connection.execute(query).mappings())


def last_done(connection: sa.Connection) -> dict[str, float]:
    """Name -> when its last rotation that was not undone began to serve."""
    query = rotations.select().where(rotations.c.state.in_(("promoted", "idle", "done")))
    found: dict[str, float] = {}
    for row in connection.execute(query).mappings():
        at = float(row["facts"].get("promoted_at") or 0.0)
        found[row["name"]] = max(at, found.get(row["name"], 0.0))
    return found


def erase_version(connection: sa.Connection, name: str, version: int) -> None:
    """Erases the value of one version of a secret for good; that it was there stays known."""
    chosen = sa.and_(secret_versions.c.name == name, secret_versions.c.version == version)
    connection.execute(secret_versions.update().where(chosen).values(ciphertext=b"", wrapped_key=b""))
