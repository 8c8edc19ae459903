"""Where budgets stand, for people: what the running gateway says, else what checkpoint and journal say; with what is left and where
it leads at the present rate.

Not for: refusing calls (`plugins/policies/budget.py`), nor for telling of shares that were reached (`alerts.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from trunkline.core.flow import Budget
from trunkline.core.scope import Labels, counted_by, covers, model_label
from trunkline.core.service import CallerKey
from trunkline.core.spend import Per
from trunkline.journal.spend import FILE_NAME, opened
from trunkline.plugins.policies.account import Standing
from trunkline.plugins.policies.budget import Budget as Policy
from trunkline.plugins.policies.budget import of_key

HOUR_S = 3600
RECENT_S: dict[Per, int] = {"day": 3 * HOUR_S, "month": 24 * HOUR_S}
"""Over how long the present rate is measured."""
GROUPS = ("key_id", "team", "feature", "integration", "model")
"""What the roll-ups must be grouped by for a forecast."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One budget, or one value of a budget that counts each apart."""

    budget: str
    of: str
    """The team, feature, key, integration or model that it is counted for; empty where all are counted together."""
    per: Per
    window: str
    """UTC day or month."""
    ends_at: str
    limit_usd: float
    spent_usd: float
    reserved_usd: float
    """Set aside for running calls."""
    left_usd: float
    forecast_usd: float
    """What will be spent when the window ends, at the rate of the last hours."""
    unpriced: int
    """Calls whose cost nobody knows."""
    hard: bool
    """Whether calls are refused once it is spent."""


def from_stats(stats: Mapping[str, Any]) -> list[Standing]:
    """What the gateway wrote of its budgets; nothing where it is of another version."""
    try:
        return msgspec.convert(stats.get("budgets", []), list[Standing])
    except msgspec.ValidationError:
        return []


def from_journal(
    state: Path, budgets: Iterable[Budget], keys: Sequence[CallerKey], former: Mapping[str, str], now: float
) -> list[Standing]:
    """The same without a running gateway. `former`: names of keys that have ended."""
    policy = Policy(lambda: now)
    policy.load(budgets, keys, former)
    book = opened(state / "journal", state / FILE_NAME)
    book.close()
    policy.recount(book.spend)
    return policy.standings()


def rows(
    standings: Iterable[Standing],
    budgets: Iterable[Budget],
    keys: Sequence[CallerKey],
    former: Mapping[str, str],
    recent: Mapping[Per, Sequence[Mapping[str, Any]]],
    now: float,
) -> list[Row]:
    """What is shown. `recent` are sums of the roll-ups, grouped by `GROUPS`, since `begun(per, now)`. Pure."""
    known = {budget.name: budget for budget in [*budgets, *(of_key(key) for key in keys if key.budget_usd)]}
    names = {**former, **{key.id: key.name for key in keys}}
    return [_row(one, known.get(one.budget), names, recent.get(one.per, ()), now) for one in standings]


def begun(per: Per, now: float) -> int:
    """Since when the present rate is measured: whole hours, as the roll-ups have them (epoch seconds)."""
    return int(now - RECENT_S[per]) // HOUR_S * HOUR_S


def _row(
    one: Standing,
    budget: Budget | None,
    names: Mapping[str, str],
    recent: Sequence[Mapping[str, Any]],
    now: float,
) -> Row:
    paid = sum(_paid(row) for row in recent if budget is not None and _counts(budget, one.of, row, names))
    left_s = max(0.0, one.ends_us / 1e6 - now)
    forecast = one.spent_usd + paid / (now - begun(one.per, now)) * left_s
    return Row(
        budget=one.budget,
        of=one.of,
        per=one.per,
        window=one.window,
        ends_at=datetime.fromtimestamp(one.ends_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        limit_usd=one.limit_usd,
        spent_usd=one.spent_usd,
        reserved_usd=one.reserved_usd,
        left_usd=round(max(0.0, one.limit_usd - one.spent_usd - one.reserved_usd), 9),
        forecast_usd=round(forecast, 6),
        unpriced=one.unpriced,
        hard=one.hard,
    )


def _paid(row: Mapping[str, Any]) -> float:
    return float(row["cost_usd"]) + float(row["wasted_usd"])


def _counts(budget: Budget, of: str, row: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    model = model_label(row["integration"], row["model"])
    labels = Labels(row["key_id"], row["team"], row["feature"], row["integration"], model)
    return covers(budget.scope, labels, names.get(labels.key, "")) and counted_by(budget.scope, labels) == of
