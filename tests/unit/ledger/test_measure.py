"""The figures of the ledger, as `make bench` prints them. The long ones are the battery's."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from trunkline.core.codec import to_pack
from trunkline.journal.append import Journal
from trunkline.ledger.drain import Drain
from trunkline.ledger.follow import Follower
from trunkline.ledger.measure import SEARCHES, drain_rate, search_times_ms, synthetic
from trunkline.ledger.query import CallFilter, Ledger
from trunkline.ledger.usage import Rollups


def test_the_measure_drains_what_it_wrote_and_searches_it(tmp_path: Path) -> None:
    rate = drain_rate(tmp_path, calls=300)
    with closing(Rollups(tmp_path / "ledger")) as rollups:
        assert [row["calls"] for row in rollups.usage()] == [300]
    assert (rate.calls, rate.per_second > 0, rate.per_cpu_second > 0, rate.ledger_bytes > 0) == (
        300,
        True,
        True,
        True,
    )
    assert set(search_times_ms(tmp_path)) == set(SEARCHES)


@pytest.mark.slow
@pytest.mark.row("Q1", "Q2")
def test_a_core_drains_three_thousand_calls_a_second(tmp_path: Path) -> None:
    rate = drain_rate(tmp_path, calls=60_000)
    print(f"{rate.per_second:.0f} calls/s, {rate.per_cpu_second:.0f} per CPU second, {rate}")
    assert rate.per_cpu_second >= 3000


@pytest.mark.slow
@pytest.mark.row("O1")
def test_a_page_of_a_million_calls_takes_less_than_300_ms(tmp_path: Path) -> None:
    drain_rate(tmp_path, calls=1_000_000)
    took = search_times_ms(tmp_path)
    print({name: round(ms, 1) for name, ms in took.items()})
    assert {name: ms for name, ms in took.items() if ms > 300} == {}


@pytest.mark.slow
@pytest.mark.row("Q2")
def test_thirty_seconds_of_a_locked_ledger_are_made_good_within_ten(tmp_path: Path) -> None:
    """K5 of the battery, the ledger's side: calls go on into the journal, and stand in the ledger soon after."""
    journal_folder, folder = tmp_path / "journal", tmp_path / "ledger"
    wrote = 0
    with Journal(journal_folder) as journal:
        follower = Follower(lambda: Drain(journal_folder, folder), journal_folder)
        follower.start()
        _until(lambda: follower.status.open, 10)
        with closing(sqlite3.connect(folder / "rollups.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            paced, end_at = threading.Event(), time.monotonic() + 30
            while time.monotonic() < end_at:
                for record in synthetic(wrote):
                    journal.append(to_pack(record))
                wrote += 1
                paced.wait(0.001)
            told = follower.status.problem
            other.execute("ROLLBACK")
        freed = time.monotonic()
        with closing(Rollups(folder)) as rollups:
            _until(lambda: sum(row["calls"] for row in rollups.usage()) == wrote, 10)
        took = time.monotonic() - freed
        follower.stop()
    with closing(Ledger(folder)) as ledger:
        assert ledger.calls(CallFilter(call_id=f"call-{wrote - 1:07d}")).calls[0]["state"] == "ok"
    print(f"{wrote} calls within 30 s, drained {took:.2f} s after the lock was gone")
    assert told.startswith("the ledger is locked")


def _until(true: object, within_s: float) -> None:
    assert callable(true)
    end_at = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_at, f"not within {within_s} s"
        threading.Event().wait(0.01)
