from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.records import DAY_US, NOON_US, JournalInMemory, begin, call
from trunkline.ledger import follow
from trunkline.ledger.drain import Drain, DrainBusy
from trunkline.ledger.follow import IDLE_S, LOCKED_S, TROUBLE_S, Follower
from trunkline.ledger.migrate import SchemaRefused
from trunkline.ledger.query import Ledger

MakeDrain = Callable[..., Drain]


def follower(make: Callable[[], Drain], tmp_path: Path, now_us: int = NOON_US) -> Follower:
    return Follower(make, tmp_path / "journal", clock=lambda: now_us / 1e6)


def test_it_drains_without_pause_while_there_is_more(make_drain: MakeDrain, tmp_path: Path) -> None:
    following = follower(lambda: make_drain(JournalInMemory(*call("a"), begin("b"))), tmp_path)
    waits = [following.turn(), following.turn()]
    status = following.status
    assert waits == [0.0, IDLE_S]
    assert (status.open, status.problem, status.behind, status.records, status.running, status.drained_us) == (
        True, "", False, 3, 1, NOON_US + 30_000
    )  # fmt: skip


@pytest.mark.row("Q2")
def test_a_locked_ledger_is_told_and_waited_for(
    make_drain: MakeDrain, ledger: Ledger, folder: Path, tmp_path: Path
) -> None:
    journal = JournalInMemory(*call("a"))
    following = follower(lambda: make_drain(journal), tmp_path, NOON_US + 90_000_000)
    following.turn()
    following.turn()
    journal.append(*call("b"))
    with closing(sqlite3.connect(folder / "rollups.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        waits = [following.turn() for _ in range(3)]
        told, lag = following.status.problem, following.status.lag_s(NOON_US / 1e6 + 90)
        other.execute("ROLLBACK")
    assert waits == [LOCKED_S] * 3
    assert told == "the ledger is locked by another process; waiting until it lets go"
    assert 89 < lag < 91
    following.turn()
    assert (following.status.problem, len(ledger.calls().calls)) == ("", 2)


def test_a_full_disk_is_told_and_tried_again(
    make_drain: MakeDrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = follower(lambda: make_drain(JournalInMemory(*call("a"))), tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Drain, "_commit", _disk_full)
        assert following.turn() == TROUBLE_S
    assert (
        following.status.problem
        == "the ledger cannot be written (OSError: [Errno 28] No space left); trying again"
    )
    assert (following.turn(), following.status.problem) == (0.0, "")


def _disk_full(*_: object) -> None:
    raise OSError(28, "No space left")


def test_it_waits_for_a_predecessor_to_end(tmp_path: Path) -> None:
    def busy() -> Drain:
        raise DrainBusy("another process drains the journal")

    following = follower(busy, tmp_path)
    assert (following.turn(), following.status.problem) == (TROUBLE_S, "another process drains the journal")


@pytest.mark.row("X5")
def test_a_ledger_of_another_version_ends_it_with_the_reason(tmp_path: Path) -> None:
    def refused() -> Drain:
        raise SchemaRefused("calls.db has schema 9999")

    following = follower(refused, tmp_path)
    following.start()
    following.stop()
    assert (following.status.fatal, following.status.open, following.status.problem) == (
        True,
        False,
        "calls.db has schema 9999",
    )


@pytest.mark.row("O1")
def test_expired_days_are_dropped_once_an_hour(make_drain: MakeDrain, folder: Path, tmp_path: Path) -> None:
    now = [NOON_US / 1e6]
    journal = JournalInMemory(*call("old", NOON_US - 91 * DAY_US), *call("new"))
    following = Follower(lambda: make_drain(journal), tmp_path / "journal", clock=lambda: now[0])
    days = lambda: [path.name for path in sorted(folder.glob("calls-*.db"))]  # noqa: E731
    following.turn()
    assert days() == ["calls-2026-08-22.db", "calls-2026-11-21.db"]
    following.turn()
    assert days() == ["calls-2026-11-21.db"]
    journal.append(*call("older", NOON_US - 92 * DAY_US))
    following.turn()
    following.turn()
    assert days() == ["calls-2026-08-21.db", "calls-2026-11-21.db"]
    now[0] += follow.PRUNE_EVERY_S
    following.turn()
    assert days() == ["calls-2026-11-21.db"]


def test_it_runs_in_a_thread_until_stopped(make_drain: MakeDrain, ledger: Ledger, tmp_path: Path) -> None:
    following = follower(lambda: make_drain(JournalInMemory(*call("a"))), tmp_path)
    following.start()
    while not following.status.open:
        pass
    following.stop()
    assert [one["call_id"] for one in ledger.calls().calls] == ["a"]
    make_drain(JournalInMemory())
