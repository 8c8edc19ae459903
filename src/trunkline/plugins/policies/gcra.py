"""The generic cell rate algorithm (ITU-T I.371): a token bucket that is one number. Pure; not a policy itself."""

from __future__ import annotations


class Bucket:
    """At most `amount` per `per_s` seconds, as a burst or spread. `full_at` is the theoretical arrival time."""

    __slots__ = ("_burst_s", "_rested_at", "full_at", "step_s")

    def __init__(self, amount: float, per_s: float, full_at: float = 0.0) -> None:
        self.step_s = per_s / amount
        self._burst_s = per_s
        self._rested_at = 0.0
        self.full_at = full_at

    def wait(self, now: float, cost: float = 1.0) -> float:
        """Seconds until `cost` would fit; 0 or less: it fits now. Takes nothing. What is larger than the bucket waits for a full one."""
        # The differences first: beside the clock's large numbers a rounding would turn away what fits exactly.
        return max(self.full_at - now, 0.0) + (min(cost * self.step_s, self._burst_s) - self._burst_s)

    def wait_for_all(self, now: float, cost: float) -> float:
        """Seconds until so much will have passed through in all, however large it is."""
        return max(self.full_at - now, 0.0) + (cost * self.step_s - self._burst_s)

    def take(self, now: float, cost: float = 1.0) -> None:
        """Takes `cost`, whether it fits or not."""
        if self.full_at <= now:
            self.full_at = self._rested_at = now
        self.full_at += cost * self.step_s

    def correct(self, now: float, cost: float, taken_at: float) -> None:
        """`cost` more was used (below 0: less) than was taken at `taken_at`; a bucket that was full since has had it back."""
        if cost > 0:
            self.take(now, cost)
        elif self._rested_at <= taken_at:
            self.full_at += cost * self.step_s

    def used(self, now: float) -> float:
        """How much of the amount is in use."""
        return max(0.0, self.full_at - now) / self.step_s

    def left(self, now: float) -> float:
        """Share of the amount that is not in use, 0 to 1."""
        return max(0.0, 1.0 - (self.full_at - now) / self._burst_s) if self.full_at > now else 1.0

    def __repr__(self) -> str:
        return f"Bucket(step_s={self.step_s:g}, burst_s={self._burst_s:g}, full_at={self.full_at:g})"
