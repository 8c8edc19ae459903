"""How each integration fares just now: calls and failures of the last minute, for health and the statistics file.

Counts what really happened on the way to the vendor; a caller's own mistakes do not count against an integration.
"""

from __future__ import annotations

from trunkline.core.errors import CallError

SLICE_S = 5.0
SLICES = 12


class Seen:
    """Counters of one integration: a ring of five-second slices."""

    __slots__ = (
        "_at",
        "_calls",
        "_failures",
        "_until",
        "attempts",
        "errors",
        "last_error_at",
        "last_error_code",
        "last_ok_at",
    )

    def __init__(self) -> None:
        self._at = -1
        self._until = 0.0
        self._calls = [0] * SLICES
        self._failures = [0] * SLICES
        self.attempts = 0
        self.errors = 0
        self.last_ok_at = 0.0
        self.last_error_at = 0.0
        self.last_error_code = ""

    def _slot(self, now: float) -> int:
        if now < self._until:
            return self._at % SLICES
        turn = int(now / SLICE_S)
        self._until = (turn + 1) * SLICE_S
        if turn != self._at:
            for passed in range(max(self._at + 1, turn - SLICES + 1), turn + 1):
                self._calls[passed % SLICES] = self._failures[passed % SLICES] = 0
            self._at = turn
        return turn % SLICES

    def note(self, error: CallError | None, now: float) -> None:
        """One attempt ended at monotonic `now`."""
        slot = self._slot(now)
        self._calls[slot] += 1
        self.attempts += 1
        if error is None:
            self.last_ok_at = now
            return
        if not (error.kind.trips or error.kind.elsewhere) or error.kind.who == "caller":
            return
        self._failures[slot] += 1
        self.errors += 1
        self.last_error_at = now
        self.last_error_code = error.code

    def window(self, now: float) -> tuple[int, int]:
        """Calls and failures of the last minute."""
        self._slot(now)
        return sum(self._calls), sum(self._failures)


class Traffic:
    """Counters by integration; they outlive reloads."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}

    def note(self, name: str, error: CallError | None, now: float) -> None:
        seen = self.seen.get(name)
        if seen is None:
            seen = self.seen[name] = Seen()
        seen.note(error, now)
