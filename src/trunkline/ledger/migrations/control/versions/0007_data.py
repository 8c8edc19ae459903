"""Categories of data that were seen; deletion requests with their tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "observed_data",
        *(
            sa.Column(name, sa.String, primary_key=True)
            for name in ("integration", "operation", "side", "path", "category")
        ),
        sa.Column("samples", sa.Integer, nullable=False),
        sa.Column("first_at", sa.Float, nullable=False),
        sa.Column("last_at", sa.Float, nullable=False),
        sa.Column("correlation_ids", sa.JSON, nullable=False),
    )
    op.create_table(
        "trace_requests",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("persons", sa.JSON, nullable=False),
        sa.Column("mark", sa.String, nullable=False, index=True),
        sa.Column("made_at", sa.Float, nullable=False),
        sa.Column("made_by", sa.String, nullable=False),
        sa.Column("due", sa.String, nullable=False),
        sa.Column("erased_at", sa.Float, nullable=False),
    )
    op.create_table(
        "trace_tasks",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("request", sa.String, nullable=False, index=True),
        sa.Column("integration", sa.String, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("first_us", sa.BigInteger, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.Column("ids", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False, index=True),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("changed_by", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("Schemas only go forward; restore a backup instead (`trunkline restore`).")
