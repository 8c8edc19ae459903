"""Calls of unknown outcome: counted while open, resolved by a person, settled by a later answer under the same key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.records import DAY_US, NOON_US, SECOND_US, JournalInMemory, begin, boot, end, tried
from trunkline.ledger import unknown
from trunkline.ledger.query import CallFilter, Ledger
from trunkline.ledger.usage import Rollups

pytestmark = pytest.mark.row("F2")
Drained = Callable[..., None]

LOST: dict[str, Any] = {"state": "outcome_unknown", "code": "outcome_unknown", "status": 502}


def lost(call_id: str, at_us: int = NOON_US) -> list[Any]:
    return [
        begin(call_id, at_us=at_us),
        end(call_id, at_us=at_us + SECOND_US, tried=[tried(status=0)], **LOST),
    ]


def test_open_ones_are_counted_over_days_until_they_are_resolved(
    drained: Drained, ledger: Ledger, rollups: Rollups, folder: Path
) -> None:
    before = NOON_US - 3 * DAY_US
    drained(JournalInMemory(*lost("a"), *lost("b"), *lost("c", before), begin("d"), end("d")))
    assert rollups.unknown_days() == {"2026-11-18", "2026-11-21"}
    assert unknown.open_count(folder, rollups) == 3

    told = {"by": "ada", "note": "seen in the dashboard", "now_us": NOON_US + 9}
    assert unknown.resolve(folder, before, "c", "happened", **told)
    assert unknown.open_count(folder, rollups) == 2
    found = ledger.call("c")
    assert found is not None
    assert {name: found[name] for name in ("resolution", "resolved_by", "resolution_note", "resolved_us")} == {
        "resolution": "happened", "resolved_by": "ada", "resolution_note": "seen in the dashboard", "resolved_us": NOON_US + 9,
    }  # fmt: skip
    wanted = CallFilter(state="outcome_unknown", unresolved=True)
    assert [call["call_id"] for call in ledger.calls(wanted).calls] == ["b", "a"]


def test_a_call_that_is_not_there_cannot_be_resolved(drained: Drained, folder: Path) -> None:
    drained(JournalInMemory(*lost("a"), begin("running")))
    for call_id, at_us in (("b", NOON_US), ("a", NOON_US - DAY_US), ("running", NOON_US)):
        assert not unknown.resolve(folder, at_us, call_id, "happened", by="", note="", now_us=1)


def test_the_drain_leaves_a_resolution_alone(drained: Drained, ledger: Ledger, folder: Path) -> None:
    journal = JournalInMemory(*lost("a"))
    drained(journal)
    unknown.resolve(folder, NOON_US, "a", "happened", by="ada", note="", now_us=1)
    journal.append(*lost("a"), boot("boot-2"))
    drained(journal)
    found = ledger.call("a")
    assert found is not None
    assert (found["state"], found["resolution"]) == ("outcome_unknown", "happened")


REPEAT = "idempotency=again;key=00ff;of=a"


@pytest.mark.parametrize(
    ("ending", "settled"),
    [
        ({"notes": REPEAT}, "settled"),
        ({"notes": REPEAT, "state": "error", "code": "declined"}, "settled"),
        ({"notes": REPEAT, "state": "error", "code": "network"}, ""),
        ({"notes": REPEAT, **LOST}, ""),
        ({"notes": "idempotency=replay;key=00ff;of=a"}, ""),
        ({"notes": ""}, ""),
    ],
)
def test_a_later_answer_under_the_same_key_settles_the_first(
    drained: Drained, ledger: Ledger, ending: dict[str, Any], settled: str
) -> None:
    later = NOON_US + DAY_US
    again = [begin("z", at_us=later), end("z", at_us=later + SECOND_US, tried=[tried()], **ending)]
    drained(JournalInMemory(*lost("a"), *again))
    found = ledger.call("a")
    assert found is not None
    assert found["resolution"] == settled
    if settled:
        note = "the same request with the same key was answered: call z"
        assert (found["resolved_by"], found["resolution_note"]) == ("a later call", note)


def test_an_answer_settles_all_that_were_in_doubt_before_it(
    drained: Drained, rollups: Rollups, folder: Path
) -> None:
    before = NOON_US - DAY_US
    second = [begin("b"), end("b", **LOST, notes="idempotency=again;key=00ff;of=a", tried=[tried(status=0)])]
    third = [begin("c"), end("c", notes="idempotency=again;key=00ff;of=b")]
    drained(JournalInMemory(*lost("a", before), *second, *third))
    assert unknown.open_count(folder, rollups) == 0


def test_what_a_person_said_is_not_settled_over(drained: Drained, ledger: Ledger, folder: Path) -> None:
    journal = JournalInMemory(*lost("a"))
    drained(journal)
    unknown.resolve(folder, NOON_US, "a", "did-not-happen", by="ada", note="", now_us=1)
    journal.append(begin("z", at_us=NOON_US + 5), end("z", at_us=NOON_US + 9, notes=REPEAT))
    drained(journal)
    found = ledger.call("a")
    assert found is not None
    assert found["resolution"] == "did-not-happen"


def test_nothing_is_counted_in_an_empty_folder(tmp_path: Path) -> None:
    assert unknown.open_count(tmp_path, Rollups(tmp_path)) == 0


def test_calls_are_found_by_a_note_and_by_its_beginning_only(drained: Drained, ledger: Ledger) -> None:
    drained(
        JournalInMemory(
            begin("a"), end("a", notes="cache=hit;age=5"), begin("b"), end("b", notes="fallback=target;cache=miss"),
            begin("c"), end("c", notes="x-cache=hit"),
        )
    )  # fmt: skip

    def found(note: str) -> list[str]:
        return sorted(call["call_id"] for call in ledger.calls(CallFilter(note=note)).calls)

    assert (found("cache=hit"), found("cache="), found("fallback="), found("%")) == (
        ["a"],
        ["a", "b"],
        ["b"],
        [],
    )
