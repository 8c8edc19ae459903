from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.records import DAY_US, NOON_US, SECOND_US, JournalInMemory, begin, call, end, tried
from trunkline.core.record import Record
from trunkline.ledger.query import BadCursor, CallFilter, Ledger, Page

Drained = Callable[..., None]


def failed(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"state": "error", "status": 502, "code": code, "message": message, "source": "stripe", **more}


CALLS: list[Record] = [
    *call("a", NOON_US),
    *call("b", NOON_US + 1 * SECOND_US, integration="openai", model="gpt-4o", team="research", feature="chat", key_id="key-2"),
    *call("c", NOON_US + 2 * SECOND_US, ended=failed("network", "connection reset: 100% of tries", duration_us=9_000_000)),
    *call("d", NOON_US + 3 * SECOND_US, ended=failed("rate_limited", "Slow_Down please", tried=[tried(vendor_request_id="req-d")])),
    *call("e", NOON_US + DAY_US, integration="openai", model="gpt-4o-mini"),
    begin("f", at_us=NOON_US + DAY_US + SECOND_US),
]  # fmt: skip


def found(page: Page) -> str:
    return "".join(one["call_id"] for one in page.calls)


@pytest.mark.row("O1")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, "fedcba"),
        ({"call_id": "c"}, "c"),
        ({"correlation_id": "corr-b"}, "b"),
        ({"vendor_request_id": "req-d"}, "d"),
        ({"integration": "openai"}, "eb"),
        ({"model": "gpt-4o"}, "b"),
        ({"key_id": "key-2"}, "b"),
        ({"team": "research"}, "b"),
        ({"feature": "chat"}, "b"),
        ({"state": "running"}, "f"),
        ({"state": "error"}, "dc"),
        ({"state": "ok"}, "eba"),
        ({"code": "network"}, "c"),
        ({"text": "RESET"}, "c"),
        ({"text": "100%"}, "c"),
        ({"text": "100_"}, ""),
        ({"text": "slow_down"}, "d"),
        ({"text": "slow%please"}, ""),
        ({"min_latency_us": 9_000_000}, "c"),
        ({"since_us": NOON_US + 2 * SECOND_US, "until_us": NOON_US + DAY_US}, "dc"),
        ({"since_us": NOON_US + DAY_US}, "fe"),
        ({"until_us": NOON_US + SECOND_US}, "a"),
        ({"integration": "openai", "team": "research", "state": "ok"}, "b"),
        ({"integration": "stripe", "state": "error", "text": "reset", "min_latency_us": 1}, "c"),
        ({"integration": "openai", "code": "network"}, ""),
    ],
)
def test_search_gives_the_calls_for_which_all_holds(
    drained: Drained, ledger: Ledger, wanted: dict[str, Any], expected: str
) -> None:
    drained(JournalInMemory(*CALLS))
    assert found(ledger.calls(CallFilter(**wanted))) == expected


@pytest.mark.parametrize("limit", [1, 2, 4, 6])
def test_pages_give_every_call_once(drained: Drained, ledger: Ledger, limit: int) -> None:
    drained(JournalInMemory(*CALLS))
    pages, before = "", ""
    while True:
        page = ledger.calls(limit=limit, before=before)
        pages += found(page)
        before = page.next
        if not before:
            break
    assert pages == "fedcba"


def test_pages_hold_while_new_calls_arrive(drained: Drained, ledger: Ledger) -> None:
    journal = JournalInMemory(*CALLS)
    drained(journal)
    first = ledger.calls(limit=2)
    journal.append(*call("new", NOON_US + 2 * DAY_US))
    drained(journal)
    assert found(ledger.calls(limit=10, before=first.next)) == "dcba"


def test_calls_of_one_instant_are_not_lost_between_pages(drained: Drained, ledger: Ledger) -> None:
    same = [record for name in "abcde" for record in call(name)]
    drained(JournalInMemory(*same))
    first = ledger.calls(limit=3)
    assert found(first) + found(ledger.calls(limit=3, before=first.next)) == "edcba"


@pytest.mark.parametrize("cursor", ["nonsense", "!!!", "bm8gbnVtYmVy", "é"])
def test_a_cursor_of_no_page_is_refused(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(BadCursor, match="use the `next` of the page before"):
        ledger.calls(before=cursor)


def test_one_call_is_found_by_either_id(drained: Drained, ledger: Ledger) -> None:
    drained(
        JournalInMemory(
            *call("a", correlation_id="order-7"), *call("b", NOON_US + 1, correlation_id="order-7")
        )
    )
    by_call, by_label, none = ledger.call("a"), ledger.call("order-7"), ledger.call("zzz")
    assert [one and one["call_id"] for one in (by_call, by_label, none)] == ["a", "b", None]


@pytest.mark.row("O1")
def test_the_tail_shows_a_call_when_it_begins_and_when_it_ends(drained: Drained, ledger: Ledger) -> None:
    journal = JournalInMemory(*call("old"))
    drained(journal)
    place, none = ledger.tail()
    assert none == []
    journal.append(begin("new"))
    drained(journal)
    place, seen = ledger.tail(place)
    assert [(one["call_id"], one["state"], len(one["attempts"])) for one in seen] == [("new", "running", 1)]
    journal.append(end("new"))
    drained(journal)
    place, seen = ledger.tail(place)
    assert [(one["call_id"], one["state"]) for one in seen] == [("new", "ok")]
    assert ledger.tail(place) == (place, [])


def test_a_tail_that_lags_gets_everything_in_turns(drained: Drained, ledger: Ledger) -> None:
    drained(
        JournalInMemory(
            *(record for i in range(7) for record in call(f"call-{i}", NOON_US + i * DAY_US // 4))
        )
    )
    place, seen = 0, []
    while True:
        place, some = ledger.tail(place, limit=2)
        if not some:
            break
        seen += [one["call_id"] for one in some]
    assert sorted(seen) == [f"call-{i}" for i in range(7)]


def test_a_ledger_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "nowhere")) as ledger:
        assert (ledger.calls(), ledger.call("a"), ledger.tail()) == (Page([]), None, (0, []))


def test_a_day_that_is_just_being_made_is_empty(folder: Path, ledger: Ledger) -> None:
    folder.mkdir()
    (folder / "calls-2026-11-21.db").touch()
    assert ledger.calls() == Page([])
