"""Opens a SQLite file the one way that this product uses: WAL, a busy timeout, explicit transactions.

Not for schemas (`migrate.py`) nor for where files lie (`days.py`).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

BUSY_TIMEOUT_S = 5.0


def open_engine(
    path: Path, *, read_only: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S, durable: bool = True
) -> sqlalchemy.Engine:
    """An engine for one file, made with mode 0600 unless it is there.

    A writer's transaction takes the write lock when it begins, so that two writers wait for each other instead of failing
    half-way. `durable` brings each commit to the disk; without it a power cut may undo the last ones, never half of one.
    """
    if not read_only and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    address = _address(path, read_only)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=busy_timeout_s, check_same_thread=False)

    engine = sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=QueuePool)
    event.listen(engine, "connect", _pragmas(read_only, durable))
    event.listen(engine, "begin", _begin("BEGIN" if read_only else "BEGIN IMMEDIATE"))
    return engine


def reader(path: Path) -> sqlite3.Connection:
    """One file to be read by some plain statements: a tenth of what an engine costs, which counts where many files are asked."""
    connection = sqlite3.connect(_address(path, read_only=True), uri=True, timeout=BUSY_TIMEOUT_S)
    connection.isolation_level = None
    connection.execute("BEGIN")
    return connection


def _address(path: Path, read_only: bool) -> str:
    return f"file:{quote(str(path))}?mode={'ro' if read_only else 'rw'}"


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy of a database that may be in use, by SQLite's own backup; the name appears when it is whole."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_RDWR, 0o600))
    with (
        contextlib.closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as old,
        contextlib.closing(sqlite3.connect(part)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")
    part.rename(target)


def tidy(engine: sqlalchemy.Engine) -> None:
    """What was overwritten stays no longer in the log beside the file, as far as no reader still needs it."""
    with engine.connect() as connection:
        plain = connection.connection.driver_connection
        if plain is not None:
            connection.rollback()
            plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def is_locked(fault: Exception) -> bool:
    """Whether a database error only says that another process holds the file just now."""
    cause = getattr(fault, "orig", fault)
    name = getattr(cause, "sqlite_errorname", "")
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or "database is locked" in str(cause)


def _pragmas(read_only: bool, durable: bool) -> Any:
    def connected(connection: Any, _: ConnectionPoolEntry) -> None:
        # Python's own transaction handling is switched off: SQLAlchemy's `begin` event starts each transaction.
        connection.isolation_level = None
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")

    return connected


def _begin(statement: str) -> Any:
    def begun(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql(statement)

    return begun
