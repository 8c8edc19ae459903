"""What an outage did: sums by kind of failure, caller and feature, distinct people, and since when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.records import DAY_US, NOON_US, SECOND_US, JournalInMemory, Record, call
from trunkline.ledger.drain import Drain
from trunkline.ledger.impact import Impact

pytestmark = pytest.mark.row("O7", "H3")
FAILED = {"state": "error", "code": "overloaded", "status": 503, "wasted_usd": 0.25}
SERVED = {"notes": "fallback=target:adyen", "cost_usd": 0.5}
HOUR_US = 3600 * SECOND_US


@pytest.fixture
def impact(tmp_path: Path) -> Iterator[Any]:
    """`impact(*records)`: what reads a ledger with those calls."""
    opened = []

    def over(*records: list[Record]) -> Impact:
        journal = JournalInMemory(*(one for some in records for one in some))
        with closing(Drain(tmp_path / "journal", tmp_path / "ledger", read_from=journal.read_from)) as drain:
            while drain.step():
                continue
        opened.append(Impact(tmp_path / "ledger"))
        return opened[-1]

    yield over
    for one in opened:
        one.close()


def test_calls_are_summed_by_what_became_of_them(impact: Any) -> None:
    found = impact(
        call("a"),
        call("b", ended=FAILED, subject_hash="s1"),
        call("c", ended=FAILED, subject_hash="s1"),
        call("d", ended=FAILED, subject_hash="s2", team="lab", key_id="key-2", feature="mail"),
        call("e", ended=SERVED),
        call("other", ended=FAILED, integration="openai"),
        call("before", NOON_US - HOUR_US, ended=FAILED),
    )
    rows = found.groups("stripe", NOON_US, NOON_US + HOUR_US)
    told = {
        (r["code"], r["state"], r["feature"], r["team"], r["key_id"], r["otherwise"]): (r["calls"], r["cost_usd"], r["wasted_usd"])
        for r in rows
    }  # fmt: skip
    assert told == {
        ("", "ok", "checkout", "shop", "key-1", False): (1, 0.0, 0.0),
        ("overloaded", "error", "checkout", "shop", "key-1", False): (2, 0.0, 0.5),
        ("overloaded", "error", "mail", "lab", "key-2", False): (1, 0.0, 0.25),
        ("", "ok", "checkout", "shop", "key-1", True): (1, 0.5, 0.0),
    }
    assert found.subjects("stripe", NOON_US, NOON_US + HOUR_US, ["overloaded"]) == 2
    assert found.subjects("stripe", NOON_US, NOON_US + HOUR_US, ["network"]) == 0


def test_days_are_added_up(impact: Any) -> None:
    found = impact(call("a", ended=FAILED), call("b", NOON_US + DAY_US, ended=FAILED))
    (row,) = found.groups("stripe", NOON_US, NOON_US + 2 * DAY_US)
    assert (row["calls"], row["wasted_usd"]) == (2, 0.5)


def test_it_fails_since_the_first_failure_after_the_last_good_call(impact: Any) -> None:
    found = impact(
        call("a", NOON_US, ended=FAILED),
        call("b", NOON_US + 1 * SECOND_US),
        call("c", NOON_US + 2 * SECOND_US, ended=SERVED),
        call("d", NOON_US + 3 * SECOND_US, ended=FAILED),
        call("e", NOON_US + 4 * SECOND_US, ended={"notes": "cache=stale"}),
    )
    assert found.failing_since("stripe", NOON_US + HOUR_US, ["overloaded"]) == NOON_US + 2 * SECOND_US
    assert found.failing_since("stripe", NOON_US + 1 * SECOND_US, ["overloaded"]) is None
    assert found.failing_since("openai", NOON_US + HOUR_US, ["overloaded"]) is None


def test_it_fails_over_midnight(impact: Any) -> None:
    found = impact(
        call("a", NOON_US), call("b", NOON_US + 1, ended=FAILED), call("c", NOON_US + DAY_US, ended=FAILED)
    )
    assert found.failing_since("stripe", NOON_US + DAY_US + 1, ["overloaded"]) == NOON_US + 1


def test_an_empty_ledger_tells_nothing(tmp_path: Path) -> None:
    with closing(Impact(tmp_path / "ledger")) as found:
        assert found.groups("stripe", 0, NOON_US) == []
        assert found.subjects("stripe", 0, NOON_US, ["network"]) == 0
        assert found.failing_since("stripe", NOON_US, ["network"]) is None
