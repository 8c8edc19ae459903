"""Limits toward callers: requests or tokens per period, and calls at once, per key, team, feature, integration or model; and the
rate of each key. Every answer and refusal tells the tightest limit that holds for it.

Which limits hold for a key on a route is worked out once and remembered, so that a call under none costs one look. All or nothing:
a call that one limit refuses takes nothing from the others. Not for: limits toward vendors (`queue.py`), nor money (`budget.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from trunkline.core.call import Caller
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.flow import CallerLimit, Scope
from trunkline.core.scope import Labels, counted_by, covers, model_label
from trunkline.core.service import CallerKey
from trunkline.plugins.policies.gcra import Bucket
from trunkline.plugins.policies.limit_fields import Standing, Unit, lines
from trunkline.plugins.policies.token_estimate import Estimator

MOST_VALUES = 10_000
"""Counters of one limit; callers choose features, and those beyond share one."""
OTHER = "(other)"
_REMEMBERED = 10_000
_BUSY_WAIT_S = 1.0
"""What is told as wait where a running call must end first."""
_OF_KEY = Scope(each="key")
"""The scope of the keys' own rates."""


class Count:
    """One counter: how full its bucket is, or how many calls run."""

    __slots__ = ("bucket", "running")

    def __init__(self, bucket: Bucket | None) -> None:
        self.bucket = bucket
        self.running = 0


class Bound:
    """One limit, ready for use, with its counters."""

    __slots__ = ("_counts", "name", "per_s", "quota", "scope", "unit")

    def __init__(self, name: str, scope: Scope, unit: Unit, quota: int, per_s: float) -> None:
        self.name = name
        self.scope = scope
        self.unit = unit
        self.quota = quota
        self.per_s = per_s if unit != "concurrent-requests" else 0.0
        self._counts: dict[str, Count] = {}

    def count(self, value: str, now: float, forgotten: Callable[[], None]) -> Count:
        """The counter of a value of `each`. `forgotten` is told when counters were dropped that others may remember."""
        found = self._counts.get(value)
        if found is None:
            if len(self._counts) >= MOST_VALUES:
                self._forget(now)
                forgotten()
                value = value if len(self._counts) < MOST_VALUES else OTHER
            found = self._counts.setdefault(value, Count(self._bucket()))
        return found

    def _bucket(self, full_at: float = 0.0) -> Bucket | None:
        return Bucket(self.quota, self.per_s, full_at) if self.per_s else None

    def _forget(self, now: float) -> None:
        """Counters that would be as good as new."""
        used = {v: c for v, c in self._counts.items() if c.running or (c.bucket and c.bucket.full_at > now)}
        self._counts = used

    def take_over(self, before: Bound, now: float) -> None:
        """After a reload: what is in use of the limit as it was stays in use."""
        self._counts = before._counts
        if (self.quota, self.per_s) != (before.quota, before.per_s):
            for count in self._counts.values():
                used = count.bucket.used(now) if count.bucket is not None else 0.0
                count.bucket = self._bucket(now + used * self.per_s / self.quota)

    def wait(self, count: Count, now: float, tokens: int) -> float:
        """Seconds until the call would fit; 0 or less: now."""
        if count.bucket is None:
            return _BUSY_WAIT_S if count.running >= self.quota else 0.0
        return count.bucket.wait(now, self._cost(tokens))

    def take(self, count: Count, now: float, tokens: int) -> None:
        if count.bucket is None:
            count.running += 1
        else:
            count.bucket.take(now, self._cost(tokens))

    def _cost(self, tokens: int) -> float:
        return float(tokens) if self.unit == "tokens" else 1.0

    def standing(self, count: Count, now: float) -> Standing:
        """What is told of it."""
        if count.bucket is None:
            left, reset_s = self.quota - count.running, 0.0
        else:
            # A rounding must not cost a request.
            left = math.floor(self.quota - count.bucket.used(now) + 1e-6)
            reset_s = max(0.0, count.bucket.full_at - now)
        return Standing(self.name, self.unit, self.quota, self.per_s, max(0, left), reset_s)

    def refusal(self, count: Count, exchange: Exchange) -> str:
        """What a refused caller is told."""
        if self.scope is _OF_KEY and exchange.caller is not None:
            name = exchange.caller.key.name
            return f"the key {name!r} has used up its {self.quota} calls per {self.per_s:g} s"
        which = f"the limit {self.name!r}"
        if count.bucket is None:
            return f"{which} allows {self.quota} calls at once, and {count.running} are running"
        return f"{which} of {self.quota} {self.unit} per {self.per_s:g} s is used up"

    @property
    def running(self) -> dict[str, int]:
        """By value, where there are any."""
        return {value: count.running for value, count in self._counts.items() if count.running}


Applied = tuple[tuple[Bound, Count], ...]


class Held(NamedTuple):
    """What a call holds of its limits."""

    applied: Applied
    tokens: int
    at: float
    model: str


class CallerLimits:
    """Counters outlive reloads; new limits take hold at the next call."""

    def __init__(
        self, clock: Callable[[], float], wall: Callable[[], float], estimator: Estimator | None = None
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._estimator = estimator or Estimator()
        self._bounds: list[Bound] = []
        self._rates: dict[tuple[int, float], Bound] = {}
        """Of keys, by amount and period."""
        self._known: dict[tuple[object, ...], Applied] = {}
        self._idle = True

    def load(self, limits: Iterable[CallerLimit], keys: Iterable[CallerKey]) -> None:
        """Takes over the limits of the registry and of the keys."""
        now = self._clock()
        before = {(b.name, b.unit, b.scope): b for b in self._bounds}
        self._bounds = [bound for limit in limits for bound in bounds(limit)]
        for bound in self._bounds:
            old = before.get((bound.name, bound.unit, bound.scope))
            if old is not None:
                bound.take_over(old, now)
        rated = {(key.rate, key.rate_per) for key in keys if key.rate}
        self._rates = {rate: self._rates.get(rate) or _rate(*rate) for rate in rated}
        self._known.clear()
        self._idle = not self._bounds and not self._rates

    def concerns(self, exchange: Exchange) -> bool:
        """Whether any limit is declared at all, be it one of keys."""
        return not self._idle

    def admit(self, exchange: Exchange) -> None:
        """Raises `caller_rate_limited`."""
        if self._idle:
            return
        caller = exchange.caller
        assert caller is not None
        known = (caller.token_id or caller.id, exchange.route, exchange.model, exchange.feature)
        applied = self._known.get(known)
        if applied is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            applied = self._known[known] = self._compile(exchange, caller)
        if applied:
            self._count(exchange, applied)

    def look(self, exchange: Exchange) -> list[dict[str, Any]]:
        """The limits that hold for a call, and how long it would have to wait for each; nothing is counted."""
        if self._idle or exchange.caller is None:
            return []
        now, tokens = self._clock(), sum(self._estimator.tokens(exchange, labels_of(exchange).model))
        return [
            {
                "limit": bound.name or "of the key",
                "unit": bound.unit,
                "remaining": bound.standing(count, now).remaining,
                "wait_s": round(max(0.0, bound.wait(count, now, tokens)), 3),
            }
            for bound, count in self._compile(exchange, exchange.caller)
        ]

    def _compile(self, exchange: Exchange, caller: Caller) -> Applied:
        """The limits that hold for a key on a route."""
        key, labels, now, forget = caller.key, labels_of(exchange), self._clock(), self._known.clear
        found = [
            (bound, bound.count(counted_by(bound.scope, labels), now, forget))
            for bound in self._bounds
            if covers(bound.scope, labels, key.name) and (labels.model or not _of_models(bound))
        ]
        if key.rate:
            rate = self._rates[key.rate, key.rate_per]
            found.append((rate, rate.count(caller.token_id or key.id, now, forget)))
        return tuple(found)

    def _count(self, exchange: Exchange, applied: Applied) -> None:
        now, tokens, model = self._clock(), 0, ""
        if any(bound.unit == "tokens" for bound, _ in applied):
            model = labels_of(exchange).model
            tokens = sum(self._estimator.tokens(exchange, model))
        waits = [bound.wait(count, now, tokens) for bound, count in applied]
        longest = max(waits)
        if longest <= 0:
            for bound, count in applied:
                bound.take(count, now, tokens)
            exchange.counted = Held(applied, tokens, now, model)
            self._tell(exchange, applied, now)
            return
        refusing = applied[waits.index(longest)]
        self._tell(exchange, (refusing,), now, refused=True)
        raise CallError(
            "caller_rate_limited",
            refusing[0].refusal(refusing[1], exchange),
            scope=refusing[0].scope.each or _scope_name(refusing[0].scope),
            retry_at=self._wall() + longest,
        )

    @staticmethod
    def _tell(exchange: Exchange, applied: Applied, now: float, *, refused: bool = False) -> None:
        standings = [bound.standing(count, now) for bound, count in applied]
        if refused:
            # Some may be left where a call needs more than that: for this call there is nothing.
            standings = [one._replace(remaining=0) for one in standings]
        exchange.extra += lines(standings, openai=exchange.ingress != "proxy")
        exchange.limits_told = True

    def settle(self, exchange: Exchange) -> None:
        held: Held | None = exchange.counted
        if held is None:
            return
        exchange.counted = None
        for bound, count in held.applied:
            if count.bucket is None:
                count.running -= 1
            elif bound.unit == "tokens":
                count.bucket.correct(self._clock(), used_tokens(exchange, held.tokens) - held.tokens, held.at)
        if held.model and exchange.reserved is None:
            self._estimator.learn(exchange, held.model)

    def __repr__(self) -> str:
        return f"CallerLimits({ {bound.name: bound.running for bound in self._bounds if bound.running} })"


def bounds(limit: CallerLimit) -> list[Bound]:
    """A limit of the registry, one bound for each of its quantities."""
    quantities: list[tuple[Unit, int]] = [
        ("requests", limit.requests),
        ("tokens", limit.tokens),
        ("concurrent-requests", limit.concurrency),
    ]
    return [Bound(limit.name, limit.scope, unit, quota, limit.per) for unit, quota in quantities if quota]


def labels_of(exchange: Exchange) -> Labels:
    """Who makes a call and what its route leads to."""
    caller, route = exchange.caller, exchange.route
    assert caller is not None
    assert route is not None
    model = model_label(route.live.name, route.model or exchange.model)
    return Labels(caller.id, caller.key.team, exchange.feature, route.live.name, model)


def used_tokens(exchange: Exchange, expected: int) -> int:
    """What a call has used: as the vendor said, nothing if it never reached one, else what was expected."""
    reading = exchange.reading
    if reading is not None and reading.input >= 0:
        return reading.input + max(0, reading.output)
    return expected if any(tried.sent for tried in exchange.tried) else 0


def _rate(rate: int, per_s: float) -> Bound:
    return Bound("key", _OF_KEY, "requests", rate, per_s)


def _of_models(bound: Bound) -> bool:
    """Whether a limit counts nothing but model calls."""
    return bound.unit == "tokens" or bound.scope.each == "model"


def _scope_name(scope: Scope) -> str:
    """The narrowest thing that a limit is about."""
    names = ("key", "feature", "team", "model", "integration")
    return next((name for name in names if getattr(scope, name)), "gateway")
