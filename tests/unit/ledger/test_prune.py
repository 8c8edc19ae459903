from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.records import DAY_US, NOON_US, JournalInMemory, call
from trunkline.ledger.drain import Drain
from trunkline.ledger.prune import expired, prune
from trunkline.ledger.query import Ledger
from trunkline.ledger.usage import Rollups


def test_a_day_expires_when_its_last_call_is_too_old() -> None:
    days = ["2026-08-22", "2026-08-23", "2026-08-24", "2026-11-21"]
    assert expired(days, NOON_US, 90) == ["2026-08-22"]
    assert expired(days, NOON_US, 0) == ["2026-08-22", "2026-08-23", "2026-08-24"]


@pytest.mark.row("O1")
def test_an_expired_day_goes_by_its_file_and_its_sums_stay(
    make_drain: Callable[..., Drain], ledger: Ledger, rollups: Rollups, folder: Path
) -> None:
    old = NOON_US - 91 * DAY_US
    drain = make_drain(JournalInMemory(*call("old", old), *call("new")))
    while drain.step():
        pass
    assert prune(drain, NOON_US) == ["2026-08-22"]
    assert prune(drain, NOON_US) == []
    assert sorted(path.name for path in folder.glob("calls-*")) == [
        "calls-2026-11-21.db",
        "calls-2026-11-21.db-shm",
        "calls-2026-11-21.db-wal",
    ]
    assert [one["call_id"] for one in ledger.calls().calls] == ["new"]
    assert [(row["day"], row["calls"]) for row in rollups.usage(["day"])] == [
        ("2026-08-22", 1),
        ("2026-11-21", 1),
    ]


def test_a_day_whose_dropping_was_cut_off_goes_at_the_next_start(
    make_drain: Callable[..., Drain], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = JournalInMemory(*call("old"))
    drain = make_drain(journal)
    drain.step()
    with monkeypatch.context() as patched:
        patched.setattr("trunkline.ledger.days.Days.drop", lambda self, day: None)
        drain.prune("2026-11-21")
    drain.close()
    assert (folder / "calls-2026-11-21.db").exists()
    make_drain(journal).step()
    assert not (folder / "calls-2026-11-21.db").exists()
