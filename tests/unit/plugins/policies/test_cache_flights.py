"""Equal calls at once: one leads, the others wait, and every end of the leader is an outcome for them."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.cached import GOOD, OTHER, all_ended, begun, chat, notes, told, trial
from trunkline.core.flow import Cache
from trunkline.plugins.policies.cache import PASS_S
from trunkline.testing import caller_key, is_silent
from trunkline.testing.laws import ANSWER


@pytest.mark.row("F10", "F11")
async def test_a_thousand_equal_calls_at_once_are_one_call_at_the_vendor() -> None:
    t = trial(is_silent, keys=(caller_key(concurrency=0),))
    heard = [begun(t) for _ in range(1000)]
    await t.turn()
    assert len(t.wire.sent) == 1
    t.clock.advance(2.0)
    t.wire.sent[0].reply(200, ANSWER)
    await all_ended(t)
    assert {(h.status, h.body) for h in heard} == {(200, ANSWER)}
    assert [told(h) for h in heard] == [b"miss"] + [b"hit; age=0"] * 999
    ends = {end.call_id: end for end in t.ends}
    leader, *others = [ends[begin] for begin in sorted(ends)]
    assert (len(ends), leader.cost_usd, sum(one.cost_usd for one in others)) == (1000, 7e-06, 0.0)
    assert {tuple(notes(one)) for one in others} == {
        (f"shared={leader.call_id}", "cache=hit", "cache_saved_usd=7e-06")
    }
    assert {(one.duration_us, one.overhead_us, len(one.tried)) for one in others} == {(2_000_000, 0, 0)}


async def test_without_a_time_to_live_calls_are_shared_and_nothing_is_kept() -> None:
    t = trial(is_silent, GOOD, cache=Cache())
    first, second = begun(t), begun(t)
    await t.turn()
    t.wire.sent[0].reply(200, ANSWER)
    await all_ended(t)
    assert [told(first), told(second), told(await chat(t))] == [b"miss", b"hit; age=0", b"miss"]
    assert t.cache.stats()["answers"] == 0


@pytest.mark.row("F11")
async def test_a_vendors_failure_is_told_to_all_who_wait() -> None:
    t = trial(is_silent)
    heard = [begun(t), begun(t), begun(t)]
    await t.turn()
    t.wire.sent[0].reply(400, b'{"error":{"message":"too hot"}}')
    await all_ended(t)
    assert {(h.status, b"too hot" in h.body) for h in heard} == {(400, True)}
    assert (len(t.wire.sent), [end.code for end in t.ends]) == (1, ["invalid_request"] * 3)
    assert {(end.cost_usd, end.notes.partition("=")[0]) for end in t.ends[1:]} == {(0.0, "shared")}


@pytest.mark.row("F11")
async def test_a_leader_that_hangs_up_hands_over() -> None:
    t = trial(is_silent, is_silent)
    leader, second, third = begun(t), begun(t), begun(t)
    await t.turn()
    leader.hang_up()
    await t.turn()
    assert (t.wire.sent[0].dropped, len(t.wire.sent)) == (True, 2)
    t.wire.sent[1].reply(200, ANSWER)
    await all_ended(t)
    assert [told(second), told(third), second.body] == [b"miss", b"hit; age=0", ANSWER]
    assert [end.state for end in t.ends] == ["cancelled", "ok", "ok"]


async def test_who_waits_may_leave_and_the_others_go_on() -> None:
    t = trial(is_silent)
    leader, second, third = begun(t), begun(t), begun(t)
    await t.turn()
    second.hang_up()
    await t.turn()
    t.wire.sent[0].reply(200, ANSWER)
    await all_ended(t)
    assert ([leader.body, third.body], len(t.wire.sent)) == ([ANSWER, ANSWER], 1)
    assert sorted(end.state for end in t.ends) == ["cancelled", "ok", "ok"]


@pytest.mark.filterwarnings("ignore:coroutine 'AnswerCache._wait' was never awaited")
async def test_who_leaves_in_the_moment_in_which_it_came_is_ended_too() -> None:
    t = trial(is_silent)
    begun(t)
    begun(t).hang_up()
    await t.turn()
    assert ([end.state for end in t.ends], len(t.gateway.running)) == (["cancelled"], 1)
    assert repr(t.cache) == "AnswerCache(running=1, Flights(leading=1, waiting=0))"


async def test_who_begins_to_wait_when_the_leader_is_back_already_gets_its_answer() -> None:
    t = trial()
    leader, late = begun(t), begun(t)
    t.wire.sent[0].reply(200, ANSWER)
    await all_ended(t)
    assert ([told(leader), told(late)], late.body, len(t.wire.sent)) == ([b"miss", b"hit; age=0"], ANSWER, 1)


async def test_or_leads_itself_where_the_leader_failed() -> None:
    t = trial(is_silent, GOOD)
    begun(t)
    late = begun(t)
    t.wire.sent[0].reply(400, b"{}")
    await all_ended(t)
    assert (told(late), late.body, len(t.wire.sent)) == (b"miss", ANSWER, 2)


async def test_all_may_leave() -> None:
    t = trial(is_silent)
    heard = [begun(t), begun(t), begun(t)]
    await t.turn()
    for one in heard:
        one.hang_up()
    await all_ended(t)
    assert repr(t.cache) == "AnswerCache(running=0, Flights(leading=0, waiting=0))"
    t.wire.plays.append(GOOD)
    assert told(await chat(t)) == b"miss"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_leader_and_the_next_may_leave_in_the_same_moment(order: tuple[int, int]) -> None:
    t = trial(is_silent, is_silent)
    heard = [begun(t), begun(t), begun(t)]
    await t.turn()
    for n in order:
        heard[n].hang_up()
    await t.turn()
    t.wire.sent[-1].reply(200, ANSWER)
    await all_ended(t)
    assert (heard[2].body, told(heard[2])) == (ANSWER, b"miss")


async def test_a_leader_in_a_hurry_fails_alone() -> None:
    t = trial(is_silent, is_silent)
    hasty, patient = begun(t, ("x-trunkline-timeout", "1")), begun(t)
    await t.turn()
    t.passes(1.1)
    await t.until(lambda: len(t.wire.sent) == 2)
    t.wire.sent[1].reply(200, ANSWER)
    await all_ended(t)
    assert (hasty.status, patient.status, told(patient)) == (504, 200, b"miss")


async def test_an_answer_that_cannot_be_shared_lets_all_go_on_alone_and_nobody_waits_for_the_next() -> None:
    private = (b"cache-control", b"no-store")
    t = trial()
    heard = [t.begin("GET", "/api/proxy/acme/things") for _ in range(3)]
    await t.turn()
    assert len(t.wire.sent) == 1
    t.wire.sent[0].reply(200, b"{}", private)
    await t.turn()
    assert len(t.wire.sent) == 3
    more = [t.begin("GET", "/api/proxy/acme/things") for _ in range(2)]
    await t.turn()
    assert len(t.wire.sent) == 5
    for sent in t.wire.sent[1:]:
        sent.reply(200, b"{}", private)
    await all_ended(t)
    assert {told(h) for h in (*heard, *more)} == {b"miss"}
    t.clock.advance(PASS_S + 0.1)
    t.begin("GET", "/api/proxy/acme/things")
    t.begin("GET", "/api/proxy/acme/things")
    await t.turn()
    assert len(t.wire.sent) == 6


async def test_who_wants_a_fresh_answer_waits_for_nobody() -> None:
    t = trial(is_silent, OTHER)
    waiting = begun(t)
    await t.turn()
    fresh = begun(t, ("x-trunkline-cache", "no-cache"))
    await t.until(lambda: fresh.closed)
    t.wire.sent[0].reply(200, ANSWER)
    await all_ended(t)
    assert (waiting.body, b"tiny-2" in fresh.body) == (ANSWER, True)


async def test_a_call_waits_no_longer_than_its_own_time() -> None:
    t = trial(is_silent)
    begun(t)
    await t.turn()
    waiting = begun(t, ("x-trunkline-timeout", "0.001"))
    async with asyncio.timeout(5):
        while not waiting.closed:
            await asyncio.sleep(0)
    assert (waiting.status, t.ends[0].code, t.ends[0].tried) == (504, "deadline_exceeded", [])
    t.wire.sent[0].reply(200, ANSWER)
    await all_ended(t)
