"""A process with more work than it can do in time refuses new calls, lowest lane first."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call import Live, Member, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.flow import Lane, Shedding
from trunkline.core.service import LANES
from trunkline.plugins.policies import shed as shedding
from trunkline.plugins.policies.shed import CALM_S, TICK_S, Pressure, Shed
from trunkline.testing import FakeClock, Heard, Trial, answers, caller_key, request, service
from trunkline.testing.virtual_time import LoopClock, VirtualTimeLoop, passes, run

BOUNDS = Shedding(loop_lag=0.25, running_bytes=1000)


def levels(*late_s: float, held: int = 0, step_s: float = TICK_S) -> list[int]:
    pressure = Pressure()
    return [pressure.note(late, held, BOUNDS, 100.0 + n * step_s) for n, late in enumerate(late_s)]


def test_each_doubling_refuses_one_lane_more() -> None:
    assert levels(0.24, 0.24) == [0, 0]
    assert levels(0.25, 0.25, 0.5, 0.5, 1.0, 1.0, 9.0, 9.0) == [0, 1, 1, 2, 2, 3, 3, 3]


def test_a_single_stall_refuses_nobody() -> None:
    assert levels(5.0, 0.0, 5.0, 0.0) == [0, 0, 0, 0]


def test_held_bytes_count_at_once() -> None:
    assert [levels(0.0, held=held)[0] for held in (999, 1000, 2000, 4000)] == [0, 1, 2, 3]


def test_each_second_of_calm_lets_a_lane_in_again() -> None:
    assert levels(1.0, 1.0, 0.0, 0.0, 0.0, 0.0, step_s=CALM_S) == [0, 3, 2, 1, 0, 0]
    assert levels(1.0, 1.0, *[0.0] * 19)[-1] == 3, "not yet a second"


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 10_000), st.floats(0, 3)), max_size=50))
def test_whatever_is_measured_calm_ends_it(measured: list[tuple[float, int, float]]) -> None:
    pressure, now = Pressure(), 0.0
    for late, held, gap in measured:
        now += gap
        assert 0 <= pressure.note(late, held, BOUNDS, now) <= 3
    for _ in range(4):
        now += 1.01 * CALM_S
        pressure.note(0.0, 0, BOUNDS, now)
    assert pressure.level == 0


def call(lane: Lane, body: bytes = b"") -> Exchange:
    clock = FakeClock()
    exchange = Exchange(request("POST", "/", body), Heard(), "call-1", clock(), clock.wall())
    exchange.lane = lane
    return exchange


def admitted(shed: Shed) -> list[Lane]:
    before = shed.refused.copy()
    for lane in LANES:
        with suppress(CallError):
            shed.admit(call(lane))
    return [lane for lane in LANES if shed.refused[lane] == before[lane]]


@pytest.mark.row("F9")
def test_the_lowest_lane_goes_first() -> None:
    clock = FakeClock()
    shed = Shed(clock, clock.wall, BOUNDS)
    seen = []
    for late in (0.0, 0.25, 0.25, 0.5, 0.5, 1.0, 1.0):
        shed.look(late, clock())
        seen.append(len(admitted(shed)))
    assert seen == [3, 3, 2, 2, 1, 1, 0]
    assert shed.refused == {"batch": 5, "pipeline": 3, "interactive": 1}
    assert repr(shed) == "Shed(3)"
    assert shed.stats() == {
        "shed": {"interactive": 1, "pipeline": 3, "batch": 5}, "loop_late_s": 1.0, "held_bytes": 0,
    }  # fmt: skip


def test_those_refused_together_are_told_to_come_back_apart_and_lower_lanes_later() -> None:
    clock = FakeClock()
    shed = Shed(clock, clock.wall, BOUNDS)
    for _ in range(2):
        shed.look(9.0, clock())
    for lane, shortest_s in zip(LANES, (1.0, 2.0, 4.0), strict=True):
        waits = set()
        for _ in range(20):
            with pytest.raises(CallError) as caught:
                shed.admit(call(lane))
            error = caught.value
            assert (error.code, error.retryable, error.may_have_acted) == ("shed", True, False)
            waits.add((error.retry_at or 0.0) - clock.wall())
        assert len(waits) > 5
        assert shortest_s <= min(waits) <= max(waits) <= 1.5 * shortest_s


def test_bodies_of_running_calls_are_weighed_now_and_then() -> None:
    clock = FakeClock()
    shed = Shed(clock, clock.wall, BOUNDS)
    running = [call("batch", b"x" * 600), call("batch", b"x" * 300)]
    attempt = running[0].attempt = Attempt(
        running[0], Target(Live(service()), Member("env:A", 1, None, b"", b"")), 1, 0.0
    )
    attempt.response = call("batch", b"y" * 99)
    shed._running = lambda: running
    shed.look(0.0, clock())
    assert (shed.held_bytes, len(admitted(shed))) == (999, 3)
    running.append(call("batch", b"z"))
    shed.look(0.0, clock())
    assert (shed.held_bytes, len(admitted(shed))) == (999, 3), "not weighed again so soon"
    clock.advance(shedding.BYTES_EVERY_S)
    shed.look(0.0, clock())
    assert (shed.held_bytes, len(admitted(shed))) == (1000, 2)


def test_a_timer_sees_that_the_loop_is_late() -> None:
    async def story() -> list[int]:
        clock, loop = LoopClock(), asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        shed = Shed(clock, clock.wall, BOUNDS)
        shed.start(loop, tuple)
        await passes(10 * TICK_S)
        seen = [shed.pressure.level]
        for _ in range(5):
            loop.works(0.4)
            await asyncio.sleep(0)
        seen.append(shed.pressure.level)
        await passes(2 * CALM_S)
        seen.append(shed.pressure.level)
        shed.stop()
        for _ in range(5):
            loop.works(9.0)
            await passes(TICK_S)
        return [*seen, shed.pressure.level]

    assert run(story()) == [0, 2, 0, 0]


@pytest.mark.row("F9")
async def test_a_call_that_is_shed_gets_its_answer_at_once_and_reaches_no_vendor() -> None:
    clock = FakeClock()
    shed = Shed(clock, clock.wall, BOUNDS)
    trial = Trial(answers(200, b"{}"), calls=[shed], clock=clock, keys=[caller_key(lane="pipeline")])
    for _ in range(2):
        shed.look(0.5, clock())
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.status, json.loads(heard.body)["code"], trial.wire.sent) == (503, "shed", [])
    assert heard.field(b"retry-after") in (b"2", b"3")
    assert trial.ends[0].code == "shed"
