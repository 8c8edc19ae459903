"""Teams, users, their sessions and links, lockouts, callers by token; who made a key, its role, and when it was used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def required(kind: type, names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def upgrade() -> None:
    op.create_table(
        "teams",
        sa.Column("name", sa.String, primary_key=True),
        *required(sa.String, "title"),
        *required(sa.JSON, "scopes"),
        *required(sa.Float, "created_at removed_at"),
        *required(sa.String, "created_by"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False, index=True),
        *required(sa.String, "email role"),
        *required(sa.JSON, "teams"),
        *required(sa.String, "password issuer subject"),
        *required(sa.Float, "created_at disabled_at removed_at last_login_at password_at"),
        *required(sa.String, "created_by"),
    )
    op.create_table(
        "sign_in_links",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        *required(sa.String, "user_id created_by"),
        *required(sa.Float, "created_at expires_at used_at"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
        *required(sa.String, "user_id way address agent"),
        *required(sa.Float, "created_at seen_at expires_at ended_at"),
    )
    op.create_table(
        "lockouts",
        sa.Column("subject", sa.String, primary_key=True),
        *required(sa.String, "plane"),
        *required(sa.Integer, "failures"),
        *required(sa.Float, "locked_at until unlocked_at"),
    )
    op.create_table(
        "token_callers",
        sa.Column("id", sa.String, primary_key=True),
        *required(sa.String, "name team"),
        *required(sa.Float, "first_used_at last_used_at"),
    )
    op.add_column("caller_keys", sa.Column("role", sa.String, nullable=False, server_default="caller"))
    op.add_column("caller_keys", sa.Column("created_by", sa.String, nullable=False, server_default=""))
    for name in ("first_used_at", "last_used_at"):
        column: sa.Column[float] = sa.Column(name, sa.Float, nullable=False, server_default=sa.text("0"))
        op.add_column("caller_key_versions", column)
    op.execute(
        "INSERT INTO teams (name, title, scopes, created_at, removed_at, created_by) "
        "SELECT team, '', '[\"*\"]', MIN(created_at), 0, '' FROM caller_keys WHERE team <> '' GROUP BY team"
    )


def downgrade() -> None:
    raise RuntimeError("Schemas only go forward; restore a backup instead (`trunkline restore`).")
