"""When each look is due: at its interval, with jitter, so that many installations do not look in step. Pure."""

from __future__ import annotations

from collections.abc import Mapping

JITTER = 0.2
"""Share of the interval by which a look may come earlier."""


class Schedule:
    """Due instants by name. `chance` is a number in [0, 1) drawn by the caller."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._every: dict[str, float] = {}

    def keep(self, every: Mapping[str, float], now: float, chance: float) -> None:
        """What is to be looked at from now on, with its interval; what is new is looked at soon, spread over its first tenth."""
        self._due = {name: due for name, due in self._due.items() if every.get(name) == self._every.get(name)}
        self._every = dict(every)
        fresh = [name for name in every if name not in self._due]
        for n, name in enumerate(fresh):
            share = (chance + n / len(fresh)) % 1.0
            self._due[name] = now + share * min(2.0, every[name] / 10)

    def due(self, now: float) -> list[str]:
        """What is to be looked at now, the longest overdue first."""
        return sorted((name for name, at in self._due.items() if at <= now), key=self._due.__getitem__)

    def done(self, name: str, now: float, chance: float) -> None:
        """It was looked at; the next time is an interval later, or up to a fifth of it sooner."""
        if name in self._due:
            self._due[name] = now + self._every[name] * (1.0 - JITTER * chance)

    def next_at(self, now: float) -> float:
        """When something is due next."""
        return min(self._due.values(), default=now + 60.0)
