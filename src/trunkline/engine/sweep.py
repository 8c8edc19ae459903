"""Timeouts: one look at all running attempts ten times a second, instead of a timer per call.

Connect timeouts are the wire's; first byte (of a model's stream: first content), idle between chunks, pace of a stream, and the total
time of the call are judged here. Callers may tighten them (`x-trunkline-timeout-...`). The verdict is `overdue`'s; the sweeper
acts on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt
from trunkline.core.flow import Timeouts
from trunkline.engine.relay import HELD_S

TICK_S = 0.1


class Sweeper:
    """Keeps the set of attempts that wait for a vendor and cuts those that are overdue."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.running: set[Attempt] = set()
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self.sweep(self._clock())
        self._timer = loop.call_later(TICK_S, self.start, loop)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def sweep(self, now: float) -> None:
        """Cuts every attempt that is overdue at `now`, and lets go of openings of streams that were held back for long enough."""
        cut: list[tuple[Attempt, CallError]] = []
        opened: list[Attempt] = []
        for attempt in self.running:
            if not attempt.response.connected:
                attempt.dialed_at = now
            error = overdue(attempt, now)
            if error is not None:
                cut.append((attempt, error))
            elif attempt.opening is not None and held_enough(attempt, now):
                opened.append(attempt)
        for attempt, error in cut:
            attempt.response.abort(error)
        for attempt in opened:
            attempt.opening.release()


def held_enough(attempt: Attempt, now: float) -> bool:
    """Whether the caller should now see that its stream has begun. While a second request may still win, there is no hurry."""
    since = attempt.opening.held_since
    race = attempt.exchange.race
    return 0.0 < since <= now - HELD_S and not (race is not None and race.open)


def overdue(attempt: Attempt, now: float) -> CallError | None:
    """Which limit this attempt has passed, as the failure that it is; None while it is in time. Measures the pace of streams."""
    response = attempt.response
    exchange = attempt.exchange
    live = attempt.target.live
    if response is None:
        return None
    if now >= exchange.deadline:
        sent = bool(response.sent)
        code = "deadline_exceeded"
        text = f"the call's time of {exchange.timeout_s:g} s was over before {live.name} had answered in full"
        return CallError(code, text, never_acted=not sent, scope="call")
    if not response.connected:
        return None
    timeouts = live.spec.timeout
    first_byte, idle = timeouts.first_byte, timeouts.idle
    if exchange.tighter is not None:
        first_byte, idle = min(first_byte, exchange.tighter[1]), min(idle, exchange.tighter[2])
    waited = now - max(attempt.sent_at, attempt.dialed_at)
    if attempt.first_byte_at == 0.0:
        if waited > first_byte:
            return _late(live.name, f"sent no first byte within {first_byte:g} s")
    elif exchange.held_back:
        attempt.pace = None
    elif now - response.activity > idle:
        return _late(live.name, f"sent nothing for {idle:g} s in the middle of its answer")
    elif attempt.opening is not None:
        if waited > first_byte:
            return _late(live.name, f"began a stream and sent no content within {first_byte:g} s")
    elif timeouts.slow_bytes and exchange.first_byte_at and _is_slow(attempt, timeouts, now):
        text = f"streamed less than {timeouts.slow_bytes:g} bytes per second over {timeouts.slow_for:g} s"
        return _late(live.name, text)
    return None


def _is_slow(attempt: Attempt, timeouts: Timeouts, now: float) -> bool:
    """Whether too little of a stream has passed since it was measured last."""
    passed = attempt.exchange.bytes_out
    since, before = attempt.pace or (now, passed)
    if attempt.pace is None or now - since >= timeouts.slow_for:
        attempt.pace = (now, passed)
    return now - since >= timeouts.slow_for and passed - before < timeouts.slow_bytes * (now - since)


def _late(name: str, what: str) -> CallError:
    return CallError("timeout_upstream", f"{name} {what}", source=name, scope="integration")
