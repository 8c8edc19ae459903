"""A call is stepped by hand while it waits for a vendor, and goes on inside a task when it waits for anything else."""

from __future__ import annotations

import asyncio

import pytest

from trunkline.core.exchange import Exchange
from trunkline.engine.drive import Drive, arrival, in_task
from trunkline.testing import FakeClock, Heard, Sent, request
from trunkline.wire.errors import ResetBeforeReply
from trunkline.wire.response import Response


def exchange() -> Exchange:
    return Exchange(request(), Heard(), "call-1", 1.0, 2.0)


def sent() -> Sent:
    response = Response(asyncio.get_running_loop(), 0.0, False)
    return Sent(None, b"GET", b"GET / HTTP/1.1\r\n\r\n", response, FakeClock())


async def test_a_call_that_waits_only_for_a_vendor_needs_no_task() -> None:
    told: list[object] = []
    one, run = sent(), exchange()

    async def call() -> None:
        await arrival(one.response)
        told.append(one.response.status)

    Drive(call(), run, asyncio.get_running_loop()).go()
    assert (told, run.task) == ([], None)
    one.reply(200, b"{}")
    assert (told, run.task) == ([200], None)


async def test_an_answer_that_is_here_already_is_not_waited_for() -> None:
    one = sent()
    one.reply(204)
    told: list[int] = []

    async def call() -> None:
        await arrival(one.response)
        told.append(one.response.status)

    Drive(call(), exchange(), asyncio.get_running_loop()).go()
    assert told == [204]


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("early", [False, True])
async def test_a_failure_of_the_wire_is_raised_where_the_answer_is_awaited(moved: bool, early: bool) -> None:
    one, run, told = sent(), exchange(), list[str]()

    async def call() -> None:
        if moved:
            await in_task()
        try:
            await arrival(one.response)
        except ResetBeforeReply as problem:
            told.append(str(problem))

    if early:
        one.fail(ResetBeforeReply("reset"))
    Drive(call(), run, asyncio.get_running_loop()).go()
    await asyncio.sleep(0)
    if not early:
        one.fail(ResetBeforeReply("reset"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert told == ["reset"]
    assert (run.task is not None) is moved


async def test_other_waits_go_on_in_a_task_that_can_be_cancelled() -> None:
    run, gate, told = exchange(), asyncio.get_running_loop().create_future(), list[str]()

    async def call() -> None:
        try:
            await gate
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    Drive(call(), run, asyncio.get_running_loop()).go()
    assert run.task is not None
    await asyncio.sleep(0)
    run.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run.task
    assert told == ["cancelled"]


async def test_a_call_in_a_task_waits_for_several_answers_and_futures_in_turn() -> None:
    first, second, run = sent(), sent(), exchange()
    gate: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    told: list[object] = []

    async def call() -> None:
        await arrival(first.response)
        told.append(first.response.status)
        told.append(await gate)
        async with asyncio.timeout(60):
            await arrival(second.response)
        told.append(second.response.status)

    Drive(call(), run, asyncio.get_running_loop()).go()
    first.reply(200)
    assert run.task is not None
    await asyncio.sleep(0)
    gate.set_result(7)
    for _ in range(3):
        await asyncio.sleep(0)
    second.reply(201)
    await run.task
    assert told == [200, 7, 201]


async def test_a_task_that_is_cancelled_while_it_waits_for_an_answer_ends_there() -> None:
    one, run, told = sent(), exchange(), list[str]()

    async def call() -> None:
        await in_task()
        try:
            await arrival(one.response)
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    Drive(call(), run, asyncio.get_running_loop()).go()
    for _ in range(3):
        await asyncio.sleep(0)
    assert run.task is not None
    run.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run.task
    assert told == ["cancelled"]


async def test_a_call_that_is_dropped_while_it_waits_can_give_its_answer_up() -> None:
    one, told = sent(), list[str]()

    async def call() -> None:
        try:
            await arrival(one.response)
        finally:
            one.response.abort()
            told.append("given up")

    coroutine = call()
    Drive(coroutine, exchange(), asyncio.get_running_loop()).go()
    coroutine.close()
    assert (told, one.dropped) == (["given up"], True)
