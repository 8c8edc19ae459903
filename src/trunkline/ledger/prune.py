"""Lets days expire by dropping their file: no row is ever deleted one by one. Their hourly sums stay in the roll-ups."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.ledger.days import DAY_US, day_of
from trunkline.ledger.drain import Drain

KEEP_DAYS = 90


def expired(days: Iterable[str], now_us: int, keep_days: int = KEEP_DAYS) -> list[str]:
    """The days of which every call is older than `keep_days`. Pure."""
    oldest_kept = day_of(now_us - keep_days * DAY_US)
    return [day for day in days if day < oldest_kept]


def prune(drain: Drain, now_us: int, keep_days: int = KEEP_DAYS) -> list[str]:
    """Drop the expired days; returns them."""
    gone = expired(drain.days(), now_us, keep_days)
    for day in gone:
        drain.prune(day)
    return gone
