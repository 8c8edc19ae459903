"""The tables of a day's file: its calls, their attempts, and the roll-ups of its hours.

The columns of `calls` are the fields of `core/record.py`'s `Begin` (`at_us` is `begun_us`), then those of `End`. A change here
needs a migration in `migrations/day`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, Text, text

from trunkline.ledger.hour_columns import hour_columns

metadata = MetaData()


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]


def _integers(*names: str) -> list[Column[Any]]:
    return [Column(name, BigInteger, nullable=False) for name in names]


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False)


calls = Table(
    "calls",
    metadata,
    Column("call_id", Text, primary_key=True),
    *_texts("boot"),
    *_integers("begun_us"),
    *_texts("correlation_id", "key_id", "team", "feature", "subject_hash", "tags", "ingress"),
    *_texts("integration", "operation", "method", "path", "model"),
    _flag("stream"),
    *_integers("bytes_in"),
    *_texts("config_version", "target", "credential"),
    _flag("acts"),
    _flag("simulated"),
    Column("ended_us", BigInteger),
    *_texts("state"),
    *_integers("status"),
    *_texts("code", "message", "source"),
    *_integers("duration_us", "overhead_us", "first_byte_us", "bytes_out"),
    *_texts("served_model"),
    *_integers("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"),
    Column("cost_usd", Float),
    Column("wasted_usd", Float, nullable=False),
    _flag("usage_estimated"),
    *_integers("attempt_count", "changed_us"),
    Column("notes", Text, nullable=False, server_default=""),
    Column("queued_us", BigInteger, nullable=False, server_default="0"),
    Column("resolution", Text, nullable=False, server_default=""),
    Column("resolved_us", BigInteger),
    Column("resolved_by", Text, nullable=False, server_default=""),
    Column("resolution_note", Text, nullable=False, server_default=""),
    Column("price_id", Text, nullable=False, server_default=""),
    Column("cost_parts", Text, nullable=False, server_default=""),
)
"""`cost_usd` is null when unpriced or unknown; `cost_parts` is the JSON of `End.parts`, empty without any. `changed_us` grows with
each write, over all days: the place in the live tail.
"""

RESOLUTION = ("resolution", "resolved_us", "resolved_by", "resolution_note")
"""What was found out later about a call of unknown outcome (`unknown.py`); the drain never writes these."""

FILTERS = ("key_id", "integration", "model", "team", "feature")
"""Columns that a search narrows by. Each has an index that is already in the order of the answer, for a search by it alone."""

SCANNED = ("duration_us", *FILTERS, "state", "code")
"""What `calls_scan` holds besides the time: a search by several of these reads that index, never the rows that do not match."""

Index("calls_scan", calls.c.begun_us, *(calls.c[name] for name in SCANNED))
Index("calls_changed", calls.c.changed_us)
Index("calls_correlation_id", calls.c.correlation_id)
for _name in FILTERS:
    Index(f"calls_{_name}", calls.c[_name], calls.c.begun_us)
Index("calls_state", calls.c.state, calls.c.begun_us, sqlite_where=text("state <> 'ok'"))
Index("calls_code", calls.c.code, calls.c.begun_us, sqlite_where=text("code <> ''"))
Index("calls_failed", calls.c.begun_us, sqlite_where=text("code <> ''"))

attempts = Table(
    "attempts",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    *_texts("target", "credential"),
    *_integers("offset_us", "connect_us", "first_byte_us", "duration_us", "status"),
    *_texts("code", "message", "vendor_code", "vendor_request_id"),
    _flag("sent"),
    *_texts("state"),
    sqlite_with_rowid=False,
)
"""`state` is running, ok, error or outcome_unknown."""

Index("attempts_vendor_request", attempts.c.vendor_request_id, sqlite_where=text("vendor_request_id <> ''"))

hours = Table("hours", metadata, *hour_columns(), sqlite_with_rowid=False)
Index("hours_revision", hours.c.revision)

persons = Table(
    "persons",
    metadata,
    *(Column(name, Text, primary_key=True) for name in ("person", "call_id")),
    Column("source", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Whom a call is about beside its subject, as keyed hashes. `source`: `request`, where the gateway read it in every request, else
`sample` or `answer`, where it was seen in a sampled request or answer.
"""

Index("calls_subject", calls.c.subject_hash, calls.c.begun_us, sqlite_where=text("subject_hash <> ''"))
