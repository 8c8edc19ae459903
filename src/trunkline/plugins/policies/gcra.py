"""The generic cell rate algorithm (ITU-T I.371): a token bucket that is one number. Pure; not a policy itself."""

from __future__ import annotations


class Bucket:
    """At most `amount` per `per_s` seconds, as a burst or spread. `full_at` is the theoretical arrival time."""

    __slots__ = ("_burst_s", "_step_s", "full_at")

    def __init__(self, amount: float, per_s: float) -> None:
        self._step_s = per_s / amount
        self._burst_s = per_s
        self.full_at = 0.0

    def wait(self, now: float, cost: float = 1.0) -> float:
        """Seconds until `cost` would fit; 0 or less: it fits now. Takes nothing."""
        return max(self.full_at, now) + cost * self._step_s - self._burst_s - now

    def take(self, now: float, cost: float = 1.0) -> None:
        """Takes `cost`, whether it fits or not."""
        self.full_at = max(self.full_at, now) + cost * self._step_s

    def __repr__(self) -> str:
        return f"Bucket(step_s={self._step_s:g}, burst_s={self._burst_s:g}, full_at={self.full_at:g})"
