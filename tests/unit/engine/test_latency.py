"""What is late is learned from what a target does, and forgotten when it changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.latency import Latency

pytestmark = pytest.mark.row("F5")


def learned(*seconds: float) -> Latency:
    latency = Latency()
    for one in seconds:
        latency.note(one)
    return latency


def test_too_few_answers_tell_nothing() -> None:
    assert learned(*[1.0] * 19).quantile(0.95) is None
    assert learned(*[1.0] * 20).quantile(0.95) == pytest.approx(1.0, rel=0.2)


@given(st.lists(st.floats(0.006, 300), min_size=20, max_size=300), st.floats(0.01, 1.0))
def test_a_quantile_is_right_within_a_fifth(seconds: list[float], share: float) -> None:
    told = learned(*seconds).quantile(share)
    wanted = share * len(seconds)
    assert told is not None
    # As many lie below it, widened by a bucket, as should, and no more than that below it, narrowed by one.
    assert sum(one <= told * 1.2001 for one in seconds) >= wanted - 1e-6
    assert sum(one <= told / 1.2001 for one in seconds) <= wanted + 1e-6


def test_what_a_target_did_long_ago_is_forgotten() -> None:
    slow_then_fast = learned(*[10.0] * 400, *[0.1] * 4000)
    told = slow_then_fast.quantile(0.95)
    assert told is not None
    assert told < 0.13


@pytest.mark.parametrize("odd", [0.0, -1.0, 1e-9, 1e9])
def test_odd_times_are_counted_at_the_ends(odd: float) -> None:
    told = learned(*[odd] * 30).quantile(0.5)
    assert told is not None
    assert 0 < told < 1000
    assert repr(learned(odd)) == "Latency(1 answers)"
