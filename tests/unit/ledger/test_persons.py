"""A person's calls are found over all days by keyed hashes, and lose every word when the person is erased."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.records import DAY_US, NOON_US, JournalInMemory, begin, boot, call, end, tried
from trunkline.core.record import Persons, Record
from trunkline.ledger import persons
from trunkline.ledger.drain import Drain
from trunkline.ledger.persons import AT_ONCE, Erased, PersonCalls, Tie, tie
from trunkline.ledger.query import Ledger

JANE, KOFI = "1a" * 16, "2b" * 16


def drained(folder: Path, *records: Record) -> Path:
    journal = JournalInMemory(boot(), *records)
    drain = Drain(folder / "journal", folder / "ledger", read_from=journal.read_from, now_us=lambda: NOON_US)
    while drain.step():
        continue
    drain.close()
    return folder / "ledger"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    later = NOON_US + DAY_US
    return drained(
        tmp_path,
        begin("a", subject_hash=JANE),
        end("a", tried=[tried(1, status=503, code="overloaded"), tried(2, target="openai/gpt-4o")]),
        *call("b", NOON_US + 5),
        Persons("b", NOON_US + 5, [KOFI, JANE]),
        begin("c", at_us=later, subject_hash=KOFI),
        end("c", at_us=later + 9, tried=[]),
        *call("d", later),
    )


def told(folder: Path, *hashes: str) -> list[tuple[str, str, str, str]]:
    ledger = PersonCalls(folder)
    found = ledger.find(hashes)
    ledger.close()
    return [(one.call_id, one.target, one.vendor_request_id, one.source) for one in found.received]


@pytest.mark.row("G2")
def test_every_attempt_of_a_persons_calls_is_told_by_subject_and_by_request(ledger: Path) -> None:
    assert told(ledger, JANE) == [
        ("a", "stripe", "req-1", "subject"),
        ("a", "openai/gpt-4o", "req-2", "subject"),
        ("b", "stripe", "req-1", "request"),
    ]


def test_a_call_that_was_sent_nowhere_is_told_without_a_target(ledger: Path) -> None:
    assert told(ledger, KOFI) == [("b", "stripe", "req-1", "request"), ("c", "", "", "subject")]


def test_nobody_else_is_found(ledger: Path) -> None:
    found = PersonCalls(ledger).find(["3c" * 16])
    assert (found.received, found.calls, found.since, found.more) == ([], 0, "2026-11-21", False)


def test_calls_beyond_the_bound_are_counted(ledger: Path) -> None:
    found = PersonCalls(ledger).find([JANE, KOFI], most=2)
    assert ({one.call_id for one in found.received}, found.calls, found.more) == ({"a", "b"}, 3, True)


def test_many_days_are_told_in_their_order(tmp_path: Path) -> None:
    days = 3 * AT_ONCE
    calls = [call(f"c{n:02}", NOON_US + n * DAY_US, subject_hash=JANE) for n in range(days)]
    ledger = drained(tmp_path, *(record for pair in calls for record in pair))
    assert [one[0] for one in told(ledger, JANE)] == [f"c{n:02}" for n in range(days)]
    some = PersonCalls(ledger).find([JANE], most=5)
    assert ([one.call_id for one in some.received], some.calls) == ([f"c{n:02}" for n in range(5)], days)


def test_many_calls_of_a_day_are_told_up_to_the_bound(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persons, "_CHUNK", 1)
    assert len(told(ledger, JANE)) == 3
    assert [one.call_id for one in PersonCalls(ledger).find([JANE], most=1).received] == ["a", "a"]


def test_an_empty_ledger_knows_nobody(tmp_path: Path) -> None:
    assert PersonCalls(tmp_path / "none").find([JANE]).since == ""


def test_sampled_calls_are_tied_into_days_that_there_are(ledger: Path) -> None:
    there, gone = Tie(JANE, "d", NOON_US + DAY_US, "sample"), Tie(JANE, "x", NOON_US - 9 * DAY_US, "sample")
    tie(ledger, [there, there, gone])
    assert told(ledger, JANE)[-1] == ("d", "stripe", "req-1", "sample")
    assert not list(ledger.glob("calls-2026-11-12*"))


def test_a_person_recorded_twice_is_kept_once(tmp_path: Path) -> None:
    once = Persons("a", NOON_US, [JANE])
    folder = drained(tmp_path, *call("a"), once, once)
    assert [row[0] for row in told(folder, JANE)] == ["a"]


@pytest.mark.row("G2")
def test_erasing_takes_out_every_word_and_leaves_the_figures(ledger: Path) -> None:
    persons = PersonCalls(ledger)
    assert persons.erase([JANE], act=False) == Erased(2, 1)
    assert told(ledger, JANE)
    assert persons.erase([JANE], act=True) == Erased(2, 1)
    assert told(ledger, JANE) == []
    assert told(ledger, KOFI) == [("b", "stripe", "", "request"), ("c", "", "", "subject")]
    row = Ledger(ledger).call("a")
    assert row is not None
    assert [row[name] for name in ("subject_hash", "correlation_id", "tags", "path")] == ["", "", "", ""]
    assert [one["vendor_request_id"] for one in row["attempts"]] == ["", ""]
    assert (row["integration"], row["state"], row["feature"]) == ("stripe", "ok", "checkout")
    assert not any(JANE.encode() in path.read_bytes() for path in ledger.iterdir())
