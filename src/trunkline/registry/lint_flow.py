"""Advice about what happens when calls fail, and about money: declared things that cannot help as they stand.

Not for: errors (`verify_fallback.py`, `verify_flow.py`, `verify_bounds.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from .document import Place
from .load import Loaded
from .merge_whole import ALERTS
from .shape import Integration
from .verify_fallback import Holder, holders, placed

Said = Iterator[tuple[str, Place, str, str]]
"""(code, place, message, cure)"""


def lint_flow(loaded: Loaded) -> Said:
    """Every finding."""
    live = {service.name for service in loaded.snapshot.services if service.enabled}
    for holder in holders(loaded.registry):
        if holder.integration in live:
            yield from _fallbacks(loaded, holder, live)
    for service in loaded.snapshot.services:
        if service.enabled:
            yield from _hedge(loaded, service.name)
    yield from _budgets(loaded)
    drills, environment = loaded.snapshot.drills, loaded.snapshot.environment
    if drills.every and environment == "prod" and not drills.production:
        cure = "Move it to `environments: {staging: ...}`, or add `production: true`: nothing real is called."
        yield "drills-not-run", ("drills",), "No drill is run in production.", cure


def _fallbacks(loaded: Loaded, holder: Holder, live: set[str]) -> Said:
    notify = loaded.snapshot.notify
    for place, fallback in placed(holder):
        if fallback.kind == "stale" and not _keeps(loaded, holder):
            said = (
                f"Nothing of `{holder.integration}` is ever kept, so that there is no older answer to give."
            )
            yield "stale-without-cache", place, said, "Add `cache: {ttl: 5m}` to it, or remove this."
        if fallback.kind == "defer" and not (notify.webhook or notify.email):
            said = "Who asked must poll for the answer: nobody is told when a deferred call ends."
            yield "defer-without-notify", place, said, "Add `notify: {webhook: ..., webhook_secret: ...}`."
        target = _integration(loaded, fallback.target)
        if fallback.kind == "target" and target not in live:
            said = f"`{fallback.target}` is switched off, so that it cannot stand in."
            yield "fallback-disabled", place, said, "Switch it on, or name another one."


def _keeps(loaded: Loaded, holder: Holder) -> bool:
    """Whether anything that this holder's calls could be answered with is ever kept."""
    service = next(s for s in loaded.snapshot.services if s.name == holder.integration)
    if holder.place[2:3] == ("operations",):
        operation = service.operations[int(holder.place[3])]
        return bool(operation.cache or service.cache)
    caches = [service.cache, *(o.cache for o in service.operations), *(m.cache for m in service.models)]
    return any(caches)


def _integration(loaded: Loaded, target: str) -> str:
    snapshot = loaded.snapshot
    if target in snapshot.routes:
        return snapshot.routes[target]
    aliases = {alias.name: alias.target for alias in snapshot.aliases}
    names = {service.name for service in snapshot.services}
    return target if target in names else aliases.get(target, target).partition("/")[0]


def _hedge(loaded: Loaded, name: str) -> Said:
    own = loaded.registry.integrations[name] or Integration()
    service = next(s for s in loaded.snapshot.services if s.name == name)
    if own.hedge is None:
        return
    repeatable = any(operation.repeat == "always" for operation in service.operations)
    if not repeatable and service.operations:
        said = f"No declared operation of `{name}` may be repeated at will, so that only undeclared reads are hedged."
        yield (
            "hedge-without-use",
            ("integrations", name, "hedge"),
            said,
            "Say `repeat: always` where it holds.",
        )
    elif service.dialects and not own.hedge.usd_per_day:
        said = f"The losers may cost nothing, so that model calls of `{name}` that have a price are never hedged."
        cure = "Add e.g. `usd_per_day: 1`."
        yield "hedge-without-money", ("integrations", name, "hedge"), said, cure


def _budgets(loaded: Loaded) -> Said:
    told = any(rule.takes("budget.share", "critical", "") for rule in loaded.snapshot.alerts)
    for name, budget in loaded.registry.budgets.items():
        alerts = ALERTS if budget.alerts is None else budget.alerts
        place: Place = ("budgets", name)
        if not alerts and not budget.hard:
            said = f"The budget `{name}` neither refuses nor tells anything."
            yield "budget-without-effect", place, said, "Add `alerts`, or remove `hard: false`."
        elif not alerts:
            said = f"The budget `{name}` ends calls without a warning before."
            yield "budget-without-alerts", place, said, "Remove `alerts: []`, or name shares such as `[0.8]`."
        elif not told:
            said = f"The alerts of the budget `{name}` reach nobody; they stand in the console only."
            yield (
                "budget-without-alerts",
                place,
                said,
                "Add `notify: {webhook: ..., webhook_secret: ...}`, or a rule under `alerts:`.",
            )
