"""The columns of a roll-up row: one hour of calls that have these things in common. Used by the day file and the roll-ups alike.

The day file's `hours` are the truth, written in the transaction of the calls they count; `rollups.db` holds a copy that outlives
the day file.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Integer, Text

from trunkline.ledger.histogram import BUCKETS

DIMENSIONS = (
    "hour",
    "integration",
    "operation",
    "model",
    "team",
    "feature",
    "key_id",
    "state",
    "status_class",
    "code",
    "simulated",
)
"""What the calls of one row share. `hour` is hours since the epoch, UTC."""

COUNTS = (
    "calls",
    "errors",
    "attempts",
    "bytes_in",
    "bytes_out",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "unpriced",
    "duration_us",
)
MONEY = ("cost_usd", "wasted_usd")
LATENCY = tuple(f"latency_{i:02d}" for i in range(BUCKETS))
PARTS = (
    "input_usd",
    "cached_usd",
    "cache_write_usd",
    "output_usd",
    "reasoning_usd",
    "tools_usd",
    "other_usd",
)
"""Of which `cost_usd` is made; 0 in hours that were counted before there were such columns. Sounds and pictures are input or output,
tools those of models that cost by the use; other is what is no model call, and what vendors tell as one sum."""
METRICS = COUNTS + MONEY + LATENCY + PARTS
"""What is added up, in this order everywhere."""

_INTEGERS = ("hour", "status_class", "simulated")


def hour_columns() -> list[Column[Any]]:
    """Fresh columns for one table: the dimensions are its primary key; `revision` says which batch changed a row last."""
    keys = [Column(name, Integer if name in _INTEGERS else Text, primary_key=True) for name in DIMENSIONS]
    counts = [Column(name, BigInteger, nullable=False) for name in COUNTS]
    money = [Column(name, Float, nullable=False) for name in MONEY]
    latency = [Column(name, Integer, nullable=False) for name in LATENCY]
    parts = [Column(name, Float, nullable=False, server_default="0") for name in PARTS]
    return [*keys, *counts, *money, *latency, Column("revision", BigInteger, nullable=False), *parts]
