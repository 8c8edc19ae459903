from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from trunkline.ledger.engine import copy_database, is_locked, open_engine


def test_a_database_is_private_durable_and_lets_readers_pass(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "x.db")
    with engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    engine.dispose()
    assert (mode, synchronous, (tmp_path / "x.db").stat().st_mode & 0o777) == ("wal", 2, 0o600)


def test_a_reader_makes_no_file_and_changes_nothing(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "none.db", read_only=True)
    with pytest.raises(OperationalError, match="unable to open"):
        engine.connect()
    assert not (tmp_path / "none.db").exists()


def test_a_writer_takes_the_lock_when_it_begins(tmp_path: Path) -> None:
    first, second = (open_engine(tmp_path / "x.db", busy_timeout_s=0.01) for _ in range(2))
    with first.begin(), pytest.raises(OperationalError) as caught, second.begin():
        pass
    assert is_locked(caught.value)
    first.dispose()
    second.dispose()


def test_other_troubles_are_no_lock() -> None:
    assert not is_locked(OperationalError("x", {}, sqlite3.OperationalError("no such table: calls")))
    assert not is_locked(ValueError("x"))


@pytest.mark.parametrize("name", ["plain.db", "with space & ? # %.db"])
def test_a_copy_is_whole_while_somebody_writes(tmp_path: Path, name: str) -> None:
    engine = open_engine(tmp_path / name)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (2)")
        copy_database(tmp_path / name, tmp_path / "copy.db")
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT n FROM t").fetchall() == [(1,)]
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
