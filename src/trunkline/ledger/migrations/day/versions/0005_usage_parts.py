"""Of which the cost of an hour is made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("input", "cached", "cache_write", "output", "reasoning", "tools", "other"):
        op.add_column("hours", sa.Column(f"{name}_usd", sa.Float, nullable=False, server_default="0"))
