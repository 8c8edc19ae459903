"""Calls at once toward a vendor, per credential: a bounded first-in-first-out wait for a place.

Priorities and fairness come with the issue 'Flow and failure'.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from trunkline.core.call import Attempt
from trunkline.core.errors import CallError

WAITING_MAX = 1000
WAIT_MAX_S = 30.0


class _State:
    __slots__ = ("running", "waiters")

    def __init__(self) -> None:
        self.running = 0
        self.waiters: deque[asyncio.Future[None]] = deque()


class Concurrency:
    """Places by (integration, credential); outlives reloads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._states: dict[tuple[str, str], _State] = {}

    def admit(self, attempt: Attempt) -> Awaitable[None] | None:
        """Raises `queue_full` at once or, while waiting, `queue_timeout`."""
        target = attempt.target
        state = self._states.get(target.key)
        if state is None:
            state = self._states[target.key] = _State()
        bound = 0
        for limit in target.live.spec.limits:
            if limit.concurrency:
                bound = min(bound, limit.concurrency) if bound else limit.concurrency
        if not bound or state.running < bound:
            state.running += 1
            return None
        name = target.live.name
        if len(state.waiters) >= WAITING_MAX:
            raise CallError(
                "queue_full",
                f"{WAITING_MAX} calls already wait for one of the {bound} places at {name}",
                scope="integration",
            )
        return self._wait(state, name, attempt.exchange.deadline - self._clock())

    @staticmethod
    async def _wait(state: _State, name: str, remaining_s: float) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        state.waiters.append(waiter)
        try:
            # Not wait_for: it may return as if nothing had happened when a cancellation and the place come in one turn.
            async with asyncio.timeout(min(WAIT_MAX_S, remaining_s)):
                await waiter
        except BaseException as end:
            if waiter.done() and not waiter.cancelled():
                _release(state)  # the place came too late: nobody takes it
            elif waiter in state.waiters:
                state.waiters.remove(waiter)
            if not isinstance(end, TimeoutError):
                raise
            raise CallError(
                "queue_timeout", f"no place at {name} became free in time", scope="integration"
            ) from None

    def settle(self, attempt: Attempt) -> None:
        _release(self._states[attempt.target.key])

    def __repr__(self) -> str:
        return f"Concurrency({ {k: (s.running, len(s.waiters)) for k, s in self._states.items() if s.running or s.waiters} })"


def _release(state: _State) -> None:
    """Hands the place to the first waiter, or gives it back."""
    while state.waiters:
        waiter = state.waiters.popleft()
        if not waiter.done():
            waiter.set_result(None)
            return
    state.running -= 1
