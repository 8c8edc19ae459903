"""One budget's money: what was spent and what is set aside, by window and by what is counted apart.

All amounts are whole nanodollars. Not for: which calls a budget counts, nor for refusing them (`budget.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trunkline.core import spend
from trunkline.core.flow import Budget
from trunkline.core.scope import Labels, counted_by, covers
from trunkline.core.spend import OTHER, Spend, Window, window

MOST_VALUES = 10_000
"""Counters of one budget in one window; callers choose features, and those beyond share one."""


class Counter:
    """What was spent in one window, and what is set aside for calls that run; nanodollars."""

    __slots__ = ("reserved", "spent", "unpriced")

    def __init__(self) -> None:
        self.spent = 0
        self.reserved = 0
        self.unpriced = 0

    def exceeds(self, amount: int, limit: int) -> bool:
        """Whether so much more does not fit beside what was spent and what is set aside."""
        return self.spent + self.reserved + amount > limit or self.spent >= limit

    def exceeds_alone(self, amount: int, limit: int) -> bool:
        """Whether it would not fit even if no other call were running."""
        return self.spent + amount > limit or self.spent >= limit


class Account:
    """One budget with its counters by window and by value of `each`."""

    __slots__ = ("_counters", "_now", "budget", "limit", "windows")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.limit = spend.nano(budget.usd)
        self.windows: dict[str, dict[str, Counter]] = {}
        """By name, those used last behind: a clock that jumps ahead and back finds its window again."""
        self._now: Window | None = None
        self._counters: dict[str, Counter] = {}

    def at(self, at_us: int) -> Window:
        """Turns to the window in which an instant lies."""
        now = self._now
        if now is None or not now.start_us <= at_us < now.end_us:
            now = self._now = window(self.budget.per, at_us)
            self._counters = self.windows[now.name] = self.windows.pop(now.name, {})
            for old in list(self.windows)[: -spend.KEPT_WINDOWS]:
                del self.windows[old]
        return now

    def counter(self, value: str, at_us: int) -> Counter:
        """The counter of a value in the window of an instant."""
        self.at(at_us)
        return counter_of(self._counters, value)

    def counters(self, at_us: int) -> Mapping[str, Counter]:
        """All of that window."""
        self.at(at_us)
        return self._counters

    def count_anew(self, booked: Spend, names: Mapping[str, str]) -> None:
        """Takes over what the journal says was spent; what is set aside stays."""
        for counters in self.windows.values():
            for counter in counters.values():
                counter.spent = counter.unpriced = 0
        for name, sums in booked.windows.items():
            if spend.length_of(name) == self.budget.per:
                counters = self.windows.setdefault(name, {})
                self._add(sums, counters, names)
        self._now = None

    def _add(
        self, sums: Mapping[Labels, spend.Sum], counters: dict[str, Counter], names: Mapping[str, str]
    ) -> None:
        scope = self.budget.scope
        for labels, found in sums.items():
            if covers(scope, labels, names.get(labels.key, "")):
                counter = counter_of(counters, counted_by(scope, labels))
                counter.spent += found.spent
                counter.unpriced += found.unpriced


def counter_of(counters: dict[str, Counter], value: str) -> Counter:
    """The counter of a value, made at first need."""
    found = counters.get(value)
    if found is None:
        name = value if len(counters) < MOST_VALUES else OTHER
        found = counters.setdefault(name, Counter())
    return found


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one counter stands, for people."""

    budget: str
    of: str
    """Value of the scope's `each`; empty where all are counted together."""
    per: spend.Per
    window: str
    ends_us: int
    limit_usd: float
    spent_usd: float
    reserved_usd: float
    unpriced: int
    """Calls whose cost nobody knows."""
    hard: bool
    alerts: tuple[float, ...]
    """Shares at which people are told."""


def standings(account: Account, now_us: int, most: int) -> list[Standing]:
    """How a budget stands; of one that counts many values, those that have used most."""
    budget, now = account.budget, account.at(now_us)
    if not budget.scope.each:
        account.counter("", now_us)
    counters = account.counters(now_us)
    chosen = list(counters.items())
    if len(chosen) > most:
        chosen = sorted(chosen, key=lambda one: -(one[1].spent + one[1].reserved))[:most]
    return [
        Standing(
            budget=budget.name,
            of=value,
            per=budget.per,
            window=now.name,
            ends_us=now.end_us,
            limit_usd=budget.usd,
            spent_usd=spend.usd(counter.spent),
            reserved_usd=spend.usd(counter.reserved),
            unpriced=counter.unpriced,
            hard=budget.hard,
            alerts=budget.alerts,
        )
        for value, counter in chosen
    ]
