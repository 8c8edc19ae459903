"""By which price a call was counted, and of what parts its cost is made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("price_id", "cost_parts"):
        op.add_column("calls", sa.Column(name, sa.Text, nullable=False, server_default=""))
