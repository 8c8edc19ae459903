"""What one rule tells now: each condition once until it ends, reminders while nobody looks after it, storms gathered. Pure.

A rule that has told `STORM_AFTER` notices within `STORM_S` holds further ones back that are no worse, and tells them together when
that time is over.
Not for: keeping what was told (`book.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec

from trunkline.core.alerting import SEVERITIES, Rule, Severity
from trunkline.core.text import rfc3339
from trunkline.ops.alerting.condition import Condition
from trunkline.ops.alerting.message import Item

STORM_AFTER = 5
STORM_S = 600.0


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as one rule knows it. Times are epoch seconds, 0: never."""

    rule: str
    item: Item
    state: Literal["held", "firing", "ended"]
    """`held`: it is to be told, but was not yet."""
    ends: bool = True
    acknowledged: bool = False
    settle_s: float = 0.0
    times: int = 0
    """How often it was told, reminders included."""
    severity_told: Severity | None = None
    """The worst that was told."""
    seen_at: float = 0.0
    told_at: float = 0.0
    """When it was told last that it is so; reminders do not count."""
    last_told_at: float = 0.0
    gone_at: float = 0.0
    """Since when it is no longer so."""
    ended_at: float = 0.0


class Step(NamedTuple):
    """What is told now, and what is known afterwards (only what has changed)."""

    changed: list[Known]
    firing: list[Item]
    reminder: list[Item]
    resolved: list[Item]


def step(rule: Rule, conditions: Iterable[Condition], known: Mapping[str, Known], now: float) -> Step:
    """`known` holds by key what this rule knows."""
    after: dict[str, Known] = {}
    for condition in conditions:
        item = condition.item
        before = known.get(item.key)
        if rule.takes(item.kind, _worst(item.severity, before), item.integration):
            after[item.key] = _seen(rule.name, before, condition, now)
    for key, old in known.items():
        if key not in after and old.state != "ended":
            after[key] = _gone(old, now)
    resolved = [
        _until(one)
        for key, one in after.items()
        if one.ended_at == now and one.times and _told_end(rule, one)
    ]
    due = [one for one in after.values() if one.state == "held" and not one.acknowledged]
    firing = due if any(not _storm(known.values(), one.item.severity, now) for one in due) else []
    for one in firing:
        after[one.item.key] = _told(one, now, fired=True)
    reminder = [one for one in after.values() if _remind(rule, one, now)]
    for one in reminder:
        after[one.item.key] = _told(one, now, fired=False)
    changed = [one for key, one in after.items() if _differs(one, known.get(key))]
    return Step(changed, [one.item for one in firing], [one.item for one in reminder], resolved)


def _differs(one: Known, old: Known | None) -> bool:
    """Whether it is worth keeping anew: what a thing says of itself may change each second, and is told as it is then."""
    return old is None or msgspec.structs.replace(one, item=old.item) != old


def _seen(rule: str, old: Known | None, one: Condition, now: float) -> Known:
    if old is None or (old.state == "ended" and one.ends):
        return Known(
            rule=rule,
            item=one.item,
            state="held",
            ends=one.ends,
            acknowledged=one.acknowledged,
            settle_s=one.settle_s,
            seen_at=now,
        )
    if old.state == "ended":
        return old
    state = old.state
    if old.severity_told is not None and _rank(one.item.severity) > _rank(old.severity_told):
        state = "held"  # it has become worse, which is news
    return msgspec.structs.replace(
        old, item=one.item, state=state, acknowledged=one.acknowledged, settle_s=one.settle_s, gone_at=0.0
    )


def _gone(old: Known, now: float) -> Known:
    gone_at = old.gone_at or now
    if old.times and now - gone_at < old.settle_s:
        return msgspec.structs.replace(old, gone_at=gone_at)
    return msgspec.structs.replace(old, state="ended", gone_at=gone_at, ended_at=now)


def _told(one: Known, now: float, *, fired: bool) -> Known:
    worst = _worst(one.item.severity, one)
    return msgspec.structs.replace(
        one,
        state="firing",
        times=one.times + 1,
        severity_told=worst,
        told_at=now if fired else one.told_at,
        last_told_at=now,
    )


def _told_end(rule: Rule, one: Known) -> bool:
    return rule.resolved and one.ends


def _until(one: Known) -> Item:
    return msgspec.structs.replace(one.item, until=rfc3339(one.gone_at))


def _remind(rule: Rule, one: Known, now: float) -> bool:
    if one.state != "firing" or not one.ends or one.acknowledged or one.gone_at or not rule.remind:
        return False
    return now - one.last_told_at >= rule.remind


def _storm(known: Iterable[Known], severity: Severity, now: float) -> bool:
    """Whether so many notices of at least this severity went out lately that the next ones wait to be told together.

    What is worse than they were does not wait: an outage is not to be missed for a few trifles before it.
    """
    times = {
        one.told_at
        for one in known
        if one.told_at
        and now - one.told_at < STORM_S
        and _rank(one.severity_told or "info") >= _rank(severity)
    }
    return len(times) >= STORM_AFTER


def _worst(severity: Severity, old: Known | None) -> Severity:
    """What was told once stays told by its rule when it becomes better, until it ends."""
    told = old.severity_told if old is not None and old.state != "ended" else None
    return severity if told is None or _rank(severity) >= _rank(told) else told


def _rank(severity: Severity) -> int:
    return SEVERITIES.index(severity)
