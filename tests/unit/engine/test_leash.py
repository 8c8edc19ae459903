"""Hedging is a share of calls and stops when the losers have cost what they may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.flow import Hedge
from trunkline.engine.leash import Leash

pytestmark = pytest.mark.row("F5")


def test_one_in_twenty() -> None:
    leash, hedge, hedged = Leash(), Hedge(share=0.05), []
    for n in range(1, 101):
        leash.call(hedge)
        if leash.allows(hedge, False, 1):
            leash.take()
            leash.lost(0.0)
            hedged.append(n)
    assert hedged == [20, 40, 60, 80, 100]


@given(st.floats(0, 1), st.lists(st.booleans(), max_size=300))
def test_never_more_than_the_share(share: float, wishes: list[bool]) -> None:
    leash, hedge, made = Leash(), Hedge(share=share), 0
    for number, wish in enumerate(wishes, 1):
        leash.call(hedge)
        if wish and leash.allows(hedge, False, 1):
            leash.take()
            made += 1
        assert made <= share * number + 1e-6


def test_a_quiet_time_saves_up_only_a_few() -> None:
    leash, hedge = Leash(), Hedge(share=1.0)
    for _ in range(100):
        leash.call(hedge)
    made = 0
    while leash.allows(hedge, False, 1):
        leash.take()
        made += 1
    assert made == 5


@given(st.lists(st.floats(0, 0.4), max_size=60))
def test_losers_cost_no_more_than_the_day_allows_and_one(costs: list[float]) -> None:
    leash, hedge = Leash(), Hedge(share=1.0, usd_per_day=1.0)
    for cost in costs:
        leash.call(hedge)
        if leash.allows(hedge, True, 1):
            leash.take()
            leash.lost(cost)
    assert leash.spent_usd <= 1.0 + max(costs, default=0.0)


def test_a_new_day_begins_at_nothing_and_calls_without_a_price_cost_nothing() -> None:
    leash, hedge = Leash(), Hedge(share=1.0, usd_per_day=1.0)
    leash.call(hedge)
    assert leash.allows(hedge, True, 1)
    leash.take()
    leash.lost(0.6)
    leash.call(hedge)
    assert not leash.allows(hedge, True, 1)
    assert leash.allows(hedge, False, 1)
    assert leash.allows(hedge, True, 2)
    assert not leash.allows(Hedge(share=1.0), True, 2)


def test_those_that_are_out_count_as_lost() -> None:
    leash, hedge = Leash(), Hedge(share=1.0, usd_per_day=1.0)
    for _ in range(50):
        leash.call(hedge)
        if leash.allows(hedge, True, 1):
            leash.take()
            leash.lost(0.0)
    for _ in range(5):
        leash.call(hedge)
    leash.take()
    leash.lost(0.9)
    # So much is expected of the next one, too: with 0.1 USD left it may not go out.
    assert not leash.allows(hedge, True, 1)
    assert leash.allows(hedge, True, 2)
    leash.take()
    assert not leash.allows(hedge, True, 2)
    assert repr(leash) == "Leash(credit=3.00, out=1, spent=0)"
