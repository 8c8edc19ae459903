"""The one line in which attempts wait for one credential of one integration, and what decides how fast it moves.

Pure: times come in, who may go comes out.

Places: the declared concurrency and what the vendor was seen to bear (`adaptive.py`). Rates: what is declared, told and asked for
(`rate.py`). Order: lanes and teams (`fair.py`). Not for: futures and timers (`queue.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt
from trunkline.core.ports import LimitTold
from trunkline.core.service import Service
from trunkline.plugins.policies.adaptive import Bound
from trunkline.plugins.policies.cost import NOTHING, ONE, Cost, Means, expected, used
from trunkline.plugins.policies.fair import Schedule, Waiter
from trunkline.plugins.policies.rate import Rates

HEARD_EVERY_S = 0.1
"""A vendor's limits are read from its good answers at most so often."""
BUSY_HELD_MAX_S = 60.0
"""A vendor that is overloaded or not ready is asked again after so long, whatever it said."""
PAUSING = frozenset(("rate_limited", "slow_down", "quota_exhausted"))
_BUSY = frozenset(("overloaded", "not_ready"))
_TOO_MUCH = frozenset(("concurrency_limited", "overloaded", "slow_down"))
ROUNDING_S = 1e-6
"""A shorter wait is none."""
_HOLD_WEIGHT = 0.1
_HOLDS_NEEDED = 5
"""So many attempts must have ended before their mean duration says how long a wait will be."""


Reserved = tuple[Cost, float]
"""What was set aside for an attempt, and when it went."""


class Queued(Waiter, Protocol):
    """What waits in a line, until `until` at the longest."""

    @property
    def attempt(self) -> Attempt: ...
    @property
    def cost(self) -> Cost: ...
    @property
    def until(self) -> float: ...

    def go(self, now: float) -> None:
        """Its turn has come, and there is room."""

    def refuse(self, error: CallError) -> None:
        """It has left the line and waits in vain."""


class Line:
    """`free` is True while nothing bounds it: then an attempt only counts itself in and out. `running` is how many do so now.

    `pinned`: the registry bounds it, so it is never free. `hears_at`: an answer that begins then or later goes to `hear`, which
    reads what the vendor tells of its limits. `roomy` says whether a call for a model could go now, `left` which share of the
    tightest limit is left to it.
    """

    __slots__ = (
        "_declared_places",
        "_hold_s",
        "_holds",
        "bound",
        "free",
        "hear",
        "hears_at",
        "left",
        "means",
        "name",
        "pinned",
        "places",
        "rates",
        "roomy",
        "running",
        "schedule",
        "spec",
    )

    def __init__(self, spec: Service, now: float) -> None:
        self.name = spec.name
        self.running = 0
        self.free = True
        self.pinned = False
        self.places: int | None = None
        self.hears_at = math.inf
        self.hear: Callable[[Attempt], None] = lambda _: None
        self.roomy: Callable[[str], bool] = lambda _: True
        self.left: Callable[[str], float] = lambda _: 1.0
        self.bound = Bound()
        self.rates = Rates()
        self.schedule: Schedule[Queued] = Schedule()
        self.means = Means()
        self._hold_s = 0.0
        self._holds = 0
        self.configure(spec, now)

    def configure(self, spec: Service, now: float) -> None:
        """Takes a service's settings, at first and after a reload."""
        self.spec = spec
        bounds = [limit.concurrency for limit in spec.limits if limit.concurrency]
        self._declared_places = min(bounds, default=None)
        self.rates.configure(spec.limits, now)
        self.pinned = self._declared_places is not None or self.rates.declared
        self.schedule.ageing_s = spec.queue.ageing
        self.hears_at = now if spec.limit_headers not in ("", "none") else math.inf
        self.refresh(now)

    def refresh(self, now: float) -> None:
        """Forgets what is over, and sees what still bounds."""
        self.rates.forget(now, idle=not self.schedule.waiting)
        self._count_places()
        self.free = not (self.pinned or self.places or self.rates.limiting or self.schedule.waiting)

    def _count_places(self) -> None:
        declared, learned = self._declared_places, self.bound.places
        self.places = min(declared, learned) if declared and learned else declared or learned

    def cost(self, attempt: Attempt, gate: str) -> Cost:
        """What an attempt will use, as far as any limit here counts it."""
        return expected(attempt.exchange, self.means.of(gate)) if self.rates.sized else ONE

    def full(self) -> bool:
        """Whether no place is free."""
        return self.places is not None and self.running >= self.places

    def has_room(self, gate: str, now: float) -> bool:
        """Whether one more could go at once."""
        return self.free or not (self.schedule.waiting or self.full() or self.wait(gate, ONE, now))

    def headroom(self, gate: str, now: float) -> float:
        """Share that is left of the tightest bound, 0 to 1; 1 where nothing bounds."""
        places = max(0.0, 1.0 - self.running / self.places) if self.places else 1.0
        return 0.0 if self.schedule.waiting else min(places, self.rates.headroom(now, gate))

    def wait(self, gate: str, cost: Cost, now: float) -> float:
        """Seconds until the rates leave room for so much at this gate; 0: now."""
        wait = max(self.rates.gate_wait(now, gate, cost), self.rates.wait(now, cost))
        return wait if wait > ROUNDING_S else 0.0

    def move(self, now: float) -> float:
        """Lets go whoever may. Returns the seconds until it is worth another look; infinite when only an ending can help."""
        soonest = math.inf
        closed: set[str] = set()
        while not self.full():
            first = self.schedule.first(now, closed)
            if first is None:
                break
            wait = self.rates.gate_wait(now, first.gate, first.cost)
            if wait > ROUNDING_S:
                # Others may pass another gate meanwhile.
                closed.add(first.gate)
                soonest = min(soonest, wait)
                continue
            wait = self.rates.wait(now, first.cost)
            if wait > ROUNDING_S:
                # What all share is kept for the first, else a large call would wait for ever behind small ones.
                return min(soonest, wait)
            self.schedule.serve(first)
            first.go(now)
        return soonest

    def take(self, attempt: Attempt, gate: str, cost: Cost, now: float) -> None:
        """The attempt goes."""
        self.running += 1
        self.rates.take(now, gate, cost)
        attempt.reserved = (cost, now)

    def give_back(self, attempt: Attempt, now: float) -> None:
        """An attempt that was to go will not."""
        self.running -= 1
        cost, taken_at = attempt.reserved
        attempt.reserved = None
        self.rates.correct(now, NOTHING.more_than(cost), taken_at)

    def places_forecast(self, ahead: int) -> float:
        """Seconds until a place is free for one with so many before it; 0 while that cannot be said."""
        places = self.places
        if places is None or self._holds < _HOLDS_NEEDED or self.running + ahead < places:
            return 0.0
        return (self.running + ahead + 1 - places) * self._hold_s / max(1, places)

    def flying(self, gate: str) -> Cost:
        """What all running attempts are thought to use."""
        return (self.means.of(gate) or ONE).times(self.running)

    def told(self, gate: str, heard: Sequence[LimitTold], at: float, now: float, wall: float) -> None:
        """The vendor told its limits in an answer that began at `at`."""
        self.rates.hear(now, wall, gate, heard, at, self.flying(gate))

    def ended(self, attempt: Attempt, gate: str, now: float, wall: float) -> float:
        """An attempt ended. Returns the instant until which the vendor asked for silence at its gate; 0 if it did not.

        `running` no longer counts it.
        """
        reserved: Reserved | None = attempt.reserved
        begun = attempt.started
        if reserved is not None:
            begun = reserved[1]
            self._correct(attempt, gate, reserved, now)
        error = attempt.error
        if error is None:
            if self.rates.paces:
                self.rates.won(gate, begun, others_wait=self.schedule.waiting > 0)
            if self.bound.places is not None:
                others = self.running + self.schedule.waiting
                self.bound.succeeded(self.spec.adaptive, others, begun, now)
                self._count_places()
            return 0.0
        return 0.0 if error.source == "trunkline" else self._refused(error, gate, begun, now, wall)

    def _correct(self, attempt: Attempt, gate: str, reserved: Reserved, now: float) -> None:
        """What was used takes the place of what was set aside."""
        cost, at = reserved
        error, response = attempt.error, attempt.response
        if error is None:
            self._hold_s += (now - at - self._hold_s) * (_HOLD_WEIGHT if self._holds else 1.0)
            self._holds += 1
        if self.rates.sized:
            spent = used(attempt, cost)
            if error is None:
                self.means.note(gate, spent)
            self.rates.correct(now, spent.more_than(cost), at)
        elif error is not None and (response is None or not response.sent):
            self.rates.correct(now, NOTHING.more_than(cost), at)

    def _refused(self, error: CallError, gate: str, begun: float, now: float, wall: float) -> float:
        """Learns from a vendor's refusal."""
        settings, running = self.spec.adaptive, self.running + 1
        pause_s = (error.retry_at or 0.0) - wall
        if error.code in _BUSY:
            pause_s = min(pause_s, BUSY_HELD_MAX_S)
        elif error.code not in PAUSING:
            pause_s = 0.0
        if pause_s > 0:
            self.rates.pause(now, gate, now + pause_s)
            if error.code in PAUSING:
                self.rates.refused(now, gate, begun, pause_s)
        if error.code in _TOO_MUCH:
            self.bound.overloaded(settings, running, begun, now)
        elif pause_s > 0:
            self.bound.paused(settings, running, begun, now)
        self._count_places()
        return now + pause_s if pause_s > 0 else 0.0

    def __repr__(self) -> str:
        return f"({self.running}, {self.schedule.waiting})"
