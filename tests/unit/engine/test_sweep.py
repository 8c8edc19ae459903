"""Timeouts are judged by one look at what runs: first byte, idle, the call's total time."""

from __future__ import annotations

import asyncio

import pytest

from trunkline.core.call import Attempt, Exchange, Live, Member, Target
from trunkline.core.service import Timeouts
from trunkline.engine.sweep import Sweeper, overdue
from trunkline.testing import FakeClock, Heard, request, service


class Waiting:
    """A vendor's response as far as the sweeper looks."""

    def __init__(self, connected: bool = True, sent: bool = True, activity: float = 0.0) -> None:
        self.connected, self.sent, self.activity = connected, sent, activity
        self.aborted: list[Exception] = []

    def abort(self, error: Exception) -> None:
        self.aborted.append(error)


def attempt(response: Waiting | None, *, first_byte_at: float = 0.0, deadline: float = 100.0) -> Attempt:
    live = Live(service(timeout=Timeouts(connect=2.0, first_byte=10.0, idle=5.0, total=100.0)))
    exchange = Exchange(request(), Heard(), "call-1", 0.0, 0.0)
    exchange.deadline, exchange.timeout_s = deadline, 100.0
    made = Attempt(exchange, Target(live, Member("m", 1, None, b"", b"")), 1, 0.0)
    made.response, made.first_byte_at = response, first_byte_at
    return made


@pytest.mark.row("F6")
@pytest.mark.parametrize(
    ("now", "first_byte_at", "activity", "code"),
    [
        (9.9, 0.0, 0.0, None),
        (10.1, 0.0, 0.0, "timeout_upstream"),
        (20.0, 8.0, 16.0, None),
        (20.0, 8.0, 14.9, "timeout_upstream"),
        (100.0, 8.0, 99.9, "deadline_exceeded"),
        (100.0, 0.0, 0.0, "deadline_exceeded"),
    ],
)
def test_each_limit_is_its_own_failure(
    now: float, first_byte_at: float, activity: float, code: str | None
) -> None:
    error = overdue(attempt(Waiting(activity=activity), first_byte_at=first_byte_at), now)
    assert (error.code if error is not None else None) == code


@pytest.mark.row("F6")
def test_who_is_late_is_named_with_its_limit() -> None:
    first, idle = overdue(attempt(Waiting()), 13.0), overdue(attempt(Waiting(), first_byte_at=1.0), 13.0)
    assert first is not None
    assert idle is not None
    assert (first.message, first.source) == ("acme sent no first byte within 10 s", "acme")
    assert idle.message == "acme sent nothing for 5 s in the middle of its answer"


@pytest.mark.row("F6", "F1")
@pytest.mark.parametrize("sent", [True, False])
def test_a_deadline_before_any_byte_went_out_did_not_act(sent: bool) -> None:
    error = overdue(attempt(Waiting(sent=sent)), 100.0)
    assert error is not None
    assert (error.may_have_acted, error.source) == (sent, "trunkline")


def test_connecting_is_the_wires_own_time() -> None:
    assert overdue(attempt(Waiting(connected=False)), 50.0) is None


def test_a_slow_caller_is_not_the_vendors_silence() -> None:
    held = attempt(Waiting(), first_byte_at=1.0)
    held.exchange.held_back = True
    assert overdue(held, 50.0) is None


def test_what_was_not_sent_yet_is_not_judged() -> None:
    assert overdue(attempt(None), 1000.0) is None


@pytest.mark.row("F6")
def test_a_sweep_cuts_what_is_overdue_and_nothing_else() -> None:
    late, good = Waiting(), Waiting()
    sweeper = Sweeper(FakeClock())
    sweeper.running = {attempt(late), attempt(good, first_byte_at=1.0, deadline=99.0)}
    good.activity = 12.0
    sweeper.sweep(13.0)
    assert [getattr(error, "code", "") for error in late.aborted] == ["timeout_upstream"]
    assert good.aborted == []


async def test_it_looks_again_and_again_until_it_is_stopped() -> None:
    clock, late = FakeClock(), Waiting()
    sweeper = Sweeper(clock)
    sweeper.start(asyncio.get_running_loop())
    sweeper.running = {attempt(late)}
    assert late.aborted == []
    sweeper.stop()
    clock.advance(50.0)
    sweeper.start(asyncio.get_running_loop())
    sweeper.stop()
    assert len(late.aborted) == 1
    Sweeper(clock).stop()
