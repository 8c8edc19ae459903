"""The first schema of the control database. Written out, not taken from the tables of today: a migration must never change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEEPS_ROWS = "CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END"
KEEPS_TEXT = "CREATE TRIGGER audit_keeps_text BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END"


def required(kind: type, names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def upgrade() -> None:
    op.create_table(
        "caller_keys",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False, index=True),
        *required(sa.String, "team kind"),
        *required(sa.JSON, "settings"),
        *required(sa.Float, "created_at expires_at revoked_at"),
    )
    op.create_table(
        "caller_key_versions",
        sa.Column("key_id", sa.String, sa.ForeignKey("caller_keys.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
        *required(sa.String, "hint"),
        *required(sa.Float, "created_at expires_at"),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.String, primary_key=True),
        *required(sa.Integer, "current"),
        *required(sa.Float, "created_at removed_at"),
    )
    op.create_table(
        "secret_versions",
        sa.Column("name", sa.String, sa.ForeignKey("secrets.name"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        *required(sa.LargeBinary, "ciphertext wrapped_key"),
        *required(sa.String, "kek_id fingerprint last4"),
        *required(sa.Float, "created_at"),
    )
    op.create_table(
        "installation_keys",
        sa.Column("name", sa.String, primary_key=True),
        *required(sa.LargeBinary, "ciphertext wrapped_key"),
        *required(sa.String, "kek_id"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        *required(sa.Float, "at"),
        *required(sa.String, "actor action subject detail"),
        *required(sa.LargeBinary, "hash seal"),
    )
    op.execute(KEEPS_ROWS)
    op.execute(KEEPS_TEXT)


def downgrade() -> None:
    raise RuntimeError("Schemas only go forward; restore a backup instead (`trunkline restore`).")
