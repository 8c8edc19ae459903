"""Running totals of ended calls for the metrics page: begun from the roll-ups at start, then counted call by call.

Thread-safe: the drain counts in its thread, the metrics page reads in another.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from trunkline.core.pricing import lacks_price
from trunkline.core.record import Begin, End
from trunkline.core.spend import beside
from trunkline.ledger.histogram import BOUNDS_US, BUCKETS, bucket
from trunkline.ledger.rollup import at, served
from trunkline.ops.health import Figures
from trunkline.ops.metrics import Metric, Sample, histogram
from trunkline.ops.recent import Recent

MAX_MODELS = 500
OTHER = "other"
"""Stands for every model beyond `MAX_MODELS`: callers name models, and each name would be a time series for ever."""

_BOUNDS_S = [bound / 1e6 for bound in BOUNDS_US[1::2]]


class Counts:
    """What is added up for one integration and model."""

    __slots__ = ("cost_usd", "duration_us", "latency", "tokens", "unpriced", "wasted_usd")

    def __init__(self) -> None:
        self.tokens = [0, 0, 0]
        self.cost_usd = 0.0
        self.wasted_usd = 0.0
        self.unpriced = 0
        self.duration_us = 0
        self.latency = [0] * BUCKETS


class Totals:
    """Counts ended calls by integration and model, and attempts by integration."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[tuple[str, str, str, str], int] = {}
        self._attempts: dict[tuple[str, str], int] = {}
        self._counts: dict[tuple[str, str], Counts] = {}
        self._models: set[str] = set()
        self._recent = Recent()

    def seed(
        self,
        integration: str,
        model: str,
        state: str,
        code: str,
        sums: dict[str, float],
        latency: Sequence[int],
    ) -> None:
        """Add what the roll-ups hold, before the first call is counted."""
        with self._lock:
            model = self._bounded(model)
            key = (integration, model, state, code)
            self._calls[key] = self._calls.get(key, 0) + int(sums["calls"])
            counts = self._of(integration, model)
            for i, name in enumerate(("input_tokens", "output_tokens", "cached_tokens")):
                counts.tokens[i] += int(sums[name])
            counts.cost_usd += sums["cost_usd"]
            counts.wasted_usd += sums["wasted_usd"]
            counts.unpriced += int(sums["unpriced"])
            counts.duration_us += int(sums["duration_us"])
            counts.latency = [a + b for a, b in zip(counts.latency, latency, strict=True)]

    def add(self, ended: Iterable[tuple[Begin, End]]) -> None:
        """Count calls that have become final."""
        with self._lock:
            for begin, end in ended:
                self._add(begin, end)

    def figures(self, now: float) -> dict[str, Figures]:
        """What the last minutes told of each integration."""
        with self._lock:
            return self._recent.figures(now)

    def metrics(self) -> list[Metric]:
        with self._lock:
            calls = [
                Sample({"integration": i, "model": m, "state": s, "code": c}, n)
                for (i, m, s, c), n in self._calls.items()
            ]
            tries = [Sample({"integration": i, "code": c}, n) for (i, c), n in self._attempts.items()]
            pairs = [({"integration": i, "model": m}, counts) for (i, m), counts in self._counts.items()]
            durations = [one for labels, counts in pairs for one in _histogram(labels, counts)]
            kinds = ("input", "output", "cached")
            tokens = [
                Sample({**labels, "kind": kind}, counts.tokens[i])
                for labels, counts in pairs
                for i, kind in enumerate(kinds)
            ]
            cost = [Sample(labels, counts.cost_usd) for labels, counts in pairs]
            wasted = [Sample(labels, counts.wasted_usd) for labels, counts in pairs]
            unpriced = [Sample(labels, counts.unpriced) for labels, counts in pairs]
        return [
            Metric("trunkline_calls_total", "counter", "Calls that have ended.", calls),
            Metric(
                "trunkline_call_duration_seconds",
                "histogram",
                "Duration of calls, to the last byte.",
                durations,
            ),
            Metric(
                "trunkline_attempts_total", "counter", "Attempts at vendors since the console started.", tries
            ),
            Metric("trunkline_tokens_total", "counter", "Tokens used.", tokens),
            Metric("trunkline_cost_usd_total", "counter", "Cost of calls with a known price, in USD.", cost),
            Metric(
                "trunkline_wasted_usd_total",
                "counter",
                "Paid for attempts whose result was not used, in USD.",
                wasted,
            ),
            Metric(
                "trunkline_unpriced_calls_total",
                "counter",
                "Calls whose cost, or a part of it, is unknown.",
                unpriced,
            ),
        ]

    def _add(self, begin: Begin, end: End) -> None:
        integration, model = served(begin, end)
        model = self._bounded(model)
        key = (integration, model, end.state, end.code)
        self._calls[key] = self._calls.get(key, 0) + 1
        counts = self._of(integration, model)
        counts.tokens[0] += max(end.input_tokens, 0)
        counts.tokens[1] += max(end.output_tokens, 0)
        counts.tokens[2] += end.cached_tokens
        counts.wasted_usd += beside(end.wasted_usd, end.wasted_elsewhere)
        for target, cost_usd in end.wasted_elsewhere.items():
            place, name = at(target, begin)
            self._of(place, self._bounded(name)).wasted_usd += cost_usd
        counts.cost_usd += max(end.cost_usd, 0.0)
        counts.unpriced += end.cost_usd < 0 or lacks_price(end.parts)
        if end.duration_us > 0:
            counts.duration_us += end.duration_us
            counts.latency[bucket(end.duration_us)] += 1
        for tried in end.tried:
            name = tried.target.partition("/")[0]
            self._attempts[name, tried.code] = self._attempts.get((name, tried.code), 0) + 1
            self._recent.record(name, tried.code, end.at_us / 1e6)

    def _of(self, integration: str, model: str) -> Counts:
        found = self._counts.get((integration, model))
        if found is None:
            found = self._counts[integration, model] = Counts()
        return found

    def _bounded(self, model: str) -> str:
        if model in self._models or len(self._models) < MAX_MODELS:
            self._models.add(model)
            return model
        return OTHER


def _histogram(labels: dict[str, str], counts: Counts) -> list[Sample]:
    """Every second bucket of the ledger, so that a series costs 23 lines and not 45."""
    merged = [sum(counts.latency[i : i + 2]) for i in range(0, BUCKETS, 2)]
    return histogram(labels, _BOUNDS_S, merged, counts.duration_us / 1e6)
