"""In which order targets are tried: each strategy over what is known of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.virtual import Strategy
from trunkline.engine.rank import EXPLORED_EVERY, Standing, rank


def standing(n: int, **changes: Any) -> Standing:
    told: dict[str, Any] = {
        "name": f"t{n}",
        "weight": 1.0,
        "ready": True,
        "latency_s": 1.0,
        "heard": 100.0,
        "cost_usd": 1.0,
        "headroom": 1.0,
    }
    return Standing(n=n, **(told | changes))


def order(strategy: Strategy, *standings: Standing, turn: int = 0, **more: Any) -> list[int]:
    return [one.n for one in rank(strategy, standings, turn=turn, **more).order]


def shares(strategy: Strategy, *standings: Standing, turns: int = 4000, **more: Any) -> dict[int, float]:
    firsts = Counter(order(strategy, *standings, turn=turn, **more)[0] for turn in range(turns))
    return {n: round(count / turns, 2) for n, count in sorted(firsts.items())}


def test_by_priority_in_the_order_written() -> None:
    assert order("priority", standing(0), standing(1), standing(2)) == [0, 1, 2]


@pytest.mark.parametrize("strategy", ["priority", "cost", "latency", "headroom", "weighted", "round_robin"])
def test_who_could_not_take_the_call_now_comes_last(strategy: Strategy) -> None:
    best = standing(0, ready=False, cost_usd=0.0, latency_s=0.0, weight=1000.0)
    assert order(strategy, best, standing(1, headroom=0.5)) == [1, 0]


def test_who_was_passed_over_is_told() -> None:
    ranked = rank("priority", [standing(0, ready=False), standing(1)], turn=0)
    assert ranked.why == "place 2; busy or shut: t0"
    assert rank("priority", [standing(0, ready=False)], turn=0).why == "none is free"


def test_by_cost_the_cheapest_and_the_unpriced_last() -> None:
    told = [standing(0, cost_usd=None), standing(1, cost_usd=2.0), standing(2, cost_usd=0.5)]
    assert order("cost", *told) == [2, 1, 0]
    assert rank("cost", told, turn=0).why == "about $0.500000"


def test_by_latency_the_fastest_of_late() -> None:
    told = [standing(0, latency_s=0.9), standing(1, latency_s=0.2)]
    assert order("latency", *told) == [1, 0]
    assert rank("latency", told, turn=0).why == "answers begin in 200 ms"


def test_by_latency_who_is_not_known_is_measured_first() -> None:
    told = [
        standing(0, latency_s=0.1),
        standing(1, latency_s=None, heard=3),
        standing(2, latency_s=None, heard=7),
    ]
    assert order("latency", *told) == [1, 0, 2]


def test_by_latency_some_calls_go_where_least_was_heard() -> None:
    told = [standing(0, latency_s=0.1, heard=300), standing(1, latency_s=0.9, heard=20)]
    firsts = [order("latency", *told, turn=turn)[0] for turn in range(EXPLORED_EVERY * 2)]
    assert Counter(firsts) == {0: 2 * EXPLORED_EVERY - 2, 1: 2}


def test_by_headroom_the_one_with_most_left() -> None:
    assert order("headroom", standing(0, headroom=0.2), standing(1, headroom=0.9)) == [1, 0]


def test_by_headroom_equals_share_the_calls() -> None:
    assert shares("headroom", standing(0), standing(1)) == {
        0: pytest.approx(0.5, abs=0.03),
        1: pytest.approx(0.5, abs=0.03),
    }


def test_by_lane_urgent_calls_go_where_room_is_and_others_where_it_is_cheap() -> None:
    told = [standing(0, headroom=1.0, cost_usd=9.0), standing(1, headroom=0.1, cost_usd=0.1)]
    assert order("lane", *told, urgent=True) == [0, 1]
    assert order("lane", *told, urgent=False) == [1, 0]


def test_round_robin_takes_each_in_turn() -> None:
    told = [standing(n) for n in range(3)]
    assert [order("round_robin", *told, turn=turn)[0] for turn in range(6)] == [0, 1, 2, 0, 1, 2]


def test_weights_are_shares_of_the_calls() -> None:
    told = [standing(0, weight=1.0), standing(1, weight=3.0), standing(2, weight=0.0)]
    assert shares("weighted", *told) == {0: pytest.approx(0.25, abs=0.03), 1: pytest.approx(0.75, abs=0.03)}
    assert order("weighted", *told)[-1] == 2


def test_one_conversation_keeps_its_target_and_many_hold_the_shares() -> None:
    told = [standing(0, weight=1.0), standing(1, weight=9.0)]
    assert len({order("weighted", *told, turn=turn, stuck="c1")[0] for turn in range(50)}) == 1
    firsts = Counter(order("canary", *told, stuck=f"user {n}")[0] for n in range(4000))
    assert firsts[0] / 4000 == pytest.approx(0.1, abs=0.02)


def test_when_one_target_leaves_only_its_own_conversations_move() -> None:
    told = [standing(n) for n in range(4)]
    for n in range(500):
        before = order("weighted", *told, stuck=f"c{n}")
        after = order("weighted", *(one for one in told if one.n != 2), stuck=f"c{n}")
        assert after == [one for one in before if one != 2]


_standings = st.lists(
    st.builds(
        Standing,
        n=st.just(0),
        name=st.just(""),
        weight=st.floats(0, 100),
        ready=st.booleans(),
        latency_s=st.none() | st.floats(0, 60),
        heard=st.floats(0, 400),
        cost_usd=st.none() | st.floats(0, 100),
        headroom=st.floats(0, 1),
    ),
    min_size=1,
    max_size=6,
).map(lambda made: [one._replace(n=n, name=f"t{n}") for n, one in enumerate(made)])


@given(
    st.sampled_from(["weighted", "priority", "round_robin", "latency", "cost", "headroom", "lane", "canary"]),
    _standings,
    st.integers(0, 1000),
    st.sampled_from(["", "c1"]),
)
def test_each_is_tried_once_and_the_ready_first(
    strategy: Strategy, standings: list[Standing], turn: int, stuck: str
) -> None:
    ranked = rank(strategy, standings, turn=turn, stuck=stuck)
    assert sorted(one.n for one in ranked.order) == list(range(len(standings)))
    assert [one.ready for one in ranked.order] == sorted((one.ready for one in standings), reverse=True)
    assert ranked.why
