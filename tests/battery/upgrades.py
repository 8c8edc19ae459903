"""K9: a ledger as an earlier version left it is brought up to this one, with a copy kept; one of a later version is refused untouched."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config

from trunkline.ledger.drain import Drain
from trunkline.ledger.engine import open_engine
from trunkline.ledger.migrate import MIGRATIONS, SchemaRefused, head
from trunkline.ledger.query import CallFilter, Ledger

EARLIER, LATER = "0001", "9999"
DAY = "2026-11-20"
DAY_US = 1_795_132_800_000_000
FAILED_EVERY = 100


@dataclass
class Upgraded:
    """What became of the store."""

    rows: int
    took_s: float
    after: int
    kept: int
    """Rows in the copy from before."""
    kept_schema: str
    found: int
    """Of the newest thousand calls, read back."""
    failed: int
    """Of the failed ones, found by their state."""


def upgrade_store(folder: Path, *, rows: int) -> Upgraded:
    """Makes a day of the earlier version with so many calls, and opens the ledger as the console does."""
    ledger = folder / "ledger"
    ledger.mkdir(parents=True)
    path = ledger / f"calls-{DAY}.db"
    earlier(path, rows)
    begun = time.monotonic()
    drain = Drain(folder / "journal", ledger)
    try:
        drain.open()
    finally:
        drain.close()
    took = time.monotonic() - begun
    copy = path.with_name(f"{path.name}.before-{head('day')}")
    reading = Ledger(ledger)
    try:
        found = len(reading.calls(limit=1000).calls)
        failed = len(reading.calls(CallFilter(state="error"), limit=1000).calls)
    finally:
        reading.close()
    return Upgraded(rows, took, _count(path), _count(copy), _stamp(copy), found, failed)


def refused_untouched(folder: Path) -> tuple[str, bool]:
    """A day written by a later version: what is said, and whether its file stayed as it was."""
    ledger = folder / "ledger"
    ledger.mkdir(parents=True)
    path = ledger / f"calls-{DAY}.db"
    _earlier(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (LATER,))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = hashlib.sha256(path.read_bytes()).digest()
    drain, said = Drain(folder / "journal", ledger), ""
    try:
        drain.open()
    except SchemaRefused as refusal:
        said = str(refusal)
    finally:
        drain.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")  # nobody holds it any more
        connection.execute("ROLLBACK")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return said, hashlib.sha256(path.read_bytes()).digest() == before


def earlier(path: Path, rows: int) -> None:
    """A day of the first version with so many calls."""
    _earlier(path)
    _filled(path, rows)


def _earlier(path: Path) -> None:
    """An empty day as the first version made it."""
    engine = open_engine(path)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", str(MIGRATIONS / "day" / "versions").replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, EARLIER)
    engine.dispose()


def _filled(path: Path, rows: int) -> None:
    """Rows with an id and an instant each; every hundredth call failed."""
    with closing(sqlite3.connect(path)) as connection:
        columns = connection.execute("PRAGMA table_info(calls)").fetchall()
        given = {
            "call_id": "printf('call-%07d', n)",
            "correlation_id": "printf('correlation-%07d', n)",
            "begun_us": f"{DAY_US} + n * 1000",
            "changed_us": "n + 1",
            "state": f"CASE WHEN n % {FAILED_EVERY} THEN 'ok' ELSE 'error' END",
            "code": f"CASE WHEN n % {FAILED_EVERY} THEN '' ELSE 'network' END",
            "integration": "'openai'",
            "boot": "'earlier'",
        }
        values = [given.get(name, "''" if kind == "TEXT" else "0") for _, name, kind, *_ in columns]
        names = ", ".join(f'"{column[1]}"' for column in columns)
        connection.execute(
            f"WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < {rows - 1}) "
            f"INSERT INTO calls ({names}) SELECT {', '.join(values)} FROM counted"
        )
        connection.commit()


def _count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM calls").fetchone()[0])


def _stamp(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
