"""Whom calls are about, as keyed hashes, and an index of calls by subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "persons",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "calls_subject", "calls", ["subject_hash", "begun_us"], sqlite_where=sa.text("subject_hash <> ''")
    )
