"""What one credential may still ask of its vendor, and when: declared limits, limits that the vendor told, its pauses. Pure.

Declared limits are buckets over any number of windows and dimensions at once. What a vendor tells in header fields counts only
while little is left: a limit that refills steadily becomes a bucket that is filled as the vendor says; of one that returns all at
once the rest is spread over the time until then. A pause holds until its instant and is never shortened by a later, shorter one.
A vendor that only refuses is spaced by what it was seen to bear (`pace.py`).
What vendors tell and ask holds per gate (a model, or the empty name), since theirs are limits of models; what is declared holds
for all. Not for: who goes next (`fair.py`), nor for guessing what a call uses (`cost.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.core.flow import Limit
from trunkline.core.ports import LimitTold
from trunkline.plugins.policies.cost import Cost
from trunkline.plugins.policies.gcra import Bucket
from trunkline.plugins.policies.pace import Pace

HELD_MAX_S = 3600.0
"""No pause, and no limit that a vendor told, is believed for longer: it is asked again once an hour."""
LOW_SHARE = 0.2
"""Of what a vendor grants, this share or less is little."""
LOW_LEFT = Cost(50.0, 50_000.0, 50_000.0, 50_000.0, 0.0)
"""So little is little whatever the vendor grants."""
STALE_SHARE = 0.1
"""What was told a tenth of the time until its return ago, and more than a second, is no news."""
_UNITS = {"requests": 0, "tokens": 1, "input-tokens": 2, "output-tokens": 3}


class Spread:
    """What is left of a limit that returns all at once at `full_at`: used freely while there is enough, the rest spread until then."""

    __slots__ = ("_low", "_next_at", "full_at", "left")

    def __init__(self, left: float, low: float, full_at: float) -> None:
        self.left = left
        self._low = low
        self._next_at = 0.0
        self.full_at = full_at

    def wait(self, now: float, cost: float) -> float:
        """Seconds until so much may be used."""
        if now >= self.full_at:
            return 0.0
        return self.full_at - now if self.left < cost else self._next_at - now

    def wait_for_all(self, now: float, cost: float) -> float:
        """Seconds until so much will have passed through in all."""
        if now >= self.full_at:
            return 0.0
        if self.left < cost:
            return self.full_at - now
        spread_s = cost / self.left * (self.full_at - now) if self.left <= self._low else 0.0
        return max(self._next_at - now, spread_s)

    def take(self, now: float, cost: float) -> None:
        """Uses so much."""
        left, self.left = self.left, max(0.0, self.left - cost)
        if 0 < left <= self._low:
            self._next_at = max(self._next_at, now) + min(1.0, cost / left) * (self.full_at - now)

    def agree(self, before: Spread, flying: float) -> None:
        """What was counted here before stands as long as what is still on its way to the vendor can explain the difference."""
        self.left = min(max(before.left, self.left - flying), self.left)
        self._next_at = before._next_at

    def __repr__(self) -> str:
        return f"Spread({self.left:g} until {self.full_at:g})"


class _Told:
    """A limit as a vendor told it at `at`."""

    __slots__ = ("at", "dimension", "rest")

    def __init__(self, at: float, dimension: int, rest: Bucket | Spread) -> None:
        self.at = at
        self.dimension = dimension
        self.rest = rest


class Rates:
    """`sized` is whether any limit counts more than requests. All times are of one monotonic clock."""

    __slots__ = ("_buckets", "_declared", "_pauses", "_told", "paces", "sized")

    def __init__(self) -> None:
        self._declared: dict[tuple[int, float, float], Bucket] = {}
        """By dimension, amount and period."""
        self._buckets: list[tuple[int, Bucket]] = []
        """The same, by dimension."""
        self._told: dict[str, dict[str, _Told]] = {}
        self._pauses: dict[str, float] = {}
        self.paces: dict[str, Pace] = {}
        """By gate, of a vendor that only refuses."""
        self.sized = False

    def configure(self, limits: Iterable[Limit], now: float) -> None:
        """Takes the declared limits. What is in use of one that was there before stays in use."""
        before, self._declared = self._declared, {}
        for limit in limits:
            for dimension, name in enumerate(Cost._fields):
                amount = float(getattr(limit, name))
                if amount and limit.per:
                    key = dimension, amount, limit.per
                    self._declared[key] = before.get(key) or _changed(before, key, now)
        self._buckets = [(dimension, bucket) for (dimension, _, _), bucket in self._declared.items()]
        self._size()

    def _size(self) -> None:
        told = (t.dimension for here in self._told.values() for t in here.values())
        self.sized = any(dimension for dimension, _ in self._buckets) or any(told)

    @property
    def declared(self) -> bool:
        """Whether the registry limits anything per period."""
        return bool(self._buckets)

    @property
    def told(self) -> bool:
        """Whether the vendor has told limits of which little is left."""
        return bool(self._told)

    @property
    def limiting(self) -> bool:
        """Whether anything at all could make an attempt wait."""
        return bool(self._buckets or self._told or self._pauses or self.paces)

    def wait(self, now: float, cost: Cost) -> float:
        """Seconds until the declared limits leave room for so much; 0 or less: now."""
        wait = 0.0
        for dimension, bucket in self._buckets:
            if cost[dimension]:
                wait = max(wait, bucket.wait(now, cost[dimension]))
        return wait

    def gate_wait(self, now: float, gate: str, cost: Cost) -> float:
        """Seconds until what the vendor told and asked lets so much pass at this gate; 0 or less: now."""
        wait = self._pauses.get(gate, 0.0) - now if self._pauses else 0.0
        if self.paces and gate in self.paces:
            wait = max(wait, self.paces[gate].wait(now))
        if self._told:
            for told in self._told.get(gate, _NONE).values():
                if cost[told.dimension]:
                    wait = max(wait, told.rest.wait(now, cost[told.dimension]))
        return wait

    def headroom(self, now: float, gate: str) -> float:
        """Share that is left of the tightest limit, 0 to 1; a vendor's own is only known while little is left of it."""
        if self._pauses.get(gate, 0.0) > now:
            return 0.0
        left = min((bucket.left(now) for _, bucket in self._buckets), default=1.0)
        return min(left, LOW_SHARE) if self._told.get(gate) else left

    def take(self, now: float, gate: str, cost: Cost) -> None:
        """Uses so much."""
        for dimension, bucket in self._buckets:
            bucket.take(now, cost[dimension])
        if self.paces and gate in self.paces:
            self.paces[gate].take(now)
        if self._told:
            for told in self._told.get(gate, _NONE).values():
                told.rest.take(now, cost[told.dimension])

    def correct(self, now: float, more: Cost, taken_at: float) -> None:
        """So much more (below 0: less) was used than was taken at `taken_at`."""
        for dimension, bucket in self._buckets:
            if more[dimension]:
                bucket.correct(now, more[dimension], taken_at)

    def forecast(self, now: float, gate: str, cost: Cost, ahead: int) -> float:
        """Seconds until one more could pass after `ahead` others, all of them using so much."""
        wait = max(0.0, self.gate_wait(now, gate, cost))
        for dimension, bucket in self._buckets:
            if cost[dimension]:
                wait = max(wait, bucket.wait_for_all(now, cost[dimension] * (ahead + 1)))
        for told in self._told.get(gate, _NONE).values():
            if cost[told.dimension]:
                wait = max(wait, told.rest.wait_for_all(now, cost[told.dimension] * (ahead + 1)))
        return wait

    def pause(self, now: float, gate: str, until: float) -> None:
        """The vendor asked for silence at this gate until then."""
        until = min(until, now + HELD_MAX_S)
        if until > max(now, self._pauses.get(gate, 0.0)):
            self._pauses[gate] = until

    def paused_s(self, now: float) -> float:
        """Seconds until the last pause of any gate ends."""
        return max((until - now for until in self._pauses.values() if until > now), default=0.0)

    def refused(self, now: float, gate: str, begun: float, silence_s: float) -> None:
        """An attempt begun at `begun` was refused as one too many, with the wish for so much silence."""
        if gate in self._told:
            return
        pace = self.paces.get(gate)
        if pace is None:
            self.paces[gate] = Pace(now, silence_s)
        else:
            pace.refused(begun, now, silence_s)

    def won(self, gate: str, begun: float, *, others_wait: bool) -> None:
        """An attempt begun at `begun` succeeded."""
        if gate in self.paces:
            self.paces[gate].won(begun, others_wait=others_wait)

    def hear(
        self, now: float, wall: float, gate: str, heard: Iterable[LimitTold], at: float, flying: Cost
    ) -> None:
        """The vendor told its limits at `at`. The freshest telling of each limit holds, and only while little is left of it.

        `flying` is what all running attempts use; the vendor may not have counted it yet.
        """
        for one in heard:
            dimension = _UNITS.get(one.unit)
            if dimension is None or one.name.startswith("priority-"):
                continue
            if one.remaining is None or one.reset_at is None:
                continue
            full_at = now + one.reset_at - wall
            known = self._told.get(gate, _NONE).get(one.name)
            if full_at <= now or (known is not None and known.at > at):
                continue
            if now - at > max(1.0, STALE_SHARE * (full_at - at)):
                continue
            if one.remaining > max(LOW_SHARE * (one.limit or 0.0), LOW_LEFT[dimension]):
                self._drop(gate, one.name)
                continue
            rest = _rest(one, now, full_at, LOW_SHARE * (one.limit or LOW_LEFT[dimension]))
            if known is not None:
                _agree(rest, known.rest, flying[dimension])
            self._told.setdefault(gate, {})[one.name] = _Told(at, dimension, rest)
        self._size()

    def forget(self, now: float, *, idle: bool = True) -> None:
        """Drops what is over. While somebody waits a pace is kept, lest all of them go at once."""
        if self._pauses:
            self._pauses = {gate: until for gate, until in self._pauses.items() if until > now}
        if self.paces and idle:
            self.paces = {gate: pace for gate, pace in self.paces.items() if not pace.over(now)}
        if self._told:
            over = [
                (gate, name)
                for gate, here in self._told.items()
                for name, told in here.items()
                if told.rest.full_at <= now
            ]
            for gate, name in over:
                self._drop(gate, name)
            self._size()

    def _drop(self, gate: str, name: str) -> None:
        here = self._told.get(gate)
        if here is not None and here.pop(name, None) is not None and not here:
            del self._told[gate]

    def __repr__(self) -> str:
        told = {gate: {name: t.rest for name, t in here.items()} for gate, here in self._told.items()}
        return f"Rates(buckets={[bucket for _, bucket in self._buckets]}, told={told}, pauses={self._pauses})"


_NONE: dict[str, _Told] = {}


def _changed(
    before: dict[tuple[int, float, float], Bucket], key: tuple[int, float, float], now: float
) -> Bucket:
    """A bucket for an amount that was another one before a reload: what is in use of it stays in use."""
    dimension, amount, per_s = key
    same = [bucket for k, bucket in before.items() if (k[0], k[2]) == (dimension, per_s)]
    used = same[0].used(now) if same else 0.0
    return Bucket(amount, per_s, now + used * per_s / amount)


def _rest(one: LimitTold, now: float, full_at: float, low: float) -> Bucket | Spread:
    """What is left, as something that can be used up."""
    left = one.remaining or 0.0
    if one.refills and one.limit and one.limit > left:
        step_s = (full_at - now) / (one.limit - left)
        return Bucket(one.limit, one.limit * step_s, full_at)
    return Spread(left, low, min(full_at, now + HELD_MAX_S))


def _agree(rest: Bucket | Spread, before: Bucket | Spread, flying: float) -> None:
    """Own counting stands while what is on its way to the vendor can explain by how much the vendor counts less."""
    if isinstance(rest, Bucket) and isinstance(before, Bucket):
        rest.full_at = max(rest.full_at, min(before.full_at, rest.full_at + flying * rest.step_s))
    elif isinstance(rest, Spread) and isinstance(before, Spread):
        rest.agree(before, flying)
