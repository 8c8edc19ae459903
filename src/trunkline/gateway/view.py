"""What the gateway knows of each integration's health: its own traffic and breakers, with what the console found out.

Not for: judging it (`ops/health.py`), nor the route (`local.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trunkline.engine.world import World
from trunkline.ops import health
from trunkline.ops.outside import NOTHING, Outside
from trunkline.plugins.policies.breaker import Breaker, Seen


def nothing_stale() -> Mapping[str, float]:
    """No integration's callers are given stale answers."""
    return {}


class View:
    """`world` gives what is live, `outside` what the console found out, `stale` the seconds for which stale answers have been given."""

    def __init__(
        self,
        breaker: Breaker,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        outside: Callable[[], Outside] = lambda: NOTHING,
        stale: Callable[[], Mapping[str, float]] = nothing_stale,
    ) -> None:
        self._breaker = breaker
        self._clock = clock
        self._wall = wall
        self._outside = outside
        self._stale = stale

    def known(self, world: World, *, circuits: bool = False) -> list[health.Traffic]:
        """All that is known of each integration; with every circuit if asked for."""
        return health.traffic(
            world.snapshot,
            {name: self._figures(name) for name in world.services},
            {name: self._breaker.state(name) for name in world.services},
            outside=self._outside(),
            stale=self._stale(),
            problems=problems(world),
            circuits={name: self._breaker.told(name) for name in world.services} if circuits else {},
            now=self._wall(),
        )

    def unknown_open(self) -> int | None:
        """How many acts are in doubt, as the console has counted them last."""
        return self._outside().unknown_open

    def stats(self, world: World) -> dict[str, Any]:
        """What the console reads of it in the statistics file."""
        names = list(world.services)
        return {
            "breakers": {name: self._breaker.state(name) for name in names},
            "circuits": {name: told for name in names if (told := self._breaker.told(name))},
            "problems": problems(world),
            "traffic": {name: _told(self._breaker.seen(name), self._clock()) for name in names},
        }

    def _figures(self, name: str) -> health.Figures:
        seen = self._breaker.seen(name)
        offset = self._wall() - self._clock()
        ok_at = seen.ok_at + offset if seen.ok_at else 0.0
        error_at = seen.error_at + offset if seen.error_at else 0.0
        return health.Figures(seen.calls, seen.failures, ok_at, error_at, seen.error_code)


def _told(seen: Seen, now: float) -> dict[str, Any]:
    return {
        "attempts": seen.attempts,
        "errors": seen.errors,
        "window": (seen.calls, seen.failures),
        "last_error_code": seen.error_code,
        "last_ok_age_s": now - seen.ok_at if seen.ok_at else None,
        "last_error_age_s": now - seen.error_at if seen.error_at else None,
    }


def problems(world: World) -> dict[str, str]:
    """Why integrations cannot be called at all: every one of their credentials has a problem."""
    found = {}
    for name, live in world.services.items():
        told = [member.problem for member in live.members]
        if told and told[0] is not None and all(told):
            found[name] = told[0].message
    return found
