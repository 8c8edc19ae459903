"""What a credential may still ask of its vendor: declared limits, limits that the vendor told, its pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.flow import Limit
from trunkline.core.ports import LimitTold
from trunkline.plugins.policies.cost import ONE, Cost
from trunkline.plugins.policies.rate import HELD_MAX_S, Rates

NOW, WALL = 1000.0, 1_795_262_400.0
CHAT = Cost(1, 1000, 800, 200, 0.01)


def declared(*limits: Limit) -> Rates:
    rates = Rates()
    rates.configure(limits, NOW)
    return rates


def told(
    *heard: LimitTold, rates: Rates | None = None, now: float = NOW, at: float | None = None, flying: int = 0
) -> Rates:
    rates = rates or Rates()
    rates.hear(now, WALL + now - NOW, "", heard, now if at is None else at, ONE.times(flying))
    return rates


def requests(
    remaining: float, reset_s: float, limit: float | None = 100.0, *, refills: bool = False
) -> LimitTold:
    return LimitTold("requests", "requests", limit, remaining, WALL + reset_s, None, refills)


def goes(rates: Rates, cost: Cost = ONE, gate: str = "", *, until: float, start: float = NOW) -> list[float]:
    """Seconds after `start` at which calls go that all wait from the beginning."""
    now, went = start, []
    while now <= start + until and len(went) < 99:
        wait = max(rates.wait(now, cost), rates.gate_wait(now, gate, cost))
        if wait <= 1e-6:
            rates.take(now, gate, cost)
            went.append(round(now - start, 3))
        else:
            now += wait
    return went


@pytest.mark.row("F8")
def test_several_windows_and_dimensions_hold_at_once() -> None:
    rates = declared(
        Limit(requests=3, per=1.0), Limit(requests=5, per=100.0), Limit(tokens=10_000, usd=0.04, per=3600.0)
    )
    assert rates.sized
    assert goes(rates, CHAT, until=10) == [0, 0, 0, 0.333], "money for four"
    rates = declared(Limit(requests=3, per=1.0), Limit(requests=5, per=100.0))
    assert goes(rates, until=30) == [0, 0, 0, 0.333, 0.667, 20.0]
    assert not rates.sized


@pytest.mark.parametrize(
    ("limit", "fits"),
    [
        (Limit(tokens=5000, per=60.0), 5),
        (Limit(input_tokens=3200, per=60.0), 4),
        (Limit(output_tokens=600, per=60.0), 3),
        (Limit(usd=0.02, per=60.0), 2),
        (Limit(concurrency=1), 50),
    ],
)
def test_each_dimension_counts_its_own(limit: Limit, fits: int) -> None:
    rates = declared(limit)
    went = 0
    while went < 50 and rates.wait(NOW, CHAT) <= 0:
        rates.take(NOW, "", CHAT)
        went += 1
    assert went == fits


def test_what_was_not_used_comes_back_and_what_was_used_beyond_is_charged() -> None:
    rates = declared(Limit(tokens=1000, per=100.0))
    rates.take(NOW, "", CHAT)
    assert rates.wait(NOW, Cost(1, 500)) == pytest.approx(50.0)
    rates.correct(NOW, Cost(0, -600, -500, -100), NOW)
    assert rates.wait(NOW, Cost(1, 500)) <= 0
    rates.correct(NOW, Cost(0, 1000, 1000, 0), NOW)
    assert rates.wait(NOW, Cost(1, 500)) == pytest.approx(90.0)


def test_a_call_larger_than_a_limit_goes_when_the_limit_is_unused() -> None:
    rates = declared(Limit(tokens=100, per=10.0))
    assert rates.wait(NOW, CHAT) <= 0
    rates.take(NOW, "", CHAT)
    assert rates.wait(NOW, Cost(1, 1)) == pytest.approx(90.1)


def test_a_reload_keeps_what_is_in_use() -> None:
    rates = declared(Limit(requests=10, per=100.0), Limit(requests=3, per=1.0))
    for _ in range(3):
        rates.take(NOW, "", ONE)
    rates.configure([Limit(requests=10, per=100.0), Limit(requests=4, per=1.0)], NOW)
    assert goes(rates, until=0) == [0]
    rates.configure([Limit(requests=10, per=100.0)], NOW)
    assert goes(rates, until=0) == [0] * 6
    rates.configure([], NOW)
    assert (rates.limiting, rates.wait(NOW, ONE)) == (False, 0.0)


@pytest.mark.row("F8")
def test_a_pause_holds_one_gate_and_no_later_shorter_one_ends_it() -> None:
    rates = Rates()
    rates.pause(NOW, "big", NOW + 30)
    rates.pause(NOW, "big", NOW + 5)
    assert (rates.gate_wait(NOW, "big", ONE), rates.gate_wait(NOW, "small", ONE)) == (30.0, 0.0 - NOW)
    rates.pause(NOW, "big", NOW + 60)
    assert rates.gate_wait(NOW, "big", ONE) == 60.0
    rates.forget(NOW + 59)
    assert rates.limiting
    rates.forget(NOW + 60)
    assert not rates.limiting


def test_no_pause_is_believed_for_longer_than_an_hour() -> None:
    rates = Rates()
    rates.pause(NOW, "", NOW + 10**9)
    assert rates.gate_wait(NOW, "", ONE) == HELD_MAX_S


@pytest.mark.row("F8")
def test_what_is_left_of_a_window_is_spread_until_its_return_only_when_it_is_little() -> None:
    assert not told(requests(60, 10)).limiting
    assert goes(told(requests(30, 10)), until=0) == [0] * 11, "thirty are counted, and spread from twenty on"
    assert goes(told(requests(4, 10)), until=9.9) == [0, 2.5, 5.0, 7.5]
    assert goes(told(requests(0, 10)), until=10)[:1] == [10.0]


def test_a_limit_that_refills_steadily_is_used_as_the_vendor_fills_it() -> None:
    """Of 60 a minute 58 are in use: two now, then one a second."""
    rates = told(requests(2, 58, 60, refills=True))
    assert goes(rates, until=4) == [0, 0, 1.0, 2.0, 3.0, 4.0]


def test_a_day_of_a_limit_that_refills_is_not_cut_to_the_hour() -> None:
    rates = told(requests(0, 86_400, 86_400, refills=True))
    assert goes(rates, until=3.5) == [1.0, 2.0, 3.0]


def test_once_enough_is_left_again_nothing_is_held_back() -> None:
    rates = told(requests(1, 10))
    told(requests(90, 10), rates=rates, now=NOW + 1)
    assert not rates.limiting


def test_old_news_does_not_replace_fresh_news() -> None:
    rates = told(requests(0, 10))
    told(requests(90, 10), rates=rates, now=NOW + 1, at=NOW - 0.5)
    assert rates.gate_wait(NOW + 1, "", ONE) == pytest.approx(9.0)
    assert not told(requests(0, 10), now=NOW + 5, at=NOW).limiting, "told half of its time ago"
    assert not told(requests(0, -5)).limiting, "already over"


def test_own_counting_stands_while_calls_on_their_way_explain_the_difference() -> None:
    rates = told(requests(10, 10, 100))
    for _ in range(3):
        rates.take(NOW, "", ONE)
    told(requests(10, 10, 100), rates=rates, flying=3)
    assert "Spread(7 until" in repr(rates), "the vendor has not counted the three yet"
    told(requests(10, 10, 100), rates=rates, flying=1)
    assert "Spread(9 until" in repr(rates)
    told(requests(2, 10, 100), rates=rates, flying=1)
    assert "Spread(2 until" in repr(rates), "others use this limit too"


def test_the_same_of_limits_that_refill() -> None:
    rates = told(requests(10, 50, 60, refills=True))
    for _ in range(4):
        rates.take(NOW, "", ONE)
    told(requests(10, 50, 60, refills=True), rates=rates, flying=3)
    assert len(goes(rates, until=0)) == 7


@pytest.mark.parametrize(
    "one",
    [
        LimitTold("priority-input-tokens", "input-tokens", 10, 0, WALL + 10),
        LimitTold("calls", "concurrent-requests", 10, 0, WALL + 10),
        LimitTold("requests", "requests", 10, None, WALL + 10),
        LimitTold("requests", "requests", 10, 0, None),
    ],
)
def test_what_says_nothing_of_use_is_passed_over(one: LimitTold) -> None:
    assert not told(one).limiting


def test_tokens_that_the_vendor_told_count_tokens() -> None:
    rates = told(LimitTold("tokens", "tokens", 100_000, 1500, WALL + 10))
    assert rates.sized
    assert rates.gate_wait(NOW, "", CHAT) <= 0
    rates.take(NOW, "", CHAT)
    assert rates.gate_wait(NOW, "", CHAT) == 10.0, "five hundred are not enough"
    rates.forget(NOW + 10)
    assert not rates.sized


def test_how_long_one_waits_behind_others() -> None:
    rates = declared(Limit(requests=10, per=10.0))
    goes(rates, until=0)
    assert [rates.forecast(NOW, "", ONE, ahead) for ahead in (0, 1, 40)] == pytest.approx([1.0, 2.0, 41.0])
    rates.pause(NOW, "", NOW + 7)
    assert rates.forecast(NOW, "", ONE, 0) == 7.0
    assert told(requests(0, 10)).forecast(NOW, "", ONE, 5) == 10.0
    assert told(requests(5, 10)).forecast(NOW, "", ONE, 2) == pytest.approx(6.0)


@given(st.integers(1, 30), st.floats(0.5, 60.0), st.lists(st.floats(0, 3), max_size=80))
def test_no_stretch_of_time_sees_more_than_burst_and_rate(
    amount: int, per_s: float, gaps: list[float]
) -> None:
    rates, now, went = declared(Limit(requests=amount, per=per_s)), NOW, list[float]()
    for gap in gaps:
        now += gap
        if rates.wait(now, ONE) <= 0:
            rates.take(now, "", ONE)
            went.append(now)
    for first in range(len(went)):
        for last in range(first, len(went)):
            assert last - first + 1 <= amount * (1 + (went[last] - went[first]) / per_s) + 1e-6
