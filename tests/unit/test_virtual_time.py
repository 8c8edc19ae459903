"""Time that passes at once, and stands still while there is something to do."""

from __future__ import annotations

import asyncio

import pytest

from trunkline.testing.virtual_time import LoopClock, NothingLeft, VirtualTimeLoop, passes, run


def test_an_hour_takes_no_time_and_timers_keep_their_order() -> None:
    async def story() -> tuple[float, list[str]]:
        loop, order = asyncio.get_running_loop(), list[str]()
        loop.call_later(3599.0, order.append, "last")
        loop.call_later(1.0, order.append, "first")
        await passes(3600.0)
        return loop.time(), order

    assert run(story()) == (3600.0, ["first", "last"])


def test_work_takes_the_time_that_it_is_said_to_take() -> None:
    async def story() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.works(2.0)
        async with asyncio.timeout(1.0):
            pass
        return loop.time()

    assert run(story()) == 2.0


def test_the_clock_is_the_loops() -> None:
    async def story() -> tuple[float, float]:
        clock = LoopClock()
        before = clock(), clock.wall()
        await passes(5.0)
        with pytest.raises(AssertionError):
            clock.advance(1.0)
        return clock() - before[0], clock.wall() - before[1]

    assert run(story()) == (5.0, 5.0)


def test_what_waits_for_nothing_that_can_come_does_not_hang() -> None:
    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingLeft):
        run(story())


async def test_passing_is_refused_where_time_is_real() -> None:
    with pytest.raises(AssertionError):
        await passes(0.001)
