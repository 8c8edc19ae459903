"""Budgets and notices of the admin API, and the budgets' metrics.

Not for: sums over calls (`endpoints.py`, usage), nor for sending notices (`telling.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trunkline.console import shapes
from trunkline.console.declare import Nothing
from trunkline.console.identity import Identity
from trunkline.console.published import FRESH_S, Published
from trunkline.core.spend import Per
from trunkline.ops import budgets as ops
from trunkline.ops.metrics import Metric, Sample
from trunkline.ops.outbox import Outbox
from trunkline.plugins.policies.account import Standing
from trunkline.plugins.policies.budget import of_key

if TYPE_CHECKING:
    from trunkline.console.context import Console
    from trunkline.ledger.usage import Rollups


def budgets(console: Console, query: Nothing, who: Identity) -> Any:
    """Where each budget stands that is of the asker's teams."""
    found = rows(console.published, console.rollups, console.clock())
    if who.teams is not None:
        mine = _of_teams(console.published, who)
        found = [row for row in found if mine(row)]
    return shapes.BudgetsReply(found)


def _of_teams(published: Published, who: Identity) -> Callable[[ops.Row], bool]:
    """Whether a row is about nothing but somebody's own teams: by its budget's team, or by keys of theirs."""
    snapshot = published.snapshot()
    keys = [key for key in published.caller_keys() if who.sees(key.team)]
    own = {of_key(key).name for key in keys}
    names = {name for key in keys for name in (key.id, key.name)}
    scopes = {budget.name: budget.scope for budget in (snapshot.budgets if snapshot is not None else [])}

    def mine(row: ops.Row) -> bool:
        scope = scopes.get(row.budget)
        if scope is None:
            return row.budget in own
        by_each = {"team": who.sees(row.of), "key": row.of in names}.get(scope.each or "", False)
        return by_each or (bool(scope.team) and who.sees(scope.team)) or scope.key in {key.id for key in keys}

    return mine


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
