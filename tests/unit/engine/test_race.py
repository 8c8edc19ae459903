"""A second request beside one that is late: one answer, one loser that is cancelled, both admitted, recorded and settled once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt
from trunkline.core.flow import Hedge, Retry, Timeouts
from trunkline.core.service import Credential
from trunkline.engine.world import Dead
from trunkline.gateway import kills
from trunkline.testing import Heard, Play, Trial, answers, fails, is_silent, service, streams
from trunkline.testing.virtual_time import LoopClock, run
from trunkline.wire.errors import ReplyCut

pytestmark = pytest.mark.row("F5")

CHAT = b'{"model":"acme/tiny"}'
STREAM = b'{"model":"acme/tiny","stream":true}'
REPLY = b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
OK = answers(200, REPLY)
BUSY = answers(503, b'{"error":{"message":"busy"}}')
HELLO = b'data: {"model":"tiny-1","choices":[{"delta":{"role":"assistant"}}]}\n\n'
CONTENT = b'data: {"model":"tiny-1","choices":[{"delta":{"content":"a"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
COST = (3 * 1.0 + 2 * 2.0) / 1e6
LATE = Hedge(after=0.5, share=1.0, usd_per_day=1.0)


def in_virtual_time(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a story as a test, in time that passes by itself."""

    @wraps(story)
    def test(*args: Any, **kwargs: Any) -> None:
        run(story(*args, **kwargs))

    return test


async def passes(seconds: float) -> None:
    """Virtual time."""
    await asyncio.sleep(seconds)


def takes(seconds: float, body: bytes = REPLY, status: int = 200) -> Play:
    """A vendor that answers after a while."""
    return lambda sent: later(seconds, sent.reply, status, body)


def later(seconds: float, act: Callable[..., Any], *given: Any) -> None:
    asyncio.get_running_loop().call_later(seconds, act, *given)


class Noting:
    """An attempt policy that counts."""

    def __init__(self) -> None:
        self.admitted: Counter[int] = Counter()
        self.settled: list[tuple[int, str]] = []

    def admit(self, attempt: Attempt) -> None:
        self.admitted[attempt.n] += 1

    def settle(self, attempt: Attempt) -> None:
        self.settled.append((attempt.n, attempt.error.code if attempt.error else ""))


def hedged(*plays: Play, hedge: Hedge = LATE, **changes: Any) -> tuple[Trial, Noting]:
    noting = Noting()
    spec = service(hedge=hedge, **changes)
    return Trial(*plays, services=[spec], attempts=[noting], clock=LoopClock()), noting


async def begun(trial: Trial, body: bytes = CHAT, *headers: tuple[str, str]) -> Heard:
    """A call whose first request is late: the second is out."""
    heard = trial.begin("POST", "/v1/chat/completions", body, *headers)
    await passes(0.6)
    return heard


async def over(trial: Trial, heard: Heard) -> None:
    await trial.until(lambda: heard.closed and not trial.gateway.running)


@pytest.mark.parametrize(("winner", "note"), [(0, "hedge=lost"), (1, "hedge=won")])
@in_virtual_time
async def test_whoever_answers_first_wins_and_the_other_is_cancelled(winner: int, note: str) -> None:
    trial, noting = hedged(is_silent, is_silent)
    heard = await begun(trial)
    first, second = trial.wire.sent
    assert first.head == second.head
    await passes(1.0)
    trial.wire.sent[winner].reply(200, REPLY)
    await over(trial, heard)
    assert (heard.status, heard.body, heard.whole) == (200, REPLY, True)
    assert [sent.dropped for sent in trial.wire.sent] == [winner == 1, winner == 0]
    end = trial.ends[0]
    assert [(t.n, t.code) for t in end.tried] == [
        (1, "cancelled" if winner else ""),
        (2, "" if winner else "cancelled"),
    ]
    assert (end.state, end.notes, end.cost_usd, end.wasted_usd) == (
        "ok",
        note,
        pytest.approx(COST),
        pytest.approx(COST),
    )
    assert heard.field(b"x-trunkline-attempts") == b"%d" % (winner + 1)
    # More than a second and a half of waiting for the vendor, none of it ours.
    assert abs(end.overhead_us) <= 1
    assert noting.admitted == {1: 1, 2: 1}
    assert sorted(noting.settled) == [(1, end.tried[0].code), (2, end.tried[1].code)]
    assert trial.sweeper.running == set()


@in_virtual_time
async def test_the_second_is_recorded_before_it_is_sent() -> None:
    trial, _ = hedged(is_silent, OK)
    heard = await begun(trial)
    await over(trial, heard)
    (again,) = trial.agains
    assert (again.n, again.previous.n, again.previous.code) == (2, 1, "cancelled")
    assert again.previous.message == "it was still running when the next attempt began"


@in_virtual_time
async def test_the_second_goes_to_another_member_of_the_pool() -> None:
    trial, _ = hedged(is_silent, OK, credentials=[Credential(ref="env:A"), Credential(ref="env:B")])
    heard = await begun(trial)
    await over(trial, heard)
    assert {t.credential for t in trial.ends[0].tried} == {"env:A", "env:B"}


@in_virtual_time
async def test_an_answer_in_time_is_alone() -> None:
    trial, noting = hedged(OK, hedge=Hedge(after=60.0, share=1.0, usd_per_day=1.0))
    heard = await trial.ask("POST", "/v1/chat/completions", CHAT)
    assert (heard.status, len(trial.wire.sent), trial.ends[0].notes, noting.admitted) == (200, 1, "", {1: 1})


@pytest.mark.parametrize("winner", [0, 1])
@in_virtual_time
async def test_of_two_streams_the_one_with_the_first_content_is_passed_on(winner: int) -> None:
    trial, _ = hedged(streams(HELLO, end=False), streams(HELLO, end=False))
    heard = await begun(trial, STREAM)
    assert not heard.started
    won, lost = trial.wire.sent[winner], trial.wire.sent[1 - winner]
    won.piece(CONTENT)
    await trial.turn()
    assert (heard.body, lost.dropped) == (HELLO + CONTENT, True)
    assert heard.flow is not None
    heard.flow(True)
    assert (won.held_back, lost.held_back) == (True, False)
    heard.flow(False)
    won.piece(b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n' + DONE)
    won.end()
    await over(trial, heard)
    end = trial.ends[0]
    assert (end.state, end.cost_usd) == ("ok", pytest.approx(COST))
    # The loser had said nothing yet: its input was read.
    assert end.wasted_usd == pytest.approx(3 / 1e6)


@in_virtual_time
async def test_while_a_second_stream_may_win_openings_are_held_back() -> None:
    trial, _ = hedged(streams(HELLO, end=False), streams(HELLO, end=False))
    heard = await begun(trial, STREAM)
    for _ in range(8):
        await passes(1.0)
        trial.sweeper.sweep(trial.clock())
    assert not heard.started
    trial.wire.sent[0].piece(CONTENT + DONE)
    trial.wire.sent[0].end()
    await over(trial, heard)
    assert heard.body == HELLO + CONTENT + DONE


@in_virtual_time
async def test_a_stream_that_breaks_after_it_has_won_ends_with_an_error() -> None:
    trial, _ = hedged(is_silent, streams(CONTENT, end=False))
    heard = await begun(trial, STREAM)
    trial.wire.sent[1].fail(ReplyCut("cut", sent=True))
    await over(trial, heard)
    assert heard.body.startswith(CONTENT)
    assert b'"code":"network"' in heard.body
    assert [(t.n, t.code) for t in trial.ends[0].tried] == [(1, "cancelled"), (2, "network")]
    assert trial.ends[0].state == "truncated"


@in_virtual_time
async def test_the_first_fails_and_the_second_answers() -> None:
    trial, noting = hedged(is_silent, is_silent)
    heard = await begun(trial)
    trial.wire.sent[0].reply(503, b'{"error":{"message":"busy"}}')
    await trial.turn()
    assert not heard.closed
    trial.wire.sent[1].reply(200, REPLY)
    await over(trial, heard)
    assert [(t.n, t.code) for t in trial.ends[0].tried] == [(1, "overloaded"), (2, "")]
    assert (heard.status, trial.ends[0].notes, trial.ends[0].wasted_usd) == (200, "hedge=won", 0.0)
    assert sorted(noting.settled) == [(1, "overloaded"), (2, "")]


@in_virtual_time
async def test_the_second_fails_and_the_first_answers() -> None:
    trial, _ = hedged(is_silent, BUSY)
    heard = await begun(trial)
    assert not heard.closed
    trial.wire.sent[0].reply(200, REPLY)
    await over(trial, heard)
    assert [(t.n, t.code) for t in trial.ends[0].tried] == [(1, ""), (2, "overloaded")]
    assert (heard.status, trial.ends[0].notes) == (200, "hedge=lost")


@in_virtual_time
async def test_both_fail_and_the_call_goes_on_with_two_attempts_less() -> None:
    trial, noting = hedged(is_silent, BUSY, BUSY, BUSY)
    heard = await begun(trial)
    trial.wire.sent[0].reply(503, b'{"error":{"message":"busy"}}')
    await over(trial, heard)
    assert [(t.n, t.code) for t in trial.ends[0].tried] == [(n, "overloaded") for n in (1, 2, 3, 4)]
    assert [again.previous.n for again in trial.agains] == [1, 2, 3]
    assert (heard.status, sum(noting.admitted.values()), len(noting.settled)) == (503, 4, 4)


@pytest.mark.row("F6")
@pytest.mark.parametrize("how", ["hang up", "kill", "cancel", "deadline"])
@in_virtual_time
async def test_whatever_ends_the_call_ends_both(how: str) -> None:
    trial, noting = hedged(is_silent, is_silent, timeout=Timeouts(total=5.0))
    heard = await begun(trial)
    (exchange,) = trial.gateway.running
    if how == "hang up":
        heard.hang_up()
    elif how == "kill":
        trial.gateway.cut(exchange, CallError("unauthenticated", "revoked"))
    elif how == "cancel":
        heard.hang_up()
    else:
        await passes(5.0)
        trial.sweeper.sweep(trial.clock())
    await over(trial, heard)
    assert [sent.dropped for sent in trial.wire.sent] == [True, True]
    code = {
        "hang up": "cancelled",
        "kill": "unauthenticated",
        "cancel": "cancelled",
        "deadline": "deadline_exceeded",
    }[how]
    assert trial.ends[0].code == code
    assert sorted(noting.settled) == [(1, code), (2, code)]
    assert len(trial.ends[0].tried) == 2
    assert trial.sweeper.running == set()


@pytest.mark.row("S4")
@in_virtual_time
async def test_a_revoked_credential_of_either_ends_the_call() -> None:
    for revoked in ("env:A", "env:B"):
        pool = [Credential(ref="env:A"), Credential(ref="env:B")]
        trial, _ = hedged(is_silent, is_silent, credentials=pool, retry=Retry(attempts=2))
        heard = await begun(trial)
        dead = kills.Kills(frozenset(), Dead(frozenset((revoked,))))
        kills.enforce(dead, trial.gateway.running, trial.gateway.cut, trial.queue.recheck)
        await over(trial, heard)
        assert (heard.status, [sent.dropped for sent in trial.wire.sent]) == (503, [True, True])


@in_virtual_time
async def test_a_second_that_waits_for_a_place_gives_it_up() -> None:
    class Holding(Noting):
        def admit(self, attempt: Attempt) -> Any:
            super().admit(attempt)
            return asyncio.get_running_loop().create_future() if attempt.n == 2 else None

    holding = Holding()
    trial = Trial(is_silent, services=[service(hedge=LATE)], attempts=[holding], clock=LoopClock())
    heard = trial.begin("POST", "/v1/chat/completions", CHAT)
    await passes(0.6)
    trial.wire.sent[0].reply(200, REPLY)
    await over(trial, heard)
    assert (heard.status, len(trial.wire.sent), [t.n for t in trial.ends[0].tried]) == (200, 1, [1])
    assert holding.settled == [(1, "")]


@in_virtual_time
async def test_a_second_that_is_refused_is_as_if_it_had_never_been() -> None:
    class Refusing(Noting):
        def admit(self, attempt: Attempt) -> None:
            super().admit(attempt)
            if attempt.n == 2:
                raise CallError("rate_limited", "no place", scope="integration")

    refusing = Refusing()
    trial = Trial(is_silent, services=[service(hedge=LATE)], attempts=[refusing], clock=LoopClock())
    heard = trial.begin("POST", "/v1/chat/completions", CHAT)
    await passes(0.6)
    trial.wire.sent[0].reply(200, REPLY)
    await over(trial, heard)
    end = trial.ends[0]
    assert (heard.status, end.wasted_usd, end.notes, [t.n for t in end.tried]) == (200, 0.0, "", [1])


@pytest.mark.parametrize(
    ("method", "target", "body", "changes"),
    [
        ("POST", "/api/proxy/acme/charges", b"{}", {}),
        ("POST", "/v1/chat/completions", CHAT, {"retry": Retry(attempts=1)}),
        ("POST", "/v1/chat/completions", CHAT, {"hedge": Hedge(after=0.5, share=0.0, usd_per_day=1.0)}),
        ("POST", "/v1/chat/completions", CHAT, {"hedge": Hedge(after=0.5, share=1.0)}),
        ("POST", "/v1/chat/completions", CHAT, {"hedge": Hedge(share=1.0, usd_per_day=1.0)}),
    ],
    ids=["an act", "one attempt", "no share", "no money", "nothing learned"],
)
@in_virtual_time
async def test_what_is_not_hedged(method: str, target: str, body: bytes, changes: dict[str, Any]) -> None:
    trial, _ = hedged(is_silent, **changes)
    heard = trial.begin(method, target, body)
    await passes(5.0)
    assert len(trial.wire.sent) == 1
    trial.wire.sent[0].reply(200, REPLY)
    await over(trial, heard)
    assert heard.status == 200


@in_virtual_time
async def test_a_read_is_hedged_and_costs_nothing() -> None:
    trial, _ = hedged(is_silent, answers(200, b"[]"), hedge=Hedge(after=0.5, share=1.0))
    heard = trial.begin("GET", "/api/proxy/acme/x")
    await passes(0.6)
    await over(trial, heard)
    assert (heard.status, trial.ends[0].notes, trial.ends[0].wasted_usd) == (200, "hedge=won", 0.0)


@in_virtual_time
async def test_what_is_late_is_learned() -> None:
    trial, _ = hedged(hedge=Hedge(share=1.0, usd_per_day=1.0))
    for n in range(40):
        trial.wire.plays.append(takes(2.0 if n % 10 else 1.0))
        heard = trial.begin("POST", "/v1/chat/completions", CHAT)
        await passes(3.0)
        assert heard.closed
    assert len(trial.wire.sent) == 40
    trial.wire.plays.extend([takes(10.0), takes(1.0)])
    began = trial.clock()
    heard = trial.begin("POST", "/v1/chat/completions", CHAT)
    await passes(9.0)
    assert (heard.closed, trial.ends[-1].notes) == (True, "hedge=won")
    # The second went out when the first was later than nearly all before it, which took two seconds.
    assert 1.8 <= trial.ends[-1].tried[1].offset_us / 1e6 <= 2.5
    assert began < trial.clock()


@in_virtual_time
async def test_losers_stop_it_when_they_have_cost_what_they_may() -> None:
    trial, _ = hedged(hedge=Hedge(after=0.5, share=1.0, usd_per_day=COST * 2.5))
    for _ in range(4):
        trial.wire.plays.extend([takes(3.0), takes(1.0)])
        heard = trial.begin("POST", "/v1/chat/completions", CHAT)
        await passes(5.0)
        assert heard.closed
        trial.wire.plays.clear()
    assert [end.notes for end in trial.ends] == ["hedge=won", "hedge=won", "", ""]
    assert sum(end.wasted_usd for end in trial.ends) == pytest.approx(2 * COST)


@in_virtual_time
async def test_a_failed_call_with_a_race_holds_nothing() -> None:
    trial, _ = hedged(is_silent, fails(ReplyCut("cut", sent=True)), retry=Retry(attempts=2))
    heard = await begun(trial)
    trial.wire.sent[0].fail(ReplyCut("cut", sent=True))
    await over(trial, heard)
    assert (heard.status, len(trial.ends[0].tried)) == (502, 2)
    await trial.turn()
    assert len(asyncio.all_tasks()) == 1


@in_virtual_time
async def test_an_answer_that_could_not_be_cut_any_more_comes_too_late() -> None:
    trial, _ = hedged(is_silent, is_silent)
    heard = await begun(trial)
    (exchange,) = trial.gateway.running
    race = exchange.race
    trial.wire.sent[1].reply(200, REPLY)
    await trial.turn()
    # The first might just be read in a thread, where no abort reaches it.
    assert (race.claim(race.first), race.claim(race.second)) == (False, True)
    await over(trial, heard)
    assert trial.ends[0].notes == "hedge=won"


@pytest.mark.filterwarnings("error")
@in_virtual_time
async def test_a_race_that_is_dropped_with_its_loop_ends_quietly() -> None:
    trial, _ = hedged(is_silent, is_silent)
    await begun(trial)
    assert len(trial.wire.sent) == 2


@in_virtual_time
async def test_a_defect_in_the_midst_of_a_race_ends_both() -> None:
    trial, noting = hedged(is_silent, is_silent)
    heard = await begun(trial)

    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    (exchange,) = trial.gateway.running
    exchange.adapter = type("Broken", (), {"read": broken})()
    trial.wire.sent[0].reply(200, REPLY)
    await over(trial, heard)
    assert (heard.status, trial.wire.sent[1].dropped) == (500, True)
    assert sorted(n for n, _ in noting.settled) == [1, 2]
