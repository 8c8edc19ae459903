"""What of the budgets is worth a notice: a share that was reached, and calls whose cost nobody knows. Pure.

Each is told once per budget, value and window, by its key. Not for: sending (`notify.py`), nor for refusing calls, which the gateway
does itself (`plugins/policies/budget.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from trunkline.plugins.policies.account import Standing

ROUNDING_USD = 1e-9


class Alert(NamedTuple):
    """One thing worth a notice."""

    event: str
    key: str
    payload: dict[str, Any]


def alerts(standings: Iterable[Standing]) -> list[Alert]:
    """Everything that these figures say, told or not."""
    return [alert for one in standings for alert in (*_shares(one), *_unpriced(one))]


def _shares(one: Standing) -> list[Alert]:
    reached = [s for s in one.alerts if one.spent_usd + ROUNDING_USD >= s * one.limit_usd]
    return [
        Alert(
            "budget.share",
            f"budget:{one.budget}:{one.of}:{one.window}:{share:g}",
            {"text": _sentence(one, share), "share": share, **_facts(one)},
        )
        for share in reached
    ]


def _unpriced(one: Standing) -> list[Alert]:
    if not one.unpriced:
        return []
    text = (
        f"The budget {_name(one)} does not know the cost of some calls in {one.window}: what they used has no price. "
        "Give it one in the registry (models: price)."
    )
    key = f"unpriced:{one.budget}:{one.of}:{one.window}"
    return [Alert("budget.unpriced", key, {"text": text, **_facts(one)})]


def _sentence(one: Standing, share: float) -> str:
    spent = f"{one.spent_usd:.2f} of {one.limit_usd:g} USD are spent in {one.window}"
    if share >= 1:
        after = "further calls are refused." if one.hard else "calls go on."
        return f"The budget {_name(one)} is used up: {spent}; {after}"
    return f"The budget {_name(one)} has reached {share:.0%}: {spent}."


def _name(one: Standing) -> str:
    return f"{one.budget!r} of {one.of!r}" if one.of else repr(one.budget)


def _facts(one: Standing) -> dict[str, Any]:
    return {
        "budget": one.budget,
        "of": one.of,
        "window": one.window,
        "spent_usd": one.spent_usd,
        "limit_usd": one.limit_usd,
        "unpriced": one.unpriced,
    }
