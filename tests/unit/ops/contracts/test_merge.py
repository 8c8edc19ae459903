"""Accepting changes: what holds afterwards."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.ops.contracts.test_watch import BODY, after, told, watch, without
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts.merge import accepted, difference, relearned

CHANGES: list[Callable[[int], Any]] = [
    lambda n: without("amount"),
    lambda n: {**without("amount"), "total": 5},
    lambda n: {**BODY, "fresh": {"deep": "x"}},
    lambda n: {**BODY, "amount": "5"},
    lambda n: {**BODY, "amount": None if n // 2 % 2 else 5},
    lambda n: {**BODY, "status": "reversed" if n // 2 % 2 else "succeeded"},
    lambda n: {**BODY, "created": 1_764_000_000_000},
    lambda n: {**BODY, "card": [{"brand": "visa"}]},
]


@pytest.mark.row("C2")
@pytest.mark.parametrize("make", CHANGES)
@pytest.mark.parametrize("anew", [False, True])
def test_what_was_accepted_is_no_change_any_more(make: Callable[[int], Any], anew: bool) -> None:
    found = watch()
    changes = after(found, make, 24)
    assert changes
    operation = found.operation
    operation.accept(relearned(operation, changes) if anew else accepted(operation, changes), "next")
    found.refresh()
    assert after(found, make, 60) == []


def test_accepting_touches_only_what_changed() -> None:
    found = watch()
    changes = after(found, lambda n: {**BODY, "amount": "5"}, 6)
    before, now = (
        locks.operation_text(locks.locked_operation("POST", "/v1/charges", contract))
        for contract in (found.operation.learned, accepted(found.operation, changes))
    )
    assert difference(before, now, "create_charge").splitlines() == [
        "-      /amount: {seen: 60/60, type: integer}",
        "+      /amount: {seen: 6/6, type: string, format: integer-text}",
    ]


def test_learning_anew_sums_everything_up() -> None:
    found = watch()
    after(found, lambda n: BODY, 30)
    assert relearned(found.operation, [])["reply"].places["/amount"].count("+") == 90


def test_a_change_that_is_undone_after_it_was_accepted_is_one_again() -> None:
    found = watch()
    changes = after(found, lambda n: without("amount"), 10)
    found.operation.accept(accepted(found.operation, changes), "next")
    found.refresh()
    assert told(after(found, lambda n: BODY, 10)) == [("reply", "/amount", "added", "integer")]


def test_what_was_seen_before_the_change_is_not_learned_again() -> None:
    found = watch()
    after(found, lambda n: BODY, 20)
    changes = after(found, lambda n: {**BODY, "amount": "5"}, 20)
    contract = accepted(found.operation, changes)
    assert "/amount: {seen: 20/20, type: string, format: integer-text}" in locks.operation_text(
        locks.locked_operation("POST", "/v1/charges", contract)
    )
