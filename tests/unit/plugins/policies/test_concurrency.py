"""Places toward a vendor: first come, first served; none is ever lost, whichever way a wait ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from trunkline.core.call import Attempt, Exchange, Live, Member, Target
from trunkline.core.errors import CallError
from trunkline.core.service import Limit
from trunkline.plugins.policies import concurrency
from trunkline.plugins.policies.concurrency import Concurrency
from trunkline.testing import FakeClock, Heard, request, service

LIVE = Live(service(limits=[Limit(concurrency=2), Limit(concurrency=1), Limit(requests=9, per=1.0)]))
MEMBER = Member("env:A", 1, None, b"", b"")


def attempt(remaining_s: float = 50.0, live: Live = LIVE) -> Attempt:
    exchange = Exchange(request(), Heard(), "call-1", 1000.0, 2.0)
    exchange.deadline = 1000.0 + remaining_s
    return Attempt(exchange, Target(live, MEMBER), 1, 1000.0)


async def wait(waiting: Awaitable[None] | None) -> None:
    assert waiting is not None
    await waiting


async def test_the_narrowest_limit_holds_and_places_go_in_order() -> None:
    policy = Concurrency(FakeClock())
    first = attempt()
    assert policy.admit(first) is None
    served: list[int] = []

    async def another(n: int) -> None:
        one = attempt()
        await wait(policy.admit(one))
        served.append(n)
        await asyncio.sleep(0)
        policy.settle(one)

    tasks = [asyncio.create_task(another(n)) for n in range(5)]
    await asyncio.sleep(0)
    assert (served, repr(policy)) == ([], "Concurrency({('acme', 'env:A'): (1, 5)})")
    policy.settle(first)
    await asyncio.gather(*tasks)
    assert (served, repr(policy)) == ([0, 1, 2, 3, 4], "Concurrency({})")


def test_without_a_limit_nothing_waits() -> None:
    policy, live = Concurrency(FakeClock()), Live(service())
    admitted = [attempt(live=live) for _ in range(2000)]
    assert [policy.admit(one) for one in admitted] == [None] * 2000
    for one in admitted:
        policy.settle(one)
    assert repr(policy) == "Concurrency({})"


async def test_too_many_waiting_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "WAITING_MAX", 1)
    policy = Concurrency(FakeClock())
    first = attempt()
    policy.admit(first)
    task = asyncio.create_task(wait(policy.admit(attempt())))
    await asyncio.sleep(0)
    with pytest.raises(CallError, match="1 calls already wait for one of the 1 places at acme") as caught:
        policy.admit(attempt())
    assert caught.value.code == "queue_full"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    policy.settle(first)
    assert repr(policy) == "Concurrency({})"


async def test_a_wait_that_takes_too_long_is_refused_and_leaves_the_line() -> None:
    policy = Concurrency(FakeClock())
    first = attempt()
    policy.admit(first)
    with pytest.raises(CallError) as caught:
        await wait(policy.admit(attempt(remaining_s=0.0)))
    assert caught.value.code == "queue_timeout"
    assert repr(policy) == "Concurrency({('acme', 'env:A'): (1, 0)})"
    policy.settle(first)
    assert repr(policy) == "Concurrency({})"


async def test_a_cancelled_wait_leaves_the_line() -> None:
    policy = Concurrency(FakeClock())
    first = attempt()
    policy.admit(first)
    task = asyncio.create_task(wait(policy.admit(attempt())))
    await asyncio.sleep(0)
    task.cancel()
    assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
    policy.settle(first)
    assert repr(policy) == "Concurrency({})"


async def test_a_place_given_to_one_that_is_cancelled_in_the_same_turn_is_not_lost() -> None:
    policy = Concurrency(FakeClock())
    first = attempt()
    policy.admit(first)
    task = asyncio.create_task(wait(policy.admit(attempt())))
    await asyncio.sleep(0)
    policy.settle(first)
    task.cancel()
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError), "a cancellation must not be swallowed"
    assert repr(policy) == "Concurrency({})"


async def test_a_place_given_in_the_turn_in_which_the_wait_runs_out_is_not_lost() -> None:
    policy = Concurrency(FakeClock())
    first, second = attempt(), attempt(remaining_s=1e-9)
    policy.admit(first)
    task = asyncio.create_task(wait(policy.admit(second)))
    await asyncio.sleep(0)
    policy.settle(first)
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    if ended is None:
        policy.settle(second)
    else:
        assert isinstance(ended, CallError)
    assert repr(policy) == "Concurrency({})"


async def test_a_place_goes_past_those_that_left() -> None:
    policy = Concurrency(FakeClock())
    first, third = attempt(), attempt()
    policy.admit(first)
    gone = asyncio.create_task(wait(policy.admit(attempt())))
    stays = asyncio.create_task(wait(policy.admit(third)))
    await asyncio.sleep(0)
    gone.cancel()
    policy.settle(first)
    await asyncio.gather(gone, stays, return_exceptions=True)
    assert repr(policy) == "Concurrency({('acme', 'env:A'): (1, 0)})"
    policy.settle(third)
    assert repr(policy) == "Concurrency({})"
