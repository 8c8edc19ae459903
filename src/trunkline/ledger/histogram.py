"""Latency in fixed logarithmic buckets, so that hours, integrations and processes can be added up and still give percentiles.

Bucket `i` holds durations up to `BOUNDS_US[i]`; the last bucket holds all that is longer. Each bound is sqrt(2) times the one
before, from half a millisecond to 17 minutes, so a percentile is wrong by at most a fifth.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

BOUNDS_US: tuple[int, ...] = tuple(round(500 * 2.0 ** (i / 2)) for i in range(43))
BUCKETS = len(BOUNDS_US) + 1


def bucket(duration_us: int) -> int:
    """The bucket of one duration."""
    return bisect_left(BOUNDS_US, duration_us)


def percentile_us(counts: Sequence[int], share: float) -> int | None:
    """The duration below which `share` (0 to 1) of the calls lie, interpolated on the logarithmic scale; None without calls."""
    total = sum(counts)
    if total == 0:
        return None
    wanted = share * total
    seen = 0
    for i, count in enumerate(counts):
        if count and seen + count >= wanted:
            return _within(i, (wanted - seen) / count)
        seen += count
    return BOUNDS_US[-1]


def _within(i: int, part: float) -> int:
    if i >= len(BOUNDS_US):
        return BOUNDS_US[-1]
    low = BOUNDS_US[i - 1] if i else BOUNDS_US[0] / 2
    ratio: float = (BOUNDS_US[i] / low) ** part
    return round(low * ratio)
