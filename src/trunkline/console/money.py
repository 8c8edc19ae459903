"""Budgets and notices of the admin API, and the budgets' metrics.

Not for: sums over calls (`endpoints.py`, usage), nor for sending notices (`telling.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trunkline.console import shapes
from trunkline.console.declare import Nothing
from trunkline.console.published import FRESH_S, Published
from trunkline.core.spend import Per
from trunkline.ops import budgets as ops
from trunkline.ops.metrics import Metric, Sample
from trunkline.ops.outbox import Outbox
from trunkline.plugins.policies.account import Standing

if TYPE_CHECKING:
    from trunkline.console.context import Console
    from trunkline.ledger.usage import Rollups


def budgets(console: Console, query: Nothing) -> Any:
    """Where each budget stands."""
    return shapes.BudgetsReply(rows(console.published, console.rollups, console.clock()))


def rows(published: Published, rollups: Rollups, now: float) -> list[ops.Row]:
    """The same, for whoever has the files at hand."""
    snapshot, keys, former = published.snapshot(), published.caller_keys(), published.former_keys()
    declared = snapshot.budgets if snapshot is not None else []
    standings = live(published, now)
    if standings is None:
        standings = ops.from_journal(published.state_dir, declared, keys, former, now)
    return ops.rows(standings, declared, keys, former, _recent(standings, rollups, now), now)


def live(published: Published, now: float) -> list[Standing] | None:
    """What the running gateway says; None when none has spoken for a while."""
    age_s = published.gateway_stats_age_s(now)
    if age_s is None or age_s > FRESH_S:
        return None
    return ops.from_stats(published.gateway_stats())


def _recent(
    standings: Sequence[Standing], rollups: Rollups, now: float
) -> Mapping[Per, Sequence[Mapping[str, Any]]]:
    lengths: set[Per] = {one.per for one in standings}
    return {per: rollups.usage(ops.GROUPS, ops.begun(per, now) * 1_000_000) for per in lengths}


def notices(console: Console, query: shapes.NoticesQuery) -> Any:
    """What was told to whom."""
    return shapes.NoticesReply(Outbox(console.state_dir).log(query.limit))


def metrics(console: Console) -> list[Metric]:
    """Spent, set aside and allowed, by budget and by what it counts apart."""
    standings = live(console.published, console.clock()) or []
    labels = [{"budget": one.budget, "of": one.of, "per": one.per} for one in standings]
    figures = (
        ("spent", "Spent in the present window.", [one.spent_usd for one in standings]),
        ("reserved", "Set aside for running calls.", [one.reserved_usd for one in standings]),
        ("limit", "What may be spent in a window.", [one.limit_usd for one in standings]),
    )
    return [
        Metric(
            f"trunkline_budget_{name}_usd",
            "gauge",
            text,
            [Sample(label, value) for label, value in zip(labels, values, strict=True)],
        )
        for name, text, values in figures
        if values
    ]
