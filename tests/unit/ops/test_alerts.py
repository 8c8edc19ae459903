"""What budgets are worth a notice, each with a key of its own per window."""

from __future__ import annotations

from typing import Any

from trunkline.ops.alerts import alerts
from trunkline.plugins.policies.account import Standing


def standing(spent: float, **changes: Any) -> Standing:
    given: dict[str, Any] = {
        "budget": "shop", "of": "", "per": "month", "window": "2026-11", "ends_us": 0, "limit_usd": 10.0, "spent_usd": spent,
        "reserved_usd": 0.0, "unpriced": 0, "hard": True, "alerts": (0.5, 0.8, 1.0),
    }  # fmt: skip
    return Standing(**{**given, **changes})


def told(*standings: Standing) -> list[tuple[str, str]]:
    return [(one.key, one.payload["text"]) for one in alerts(standings)]


def test_shares_are_told_as_they_are_reached() -> None:
    assert told(standing(4.99)) == []
    half = (
        "budget:shop::2026-11:0.5",
        "The budget 'shop' has reached 50%: 5.00 of 10 USD are spent in 2026-11.",
    )
    assert told(standing(5.0)) == [half]
    assert [key for key, _ in told(standing(8.5))] == ["budget:shop::2026-11:0.5", "budget:shop::2026-11:0.8"]
    assert told(standing(10.0))[-1] == (
        "budget:shop::2026-11:1", "The budget 'shop' is used up: 10.00 of 10 USD are spent in 2026-11; further calls are refused.",
    )  # fmt: skip
    assert told(standing(12.0, hard=False))[-1][1].endswith("calls go on.")


def test_what_running_calls_may_cost_is_not_spent() -> None:
    assert told(standing(4.0, reserved_usd=6.0)) == []


def test_each_value_and_window_is_told_of_its_own() -> None:
    keys = [
        key
        for key, _ in told(standing(5.0, of="web"), standing(5.0, window="2026-12"), standing(5.0, alerts=()))
    ]
    assert keys == ["budget:shop:web:2026-11:0.5", "budget:shop::2026-12:0.5"]
    assert told(standing(5.0, of="web"))[0][1].startswith("The budget 'shop' of 'web' has reached 50%")


def test_calls_of_unknown_cost_are_told_once_a_window() -> None:
    (alert,) = alerts([standing(0.0, unpriced=3)])
    assert (alert.event, alert.key) == ("budget.unpriced", "unpriced:shop::2026-11")
    assert alert.payload == {
        "text": "The budget 'shop' does not know the cost of some calls in 2026-11: what they used has no price. "
        "Give it one in the registry (models: price).",
        "budget": "shop", "of": "", "window": "2026-11", "spent_usd": 0.0, "limit_usd": 10.0, "unpriced": 3,
    }  # fmt: skip
