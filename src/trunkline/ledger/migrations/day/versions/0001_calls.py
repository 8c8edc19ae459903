"""The first schema of a day's file. Written out, not taken from the tables of today: a migration must never change."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXTS = sa.Text
COUNT = sa.BigInteger


def required(kind: type, names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def dimensions() -> list[sa.Column[Any]]:
    integers = ("hour", "status_class", "simulated")
    names = (
        "integration",
        "operation",
        "model",
        "team",
        "feature",
        "key_id",
        "state",
        "status_class",
        "code",
    )
    ordered = ("hour", *names, "simulated")
    return [
        sa.Column(name, sa.Integer if name in integers else sa.Text, primary_key=True) for name in ordered
    ]


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("call_id", sa.Text, primary_key=True),
        *required(TEXTS, "boot"),
        *required(COUNT, "begun_us"),
        *required(TEXTS, "correlation_id key_id team feature subject_hash tags ingress"),
        *required(TEXTS, "integration operation method path model"),
        *required(sa.Boolean, "stream"),
        *required(COUNT, "bytes_in"),
        *required(TEXTS, "config_version target credential"),
        *required(sa.Boolean, "acts simulated"),
        sa.Column("ended_us", sa.BigInteger),
        *required(TEXTS, "state"),
        *required(COUNT, "status"),
        *required(TEXTS, "code message source"),
        *required(COUNT, "duration_us overhead_us first_byte_us bytes_out"),
        *required(TEXTS, "served_model"),
        *required(COUNT, "input_tokens output_tokens cached_tokens cache_write_tokens reasoning_tokens"),
        sa.Column("cost_usd", sa.Float),
        *required(sa.Float, "wasted_usd"),
        *required(sa.Boolean, "usage_estimated"),
        *required(COUNT, "attempt_count changed_us"),
    )
    scanned = ["key_id", "integration", "model", "team", "feature", "state", "code"]
    op.create_index("calls_scan", "calls", ["begun_us", "duration_us", *scanned])
    op.create_index("calls_changed", "calls", ["changed_us"])
    op.create_index("calls_correlation_id", "calls", ["correlation_id"])
    for name in ("key_id", "integration", "model", "team", "feature"):
        op.create_index(f"calls_{name}", "calls", [name, "begun_us"])
    op.create_index("calls_state", "calls", ["state", "begun_us"], sqlite_where=sa.text("state <> 'ok'"))
    op.create_index("calls_code", "calls", ["code", "begun_us"], sqlite_where=sa.text("code <> ''"))
    op.create_index("calls_failed", "calls", ["begun_us"], sqlite_where=sa.text("code <> ''"))
    op.create_table(
        "attempts",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        *required(TEXTS, "target credential"),
        *required(COUNT, "offset_us connect_us first_byte_us duration_us status"),
        *required(TEXTS, "code message vendor_code vendor_request_id"),
        *required(sa.Boolean, "sent"),
        *required(TEXTS, "state"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "attempts_vendor_request",
        "attempts",
        ["vendor_request_id"],
        sqlite_where=sa.text("vendor_request_id <> ''"),
    )
    op.create_table(
        "hours",
        *dimensions(),
        *required(COUNT, "calls errors attempts bytes_in bytes_out input_tokens output_tokens cached_tokens"),
        *required(COUNT, "cache_write_tokens reasoning_tokens unpriced duration_us"),
        *required(sa.Float, "cost_usd wasted_usd"),
        *[sa.Column(f"latency_{i:02d}", sa.Integer, nullable=False) for i in range(44)],
        *required(COUNT, "revision"),
        sqlite_with_rowid=False,
    )
    op.create_index("hours_revision", "hours", ["revision"])
