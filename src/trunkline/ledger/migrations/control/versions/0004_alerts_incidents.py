"""What alerts have told; incidents with their timelines; acknowledgements of runbooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def required(kind: type, names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("rule", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        *required(sa.String, "state"),
        *required(sa.Float, "ended_at"),
        *required(sa.JSON, "known"),
    )
    op.create_table(
        "alert_notices",
        sa.Column("id", sa.String, primary_key=True),
        *required(sa.String, "rule event"),
        *required(sa.JSON, "payload"),
        *required(sa.Float, "at"),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.String, primary_key=True),
        *required(sa.String, "integration state"),
        sa.Column("opened_at", sa.Float, nullable=False, index=True),
        *required(sa.Float, "closed_at"),
        *required(sa.JSON, "incident"),
    )
    op.create_table(
        "incident_entries",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.String, sa.ForeignKey("incidents.id"), nullable=False, index=True),
        *required(sa.Float, "at"),
        *required(sa.String, "kind text by"),
        *required(sa.JSON, "detail"),
    )
    op.create_table(
        "runbook_acks",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("integration", sa.String, nullable=False, index=True),
        *required(sa.Float, "at"),
        *required(sa.String, "by note incident_id"),
    )


def downgrade() -> None:
    raise RuntimeError("Schemas only go forward; restore a backup instead (`trunkline restore`).")
