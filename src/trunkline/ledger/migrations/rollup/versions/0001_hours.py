"""The first schema of the roll-ups. Written out, not taken from the tables of today: a migration must never change."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNT = sa.BigInteger


def required(kind: type, names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def dimensions() -> list[sa.Column[Any]]:
    integers = ("hour", "status_class", "simulated")
    names = (
        "integration",
        "operation",
        "model",
        "team",
        "feature",
        "key_id",
        "state",
        "status_class",
        "code",
    )
    ordered = ("hour", *names, "simulated")
    return [
        sa.Column(name, sa.Integer if name in integers else sa.Text, primary_key=True) for name in ordered
    ]


def upgrade() -> None:
    op.create_table(
        "hours",
        *dimensions(),
        *required(COUNT, "calls errors attempts bytes_in bytes_out input_tokens output_tokens cached_tokens"),
        *required(COUNT, "cache_write_tokens reasoning_tokens unpriced duration_us"),
        *required(sa.Float, "cost_usd wasted_usd"),
        *[sa.Column(f"latency_{i:02d}", sa.Integer, nullable=False) for i in range(44)],
        *required(COUNT, "revision"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "days",
        sa.Column("day", sa.Text, primary_key=True),
        *required(COUNT, "revision"),
        *required(sa.Boolean, "dropped"),
    )
    op.create_table(
        "progress",
        sa.Column("id", sa.Integer, primary_key=True),
        *required(COUNT, "segment offset drained_us"),
    )
    op.create_table(
        "damage",
        sa.Column("segment", sa.Text, primary_key=True),
        sa.Column("offset", sa.BigInteger, primary_key=True),
        *required(COUNT, "size"),
        *required(sa.Text, "reason quarantined"),
        *required(COUNT, "found_us"),
    )
    op.create_index("damage_found", "damage", ["found_us"])
