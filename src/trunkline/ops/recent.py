"""What the last minutes told of each integration: a ring of minutes per name, counted by whoever sees attempts end.

Small enough for the gateway's own process (core and standard library only). Not thread-safe. Not for totals (`totals.py`).
"""

from __future__ import annotations

from trunkline.ops.health import Figures, is_failure

MINUTES = 5


class Recent:
    """Counts attempts per integration in the present minute and the four before it."""

    def __init__(self) -> None:
        self._known: dict[str, _Ring] = {}

    def record(self, integration: str, code: str, now: float) -> None:
        """One attempt ended: `code` is its kind of failure, empty on success. `now` is epoch seconds."""
        failed = is_failure(code)
        if failed is None:
            return
        ring = self._known.get(integration)
        if ring is None:
            ring = self._known[integration] = _Ring()
        ring.count(int(now // 60), failed)
        if failed:
            ring.last_error_at, ring.last_error_code = now, code
        else:
            ring.last_ok_at = now

    def figures(self, now: float) -> dict[str, Figures]:
        """What stands of each integration."""
        minute = int(now // 60)
        return {
            name: Figures(*ring.sums(minute), ring.last_ok_at, ring.last_error_at, ring.last_error_code)
            for name, ring in self._known.items()
        }


class _Ring:
    __slots__ = ("_counts", "last_error_at", "last_error_code", "last_ok_at")

    def __init__(self) -> None:
        self._counts: dict[int, list[int]] = {}
        self.last_ok_at = 0.0
        self.last_error_at = 0.0
        self.last_error_code = ""

    def count(self, minute: int, failed: bool) -> None:
        slot = self._counts.get(minute)
        if slot is None:
            self._counts = {at: some for at, some in self._counts.items() if abs(minute - at) < MINUTES}
            slot = self._counts[minute] = [0, 0]
        slot[0] += 1
        slot[1] += failed

    def sums(self, minute: int) -> tuple[int, int]:
        slots = [slot for at, slot in self._counts.items() if 0 <= minute - at < MINUTES]
        return sum(slot[0] for slot in slots), sum(slot[1] for slot in slots)
