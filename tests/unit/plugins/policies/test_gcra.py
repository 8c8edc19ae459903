"""A bucket lets through at most its amount at once, and its rate over any stretch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.plugins.policies.gcra import Bucket

RATES = st.tuples(st.integers(1, 50), st.floats(0.5, 120.0))
GAPS = st.lists(st.floats(0, 5), max_size=200)


def passing(bucket: Bucket, gaps: list[float]) -> list[float]:
    """When those went through that fitted."""
    now, passed = 1000.0, []
    for gap in gaps:
        now += gap
        if bucket.wait(now) <= 0:
            bucket.take(now)
            passed.append(now)
    return passed


@given(RATES, GAPS)
def test_no_stretch_of_time_sees_more_than_burst_and_rate(rate: tuple[int, float], gaps: list[float]) -> None:
    amount, per_s = rate
    passed = passing(Bucket(amount, per_s), gaps)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            allowed = amount * (1 + (passed[last] - passed[first]) / per_s)
            assert last - first + 1 <= allowed + 1e-6


@given(RATES)
def test_a_full_burst_fits_at_once_and_not_one_more(rate: tuple[int, float]) -> None:
    amount, per_s = rate
    bucket = Bucket(amount, per_s)
    fitted = len(passing(bucket, [0.0] * (amount + 3)))
    assert fitted in (amount, amount - 1), "the last of a burst may miss by a rounding"
    assert bucket.wait(1000.0) == pytest.approx(per_s / amount, rel=1e-6) or fitted == amount - 1


@given(RATES, st.floats(0, 100))
def test_who_waits_as_long_as_told_is_let_through(rate: tuple[int, float], after: float) -> None:
    bucket = Bucket(*rate)
    for _ in range(rate[0] + 2):
        bucket.take(1000.0)
    wait = bucket.wait(1000.0 + after)
    assert bucket.wait(1000.0 + after + max(0.0, wait) + 1e-6) <= 0


def test_asking_takes_nothing_and_costs_add_up() -> None:
    bucket = Bucket(10, 10.0)
    assert [bucket.wait(100.0, 10), bucket.wait(100.0, 10), bucket.wait(100.0, 11)] == [0.0, 0.0, 0.0]
    bucket.take(100.0, 10)
    assert bucket.wait(100.0, 3) == 3.0
    assert bucket.wait(103.0, 3) == 0.0
    assert repr(bucket) == "Bucket(step_s=1, burst_s=10, full_at=110)"


def test_what_was_taken_too_much_comes_back_but_not_twice() -> None:
    bucket = Bucket(10, 10.0)
    bucket.take(100.0, 8)
    bucket.correct(103.0, -4, 100.0)
    assert bucket.used(103.0) == 1.0
    bucket.take(110.0, 5)  # full since 104: the eight are back by themselves
    bucket.correct(111.0, -4, 100.0)
    assert bucket.used(111.0) == 4.0
    bucket.correct(111.0, 3, 100.0)
    assert bucket.used(111.0) == 7.0


def test_more_than_a_bucket_holds_waits_for_a_full_one_and_is_paid_in_full() -> None:
    bucket = Bucket(10, 10.0)
    bucket.take(100.0, 1)
    assert bucket.wait(100.0, 25) == 1.0
    bucket.take(101.0, 25)
    assert [bucket.wait(101.0, 1), bucket.wait_for_all(101.0, 25)] == [16.0, 40.0]


def test_a_bucket_may_be_told_how_full_it_is() -> None:
    assert Bucket(10, 10.0, full_at=104.0).used(100.0) == 4.0


@given(st.floats(0.0, 1e9), st.sampled_from([1.0, 3.0, 7.0]), st.sampled_from([1.0, 60.0, 3600.0, 86400.0]))
def test_a_rested_bucket_holds_all_of_its_amount_at_any_time_of_the_clock(
    now: float, amount: float, per_s: float
) -> None:
    bucket = Bucket(amount, per_s)
    assert bucket.wait(now, amount) <= 0.0
    assert bucket.wait(now, 1.0) <= 0.0
