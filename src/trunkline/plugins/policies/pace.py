"""The rate that a vendor was seen to bear which tells nothing but "too many, come back later". Pure.

At each refusal for want of rate its limit is used up; so what went through from one refusal to the next, while calls waited all
the time, is what comes back in that time. From then on calls are spaced by that rate, slowly faster, until the vendor refuses
again or has not done so for a minute. Not for: what a vendor tells (`rate.py`), nor concurrency (`adaptive.py`).
"""

from __future__ import annotations

MEMORY_S = 60.0
"""So long after the last refusal all is forgotten, once nobody waits."""
GROWTH = 1.02
"""By this factor the rate grows each second."""
FEWEST = 5
"""Fewer calls say nothing about a rate."""
LONGEST_S = 2.0
"""In a longer silence a vendor's bucket fills up: nothing can be measured over it, and afterwards calls need no spacing until the
bucket is used up again."""
BURST_S = 0.25
"""Calls that came too late for their turn may catch up by so much."""


class Pace:
    """`rate` is calls a second when it was measured; 0: not yet. `rested`: the vendor's bucket is thought to be full."""

    __slots__ = ("_measured_at", "_next_at", "_refused_at", "_saturated", "_won", "rate", "rested")

    def __init__(self, now: float, silence_s: float) -> None:
        """The vendor has refused for the first time, and asked for so much silence."""
        self.rate = 0.0
        self._measured_at = now
        self._refused_at = now
        self._next_at = 0.0
        self._won = 0
        self.rested = silence_s > LONGEST_S
        self._saturated = not self.rested

    def refused(self, begun: float, now: float, silence_s: float) -> None:
        """An attempt begun at `begun` was refused. One that was begun before the last refusal says nothing new."""
        if begun < self._refused_at:
            return
        if self._saturated and self._won >= FEWEST:
            self.rate = self._won / (now - self._refused_at)
            self._measured_at = now
        self._refused_at, self._won = now, 0
        self.rested = silence_s > LONGEST_S
        self._saturated = not self.rested

    def won(self, begun: float, *, others_wait: bool) -> None:
        """An attempt succeeded."""
        if begun >= self._refused_at:
            self._won += 1
        self._saturated = self._saturated and others_wait

    def wait(self, now: float) -> float:
        """Seconds until the next call may go; 0 or less: now."""
        return self._next_at - now if self.rate and not self.rested else 0.0

    def take(self, now: float) -> None:
        """A call goes."""
        if self.rate and not self.rested:
            rate = self.rate * GROWTH ** min(MEMORY_S, now - self._measured_at)
            self._next_at = max(self._next_at, now - BURST_S) + 1.0 / rate

    def over(self, now: float) -> bool:
        """Whether it may be forgotten."""
        return now - self._refused_at >= MEMORY_S

    def __repr__(self) -> str:
        return f"Pace({self.rate:g} a second)"
