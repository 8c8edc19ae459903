"""Requests per period toward a vendor, per credential: waits a short while for a place, else refuses; obeys a vendor's pause.

Learning limits from vendors' headers, tokens and money come with the issue 'Flow and failure'; the state they need is here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from trunkline.core.call import Attempt
from trunkline.core.errors import CallError
from trunkline.core.service import Limit
from trunkline.plugins.policies.gcra import Bucket

WAIT_MAX_S = 5.0
PAUSE_MAX_S = 3600.0
_PAUSING = frozenset(("rate_limited", "slow_down", "quota_exhausted"))


class _State:
    __slots__ = ("buckets", "limits", "paused_until", "waiting")

    def __init__(self) -> None:
        self.limits: list[Limit] | None = None
        self.buckets: list[Bucket] = []
        self.paused_until = 0.0
        self.waiting = 0


class Rate:
    """State by (integration, credential); outlives reloads."""

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        self._clock = clock
        self._wall = wall
        self._states: dict[tuple[str, str], _State] = {}

    def _state(self, attempt: Attempt) -> _State:
        target = attempt.target
        state = self._states.get(target.key)
        if state is None:
            state = self._states[target.key] = _State()
        limits = target.live.spec.limits
        if state.limits is not limits:
            state.limits = limits
            state.buckets = [Bucket(limit.requests, limit.per) for limit in limits if limit.requests]
        return state

    def admit(self, attempt: Attempt) -> Awaitable[None] | None:
        """Raises `rate_limited` when the place would come too late."""
        state = self._state(attempt)
        if not state.buckets and not state.paused_until:
            return None
        wait = self._take(state, self._clock())
        if wait <= 0:
            return None
        remaining = attempt.exchange.deadline - self._clock()
        if wait > min(WAIT_MAX_S, remaining):
            name = attempt.target.live.name
            text = f"Trunkline holds calls to {name} back for {wait:.1f} s (limit of the registry, or the vendor asked for a pause)"
            raise CallError(
                "rate_limited", text, scope="integration", retry_at=self._wall() + wait, never_acted=True
            )
        return self._wait(state, wait)

    def _take(self, state: _State, now: float) -> float:
        """Takes a place when there is one now; else the seconds until there may be one."""
        wait = state.paused_until - now
        for bucket in state.buckets:
            wait = max(wait, bucket.wait(now))
        if wait <= 0:
            state.paused_until = 0.0
            for bucket in state.buckets:
                bucket.take(now)
        return wait

    async def _wait(self, state: _State, wait: float) -> None:
        state.waiting += 1
        try:
            while wait > 0:
                await asyncio.sleep(wait)
                wait = self._take(state, self._clock())
        finally:
            state.waiting -= 1

    def settle(self, attempt: Attempt) -> None:
        error = attempt.error
        if (
            error is None
            or error.code not in _PAUSING
            or error.source == "trunkline"
            or error.retry_at is None
        ):
            return
        until = self._clock() + min(PAUSE_MAX_S, error.retry_at - self._wall())
        state = self._states[attempt.target.key]
        state.paused_until = max(state.paused_until, until)

    def __repr__(self) -> str:
        waiting = {key: s.waiting for key, s in self._states.items() if s.waiting}
        return f"Rate(waiting={waiting})"
