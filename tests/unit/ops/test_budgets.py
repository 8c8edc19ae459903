"""Where budgets stand, for people: what is left, where it leads, with and without a running gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.records import begin, end, tried
from trunkline.core.codec import to_pack
from trunkline.core.flow import Budget, Scope
from trunkline.journal.append import Journal
from trunkline.ops import budgets
from trunkline.ops.budgets import begun, from_journal, from_stats, rows
from trunkline.plugins.policies.account import Standing
from trunkline.testing import caller_key

NOON = 1_795_262_400.0
DAY_END_US = int((NOON + 12 * 3600) * 1e6)
SHOP = Budget(name="shop", usd=10.0, per="day", scope=Scope(team="shop"))


def standing(spent: float, **changes: Any) -> Standing:
    given: dict[str, Any] = {
        "budget": "shop", "of": "", "per": "day", "window": "2026-11-21", "ends_us": DAY_END_US, "limit_usd": 10.0,
        "spent_usd": spent, "reserved_usd": 1.0, "unpriced": 2, "hard": True, "alerts": (1.0,),
    }  # fmt: skip
    return Standing(**{**given, **changes})


def hours(cost: float, **changes: Any) -> dict[str, Any]:
    """A sum of the roll-ups."""
    row = {
        "key_id": "key-1",
        "team": "shop",
        "feature": "",
        "integration": "acme",
        "model": "tiny",
        "cost_usd": cost,
    }
    return {**row, "wasted_usd": 0.0, **changes}


def test_a_row_says_what_is_left_and_where_it_leads() -> None:
    recent = {"day": [hours(2.0, wasted_usd=1.0), hours(9.0, team="ops")], "month": [hours(99.0)]}
    (row,) = rows([standing(4.0)], [SHOP], [], {}, recent, NOON)  # type: ignore[arg-type]
    assert msgspec.structs.asdict(row) == {
        "budget": "shop", "of": "", "per": "day", "window": "2026-11-21", "ends_at": "2026-11-22T00:00:00Z", "limit_usd": 10.0,
        "spent_usd": 4.0, "reserved_usd": 1.0, "left_usd": 5.0,
        "forecast_usd": 4.0 + 3.0 / 3 * 12,  # 3 USD in the last 3 hours, 12 hours to go
        "unpriced": 2, "hard": True,
    }  # fmt: skip


def test_what_is_counted_apart_is_forecast_apart() -> None:
    each = msgspec.structs.replace(SHOP, scope=Scope(each="model"))
    found = rows(
        [standing(0.0, of="acme/tiny"), standing(0.0, of="acme/big")],
        [each],
        [],
        {},
        {"day": [hours(3.0)]},
        NOON,
    )
    assert [row.forecast_usd for row in found] == [12.0, 0.0]


def test_nothing_is_left_of_what_is_overspent() -> None:
    (row,) = rows([standing(11.0)], [], [], {}, {}, NOON + 13 * 3600)
    assert (row.left_usd, row.forecast_usd) == (0.0, 11.0)


@pytest.mark.parametrize(("per", "hours_back"), [("day", 3), ("month", 24)])
def test_the_present_rate_is_that_of_the_last_whole_hours(per: Any, hours_back: int) -> None:
    assert begun(per, NOON + 1800) == NOON - hours_back * 3600


def test_what_the_gateway_wrote_is_read_back() -> None:
    written = msgspec.msgpack.decode(to_pack({"budgets": [standing(4.0)]}))
    assert from_stats(written) == [standing(4.0)]
    assert (from_stats({}), from_stats({"budgets": [{"budget": "of another version"}]})) == ([], [])


def test_without_a_gateway_the_journal_says_the_same(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.open()
    for n, cost in enumerate((0.25, 0.5)):
        journal.append(to_pack(begin(f"c{n}", key_id="key-1", team="shop", model="tiny", target="acme/tiny")))
        journal.append(to_pack(end(f"c{n}", cost_usd=cost, tried=[tried(1, "acme/tiny")])))
    journal.close()
    key = caller_key(budget_usd=3.0, budget_per="month")
    found = from_journal(tmp_path, [SHOP], [key], {}, NOON)
    assert [(one.budget, one.spent_usd, one.reserved_usd) for one in found] == [
        ("shop", 0.75, 0.0), ("key tests (key-1)", 0.75, 0.0),
    ]  # fmt: skip
    assert [row.limit_usd for row in rows(found, [SHOP], [key], {}, {}, NOON)] == [10.0, 3.0]
    assert budgets.GROUPS[0] == "key_id"


def test_a_budget_of_a_keys_name_counts_what_keys_of_that_name_spent_that_have_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.open()
    for n, key in enumerate(("key-1", "key-0", "key-9")):
        journal.append(to_pack(begin(f"c{n}", key_id=key, model="tiny", target="acme/tiny")))
        journal.append(to_pack(end(f"c{n}", cost_usd=0.25, tried=[tried(1, "acme/tiny")])))
    journal.close()
    mine = Budget(name="mine", usd=1.0, per="day", scope=Scope(key="tests"))
    former = {"key-0": "tests", "key-9": "other"}
    (found,) = from_journal(tmp_path, [mine], [caller_key()], former, NOON)
    assert found.spent_usd == 0.5
    recent = {"day": [hours(3.0, key_id="key-0"), hours(9.0, key_id="key-9")]}
    (row,) = rows([found], [mine], [caller_key()], former, recent, NOON)  # type: ignore[arg-type]
    assert row.forecast_usd == 0.5 + 3.0 / 3 * 12
