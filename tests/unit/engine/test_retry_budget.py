"""Repeats are a share of the traffic, plus a few a minute, whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.flow import Retry
from trunkline.engine.retry_budget import SPAN_S, RetryBudget

pytestmark = pytest.mark.row("F1")


def repeats(budget: RetryBudget, retry: Retry, calls: int, now: float, wanted: int = 10_000) -> int:
    """How many repeats can be made at one instant."""
    made = 0
    while made < wanted and budget.allows(retry, calls, now):
        budget.take()
        made += 1
    return made


def test_a_quiet_integration_has_its_floor_and_gets_it_back_within_a_minute() -> None:
    budget, retry = RetryBudget(), Retry(budget=0.2, budget_floor=10)
    assert repeats(budget, retry, 1, 0.0) == 10
    assert repeats(budget, retry, 1, 0.0) == 0
    assert repeats(budget, retry, 1, 6.0) == 1
    assert repeats(budget, retry, 1, 66.0) == 10
    assert repr(budget) == "RetryBudget(0.0 left)"


def test_busy_traffic_earns_its_share() -> None:
    budget, retry = RetryBudget(), Retry(budget=0.2, budget_floor=0)
    made = sum(repeats(budget, retry, 100 * second, float(second)) for second in range(1, 61))
    assert made == pytest.approx(0.2 * 6000, abs=2)


def test_traffic_of_long_ago_saves_nothing_up() -> None:
    budget, retry = RetryBudget(), Retry(budget=0.2, budget_floor=0)
    for second in range(1, 101):
        budget.allows(retry, 10 * second, float(second))
    assert repeats(budget, retry, 1000, 100.0) == pytest.approx(0.2 * 10 * SPAN_S, abs=2)
    for second in range(1, 101):
        budget.allows(retry, 1000 + 10 * second, 100.0 + second)
    assert repeats(budget, retry, 2000, 200.0 + 10 * SPAN_S) == 0


def test_none_at_all_where_none_is_declared() -> None:
    budget = RetryBudget()
    assert repeats(budget, Retry(budget=0, budget_floor=0), 10**6, 5.0) == 0


def test_a_new_registry_counts_from_nothing() -> None:
    budget, retry = RetryBudget(), Retry(budget=1.0, budget_floor=0)
    assert repeats(budget, retry, 50, 0.0) == 50
    assert repeats(budget, retry, 3, 0.1) == 3


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(0, 5)), min_size=1, max_size=60),
    st.floats(0, 1),
    st.floats(0, 20),
)
def test_there_are_never_more_than_the_share_and_the_floor(
    history: list[tuple[int, float]], share: float, floor: float
) -> None:
    budget, retry = RetryBudget(), Retry(budget=share, budget_floor=floor)
    now, calls, made = 0.0, 0, 0
    for new, passed in history:
        now, calls = now + passed, calls + new
        made += repeats(budget, retry, calls, now)
    assert made <= share * calls + floor * (1 + now / 60) + 1e-6
