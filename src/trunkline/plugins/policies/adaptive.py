"""How many calls at once a vendor bears, learned from its refusals (additive increase, multiplicative decrease). Pure.

No bound until the first refusal. "Overloaded" and its like cut it by a factor, at most once per round trip, and it grows by one
with each window of successes. A vendor that asks for a pause is afterwards approached as TCP does it: one call, then one more for
each success up to half of what was running at the refusal, from there on by windows. After a quiet while in which the bound was
not needed it is forgotten. Not for: declared limits (`rate.py`).
"""

from __future__ import annotations

from trunkline.core.flow import Adaptive

QUIET_S = 60.0
"""A bound that is not needed is forgotten so long after its last cut."""


class Bound:
    """`places` is the bound, None while there is none."""

    __slots__ = ("_cut_at", "_knee", "_won", "places")

    def __init__(self) -> None:
        self.places: int | None = None
        self._knee = 0
        """Below, each success adds a place."""
        self._won = 0
        self._cut_at = 0.0

    def overloaded(self, settings: Adaptive, running: int, begun: float, now: float) -> None:
        """An attempt begun at `begun` was refused as too much, while `running` were running, itself included."""
        if self._cut(settings, begun, now):
            in_use = running if self.places is None else min(self.places, running)
            cut = max(settings.floor, int(in_use * settings.decrease))
            self.places = self._knee = min(cut, settings.ceiling)

    def paused(self, settings: Adaptive, running: int, begun: float, now: float) -> None:
        """An attempt begun at `begun` was answered with a pause for all."""
        if self._cut(settings, begun, now):
            in_use = running if self.places is None else min(self.places, running)
            self._knee = in_use // 2
            self.places = settings.floor

    def _cut(self, settings: Adaptive, begun: float, now: float) -> bool:
        # What was begun before the last cut says nothing about the bound that holds now.
        if not settings.enabled or (self.places is not None and begun < self._cut_at):
            return False
        self._cut_at = now
        self._won = 0
        return True

    def succeeded(self, settings: Adaptive, running: int, begun: float, now: float) -> None:
        """An attempt succeeded; `running` others still run or wait. Only what was begun under the bound, and used it, lets it grow."""
        places = self.places
        if places is None:
            return
        if 2 * running <= places and now - self._cut_at >= QUIET_S:
            self.places = None
        elif begun >= self._cut_at and 2 * (running + 1) > places:
            self._won += 1
            if places < self._knee or self._won >= places:
                self.places, self._won = min(places + 1, settings.ceiling), 0

    def __repr__(self) -> str:
        return f"Bound({self.places})"
