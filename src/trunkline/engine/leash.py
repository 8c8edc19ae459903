"""How much hedging an integration bears: a share of its calls, and so much money a day for those that lost; pure.

Not for: when a second request is due (`latency.py`, `race.py`).
"""

from __future__ import annotations

from trunkline.core.flow import Hedge

_SAVED_UP = 5.0
"""Hedges that a quiet time may save up."""
_AVERAGED = 0.2


class Leash:
    """Of one integration. Days are numbers of UTC days."""

    __slots__ = ("_credit", "_day", "_expected_usd", "_out", "spent_usd")

    def __init__(self) -> None:
        self._credit = 0.0
        self._day = -1
        self._expected_usd = 0.0
        self._out = 0
        self.spent_usd = 0.0

    def call(self, hedge: Hedge) -> None:
        """A call that could be hedged was made."""
        self._credit = min(_SAVED_UP, self._credit + hedge.share)

    def allows(self, hedge: Hedge, priced: bool, day: int) -> bool:
        """Whether one more may be sent, when those that are out cost what such calls cost."""
        if day != self._day:
            self._day, self.spent_usd = day, 0.0
        if self._credit < 1.0 - 1e-9:
            return False
        expected = self._expected_usd * (self._out + 1)
        return not priced or (hedge.usd_per_day > 0 and self.spent_usd + expected <= hedge.usd_per_day)

    def take(self) -> None:
        """One is sent."""
        self._credit -= 1.0
        self._out += 1

    def lost(self, usd: float) -> None:
        """A race is over; what its loser cost, as far as known."""
        self._out -= 1
        self.spent_usd += usd
        self._expected_usd += (_AVERAGED if self._expected_usd else 1.0) * (usd - self._expected_usd)

    def __repr__(self) -> str:
        return f"Leash(credit={self._credit:.2f}, out={self._out}, spent={self.spent_usd:.6g})"
