"""How many calls of a key may run at once.

Not for: its rate and other limits toward callers (`caller_limits.py`), its money (`budget.py`), nor limits toward vendors (`queue.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange


class Quota:
    """Running calls by key, or by browser token; a new bound takes hold at the next call."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._running: dict[str, int] = {}

    def admit(self, exchange: Exchange) -> None:
        """Raises `caller_rate_limited`."""
        caller = exchange.caller
        assert caller is not None
        who, most = caller.token_id or caller.id, caller.key.concurrency
        running = self._running.get(who, 0)
        if most and running >= most:
            raise CallError(
                "caller_rate_limited",
                f"the key {caller.key.name!r} already has {most} calls running",
                scope="key",
                retry_at=self._wall() + 1,
            )
        self._running[who] = running + 1

    def settle(self, exchange: Exchange) -> None:
        caller = exchange.caller
        assert caller is not None
        who = caller.token_id or caller.id
        running = self._running[who] - 1
        if running or not caller.token_id:
            self._running[who] = running
        else:
            del self._running[who]  # tokens come and go

    def running(self, key_id: str) -> int:
        """Calls of a key that run now."""
        return self._running.get(key_id, 0)

    def __repr__(self) -> str:
        return f"Quota({ {who: n for who, n in self._running.items() if n} })"
