"""Timeouts: one look at all running attempts ten times a second, instead of a timer per call.

Connect timeouts are the wire's; first byte, idle between chunks, and the total time of the call are judged here. The verdict is
pure (`overdue`); the sweeper only acts on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trunkline.core.call import Attempt
from trunkline.core.errors import CallError

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
        """Cuts every attempt that is overdue at `now`."""
        cut = [(attempt, error) for attempt in self.running if (error := overdue(attempt, now)) is not None]
        for attempt, error in cut:
            attempt.response.abort(error)


def overdue(attempt: Attempt, now: float) -> CallError | None:
    """Which limit this attempt has passed, as the failure that it is; None while it is in time."""
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
    timeouts = live.spec.timeout
    if not response.connected:
        return None
    if attempt.first_byte_at == 0.0:
        if now - attempt.started > timeouts.first_byte + timeouts.connect:
            text = f"{live.name} sent no first byte within {timeouts.first_byte:g} s"
            return CallError("timeout_upstream", text, source=live.name, scope="integration")
    elif now - response.activity > timeouts.idle and not exchange.held_back:
        text = f"{live.name} sent nothing for {timeouts.idle:g} s in the middle of its answer"
        return CallError("timeout_upstream", text, source=live.name, scope="integration")
    return None
