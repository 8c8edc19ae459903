"""How long a target takes to its first byte or first content, learned from what it did of late: a small histogram that forgets.

Pure: no clock. Not for: health or metrics (`ops/`), which count everything; here only what a hedge must know.
"""

from __future__ import annotations

import math

_FIRST_S = 0.005
_GROWTH = 1.2
_BUCKETS = 64
"""From 5 ms to about 10 minutes, each a fifth wider than the one before."""
_FEWEST = 20
_MOST = 400.0


class Latency:
    """Of one target. When it holds `_MOST` observations, all of them count half from then on."""

    __slots__ = ("_counts", "total")

    def __init__(self) -> None:
        self._counts = [0.0] * _BUCKETS
        self.total = 0.0
        """How many answers it rests on."""

    def note(self, seconds: float) -> None:
        """An answer began after so long."""
        self._counts[_bucket(seconds)] += 1.0
        self.total += 1.0
        if self.total >= _MOST:
            self._counts = [count / 2 for count in self._counts]
            self.total /= 2

    def quantile(self, share: float) -> float | None:
        """Seconds within which this share of answers began; None while too few are known."""
        if self.total < _FEWEST:
            return None
        wanted, passed = share * self.total, 0.0
        for n, count in enumerate(self._counts):
            if count and passed + count >= wanted:
                # Within a bucket answers are taken to lie evenly on the logarithmic scale.
                return _FIRST_S * math.pow(_GROWTH, n - 1 + (wanted - passed) / count)
            passed += count
        return _FIRST_S * math.pow(_GROWTH, _BUCKETS - 1)

    def __repr__(self) -> str:
        return f"Latency({self.total:g} answers)"


def _bucket(seconds: float) -> int:
    """Bucket n holds what is longer than bucket n - 1 and at most `_FIRST_S * _GROWTH ** n`."""
    if seconds <= _FIRST_S:
        return 0
    return min(_BUCKETS - 1, math.ceil(math.log(seconds / _FIRST_S, _GROWTH) - 1e-9))
