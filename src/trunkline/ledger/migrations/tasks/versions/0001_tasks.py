"""The first schema of the database of tasks. Written out, not taken from the tables of today: a migration must never change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def required(kind: type, names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def upgrade() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.String, primary_key=True),
        *required(sa.String, "name state"),
        *required(sa.Integer, "priority"),
        *required(sa.Float, "run_at deadline created_at updated_at ended_at erased_at"),
        *required(sa.String, "owner label worker"),
        *required(sa.Float, "lease_until"),
        *required(sa.Integer, "fence"),
        *required(sa.String, "cancel"),
        *required(sa.Integer, "version shown"),
        *required(sa.LargeBinary, "facts input progress output"),
    )
    op.create_index("tasks_by_due", "tasks", ["state", "run_at"])
    op.create_index("tasks_by_owner", "tasks", ["owner", "id"])
    op.create_index("tasks_by_end", "tasks", ["ended_at"])
    op.create_table(
        "steps",
        sa.Column("task_id", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        *required(sa.Integer, "attempt"),
        *required(sa.Float, "begun_at ended_at"),
        *required(sa.LargeBinary, "output"),
    )
