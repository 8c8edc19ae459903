"""Sums and percentiles of one object's calls."""

from __future__ import annotations

import pytest

from trunkline.client.answers import About, Usage
from trunkline.client.metrics import NAMES_MAX, Meter, percentile, quota_left


def test_calls_are_summed_by_integration_and_model() -> None:
    meter = Meter()
    for n in range(10):
        about = About(cost_usd=0.1, cache="hit" if n < 3 else "miss")
        meter.count("openai", "m", n / 1000, {}, about=about, usage=Usage(10, 5))
    meter.count("openai", "m", 0.05, {}, code="rate_limited")
    meter.count("openai", "m", 0.0, {}, about=About())
    (row,) = meter.told()
    assert (row.calls, row.errors, row.input_tokens, row.output_tokens) == (12, 1, 100, 50)
    assert (row.unpriced, row.by_code, row.cache_rate) == (1, {"rate_limited": 1}, 0.3)
    assert row.cost_usd == pytest.approx(1.0)
    assert (row.p50_ms, row.p99_ms) == (5.0, 50.0)


def test_names_are_bounded() -> None:
    meter = Meter()
    for n in range(NAMES_MAX + 50):
        meter.count(f"i{n}", "", 0.0, {})
    rows = meter.told()
    assert len(rows) == NAMES_MAX + 1
    assert (rows[0].integration, rows[0].calls) == ("(others)", 50)


def test_quota_is_that_of_the_tightest_limit() -> None:
    headers = {
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-remaining-requests": "50",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "100",
    }
    assert quota_left(headers) == 0.1
    assert quota_left({}) is None
    assert quota_left({"x-ratelimit-limit-tokens": "many", "x-ratelimit-remaining-tokens": "1"}) is None


def test_percentiles_of_nothing() -> None:
    assert percentile([], 0.5) == 0.0
