"""Timeouts are judged by one look at what runs: first byte, idle, the call's total time."""

from __future__ import annotations

import asyncio

import pytest

from trunkline.core.call import Live, Member, Target
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.flow import Timeouts
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


@pytest.mark.row("F6")
@pytest.mark.parametrize(
    ("tighter", "now", "first_byte_at", "activity", "late"),
    [
        ((9.0, 3.0, 9.0), 2.9, 0.0, 0.0, False),
        ((9.0, 3.0, 9.0), 3.1, 0.0, 0.0, True),
        ((9.0, 99.0, 9.0), 10.1, 0.0, 0.0, True),
        ((9.0, 9.0, 2.0), 7.9, 1.0, 6.0, False),
        ((9.0, 9.0, 2.0), 8.1, 1.0, 6.0, True),
        ((9.0, 9.0, 99.0), 11.1, 1.0, 6.0, True),
    ],
)
def test_a_caller_may_tighten_each_limit_and_loosen_none(
    tighter: tuple[float, float, float], now: float, first_byte_at: float, activity: float, late: bool
) -> None:
    one = attempt(Waiting(activity=activity), first_byte_at=first_byte_at)
    one.exchange.tighter = tighter
    assert (overdue(one, now) is not None) is late


@pytest.mark.row("F6")
def test_the_time_it_takes_to_connect_is_not_the_vendors_to_answer() -> None:
    clock = FakeClock(now=0.0)
    sweeper, response = Sweeper(clock), Waiting(connected=False)
    one = attempt(response)
    sweeper.running.add(one)
    sweeper.sweep(1.9)
    response.connected = True
    sweeper.sweep(11.8)
    assert response.aborted == []
    sweeper.sweep(12.0)
    assert [str(error) for error in response.aborted] == ["acme sent no first byte within 10 s"]


class Opening:
    """A stream that has brought no content yet."""

    def __init__(self, held_since: float = 0.0) -> None:
        self.held_since = held_since
        self.released = 0

    def release(self) -> None:
        self.released += 1


@pytest.mark.row("F6", "F7")
def test_a_stream_owes_its_first_content_as_others_their_first_byte() -> None:
    one = attempt(Waiting(activity=9.9), first_byte_at=1.0)
    one.opening = Opening()
    late = overdue(one, 10.1)
    assert late is not None
    assert late.message == "acme began a stream and sent no content within 10 s"
    one.opening = None
    assert overdue(one, 10.1) is None


@pytest.mark.row("F7")
@pytest.mark.parametrize(
    ("held_since", "race", "released"), [(0.0, False, 0), (1.1, False, 0), (0.9, False, 1), (0.9, True, 0)]
)
def test_an_opening_is_let_go_after_a_while(held_since: float, race: bool, released: int) -> None:
    clock = FakeClock(now=0.0)
    sweeper = Sweeper(clock)
    one = attempt(Waiting(activity=5.0), first_byte_at=1.0)
    one.opening = Opening(held_since)
    one.exchange.race = type("Race", (), {"open": True})() if race else None
    sweeper.running.add(one)
    sweeper.sweep(6.0)
    assert one.opening.released == released


@pytest.mark.row("F6")
def test_a_stream_that_drips_is_cut() -> None:
    one = attempt(Waiting(activity=0.0), first_byte_at=0.5, deadline=1000.0)
    live = one.target.live
    live.spec = service(timeout=Timeouts(idle=5.0, first_byte=10.0, slow_bytes=100.0, slow_for=10.0))
    exchange = one.exchange
    exchange.first_byte_at = 0.5

    def at(now: float, bytes_out: int) -> str:
        one.response.activity, exchange.bytes_out = now, bytes_out
        late = overdue(one, now)
        return late.message if late is not None else ""

    assert [at(1.0, 0), at(10.9, 5), at(11.0, 1000), at(21.0, 2000)] == [""] * 4
    # A caller that reads slowly is no fault of the vendor: measured anew from when it reads again.
    exchange.held_back = True
    assert at(30.0, 2000) == ""
    exchange.held_back = False
    assert [at(31.0, 2000), at(40.9, 2500)] == ["", ""]
    assert at(41.0, 2999) == "acme streamed less than 100 bytes per second over 10 s"
