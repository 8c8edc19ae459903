"""What the kills file says, and which running calls must end for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.core.call import Caller, Live, Member, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.flow import Cache, Fallback, Limit, Retry
from trunkline.core.service import Credential
from trunkline.engine.world import Dead, refuse
from trunkline.gateway.kills import Kills, ended, enforce, read
from trunkline.testing import Heard, Trial, answers, caller_key, is_silent, request, service

pytestmark = pytest.mark.row("S4")


def test_the_last_line_about_each_subject_counts(tmp_path: Path) -> None:
    (tmp_path / "kills").write_text(
        '{"at": 1, "what": "key", "subject": "key_1", "dead": true}\n'
        '{"at": 2, "what": "credential", "subject": "env:A", "dead": true, "why": "leaked"}\n'
        '{"at": 3, "what": "integration", "subject": "acme", "dead": true, "why": "wrong amounts"}\n'
        '{"at": 4, "what": "integration", "subject": "other", "dead": true}\n'
        '{"at": 5, "what": "integration", "subject": "other", "dead": false}\n'
        '{"at": 6, "what": "key", "sub'
    )
    assert read(tmp_path / "kills") == Kills(
        frozenset({"key_1"}), Dead(frozenset({"env:A"}), {"acme": "wrong amounts"})
    )
    assert read(tmp_path / "nothing") == Kills()


def running(**attempt: Any) -> Exchange:
    """A call of key-1 that waits for acme's answer."""
    exchange = Exchange(request(), Heard(), "call-1", 1.0, 2.0)
    exchange.caller = Caller(caller_key())
    target = Target(Live(service()), Member("env:ACME_KEY", 1, None, b"", b""))
    exchange.attempt = Attempt(exchange, target, 1, 1.0)
    exchange.attempt.response = object()
    for name, value in attempt.items():
        setattr(exchange.attempt, name, value)
    return exchange


@pytest.mark.parametrize(
    ("kills", "code"),
    [
        (Kills(frozenset({"key-1"})), "unauthenticated"),
        (Kills(frozenset({"key-2"})), None),
        (Kills(vendors=Dead(frozenset({"env:ACME_KEY"}))), "secret_unavailable"),
        (Kills(vendors=Dead(integrations={"acme": "wrong amounts"})), "disabled"),
        (Kills(vendors=Dead(frozenset({"env:OTHER"}), {"other": ""})), None),
    ],
)
def test_a_call_ends_when_its_key_its_credential_or_its_integration_died(
    kills: Kills, code: str | None
) -> None:
    error = ended(running(), kills)
    assert (error.code if error is not None else None) == code


def test_the_reason_is_told() -> None:
    error = ended(running(), Kills(vendors=Dead(integrations={"acme": "wrong amounts"})))
    assert error is not None
    assert (
        error.message
        == "integration 'acme' is disabled (wrong amounts); `trunkline integrations enable acme`"
    )


def test_a_call_that_asks_no_dead_vendor_just_now_goes_on() -> None:
    dead = Kills(vendors=Dead(integrations={"acme": ""}))
    assert ended(running(response=None), dead) is None
    assert ended(running(error=CallError("network", "x")), dead) is None


async def test_a_cut_stream_of_a_dead_key_ends_with_an_error_of_its_dialect_and_is_not_tried_again() -> None:
    trial = Trial(lambda sent: sent.begin(), lambda sent: sent.reply(200, b"{}"))
    body = b'{"model":"acme/tiny","stream":true,"messages":[]}'
    heard = trial.begin("POST", "/v1/chat/completions", body)
    await trial.turn()
    trial.wire.sent[0].piece(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
    await trial.turn()
    (exchange,) = trial.gateway.running
    error = ended(exchange, Kills(frozenset({"key-1"})))
    assert error is not None
    trial.gateway.cut(exchange, error)
    await trial.until(lambda: heard.closed)
    await trial.turn()

    assert b'"content":"a"' in heard.body
    assert b"was revoked" in heard.body
    assert (len(trial.wire.sent), trial.ends[0].code) == (1, "unauthenticated")


# Calls that wait.


def in_line(*, pool: bool = False, fallback: bool = False) -> tuple[Trial, Heard, Heard]:
    """Acme has one place, which the first call holds; the second waits for it."""
    credentials = (
        [Credential(ref="env:ONE", weight=1000), Credential(ref="env:TWO")]
        if pool
        else [Credential(ref="env:ONE")]
    )
    chain = [Fallback(kind="target", target="zenith", on=["disabled"])] if fallback else []
    acme = service(credentials=credentials, limits=[Limit(concurrency=1)], fallback=chain)
    trial = Trial(is_silent, services=[acme, service("zenith")])
    if pool:  # the second credential's place is held, too
        trial.wire.plays.extend([is_silent])
        trial.begin("GET", "/api/proxy/acme/0")
    first, second = (trial.begin("GET", f"/api/proxy/acme/{n}") for n in (1, 2))
    return trial, first, second


def throw(trial: Trial, dead: Kills) -> None:
    """As the gateway does it when the file says so."""
    enforce(dead, trial.gateway.running, trial.gateway.cut, trial.queue.recheck)


async def test_a_call_of_a_dead_key_that_waits_in_line_is_told_so_at_once() -> None:
    trial, _, waiting = in_line()
    await trial.turn()
    throw(trial, Kills(frozenset({"key-1"})))
    await trial.until(lambda: not trial.gateway.running)
    assert (waiting.status, b"was revoked" in waiting.body) == (401, True)
    assert sorted((end.state, end.code) for end in trial.ends) == [("error", "unauthenticated")] * 2
    assert len(trial.wire.sent) == 1
    assert repr(trial.queue) == "Queue({})"


async def test_a_call_that_waits_for_a_disabled_integration_is_told_so_at_once_and_never_sent() -> None:
    trial, first, waiting = in_line()
    await trial.turn()
    throw(trial, Kills(vendors=Dead(integrations={"acme": "wrong amounts"})))
    await trial.until(lambda: not trial.gateway.running)
    assert [(heard.status, b"wrong amounts" in heard.body) for heard in (first, waiting)] == [(503, True)] * 2
    assert [(end.state, end.code) for end in trial.ends] == [("error", "disabled")] * 2
    assert len(trial.wire.sent) == 1, "its turn had come when the first was cut"
    assert repr(trial.queue) == "Queue({})"


async def test_one_that_waits_for_a_revoked_credential_goes_on_with_another_of_the_pool() -> None:
    trial, first, waiting = in_line(pool=True)
    await trial.turn()
    assert len(trial.wire.sent) == 2, "one call at each credential, the third waits for the first"
    trial.wire.plays.extend([answers(200, b"{}")] * 2)
    throw(trial, Kills(vendors=Dead(frozenset({"env:ONE"}))))
    trial.wire.sent[1].reply(200, b"{}")
    await trial.until(lambda: not trial.gateway.running)
    assert (first.status, waiting.status, len(trial.wire.sent)) == (200, 200, 4)
    assert {end.tried[-1].credential for end in trial.ends} == {"env:TWO"}
    assert (
        sorted(one.code for end in trial.ends for one in end.tried if one.code) == ["secret_unavailable"] * 2
    )


async def test_one_that_waits_for_a_disabled_integration_goes_to_its_fallback() -> None:
    trial, _, waiting = in_line(fallback=True)
    trial.wire.plays.append(answers(200, b"{}"))
    trial.wire.plays.append(answers(200, b"{}"))
    await trial.turn()
    throw(trial, Kills(vendors=Dead(integrations={"acme": ""})))
    await trial.until(lambda: waiting.closed)
    assert (waiting.status, waiting.field(b"x-trunkline-fallback")) == (200, b"target=zenith")


async def test_one_that_waits_before_a_repeat_is_not_sent_again() -> None:
    trial = Trial(answers(503, b"{}"), answers(200, b"{}"), services=[service(retry=Retry(backoff=60.0))])
    heard = trial.begin("GET", "/api/proxy/acme/x")
    await trial.turn()
    assert len(trial.wire.sent) == 1
    throw(trial, Kills(frozenset({"key-1"})))
    await trial.until(lambda: not trial.gateway.running)
    assert (heard.status, trial.ends[0].code, trial.ends[0].state) == (401, "unauthenticated", "error")
    assert len(trial.wire.sent) == 1


async def test_one_that_waits_for_the_answer_to_an_equal_call_is_told_so() -> None:
    trial = Trial(is_silent, services=[service(cache=Cache(ttl=60.0))], keys=[caller_key()])
    first = trial.begin("GET", "/api/proxy/acme/x")
    await trial.turn()
    waiting = trial.begin("GET", "/api/proxy/acme/x")
    await trial.turn()
    throw(trial, Kills(frozenset({"key-1"})))
    await trial.until(lambda: not trial.gateway.running)
    assert {heard.status for heard in (first, waiting)} == {401}
    assert {end.code for end in trial.ends} == {"unauthenticated"}


async def test_the_end_of_the_process_is_told_to_who_waits_in_line() -> None:
    trial, _, waiting = in_line()
    await trial.turn()
    for exchange in list(trial.gateway.running):
        trial.gateway.cut(exchange, CallError("shutting_down", "the process stopped"))
    await trial.until(lambda: not trial.gateway.running)
    assert (waiting.status, {end.code for end in trial.ends}) == (503, {"shutting_down"})


async def test_a_credential_that_died_while_a_call_waited_is_not_sent_even_if_nobody_told_the_line() -> None:
    trial, _, waiting = in_line()
    await trial.turn()
    for live in trial.gateway.world.services.values():
        refuse(live, Dead(integrations={"acme": ""}))
    trial.wire.sent[0].reply(200, b"{}")
    await trial.until(lambda: waiting.closed)
    assert (waiting.status, len(trial.wire.sent)) == (503, 1)
