"""The tables of `rollups.db`: hours of all days, how far the journal was drained, and what was found damaged.

A change here needs a migration in `migrations/rollup`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text

from trunkline.ledger.hour_columns import hour_columns

metadata = MetaData()

hours = Table("hours", metadata, *hour_columns(), sqlite_with_rowid=False)

days = Table(
    "days",
    metadata,
    Column("day", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("dropped", Boolean, nullable=False),
)
"""`revision` is the newest `changed_us` of a day whose `hours` were copied; a `dropped` day has no file and takes no more calls."""

ROLLUPS = "rollups.db"
"""Name of the file in the ledger folder."""

progress = Table(
    "progress",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("segment", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("drained_us", BigInteger, nullable=False),
)
"""One row: the journal's records up to this place stand in the day files. It is written after them, so a crash replays a little."""

damage = Table(
    "damage",
    metadata,
    Column("segment", Text, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("quarantined", Text, nullable=False),
    Column("found_us", BigInteger, nullable=False),
)
Index("damage_found", damage.c.found_us)
