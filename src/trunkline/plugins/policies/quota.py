"""How much a caller may call: requests per period and calls at once, per key.

Not for: limits toward vendors (`queue.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.core.call import Exchange
from trunkline.core.errors import CallError
from trunkline.plugins.policies.gcra import Bucket


class _State:
    __slots__ = ("bucket", "limit", "running", "spent_usd")

    def __init__(self) -> None:
        self.running = 0
        self.limit: tuple[int, float] = (0, 0.0)
        self.bucket: Bucket | None = None
        self.spent_usd = 0.0


class Quota:
    """Counters by key; they outlive reloads, new limits take hold at the next call."""

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        self._clock = clock
        self._wall = wall
        self._keys: dict[str, _State] = {}

    def admit(self, exchange: Exchange) -> None:
        """Raises `caller_rate_limited`, or `over_budget` for a browser token that has spent its money."""
        caller = exchange.caller
        assert caller is not None
        key = caller.key
        state = self._keys.get(caller.token_id or key.id)
        if state is None:
            state = self._keys[caller.token_id or key.id] = _State()
        if key.concurrency and state.running >= key.concurrency:
            raise CallError(
                "caller_rate_limited",
                f"the key {key.name!r} already has {key.concurrency} calls running",
                scope="key",
                retry_at=self._wall() + 1,
            )
        if caller.spend_usd and state.spent_usd >= caller.spend_usd:
            raise CallError(
                "over_budget", f"this browser token has spent its {caller.spend_usd:g} USD", scope="key"
            )
        if key.rate:
            self._take(state, key.rate, key.rate_per, key.name)
        state.running += 1

    def _take(self, state: _State, rate: int, per_s: float, name: str) -> None:
        if state.limit != (rate, per_s) or state.bucket is None:
            state.limit, state.bucket = (rate, per_s), Bucket(rate, per_s)
        now = self._clock()
        wait = state.bucket.wait(now)
        if wait > 0:
            text = f"the key {name!r} has used up its {rate} calls per {per_s:g} s"
            raise CallError("caller_rate_limited", text, scope="key", retry_at=self._wall() + wait)
        state.bucket.take(now)

    def settle(self, exchange: Exchange) -> None:
        caller = exchange.caller
        assert caller is not None
        state = self._keys[caller.token_id or caller.key.id]
        state.running -= 1
        if exchange.cost_usd > 0:
            state.spent_usd += exchange.cost_usd

    def running(self, key_id: str) -> int:
        """Calls of a key that run now."""
        state = self._keys.get(key_id)
        return state.running if state is not None else 0

    def __repr__(self) -> str:
        return f"Quota({ {k: s.running for k, s in self._keys.items() if s.running} })"
