"""Findings: what a person should look at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def required(kind: type, names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def upgrade() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False, index=True),
        *required(sa.String, "integration subject severity title"),
        *required(sa.JSON, "detail correlation_ids"),
        *required(sa.String, "due"),
        sa.Column("state", sa.String, nullable=False, index=True),
        *required(sa.Integer, "times episode"),
        *required(sa.Float, "first_at opened_at last_at acknowledged_at"),
        *required(sa.String, "acknowledged_by note"),
        *required(sa.Float, "resolved_at"),
        *required(sa.String, "resolved_why"),
    )


def downgrade() -> None:
    raise RuntimeError("Schemas only go forward; restore a backup instead (`trunkline restore`).")
