"""Who goes next: nobody is lost, teams keep their order and their shares, lanes come first, and nobody starves."""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.plugins.policies.fair import Schedule

AGEING_S = 10.0


@dataclass(eq=False)
class Call:
    """Something that waits."""

    n: int
    team: str = "a"
    lane: int = 0
    since: float = 0.0
    gate: str = ""
    level: int = 0

    def __repr__(self) -> str:
        return f"{self.team}{self.n}"


def joined(schedule: Schedule[Call], *calls: Call, now: float = 0.0) -> Schedule[Call]:
    for call in calls:
        schedule.join(call, now)
    return schedule


def served(schedule: Schedule[Call], now: float = 0.0, most: int = 10**6) -> list[Call]:
    """All that go, one after the other, at one instant."""
    order: list[Call] = []
    while len(order) < most and (first := schedule.first(now)) is not None:
        schedule.serve(first)
        order.append(first)
    return order


def backlog(*teams: str, each: int, lane: int = 0) -> list[Call]:
    return [Call(n * len(teams) + i, team, lane) for n in range(each) for i, team in enumerate(teams)]


def test_one_team_is_served_in_the_order_of_arrival() -> None:
    calls = [Call(n, since=float(n)) for n in range(9)]
    assert served(joined(Schedule(), *calls), now=9.0) == calls


def test_a_higher_lane_goes_first() -> None:
    batch, pipeline, interactive = Call(1, lane=2), Call(2, lane=1), Call(3, lane=0)
    assert served(joined(Schedule(), batch, pipeline, interactive)) == [interactive, pipeline, batch]


def test_who_has_waited_before_goes_before_those_that_came_since() -> None:
    fresh, again = Call(1, since=5.0), Call(2, since=1.0)
    assert served(joined(Schedule(), fresh, again, now=5.0)) == [again, fresh]


def test_two_teams_take_turns_however_many_calls_one_has() -> None:
    calls = [*(Call(n, "greedy") for n in range(6)), *(Call(n, "quiet") for n in range(10, 12))]
    assert [c.team[0] for c in served(joined(Schedule(), *calls))] == list("gqgqgggg")


def test_shares_go_by_weight() -> None:
    schedule = joined(Schedule(weights={"a": 3}), *backlog("a", "b", each=40))
    first = Counter(call.team for call in served(schedule, most=40))
    assert first == {"a": 30, "b": 10}


def test_a_rest_is_no_credit() -> None:
    schedule = joined(Schedule(), *(Call(n, "a") for n in range(20)))
    served(schedule, most=10)
    joined(schedule, *(Call(n, "b") for n in range(100, 110)))
    assert Counter(c.team for c in served(schedule, most=10)) == {"a": 5, "b": 5}


def test_who_always_has_one_call_waiting_gets_no_more_than_its_share() -> None:
    schedule = joined(Schedule(weights={"a": 3}), *(Call(n, "a") for n in range(100)), Call(1000, "b"))
    order = []
    for n in range(40):
        first = schedule.first(0.0)
        assert first is not None
        schedule.serve(first)
        order.append(first.team)
        if first.team == "b":
            schedule.join(Call(2000 + n, "b"), 0.0)
    assert Counter(order) == {"a": 30, "b": 10}


def test_waiting_lifts_a_call_lane_by_lane() -> None:
    schedule = joined(Schedule(AGEING_S), call := Call(1, lane=2))
    levels = []
    for now in (0.0, 9.9, 10.0, 19.9, 20.0, 500.0):
        schedule.first(now)
        levels.append(call.level)
    assert levels == [2, 2, 1, 1, 0, 0]
    assert len(schedule) == 1


def test_a_call_that_comes_with_its_age_stands_in_the_lane_that_it_had_reached() -> None:
    schedule = joined(Schedule(AGEING_S), call := Call(1, lane=2, since=0.0), now=15.0)
    assert (call.level, served(schedule, now=15.0)) == (1, [call])


def test_without_ageing_a_lane_stays_a_lane() -> None:
    schedule = joined(Schedule(0.0), call := Call(1, lane=2))
    assert (schedule.first(10**6), call.level) == (call, 2)


def test_ageing_that_a_reload_switched_off_lifts_nobody() -> None:
    schedule = joined(Schedule(AGEING_S), call := Call(1, lane=2))
    schedule.ageing_s = 0.0
    assert (schedule.first(10**6), call.level) == (call, 2)


def test_lifted_calls_share_a_lane_with_a_quarter_of_their_teams_weight() -> None:
    schedule = joined(Schedule(AGEING_S), *(Call(n, lane=1) for n in range(100)))
    joined(schedule, *(Call(1000 + n, lane=0, since=10.0) for n in range(100)), now=10.0)
    assert Counter(call.lane for call in served(schedule, now=10.0, most=50)) == {0: 40, 1: 10}


def test_a_closed_gate_holds_back_only_those_behind_it() -> None:
    closed, other, last = Call(1, gate="big"), Call(2, gate="small"), Call(3, gate="big")
    schedule = joined(Schedule(), closed, other, last)
    assert schedule.first(0.0, {"big"}) is other
    schedule.serve(other)
    assert schedule.first(0.0, {"big"}) is None
    assert served(schedule) == [closed, last]


def test_the_first_to_give_way_is_the_last_of_the_lowest_lane() -> None:
    old, young, above = Call(1, lane=2), Call(2, lane=2, since=3.0), Call(3, lane=1, since=4.0)
    schedule = joined(Schedule(), old, young, above, new := Call(4, since=5.0), now=5.0)
    for leaving in (young, old, above, new):
        assert schedule.gives_way(new) is leaving
        schedule.leave(leaving)


def test_a_newcomer_of_the_lowest_lane_gives_way_itself() -> None:
    schedule = joined(Schedule(), Call(1), Call(2, lane=1), new := Call(3, lane=2))
    assert schedule.gives_way(new) is new


def test_in_one_lane_who_has_most_for_its_share_gives_way() -> None:
    """So that a greedy team fills the line with its own calls, not with refusals of others."""
    calls = [*(Call(n, "greedy") for n in range(6)), Call(6, "quiet"), Call(7, "big"), Call(8, "big")]
    schedule = joined(Schedule(weights={"greedy": 2}), *calls, new := Call(9, "quiet"))
    assert schedule.gives_way(new) is calls[5]
    schedule.leave(calls[5])
    schedule.leave(calls[4])
    assert schedule.gives_way(new) is new, "two each, for their shares: nobody else has more"


def test_how_many_go_before() -> None:
    schedule = joined(Schedule(), *backlog("a", "b", each=3))
    joined(schedule, last := Call(99, "b"), low := Call(100, "c", lane=1), new := Call(101, "c"))
    assert [schedule.ahead(call) for call in (last, low, new)] == [7, 8, 2]
    assert served(schedule).index(last) == 7


def test_many_teams_that_come_and_go_leave_nothing_behind() -> None:
    schedule: Schedule[Call] = Schedule()
    joined(schedule, *(Call(n, "stays") for n in range(1000)))
    for n in range(900):
        schedule.join(Call(1000 + n, f"team {n}"), 0.0)
        served(schedule, most=2)
    assert len(schedule._lanes[0].flows) < 100


CALLS = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(0, 2), st.sampled_from(["", "m"]), st.floats(0, 4), st.booleans()
    ),
    max_size=60,
)
WEIGHTS = st.fixed_dictionaries({"a": st.integers(1, 5), "b": st.integers(1, 5)})


@given(CALLS, WEIGHTS, st.integers(1, 3))
def test_nobody_is_lost_and_everybody_goes_once_and_teams_keep_their_order(
    arrivals: list[tuple[str, int, str, float, bool]], weights: dict[str, int], capacity: int
) -> None:
    schedule: Schedule[Call] = Schedule(AGEING_S, weights)
    now, inside, gone, went = 0.0, list[Call](), list[Call](), list[Call]()
    for n, (team, lane, gate, gap, leaves) in enumerate(arrivals):
        now += gap
        schedule.join(call := Call(n, team, lane, now, gate), now)
        inside.append(call)
        if leaves:
            gone.append(left := inside[n // 2])
            if left not in went and left not in gone[:-1]:
                schedule.leave(left)
            else:
                gone.pop()
        for _ in range(capacity if n % 3 == 0 else 0):
            if (first := schedule.first(now)) is not None:
                schedule.serve(first)
                went.append(first)
    left_over = list(schedule)
    assert len(left_over) == len(schedule)
    went += served(schedule, now + 100.0)
    assert sorted(c.n for c in went + gone) == list(range(len(arrivals)))
    assert (len(schedule), schedule.first(now)) == (0, None)
    for team in "abc":
        for lane in range(3):
            own = [c.n for c in went if (c.team, c.lane) == (team, lane)]
            assert own == sorted(own)


@given(WEIGHTS, st.integers(2, 60))
def test_while_both_wait_no_team_is_ahead_by_more_than_a_call(weights: dict[str, int], most: int) -> None:
    schedule = joined(Schedule(weights=weights), *backlog("a", "b", each=60))
    counts = Counter(c.team for c in served(schedule, most=most))
    lead = counts["a"] / weights["a"] - counts["b"] / weights["b"]
    assert abs(lead) <= 1 / weights["a"] + 1 / weights["b"] + 1e-9


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=40), WEIGHTS, st.data())
def test_how_many_go_before_is_right_to_within_a_call_of_each_team(
    teams: list[str], weights: dict[str, int], data: st.DataObject
) -> None:
    calls = [Call(n, team) for n, team in enumerate(teams)]
    schedule = joined(Schedule(weights=weights), *calls)
    one = data.draw(st.sampled_from(calls))
    said = schedule.ahead(one)
    assert abs(said - served(schedule).index(one)) <= len(set(teams)) - 1


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.integers(1, 4))
def test_nobody_starves(lanes: list[int], interactive_a_turn: int) -> None:
    """However much comes above, whoever has aged goes within a bounded number of turns."""
    schedule: Schedule[Call] = Schedule(AGEING_S)
    waiting = {n for n, _ in enumerate(lanes)}
    for n, lane in enumerate(lanes):
        schedule.join(Call(n, lane=lane), 0.0)
    now, number = 0.0, 1000
    for _ in range(200 + 25 * len(lanes)):
        now += 0.5
        for _ in range(interactive_a_turn):
            schedule.join(Call(number, lane=0, since=now), now)
            number += 1
        first = schedule.first(now)
        assert first is not None
        schedule.serve(first)
        waiting.discard(first.n)
    assert waiting == set()


@pytest.mark.row("F9")
def test_three_lanes_at_three_times_the_capacity() -> None:
    """Interactive at half the capacity, pipeline at one, batch at one and a half: ten calls a second are served.

    As the schedule says: until the first calls have aged, interactive takes what it asks for and pipeline the rest; then whoever
    has aged takes part with a quarter of a share per lane, and interactive still hardly waits.
    """
    schedule: Schedule[Call] = Schedule(AGEING_S)
    rates, step = {0: 5.0, 1: 10.0, 2: 15.0}, 0.1
    due, number = dict.fromkeys(rates, 0.0), 0
    waits: dict[int, list[float]] = {0: [], 1: [], 2: []}
    early: Counter[int] = Counter()
    idle, queue = 0, deque[Call]()
    for turn in range(600):
        now = turn * step
        for lane, rate in rates.items():
            while due[lane] <= now + 1e-9:
                schedule.join(call := Call(number, lane=lane, since=due[lane]), now)
                if len(schedule) > 400:  # a full line
                    schedule.leave(schedule.gives_way(call))
                due[lane] += 1 / rate
                number += 1
        first = schedule.first(now)
        if first is None:
            idle += 1
            continue
        schedule.serve(first)
        queue.append(first)
        waits[first.lane].append(now - first.since)
        if now < AGEING_S:
            early[first.lane] += 1
    assert idle == 0, "no turn was wasted while somebody waited"
    assert early == {0: 50, 1: 50}
    assert max(waits[0]) <= 2.0
    assert sum(waits[0]) / len(waits[0]) <= 0.5
    assert len(waits[0]) >= 0.95 * 300, "interactive got what it asked for"
    assert len(waits[2]) > 0, "batch got through too"
    assert math.isclose(sum(map(len, waits.values())), 600)
