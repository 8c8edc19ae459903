"""Whole calls that wait for their vendor, in virtual time: who goes when, who is refused at once and what is told, and that nothing
is ever held by nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from trunkline.core.call import Live, Member, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.flow import Adaptive, Breaker, Fallback, Limit, Retry, Timeouts
from trunkline.core.flow import Queue as Waiting
from trunkline.core.service import CallerKey, Credential, Idempotency, Operation, Service, Snapshot
from trunkline.plugins.policies.line import HEARD_EVERY_S
from trunkline.plugins.policies.queue import Queue
from trunkline.testing import (
    EVENTS,
    JSON,
    FakeClock,
    Heard,
    Play,
    Sent,
    Trial,
    answers,
    caller_key,
    is_silent,
    request,
    service,
)
from trunkline.testing.virtual_time import LoopClock, passes, run

OK = answers(200, b'{"id":"r-1"}')
Story = Callable[[], Coroutine[Any, Any, None]]


def in_virtual_time(story: Story) -> Callable[[], None]:
    """Runs a story as a test, in time that passes by itself."""

    @wraps(story)
    def test() -> None:
        run(story())

    return test


def takes(seconds: float, status: int = 200, *headers: tuple[bytes, bytes]) -> Play:
    """A vendor that answers after a while."""

    def play(sent: Sent) -> None:
        asyncio.get_running_loop().call_later(seconds, sent.reply, status, b"{}", *headers)

    return play


def limited(*limits: Limit, wait: float = 30.0, size: int = 1000, **changes: Any) -> Service:
    return service(limits=list(limits), queue=Waiting(wait=wait, size=size), **changes)


def story_of(
    spec: Service, *plays: Play, always: Play = OK, keys: Sequence[CallerKey] = (), **snapshot: Any
) -> Trial:
    """A gateway in virtual time whose vendor plays these, then `always`."""
    own = list(keys) or [caller_key(concurrency=0)]
    trial = Trial(*plays, services=[spec], keys=own, clock=LoopClock(), **snapshot)
    trial.wire.plays.extend([always] * 2000)
    return trial


def begin(trial: Trial, n: int, *, key: str = "", headers: Sequence[tuple[str, str]] = ()) -> Heard:
    more = {"key": key} if key else {}
    return trial.begin("GET", f"/api/proxy/acme/{n}", b"", *headers, **more)


def at_vendor(trial: Trial) -> list[int]:
    """The numbers of the calls that reached the vendor, in their order."""
    return [int(sent.target.strip(b"/")) for sent in trial.wire.sent]


def code(heard: Heard) -> str:
    return str(json.loads(heard.body)["code"])


def now() -> float:
    return asyncio.get_running_loop().time()


async def ended(*heard: Heard) -> None:
    """Waits until they all have their answers."""
    while not all(one.closed for one in heard):
        await passes(0.01)


# Places.


@pytest.mark.row("F8")
@in_virtual_time
async def test_the_narrowest_concurrency_holds_and_places_go_in_order() -> None:
    trial = story_of(limited(Limit(concurrency=5), Limit(concurrency=2)), always=takes(1.0))
    heard = [begin(trial, n) for n in range(6)]
    most = 0
    while not all(one.closed for one in heard):
        most = max(most, sum(not sent.response.complete for sent in trial.wire.sent))
        await passes(0.1)
    assert (most, at_vendor(trial), {one.status for one in heard}) == (2, list(range(6)), {200})
    assert 3.0 <= now() <= 3.2
    assert [round(end.queued_us / 1e6) for end in trial.ends] == [0, 0, 1, 1, 2, 2]
    assert max(end.overhead_us for end in trial.ends) == 0, "waiting is not our overhead"
    assert repr(trial.queue) == "Queue({})"


@in_virtual_time
async def test_what_nothing_bounds_is_only_counted() -> None:
    trial = story_of(limited(), always=takes(1.0))
    heard = [begin(trial, n) for n in range(1000)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (line,) = trial.queue.lines.values()
    assert (line.free, line.running, len(line.schedule)) == (True, 1000, 0)
    await ended(*heard)
    assert (line.free, line.running) == (True, 0)


@in_virtual_time
async def test_each_credential_has_its_own_line() -> None:
    pool = [Credential(ref="env:A"), Credential(ref="env:B")]
    trial = story_of(limited(Limit(concurrency=1), credentials=pool), always=takes(1.0))
    heard = [begin(trial, n) for n in range(2)]
    await ended(*heard)
    assert now() < 1.5


@pytest.mark.row("F8")
@in_virtual_time
async def test_where_a_pool_has_room_elsewhere_nobody_waits_for_a_pause() -> None:
    pool = [Credential(ref="env:A"), Credential(ref="env:B")]
    pause = takes(0.1, 429, (b"retry-after", b"20"))
    trial = story_of(limited(credentials=pool, retry=Retry(attempts=1)), pause, always=takes(0.1))
    await ended(begin(trial, 0))
    heard = [begin(trial, n) for n in range(1, 11)]
    await ended(*heard)
    assert ({one.status for one in heard}, now() < 0.3) == ({200}, True)
    assert [line.running for line in trial.queue.lines.values()] == [0, 0]


@pytest.mark.row("F8")
@in_virtual_time
async def test_a_pool_fills_all_its_places_before_anybody_waits() -> None:
    pool = [Credential(ref="env:A", weight=9), Credential(ref="env:B", weight=1)]
    trial = story_of(limited(Limit(concurrency=3), credentials=pool), always=takes(1.0))
    heard = [begin(trial, n) for n in range(6)]
    await ended(*heard)
    assert now() < 1.1


# Rates.


@pytest.mark.row("F9")
@in_virtual_time
async def test_five_hundred_at_ten_a_second_keep_their_order_and_none_is_lost() -> None:
    """Battery L6: two teams; each in its order, both with their shares."""
    keys = [caller_key(f"tl_{team}", id=team, team=team, concurrency=0) for team in ("red", "blue")]
    trial = story_of(limited(Limit(requests=10, per=1.0), wait=60.0), keys=keys)
    heard = [begin(trial, n, key="tl_red" if n < 400 else "tl_blue") for n in range(500)]
    await ended(*heard)
    order = at_vendor(trial)
    red, blue = [n for n in order if n < 400], [n for n in order if n >= 400]
    assert (red, blue) == (list(range(400)), list(range(400, 500)))
    assert {one.status for one in heard} == {200}
    assert 48.9 <= now() <= 49.5
    assert order.index(499) <= 220, "the small team is not behind the large one"


@in_virtual_time
async def test_a_rate_and_places_share_one_line() -> None:
    trial = story_of(limited(Limit(concurrency=1), Limit(requests=2, per=2.0)), always=takes(0.1))
    heard = [begin(trial, n) for n in range(4)]
    await ended(*heard)
    assert at_vendor(trial) == [0, 1, 2, 3]
    assert 2.0 <= now() <= 2.2


@pytest.mark.row("F8")
@in_virtual_time
async def test_tokens_are_reserved_and_settled_with_what_was_used() -> None:
    usage = b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":20}}'
    asked = b'{"model":"acme/tiny","max_tokens":600,"messages":[]}'
    trial = story_of(limited(Limit(tokens=1000, per=100.0)), always=answers(200, usage))
    first = trial.begin("POST", "/v1/chat/completions", asked)
    second = trial.begin("POST", "/v1/chat/completions", asked)
    await passes(0.01)
    assert (first.status, second.status) == (200, 200), "the first gave back what it did not use"
    (line,) = trial.queue.lines.values()
    assert "full_at=1006" in repr(line.rates), "sixty tokens of a thousand in a hundred seconds"


@in_virtual_time
async def test_an_attempt_that_was_never_sent_gives_its_reservation_back() -> None:
    class Refuses:
        def admit(self, attempt: Attempt) -> None:
            raise CallError("forbidden", "refused by a later policy")

        def settle(self, attempt: Attempt) -> None: ...

    clock = LoopClock()
    spec = limited(Limit(requests=1, per=100.0))
    trial = Trial(services=[spec], attempts=[Refuses()], clock=clock)
    heard = [begin(trial, n) for n in range(3)]
    await ended(*heard)
    assert [code(one) for one in heard] == ["forbidden"] * 3


# Refusals.


@pytest.mark.row("F9")
@in_virtual_time
async def test_who_would_wait_longer_than_allowed_is_refused_at_once_and_told_when_to_come_back() -> None:
    trial = story_of(limited(Limit(requests=2, per=100.0), wait=30.0))
    heard = [begin(trial, n) for n in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    refused = heard[2]
    assert (now(), [one.status for one in heard], code(refused)) == (0.0, [200, 200, 429], "rate_limited")
    told = [
        refused.field(name)
        for name in (b"x-trunkline-queue-position", b"x-trunkline-queue-wait", b"retry-after")
    ]
    assert told == [b"1", b"50.000", b"50"]
    error = json.loads(refused.body)
    assert (error["source"], error["retryable"]) == ("trunkline", True)
    assert (trial.ends[-1].queued_us, len(trial.wire.sent)) == (0, 2)


@in_virtual_time
async def test_a_call_with_little_time_is_refused_where_another_may_wait() -> None:
    trial = story_of(limited(Limit(requests=1, per=10.0)))
    first = begin(trial, 1)
    hasty = begin(trial, 2, headers=[("x-trunkline-timeout", "5")])
    patient = begin(trial, 3)
    await passes(0.01)
    assert (first.status, code(hasty), patient.closed) == (200, "rate_limited", False)
    await ended(patient)
    assert patient.status == 200
    assert 10.0 <= now() <= 10.1


@pytest.mark.row("F9")
@in_virtual_time
async def test_a_full_line_refuses_at_once() -> None:
    trial = story_of(limited(Limit(concurrency=1), size=2), always=takes(1.0))
    heard = [begin(trial, n) for n in range(4)]
    await passes(0.01)
    assert [one.closed for one in heard] == [False, False, False, True]
    assert (heard[3].status, code(heard[3])) == (503, "queue_full")
    assert heard[3].field(b"x-trunkline-queue-position") == b"3"
    await ended(*heard)
    assert at_vendor(trial) == [0, 1, 2]


@pytest.mark.row("F9")
@in_virtual_time
async def test_in_a_full_line_the_lowest_lane_gives_way() -> None:
    trial = story_of(limited(Limit(concurrency=1), size=2), always=takes(1.0))
    batch = [("x-trunkline-priority", "batch")]
    heard = [begin(trial, 0), begin(trial, 1, headers=batch), begin(trial, 2, headers=batch)]
    await passes(0.5)
    heard.append(begin(trial, 3))
    await passes(0.01)
    assert (heard[2].status, code(heard[2])) == (503, "queue_full")
    await ended(*heard)
    assert at_vendor(trial) == [0, 3, 1]


@in_virtual_time
async def test_where_nobody_may_wait_what_does_not_fit_is_refused() -> None:
    trial = story_of(limited(Limit(concurrency=1), wait=0.0), always=takes(1.0))
    heard = [begin(trial, n) for n in range(2)]
    await passes(0.01)
    assert (heard[1].status, code(heard[1])) == (503, "queue_timeout")
    assert heard[1].field(b"retry-after") == b"1"
    await ended(*heard)


@in_virtual_time
async def test_a_wait_in_vain_ends_in_time_and_says_so() -> None:
    trial = story_of(limited(Limit(concurrency=1), wait=2.0), takes(10.0))
    first, second = begin(trial, 1), begin(trial, 2)
    await ended(second)
    assert (second.status, code(second)) == (503, "queue_timeout")
    assert 2.0 <= now() <= 2.1
    assert round(trial.ends[0].queued_us / 1e6) == 2
    await ended(first)
    assert (await trial.ask("GET", "/api/proxy/acme/3")).status == 200
    assert at_vendor(trial) == [1, 3]


@in_virtual_time
async def test_once_it_is_known_how_long_calls_take_a_long_wait_is_refused_at_once() -> None:
    trial = story_of(limited(Limit(concurrency=1), wait=3.0), always=takes(1.0))
    for n in range(5):
        await ended(begin(trial, n))
    heard = [begin(trial, 10 + n) for n in range(5)]
    await passes(0.01)
    assert [one.closed for one in heard] == [False, False, False, False, True]
    assert (code(heard[4]), heard[4].field(b"x-trunkline-queue-position")) == ("queue_timeout", b"4")
    assert 3.9 <= float(heard[4].field(b"x-trunkline-queue-wait") or 0) <= 4.1
    await ended(*heard)


# Leaving.


@pytest.mark.row("F9")
@in_virtual_time
async def test_who_hangs_up_leaves_at_once_and_the_others_move_up() -> None:
    trial = story_of(limited(Limit(requests=1, per=1.0), wait=60.0))
    heard = [begin(trial, n) for n in range(20)]
    await passes(0.5)
    (line,) = trial.queue.lines.values()
    for one in heard[1:11]:
        one.hang_up()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (now(), len(line.schedule)) == (0.5, 9)
    await ended(*heard)
    assert at_vendor(trial) == [0, *range(11, 20)]
    assert 9.0 <= now() <= 9.1
    assert [end.state for end in trial.ends].count("cancelled") == 10
    assert repr(trial.queue) == "Queue({})"


@in_virtual_time
async def test_a_place_given_to_one_that_hangs_up_in_the_same_turn_is_not_lost() -> None:
    trial = story_of(limited(Limit(concurrency=1)), takes(1.0))
    heard = [begin(trial, n) for n in range(3)]
    await passes(0.5)
    trial.wire.sent[0].reply(200, b"{}")
    heard[1].hang_up()
    await ended(*heard)
    assert (heard[2].status, at_vendor(trial)) == (200, [0, 2])
    assert repr(trial.queue) == "Queue({})"


def attempt(live: Live, clock: FakeClock, remaining_s: float = 50.0) -> Attempt:
    exchange = Exchange(request(), Heard(), "call-1", clock(), clock.wall())
    exchange.deadline = clock() + remaining_s
    return Attempt(exchange, Target(live, Member("env:A", 1, None, b"", b"")), 1, clock())


@in_virtual_time
async def test_a_wait_that_nobody_ever_awaits_leaves_the_line() -> None:
    clock = LoopClock()
    queue, live = Queue(clock, clock.wall), Live(limited(Limit(concurrency=1)))
    first = attempt(live, clock)
    assert queue.admit(first) is None
    dropped, kept = queue.admit(attempt(live, clock)), queue.admit(third := attempt(live, clock))
    assert dropped is not None
    assert kept is not None
    del dropped
    assert repr(queue) == "Queue({('acme', 'env:A'): (1, 1)})"
    queue.settle(first)
    await kept
    queue.settle(third)
    assert repr(queue) == "Queue({})"


@in_virtual_time
async def test_a_wait_that_nobody_awaits_gives_back_a_place_that_came_meanwhile() -> None:
    clock = LoopClock()
    queue, live = Queue(clock, clock.wall), Live(limited(Limit(concurrency=1), Limit(requests=2, per=100.0)))
    first = attempt(live, clock)
    queue.admit(first)
    dropped = queue.admit(attempt(live, clock))
    queue.settle(first)
    assert repr(queue) == "Queue({('acme', 'env:A'): (1, 0)})"
    del dropped
    assert repr(queue) == "Queue({})"
    assert queue.admit(attempt(live, clock)) is None, "its part of the rate came back too"


# A vendor that fails.

FRAIL = Breaker(volume=10, failures=0.5, open_for=5.0)


@pytest.mark.row("F3")
@in_virtual_time
async def test_when_the_breaker_opens_those_who_wait_are_not_sent_into_the_fire() -> None:
    spec = limited(Limit(concurrency=2), retry=Retry(attempts=1), breaker=FRAIL)
    trial = story_of(spec, always=takes(0.1, 500))
    heard = [begin(trial, n) for n in range(100)]
    await ended(*heard)
    assert len(trial.wire.sent) <= 11
    assert [code(one) for one in heard].count("circuit_open") >= 89
    assert now() < 0.7


@pytest.mark.row("F3")
@in_virtual_time
async def test_while_the_breaker_is_open_nobody_waits_for_a_place() -> None:
    spec = limited(Limit(concurrency=3), retry=Retry(attempts=1), breaker=FRAIL)
    trial = story_of(spec, is_silent, is_silent, always=takes(0.01, 500))
    hanging = [begin(trial, n) for n in range(2)]
    for n in range(10):
        await ended(begin(trial, 10 + n))
    trial.queue.load(with_(trial, limited(Limit(concurrency=2), retry=Retry(attempts=1), breaker=FRAIL)))
    late = begin(trial, 99)
    await ended(late)
    assert (code(late), late.field(b"x-trunkline-queue-position")) == ("circuit_open", None)
    assert now() < 0.5
    for one in hanging:
        one.hang_up()
    await passes(0.1)


# Pauses.


@pytest.mark.row("F8")
@in_virtual_time
async def test_a_vendors_pause_holds_everyone_and_no_request_is_wasted_in_it() -> None:
    pause = answers(429, b"{}", JSON, (b"retry-after", b"8"))
    trial = story_of(limited(retry=Retry(attempts=1)), pause)
    assert (await trial.ask("GET", "/api/proxy/acme/0")).status == 429
    heard = [begin(trial, n) for n in range(1, 30)]
    await passes(7.9)
    assert len(trial.wire.sent) == 1
    await ended(*heard)
    assert (at_vendor(trial), {one.status for one in heard}) == (list(range(30)), {200})
    assert 8.0 <= now() <= 8.3


@in_virtual_time
async def test_a_later_shorter_pause_ends_no_longer_one() -> None:
    spec = limited(retry=Retry(attempts=1))
    long, short = takes(0.1, 429, (b"retry-after", b"20")), takes(0.2, 429, (b"retry-after", b"2"))
    trial = story_of(spec, long, short)
    await ended(begin(trial, 0), begin(trial, 1))
    third = begin(trial, 2)
    await passes(19.0)
    assert len(trial.wire.sent) == 2
    await ended(third)
    assert third.status == 200


@in_virtual_time
async def test_who_waits_and_cannot_wait_for_the_end_of_a_pause_is_told_at_once() -> None:
    spec = limited(Limit(concurrency=1), wait=10.0, retry=Retry(attempts=1))
    trial = story_of(spec, takes(1.0, 429, (b"retry-after", b"40")))
    heard = [begin(trial, n) for n in range(3)]
    await ended(*heard)
    assert 1.0 <= now() <= 1.1
    assert [one.status for one in heard] == [429] * 3
    assert [one.field(b"retry-after") for one in heard[1:]] == [b"40", b"40"]
    assert len(trial.wire.sent) == 1


@in_virtual_time
async def test_a_pause_of_one_model_holds_no_other() -> None:
    spec = limited(retry=Retry(attempts=1))
    trial = story_of(spec, answers(429, b"{}", JSON, (b"retry-after", b"20")))

    def chat(model: str) -> Heard:
        body = b'{"model":"acme/%b","messages":[]}' % model.encode()
        return trial.begin("POST", "/v1/chat/completions", body)

    await ended(chat("big"))
    big, small = chat("big"), chat("small")
    await ended(small)
    assert (small.status, big.closed, now() < 0.1) == (200, False, True)
    await ended(big)
    assert big.status == 200


@pytest.mark.parametrize(
    ("status", "held"),
    [(429, True), (503, True), (500, False), (404, False)],
    ids=["rate", "overload", "error", "not found"],
)
def test_only_some_refusals_are_pauses(status: int, held: bool) -> None:
    async def story() -> None:
        spec = limited(retry=Retry(attempts=1), wait=5.0)
        trial = story_of(spec, answers(status, b"{}", JSON, (b"retry-after", b"30")))
        await ended(begin(trial, 0))
        second = begin(trial, 1)
        await ended(second)
        assert (second.status != 200, now() < 0.1) == (held, True)

    run(story())


@in_virtual_time
async def test_after_an_overload_the_vendor_is_asked_again_within_a_minute_whatever_it_said() -> None:
    spec = limited(retry=Retry(attempts=1), wait=100.0)
    trial = story_of(spec, answers(503, b"{}", JSON, (b"retry-after", b"86400")))
    await ended(begin(trial, 0))
    second = begin(trial, 1, headers=[("x-trunkline-timeout", "59")])
    await ended(second)
    assert second.status == 429
    await passes(60.0)
    assert (await trial.ask("GET", "/api/proxy/acme/2")).status == 200


# What vendors tell.


def tells(remaining: int, reset: str, limit: int = 100) -> tuple[tuple[bytes, bytes], ...]:
    head = b"x-ratelimit-"
    return (
        JSON,
        (head + b"limit", b"%d" % limit),
        (head + b"remaining", b"%d" % remaining),
        (head + b"reset", reset.encode()),
    )


@pytest.mark.row("F8")
@in_virtual_time
async def test_what_a_vendor_tells_in_good_answers_slows_calls_down_before_it_must_refuse() -> None:
    trial = story_of(limited(limit_headers="plain"), answers(200, b"{}", *tells(4, "8")))
    await ended(begin(trial, 0))
    heard = [begin(trial, n) for n in range(1, 5)]
    await ended(*heard)
    assert 6.0 <= now() <= 6.2, "four in eight seconds, the first at once"
    (line,) = trial.queue.lines.values()
    await passes(10.0)
    await ended(begin(trial, 9))
    assert line.free, "the window is over"


@pytest.mark.row("F8")
@in_virtual_time
async def test_what_a_stream_tells_holds_from_its_first_byte() -> None:
    def play(sent: Sent) -> None:
        sent.begin(200, EVENTS, *tells(0, "9")[1:])
        asyncio.get_running_loop().call_later(60.0, sent.end)

    trial = story_of(limited(limit_headers="plain", timeout=Timeouts(total=100.0)), play)
    stream = begin(trial, 0)
    await passes(0.1)
    second = begin(trial, 1)
    await ended(second)
    assert (second.status, stream.closed) == (200, False)
    assert 9.0 <= now() <= 9.2


@in_virtual_time
async def test_a_service_that_names_no_dialect_is_not_listened_to_while_all_is_well() -> None:
    trial = story_of(limited(), answers(200, b"{}", *tells(0, "8")))
    await ended(begin(trial, 0))
    await ended(begin(trial, 1))
    assert now() < 0.1


@in_virtual_time
async def test_good_answers_are_read_for_limits_every_tenth_of_a_second_at_most() -> None:
    read: list[float] = []

    def listening(_dialect: str, _fields: object, wall: float) -> list[Any]:
        read.append(wall)
        return []

    clock = LoopClock()
    trial = Trial(
        *[OK] * 100,
        services=[limited(limit_headers="plain")],
        attempts=[Queue(clock, clock.wall, listening)],
        clock=clock,
    )
    for n in range(100):
        await trial.ask("GET", f"/api/proxy/acme/{n}")
        await passes(0.01)
    gaps = [after - before for before, after in pairwise(read)]
    assert 9 <= len(read) <= 11
    assert min(gaps) >= HEARD_EVERY_S - 1e-6


# What vendors bear.


@pytest.mark.row("F8")
@in_virtual_time
async def test_concurrency_follows_what_the_vendor_bears() -> None:
    """A vendor that takes eight at once and refuses the rest: a burst of forty, then work comes in steadily."""
    running, refused, most = 0, 0, 0

    def play(sent: Sent) -> None:
        nonlocal running, refused, most
        if running >= 8:
            refused += 1
            body = b'{"detail":{"status":"too_many_concurrent_requests","message":"too many at once"}}'
            sent.reply(429, body)
            return
        running += 1
        most = max(most, running)

        def done() -> None:
            nonlocal running
            running -= 1
            sent.reply(200, b"{}")

        asyncio.get_running_loop().call_later(0.1, done)

    spec = service(
        queue=Waiting(wait=60.0), retry=Retry(attempts=10, backoff=0.5), adaptive=Adaptive(floor=1)
    )
    trial = story_of(spec, always=play)
    heard = [begin(trial, n) for n in range(40)]
    await passes(2.0)
    burst = refused
    for n in range(40, 440):
        heard.append(begin(trial, n))
        await passes(0.01)
    await ended(*heard)
    assert sum(one.status == 200 for one in heard) >= 438
    assert burst >= 32, "nobody could know before"
    assert refused - burst <= 20, "then only now and then, to see whether it bears more"
    assert most == 8


# Reloads, lanes, teams.


@in_virtual_time
async def test_a_reload_takes_hold_for_those_that_wait() -> None:
    trial = story_of(limited(Limit(concurrency=1)), always=takes(100.0))
    heard = [begin(trial, n) for n in range(4)]
    await passes(1.0)
    assert len(trial.wire.sent) == 1
    wider = limited(Limit(concurrency=3))
    trial.queue.load(with_(trial, wider))
    await passes(0.01)
    assert at_vendor(trial) == [0, 1, 2]
    for one in heard:
        one.hang_up()
    await passes(0.01)
    assert repr(trial.queue) == "Queue({})"


def with_(trial: Trial, *services: Service) -> Snapshot:
    return msgspec.structs.replace(trial.snapshot, services=list(services))


@pytest.mark.row("F9")
@in_virtual_time
async def test_lanes_go_before_one_another_and_a_call_may_only_lower_its_own() -> None:
    keys = [
        caller_key("tl_high", id="high", concurrency=0),
        caller_key("tl_low", id="low", lane="pipeline", concurrency=0),
    ]
    trial = story_of(limited(Limit(concurrency=1)), always=takes(1.0), keys=keys)

    def asks(n: int, key: str, priority: str = "") -> Heard:
        return begin(trial, n, key=key, headers=[("x-trunkline-priority", priority)] if priority else ())

    heard = [
        asks(0, "tl_high"),
        asks(1, "tl_high", "batch"),
        asks(2, "tl_low", "interactive"),
        asks(3, "tl_low", "Batch"),
        asks(4, "tl_high"),
    ]
    odd = asks(5, "tl_high", "urgent")
    await ended(*heard, odd)
    assert at_vendor(trial) == [0, 4, 2, 1, 3]
    assert (odd.status, code(odd)) == (400, "invalid_request")
    assert "urgent" in json.loads(odd.body)["message"]


@pytest.mark.row("F9")
@in_virtual_time
async def test_teams_have_their_shares_of_a_line() -> None:
    keys = [caller_key(f"tl_{t}", id=t, team=t, concurrency=0) for t in ("big", "small")]
    spec = limited(Limit(requests=1, per=1.0), wait=1000.0, size=10_000, timeout=Timeouts(total=1000.0))
    trial = story_of(spec, keys=keys, team_weights={"big": 3})
    heard = [begin(trial, n, key="tl_big" if n < 60 else "tl_small") for n in range(120)]
    await passes(40.5)
    first = at_vendor(trial)
    assert sum(n < 60 for n in first[1:41]) == 30
    for one in heard:
        one.hang_up()
    await passes(0.1)


@in_virtual_time
async def test_who_has_waited_before_keeps_its_turn_at_the_next_try() -> None:
    spec = limited(Limit(concurrency=1), retry=Retry(attempts=2, backoff=0.0))
    trial = story_of(spec, takes(1.0), takes(1.0, 429), always=takes(1.0))
    heard = [begin(trial, n) for n in range(4)]
    await passes(1.5)
    heard.append(begin(trial, 4))
    await ended(*heard)
    assert at_vendor(trial) == [0, 1, 2, 3, 1, 4]


@in_virtual_time
async def test_what_is_shown_of_the_lines() -> None:
    spec = limited(Limit(concurrency=2), retry=Retry(attempts=1))
    trial = story_of(spec, takes(1.0, 429, (b"retry-after", b"20")), always=takes(1.0))
    heard = [begin(trial, n) for n in range(5)]
    await passes(0.5)
    assert trial.queue.stats() == {
        "queue_waiting": {"acme": 3}, "queue_places": {"acme": 2}, "queue_paused_s": {"acme": 0.0},
    }  # fmt: skip
    await passes(1.0)
    assert trial.queue.stats()["queue_paused_s"] == {"acme": 19.5}
    await ended(*heard)


# Where a fallback could serve.


def two(*plays: Play, on: Sequence[str] = (), patience: float = 1.0, other: Sequence[Limit] = (), always: Play = OK) -> Trial:  # fmt: skip
    """Acme with one place, whose calls may go on to zenith."""
    acme = service(
        limits=[Limit(concurrency=1)],
        queue=Waiting(patience=patience),
        fallback=[Fallback(kind="target", target="zenith", on=list(on))],
    )
    zenith = service("zenith", limits=list(other))
    keys = [caller_key(concurrency=0)]
    trial = Trial(*plays, services=[acme, zenith], keys=keys, clock=LoopClock())
    trial.wire.plays.extend([always] * 50)
    return trial


def hosts(trial: Trial) -> list[bytes]:
    return [sent.fields[0][1].partition(b".")[0] for sent in trial.wire.sent]


@pytest.mark.row("F4", "F9")
@in_virtual_time
async def test_a_call_that_could_go_elsewhere_waits_a_second_and_no_longer() -> None:
    trial = two(takes(9.0))
    first, second = begin(trial, 1), begin(trial, 2)
    await ended(second)
    assert 1.0 <= now() < 1.1
    assert (second.status, second.field(b"x-trunkline-fallback")) == (200, b"target=zenith")
    await ended(first)
    assert hosts(trial) == [b"acme", b"zenith"]
    assert repr(trial.queue) == "Queue({})"


@pytest.mark.row("F4", "F9")
@in_virtual_time
async def test_where_the_wait_is_known_to_be_longer_it_goes_at_once() -> None:
    trial = two(lambda sent: sent.reply(429, b"{}", (b"retry-after", b"8")))
    heard = [begin(trial, 1)]
    await ended(*heard)
    heard += [begin(trial, n) for n in range(2, 5)]
    await ended(*heard)
    assert now() < 0.5
    assert hosts(trial) == [b"acme", b"zenith", b"zenith", b"zenith", b"zenith"]


@pytest.mark.row("F9")
@in_virtual_time
async def test_patience_is_a_setting() -> None:
    trial = two(takes(3.0), patience=30.0)
    heard = [begin(trial, 1), begin(trial, 2)]
    await ended(*heard)
    assert (hosts(trial), 3.0 <= now() < 3.5) == ([b"acme", b"acme"], True)


@pytest.mark.row("F4", "F9")
@pytest.mark.parametrize("why", ["for other failures", "full", "open"])
def test_a_call_whose_fallback_cannot_take_it_now_waits_as_ever(why: str) -> None:
    @in_virtual_time
    async def story() -> None:
        codes = ["server_error"] if why == "for other failures" else []
        other = [Limit(concurrency=1)] if why == "full" else []
        trial = two(takes(4.0), on=codes, other=other, always=takes(4.0))
        busy = trial.begin("GET", "/api/proxy/zenith/9", b"")
        if why == "open":
            trial.queue.elsewhere.__self__._shut = lambda target: CallError("circuit_open", "")  # type: ignore[attr-defined]
        heard = [begin(trial, 1), begin(trial, 2)]
        await ended(*heard)
        assert sorted(hosts(trial)) == [b"acme", b"acme", b"zenith"]
        assert {one.status for one in (*heard, busy)} == {200}

    story()


@pytest.mark.row("F4", "F9")
@in_virtual_time
async def test_one_whose_fallback_fills_up_while_it_waits_goes_on_waiting() -> None:
    trial = two(takes(4.0), other=[Limit(concurrency=1)], always=takes(4.0))
    heard = [begin(trial, 1), begin(trial, 2)]
    await passes(0.5)
    heard.append(trial.begin("GET", "/api/proxy/zenith/9", b""))
    await ended(*heard)
    assert hosts(trial) == [b"acme", b"zenith", b"acme"]
    assert {one.status for one in heard} == {200}
    assert repr(trial.queue) == "Queue({})"


@pytest.mark.row("F9", "Q2")
@in_virtual_time
async def test_an_act_whose_key_is_known_here_alone_waits_here() -> None:
    act = Operation(name="pay", method="POST", path="/pay", repeat="with_key")
    acme = service(
        operations=[act],
        idempotency=Idempotency(header="idempotency-key"),
        limits=[Limit(concurrency=1)],
        fallback=[Fallback(kind="target", target="zenith")],
    )
    keys = [caller_key(concurrency=0)]
    plays = [takes(0.1, 503), takes(3.0)]
    trial = Trial(*plays, services=[acme, service("zenith", operations=[act])], keys=keys, clock=LoopClock())
    trial.wire.plays.extend([OK] * 10)
    act_call = trial.begin("POST", "/api/proxy/acme/pay", b"{}", ("idempotency-key", "k"))
    other = begin(trial, 1)
    await ended(act_call, other)
    assert hosts(trial)[:3] == [b"acme", b"acme", b"acme"]
