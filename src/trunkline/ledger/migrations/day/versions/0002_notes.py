"""What flow control did with a call, how long it waited, and what was found out later about its outcome."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("notes", sa.Text, nullable=False, server_default=""),
        sa.Column("queued_us", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("resolution", sa.Text, nullable=False, server_default=""),
        sa.Column("resolved_us", sa.BigInteger),
        sa.Column("resolved_by", sa.Text, nullable=False, server_default=""),
        sa.Column("resolution_note", sa.Text, nullable=False, server_default=""),
    ):
        op.add_column("calls", column)
