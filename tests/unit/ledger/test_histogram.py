from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ledger.histogram import BOUNDS_US, BUCKETS, bucket, percentile_us


def test_buckets_grow_by_the_root_of_two() -> None:
    assert (BOUNDS_US[0], BOUNDS_US[2], BOUNDS_US[-1], BUCKETS) == (500, 1000, 500 * 2**21, 44)


@pytest.mark.parametrize(("duration_us", "expected"), [(0, 0), (500, 0), (501, 1), (1000, 2), (10**12, 43)])
def test_a_duration_falls_into_the_first_bucket_that_holds_it(duration_us: int, expected: int) -> None:
    assert bucket(duration_us) == expected


def test_no_calls_have_no_percentile() -> None:
    assert percentile_us([0] * BUCKETS, 0.5) is None


@given(st.lists(st.integers(500, 10**9), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_percentile_is_at_most_one_bucket_off(durations: list[int], share: float) -> None:
    counts = [0] * BUCKETS
    for duration in durations:
        counts[bucket(duration)] += 1
    rank = max(1, -(-len(durations) * int(share * 100) // 100))
    true = sorted(durations)[rank - 1]
    found = percentile_us(counts, share)
    assert found is not None
    assert true / 1.42 <= found <= true * 1.42
