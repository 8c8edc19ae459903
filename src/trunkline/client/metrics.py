"""How the calls of one client object fared: latency percentiles, errors, tokens, cost, cache, quota left.

Kept in memory, bounded. Not for: what all callers together did, which the ledger tells (`trunkline usage`).
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping

from trunkline.client.answers import About, Metrics, Usage

SAMPLES = 2048
"""Percentiles are those of so many calls, the newest."""
NAMES_MAX = 1000
_LIMITS = ("requests", "tokens", "input-tokens", "output-tokens")


class _Kept:
    __slots__ = (
        "by_code",
        "cached",
        "calls",
        "cost",
        "errors",
        "hits",
        "input",
        "latency",
        "output",
        "quota",
        "unpriced",
    )

    def __init__(self) -> None:
        self.calls = self.errors = self.input = self.output = self.unpriced = self.cached = self.hits = 0
        self.cost = 0.0
        self.latency: deque[float] = deque(maxlen=SAMPLES)
        self.quota: float | None = None
        self.by_code: Counter[str] = Counter()


class Meter:
    """By integration and model. May be used by several threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._lock = threading.Lock()

    def count(
        self,
        integration: str,
        model: str,
        took_s: float,
        headers: Mapping[str, str],
        *,
        code: str = "",
        about: About | None = None,
        usage: Usage | None = None,
    ) -> None:
        """A call has ended; `code` is that of its failure."""
        with self._lock:
            kept = self._kept.get((integration, model))
            if kept is None:
                if len(self._kept) >= NAMES_MAX:
                    integration, model = "(others)", ""
                kept = self._kept.setdefault((integration, model), _Kept())
            kept.calls += 1
            kept.latency.append(took_s * 1e3)
            if code:
                kept.errors += 1
                kept.by_code[code] += 1
            quota = quota_left(headers)
            kept.quota = quota if quota is not None else kept.quota
            if about is not None:
                self._priced(kept, about, model)
            if usage is not None:
                kept.input += usage.input
                kept.output += usage.output

    @staticmethod
    def _priced(kept: _Kept, about: About, model: str) -> None:
        if about.cost_usd is not None:
            kept.cost += about.cost_usd
        elif model:
            kept.unpriced += 1
        if about.cache:
            kept.cached += 1
            kept.hits += about.cache != "miss"

    def told(self, *, reset: bool = False) -> list[Metrics]:
        """One row per integration and model, the most called first."""
        with self._lock:
            rows = [_row(*names, kept) for names, kept in self._kept.items()]
            if reset:
                self._kept.clear()
        return sorted(rows, key=lambda row: -row.calls)


def _row(integration: str, model: str, kept: _Kept) -> Metrics:
    ordered = sorted(kept.latency)
    return Metrics(
        integration=integration,
        model=model,
        calls=kept.calls,
        errors=kept.errors,
        error_rate=kept.errors / kept.calls if kept.calls else 0.0,
        p50_ms=percentile(ordered, 0.5),
        p95_ms=percentile(ordered, 0.95),
        p99_ms=percentile(ordered, 0.99),
        input_tokens=kept.input,
        output_tokens=kept.output,
        cost_usd=kept.cost,
        unpriced=kept.unpriced,
        cache_rate=kept.hits / kept.cached if kept.cached else 0.0,
        quota_left=kept.quota,
        by_code=dict(kept.by_code),
    )


def percentile(ordered: list[float], share: float) -> float:
    """Nearest rank; 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def quota_left(headers: Mapping[str, str]) -> float | None:
    """The smallest share left of the limits that an answer tells (`x-ratelimit-*`, OpenAI's and ours)."""
    shares = []
    for name in _LIMITS:
        limit = _number(headers.get(f"x-ratelimit-limit-{name}"))
        left = _number(headers.get(f"x-ratelimit-remaining-{name}"))
        if limit and left is not None:
            shares.append(max(0.0, min(1.0, left / limit)))
    return min(shares, default=None)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
