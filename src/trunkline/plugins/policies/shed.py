"""Refuses new calls, lowest lane first, while this process has more work than it can do in time.

Two signs: the event loop runs late (twice in a row, for a single stall is over when it is seen), and the bodies of running calls
fill the memory. Either at its bound refuses the lane `batch`, at twice the bound `pipeline` too, at four times every call; each
second of calm lets one lane in again. Both are looked at by a timer, so a call only looks at the verdict. Not for: a vendor's
limits (`queue.py`), nor what callers may (`quota.py`).
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable

from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.flow import Lane, Shedding
from trunkline.core.service import LANES

TICK_S = 0.05
BYTES_EVERY_S = 0.25
CALM_S = 1.0
_STEPS = (1.0, 2.0, 4.0)
"""Multiples of a bound from which the last lane, the last two, all are refused."""
_RETURN_S: dict[Lane, float] = {"interactive": 1.0, "pipeline": 2.0, "batch": 4.0}


class Pressure:
    """How many lanes are refused just now; a value that is told what was measured."""

    __slots__ = ("_calm_since", "_late_s", "level")

    def __init__(self) -> None:
        self.level = 0
        self._late_s = 0.0
        self._calm_since = 0.0

    def note(self, late_s: float, held_bytes: int, bounds: Shedding, now: float) -> int:
        """The loop was late by so much, and so many bytes are held. Returns the level that holds from now on."""
        lasting_s, self._late_s = min(late_s, self._late_s), late_s
        share = max(lasting_s / bounds.loop_lag, held_bytes / bounds.running_bytes)
        level = sum(share >= step for step in _STEPS)
        if level >= self.level:
            self.level, self._calm_since = level, now
        elif now - self._calm_since >= CALM_S:
            self.level, self._calm_since = self.level - 1, now
        return self.level

    def __repr__(self) -> str:
        return f"Pressure({self.level})"


class Shed:
    """The policy, and the timer that measures. `running` gives the calls that run now."""

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float], bounds: Shedding) -> None:
        self.bounds = bounds
        self.pressure = Pressure()
        self.late_s = 0.0
        """How late the loop was at the last look."""
        self.held_bytes = 0
        self.refused: Counter[Lane] = Counter()
        """Calls refused, by lane."""
        self._refused: tuple[Lane, ...] = ()
        self._clock = clock
        self._wall = wall
        self._running: Callable[[], Iterable[Exchange]] = tuple
        self._timer: asyncio.TimerHandle | None = None
        self._weigh_at = 0.0

    def admit(self, exchange: Exchange) -> None:
        """Raises `shed`."""
        if self._refused and exchange.lane in self._refused:
            raise self._refusal(exchange.lane)

    def settle(self, exchange: Exchange) -> None:
        """Nothing is held."""

    def _refusal(self, lane: Lane) -> CallError:
        self.refused[lane] += 1
        text = (
            f"this gateway has more work than it can do in time; calls of the lane {lane} are refused for now"
        )
        # Who was refused together must not come back together.
        wait_s = _RETURN_S[lane] * (1.0 + 0.5 * random.random())
        return CallError("shed", text, scope="process", retry_at=self._wall() + wait_s)

    def stats(self) -> dict[str, float | dict[str, float]]:
        """Calls refused by lane, and what was measured last."""
        refused: dict[str, float] = {lane: self.refused[lane] for lane in LANES}
        return {"shed": refused, "loop_late_s": round(self.late_s, 4), "held_bytes": self.held_bytes}

    def start(self, loop: asyncio.AbstractEventLoop, running: Callable[[], Iterable[Exchange]]) -> None:
        """Begins to measure."""
        self._running = running
        self._timer = loop.call_later(TICK_S, self._tick, loop, self._clock() + TICK_S)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self, loop: asyncio.AbstractEventLoop, due_at: float) -> None:
        now = self._clock()
        self.look(max(0.0, now - due_at), now)
        self._timer = loop.call_later(TICK_S, self._tick, loop, now + TICK_S)

    def look(self, late_s: float, now: float) -> None:
        """Takes a measure, and settles which lanes are refused until the next."""
        self.late_s = late_s
        if now >= self._weigh_at:
            self._weigh_at = now + BYTES_EVERY_S
            self.held_bytes = sum(map(_held_bytes, self._running()))
        level = self.pressure.note(late_s, self.held_bytes, self.bounds, now)
        self._refused = LANES[len(LANES) - level :]

    def __repr__(self) -> str:
        return f"Shed({self.pressure.level})"


def _held_bytes(exchange: Exchange) -> int:
    """Bytes of a call's request and answer that are in memory."""
    held = len(exchange.body)
    attempt = exchange.attempt
    if attempt is not None and attempt.response is not None:
        held += len(attempt.response.body)
    return held + len(exchange.kept.body) if exchange.kept is not None else held
