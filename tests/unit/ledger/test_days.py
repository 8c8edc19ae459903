from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.support.records import DAY_US, NOON_US
from trunkline.ledger.days import Days, day_of, rfc3339


@pytest.mark.parametrize(
    ("at_us", "day"),
    [
        (NOON_US, "2026-11-21"),
        (NOON_US + DAY_US // 2 - 1, "2026-11-21"),
        (NOON_US + DAY_US // 2, "2026-11-22"),
        (0, "1970-01-01"),
        (-5, "1970-01-01"),
        (2**62, "9999-12-31"),
    ],
)
def test_the_day_of_an_instant_is_utc(at_us: int, day: str) -> None:
    assert day_of(at_us) == day


def test_instants_are_written_in_utc_with_milliseconds() -> None:
    assert rfc3339(NOON_US + 1_234_567) == "2026-11-21T12:00:01.234Z"


def test_only_day_files_are_days(tmp_path: Path) -> None:
    for name in (
        "calls-2026-11-22.db",
        "calls-2026-11-21.db",
        "calls-2026-11-21.db-wal",
        "rollups.db",
        "notes.txt",
    ):
        (tmp_path / name).touch()
    with closing(Days(tmp_path)) as days:
        assert days.list() == ["2026-11-21", "2026-11-22"]


def test_few_days_stay_open_and_a_closed_one_opens_again(tmp_path: Path) -> None:
    with closing(Days(tmp_path, keep_open=2)) as days:
        engines = [days.engine(f"2026-11-{day}") for day in (20, 21, 22)]
        assert (days.engine("2026-11-22") is engines[2], days.engine("2026-11-20") is engines[0]) == (
            True,
            False,
        )


def test_a_dropped_day_leaves_no_file(tmp_path: Path) -> None:
    with closing(Days(tmp_path)) as days:
        with days.engine("2026-11-21").begin() as connection:
            connection.exec_driver_sql("DELETE FROM calls")
        days.drop("2026-11-21")
    assert list(tmp_path.iterdir()) == []
