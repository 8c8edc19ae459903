"""How many repeats an integration may see: a share of its live traffic, plus a few that are always allowed; pure.

Attempts per call do not bound what a failing vendor gets: when every call fails, each is repeated, and the vendor gets a multiple
of its traffic just when it can bear least. A budget over all calls does (Finagle's retry budgets, RFC 9110 leaves it open). Not for:
whether one call may be repeated at all (`plan.py`).
"""

from __future__ import annotations

import math

from trunkline.core.flow import Retry

SPAN_S = 10.0
"""Traffic of about this long counts: a quiet hour saves nothing up for a bad minute."""


class RetryBudget:
    """The budget of one integration. It is told how many calls there were so far only when a repeat is asked for, so that calls
    that succeed cost nothing.
    """

    __slots__ = ("_at", "_calls", "_recent", "_tokens")

    def __init__(self) -> None:
        self._at = -math.inf
        self._calls = 0
        self._recent = 0.0
        self._tokens = 0.0

    def allows(self, retry: Retry, calls: int, now: float) -> bool:
        """Whether one more repeat is within the budget. `calls` is a running count of calls, `now` monotonic seconds."""
        passed_s = max(0.0, now - self._at)
        # A count that runs backwards is that of a new registry, which begins at nothing.
        new = calls - self._calls if calls >= self._calls else calls
        self._at, self._calls = now, calls
        self._recent = self._recent * math.exp(-passed_s / SPAN_S) + new
        earned = retry.budget * new + (
            retry.budget_floor * passed_s / 60 if passed_s < math.inf else math.inf
        )
        most = retry.budget * self._recent + retry.budget_floor
        self._tokens = min(most, self._tokens + earned)
        return self._tokens >= 1.0

    def take(self) -> None:
        """One repeat is made."""
        self._tokens -= 1.0

    def __repr__(self) -> str:
        return f"RetryBudget({self._tokens:.1f} left)"
