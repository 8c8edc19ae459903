"""Readings of vendors' changelogs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contract_reviews",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("integration", sa.String, nullable=False, index=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("Schemas only go forward; restore a backup instead (`trunkline restore`).")
