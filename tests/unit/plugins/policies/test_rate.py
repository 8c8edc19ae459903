"""Requests per period toward a vendor: a short wait, else a refusal that says when; and a vendor's pause is obeyed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from trunkline.core.call import Attempt, Exchange, Live, Member, Target
from trunkline.core.errors import CallError
from trunkline.core.service import Limit, Service
from trunkline.plugins.policies.rate import Rate
from trunkline.testing import JSON, FakeClock, Heard, Trial, answers, request, service

TWO_A_MINUTE = service(limits=[Limit(requests=2, per=60.0)])


def attempt(spec: Service, clock: FakeClock, remaining_s: float = 60.0, member: str = "env:A") -> Attempt:
    exchange = Exchange(request(), Heard(), "call-1", clock(), clock.wall())
    exchange.deadline = clock() + remaining_s
    live = _lives.setdefault(id(spec), Live(spec))
    return Attempt(exchange, Target(live, Member(member, 1, None, b"", b"")), 1, clock())


_lives: dict[int, Live] = {}


def test_a_place_that_comes_too_late_is_refused_with_its_instant() -> None:
    clock = FakeClock()
    rate = Rate(clock, clock.wall)
    assert [rate.admit(attempt(TWO_A_MINUTE, clock)) for _ in range(2)] == [None, None]
    with pytest.raises(CallError) as caught:
        rate.admit(attempt(TWO_A_MINUTE, clock))
    error = caught.value
    assert (error.code, error.source, error.may_have_acted, error.retry_at) == (
        "rate_limited",
        "trunkline",
        False,
        clock.wall() + 30,
    )
    assert rate.admit(attempt(TWO_A_MINUTE, clock, member="env:B")) is None, "each credential has its own"
    clock.advance(30)
    assert rate.admit(attempt(TWO_A_MINUTE, clock)) is None


async def test_a_place_that_comes_soon_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, slept = FakeClock(), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.advance(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    spec = service(limits=[Limit(requests=1, per=2.0)])
    rate = Rate(clock, clock.wall)
    assert rate.admit(attempt(spec, clock)) is None
    waiting = rate.admit(attempt(spec, clock))
    assert waiting is not None
    await waiting
    assert (slept, repr(rate)) == ([2.0], "Rate(waiting={})")


def test_nothing_waits_beyond_the_calls_own_time() -> None:
    clock = FakeClock()
    rate = Rate(clock, clock.wall)
    spec = service(limits=[Limit(requests=1, per=3.0)])
    rate.admit(attempt(spec, clock))
    with pytest.raises(CallError):
        rate.admit(attempt(spec, clock, remaining_s=1.0))


async def test_a_wait_that_is_cancelled_is_forgotten() -> None:
    clock = FakeClock()
    rate = Rate(clock, clock.wall)
    spec = service(limits=[Limit(requests=1, per=3.0)])
    rate.admit(attempt(spec, clock))
    waiting: Any = rate.admit(attempt(spec, clock))
    task = asyncio.create_task(waiting)
    await asyncio.sleep(0)
    assert repr(rate) == "Rate(waiting={('acme', 'env:A'): 1})"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert repr(rate) == "Rate(waiting={})"


def test_a_reload_with_other_limits_takes_hold_at_the_next_call() -> None:
    clock = FakeClock()
    rate = Rate(clock, clock.wall)
    for _ in range(2):
        rate.admit(attempt(TWO_A_MINUTE, clock))
    wider = service(limits=[Limit(requests=100, per=1.0)])
    assert rate.admit(attempt(wider, clock)) is None


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("code", "source", "wait", "held"),
    [
        ("rate_limited", "acme", 100.0, True),
        ("slow_down", "acme", 100.0, True),
        ("quota_exhausted", "acme", 100.0, True),
        ("quota_exhausted", "acme", 10**6, True),
        ("rate_limited", "acme", None, False),
        ("overloaded", "acme", 100.0, False),
        ("rate_limited", "trunkline", 100.0, False),
    ],
)
def test_a_vendors_pause_holds_everyone_back(code: str, source: str, wait: float | None, held: bool) -> None:
    clock = FakeClock()
    rate = Rate(clock, clock.wall)
    spec = service()
    one = attempt(spec, clock)
    rate.admit(one)
    one.error = CallError(code, "x", source=source, retry_at=None if wait is None else clock.wall() + wait)
    rate.settle(one)
    if not held:
        assert rate.admit(attempt(spec, clock)) is None
        return
    with pytest.raises(CallError) as caught:
        rate.admit(attempt(spec, clock))
    assert caught.value.retry_at == clock.wall() + min(wait or 0, 3600.0)
    clock.advance(3600.0)
    assert rate.admit(attempt(spec, clock)) is None


@pytest.mark.row("F1")
async def test_after_a_vendors_429_the_next_call_is_refused_without_asking_it() -> None:
    trial = Trial(answers(429, b"{}", JSON, (b"retry-after", b"30")))
    first = await trial.ask("GET", "/api/proxy/acme/x")
    second = await trial.ask("GET", "/api/proxy/acme/x")
    assert (first.status, second.status, len(trial.wire.sent)) == (429, 429, 1)
    assert second.field(b"retry-after") == b"30"
