"""What is done after a failure, as whole calls: repairs, budgets of repeats, what the caller is told of trying again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt
from trunkline.core.flow import Fallback, Queue, Repair, Retry
from trunkline.core.price import Price
from trunkline.core.service import Credential, Idempotency, Model, Operation
from trunkline.testing import JSON, Heard, Play, Trial, answers, fails, is_silent, service, streams
from trunkline.wire.errors import ConnectRefused, ResetBeforeReply

REPLY = b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
OK = answers(200, REPLY)
BUSY = answers(503, b'{"error":{"message":"busy"}}')
COST = (3 * 1.0 + 2 * 2.0) / 1e6


def refusal(status: int, code: str, message: str, param: str | None = None) -> Play:
    return answers(status, json.dumps({"error": {"message": message, "code": code, "param": param}}).encode())


TOO_LONG = refusal(400, "context_length_exceeded", "This model's maximum context length is 1000 tokens, not 1500 tokens.")  # fmt: skip
UNSUPPORTED = refusal(400, "unsupported_parameter", "Unsupported parameter: 'seed'", "seed")
TURNS = [{"role": "user", "content": "old" * 20}, {"role": "assistant", "content": "o"}, {"role": "user", "content": "new"}]  # fmt: skip


def body(**more: Any) -> bytes:
    return json.dumps({"model": "acme/tiny", "messages": TURNS, **more}).encode()


async def chat(trial: Trial, asked: bytes = b"") -> Heard:
    return await trial.ask("POST", "/v1/chat/completions", asked or body())


def mending(*plays: Play, services: Any = (), models: Any = (), **repair: Any) -> Trial:
    more = {"models": models} if models else {}
    return Trial(*plays, services=[service(repair=Repair(**repair), **more), *services])


def sent(trial: Trial) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in trial.wire.sent]


# Repairs.


@pytest.mark.row("F13")
async def test_a_context_that_is_too_long_goes_on_with_the_bigger_model() -> None:
    trial = mending(TOO_LONG, OK, models=[Model(id="tiny"), Model(id="big")], bigger_context="acme/big")
    heard = await chat(trial)
    assert [one["model"] for one in sent(trial)] == ["tiny", "big"]
    assert (heard.status, heard.field(b"x-trunkline-model")) == (200, b"acme/big")
    assert heard.field(b"x-trunkline-repair") == b"bigger_context:acme/big"
    assert heard.field(b"x-trunkline-fallback") is None
    assert trial.ends[0].notes == "repair=bigger_context:acme/big"


@pytest.mark.row("F13")
@pytest.mark.parametrize(("bigger", "attempts"), [("nobody/big", 2), ("other/big", 3), ("", 2)])
async def test_and_is_trimmed_where_that_does_not_help_or_is_not_there(bigger: str, attempts: int) -> None:
    other = service("other", repair=Repair(trim="oldest_messages"))
    plays = [*[TOO_LONG] * (attempts - 1), OK]
    trial = mending(*plays, services=[other], bigger_context=bigger, trim="oldest_messages")
    heard = await chat(trial)
    assert (heard.status, len(trial.wire.sent)) == (200, attempts)
    assert sent(trial)[-1]["messages"] == TURNS[2:]
    assert (heard.field(b"x-trunkline-repair") or b"").endswith(b"trim:oldest_messages")


@pytest.mark.row("F13")
async def test_an_unsupported_parameter_is_left_out() -> None:
    trial = mending(UNSUPPORTED, OK, drop_unsupported=True)
    heard = await chat(trial, body(seed=7, user="u"))
    assert sent(trial)[1] == {"model": "tiny", "messages": TURNS, "user": "u"}
    assert (heard.field(b"x-trunkline-repair"), trial.ends[0].notes) == (b"drop:seed", "repair=drop:seed")


@pytest.mark.row("F13")
async def test_repairs_stay_within_the_attempts_and_are_all_told() -> None:
    trial = mending(UNSUPPORTED, TOO_LONG, BUSY, BUSY, OK, drop_unsupported=True, trim="oldest_messages")
    heard = await chat(trial, body(seed=7))
    assert (heard.status, len(trial.wire.sent)) == (503, 4)
    assert heard.field(b"x-trunkline-repair") == b"drop:seed, trim:oldest_messages"
    assert trial.ends[0].notes == "repair=drop:seed;repair=trim:oldest_messages"


@pytest.mark.row("F13")
async def test_what_is_not_declared_is_not_mended() -> None:
    trial = Trial(UNSUPPORTED)
    heard = await chat(trial, body(seed=7))
    assert (heard.status, len(trial.wire.sent)) == (400, 1)


@pytest.mark.row("F13", "F4")
async def test_a_fallback_gets_the_request_as_it_was_before_repairs() -> None:
    first = service(
        repair=Repair(trim="oldest_messages"), fallback=[Fallback(kind="target", target="other/big")]
    )
    trial = Trial(TOO_LONG, TOO_LONG, OK, services=[first, service("other")])
    await chat(trial)
    assert [len(one["messages"]) for one in sent(trial)] == [3, 1, 3]


@pytest.mark.row("F13")
async def test_a_text_that_is_not_the_json_asked_for_is_asked_for_once_more() -> None:
    def says(text: str) -> Play:
        reply = {
            "model": "tiny-1",
            "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2},
        }
        return answers(200, json.dumps(reply).encode())

    wish = body(response_format={"type": "json_object"})
    for plays, made in (
        ([says("sorry"), says("{}")], 2),
        ([says("{}")], 1),
        ([says("sorry"), says("no")], 2),
    ):
        trial = mending(*plays, malformed_again=True)
        heard = await chat(trial, wish)
        assert (heard.status, len(trial.wire.sent)) == (200, made)
        end = trial.ends[0]
        assert end.notes == ("repair=malformed_again" if made == 2 else "")
        assert (end.cost_usd, end.wasted_usd) == (pytest.approx(COST), pytest.approx((made - 1) * COST))
    trial = mending(says("sorry"), malformed_again=True)
    await chat(trial)
    assert len(trial.wire.sent) == 1


# Budgets of repeats.


@pytest.mark.row("F1")
async def test_repeats_of_all_calls_together_are_a_share_of_them() -> None:
    spec = service(retry=Retry(backoff=0.0, budget=0.2, budget_floor=3.0))
    trial = Trial(*[BUSY] * 500, services=[spec], only=True)
    for _ in range(100):
        await trial.ask("GET", "/api/proxy/acme/x")
    repeated = len(trial.wire.sent) - 100
    assert 20 <= repeated <= 0.2 * 100 + 3
    last = trial.ends[-1]
    assert len(last.tried) <= 2
    assert last.notes == "stopped=retry budget spent"


@pytest.mark.row("F1")
async def test_the_budget_is_of_the_vendor_in_trouble_alone() -> None:
    spec = service(retry=Retry(backoff=0.0, budget=0.0, budget_floor=0.0))
    pool = service("pool", credentials=[Credential(ref="env:A"), Credential(ref="env:B")], retry=spec.retry)
    trial = Trial(BUSY, answers(429, b"{}"), OK, answers(401, b"{}"), OK, services=[spec, pool])
    statuses = [
        (await trial.ask("GET", path)).status
        for path in ("/api/proxy/acme/x", "/api/proxy/acme/x", "/api/proxy/pool/x")
    ]
    assert statuses == [503, 200, 200]


# What is told.


@pytest.mark.row("F1", "E1")
@pytest.mark.parametrize(
    ("plays", "method", "headers", "told"),
    [
        ([BUSY] * 4, "GET", (), b"false"),
        ([answers(429, b"{}", JSON, (b"retry-after", b"30"))], "GET", (), b"true"),
        ([answers(429, b"{}", JSON, (b"retry-after", b"3600"))], "GET", (), b"false"),
        ([answers(503, b"{}", JSON, (b"retry-after", b"30"))], "GET", (), b"true"),
        ([answers(503, b"{}", JSON, (b"retry-after", b"30"))], "POST", (), b"false"),
        ([fails(ResetBeforeReply("reset", sent=True))], "POST", (), b"false"),
        ([BUSY], "POST", (), b"false"),
        ([BUSY], "GET", (("x-trunkline-max-attempts", "1"),), b"false"),
        ([answers(400, b"{}")], "GET", (), b"false"),
        ([answers(409, b"{}")], "GET", (), b"false"),
        ([fails(ConnectRefused("refused"), sent=False)] * 4, "POST", (), b"false"),
    ],
)
async def test_whether_an_sdk_should_try_again(
    plays: list[Play], method: str, headers: tuple[tuple[str, str], ...], told: bytes
) -> None:
    trial = Trial(*plays)
    heard = await trial.ask(method, "/api/proxy/acme/x", b"{}" if method == "POST" else b"", *headers)
    assert (heard.field(b"x-should-retry"), heard.field(b"stripe-should-retry")) == (told, told)


@pytest.mark.row("F1")
async def test_a_pool_tells_when_the_first_of_it_may_serve_again() -> None:
    def limited(seconds: bytes) -> Play:
        return answers(429, b"{}", JSON, (b"retry-after", seconds))

    pool = service(credentials=[Credential(ref="env:A"), Credential(ref="env:B")])
    heard = await Trial(limited(b"30"), limited(b"3600"), services=[pool]).ask("GET", "/api/proxy/acme/x")
    assert (heard.status, heard.field(b"retry-after"), heard.field(b"x-should-retry")) == (
        429,
        b"30",
        b"true",
    )


@pytest.mark.row("F1")
async def test_a_slow_failure_is_not_tried_again_late() -> None:
    spec = service(retry=Retry(backoff=0.0, slow=5.0))
    trial = Trial(is_silent, OK, services=[spec])
    heard = trial.begin("GET", "/api/proxy/acme/x")
    await trial.turn()
    trial.clock.advance(5.1)
    trial.wire.sent[0].reply(503, b"{}")
    await trial.until(lambda: heard.closed)
    assert (heard.status, len(trial.wire.sent)) == (503, 1)
    assert trial.ends[0].notes == "stopped=it failed too late to be tried again"


@pytest.mark.row("F1", "F2")
async def test_a_key_makes_a_repeat_safe_at_the_account_that_knows_it_and_nowhere_else() -> None:
    lost = fails(ResetBeforeReply("reset", sent=True))
    keyed = Operation(name="pay", method="POST", path="/pay", repeat="with_key")
    pool = service(
        credentials=[Credential(ref="env:A"), Credential(ref="env:B")],
        idempotency=Idempotency(header="Idempotency-Key"),
        operations=[keyed],
        fallback=[Fallback(kind="target", target="other")],
    )
    trial = Trial(lost, lost, answers(201, b"{}"), services=[pool, service("other")])
    heard = await trial.ask("POST", "/api/proxy/acme/pay", b"{}", ("idempotency-key", "k-1"))
    assert (heard.status, {t.credential for t in trial.ends[0].tried}) == (201, {trial.begins[0].credential})


# What was paid and thrown away.


@pytest.mark.row("F1", "O1")
@pytest.mark.parametrize(
    ("first", "stream", "wasted"),
    [
        (answers(200, b"<html>"), False, COST),
        (BUSY, False, 0.0),
        (fails(ConnectRefused("refused"), sent=False), False, 0.0),
        (streams(b'data: {"model":"tiny-1","choices":[{"delta":{"role":"assistant"}}]}\n\n'), True, 3 / 1e6),
        (streams(b'data: {"model":"m","choices":[{"delta":{}}]}\n\ndata: {"error":{"message":"overloaded"}}\n\n'), True, 0.0),
    ],
    ids=["no JSON", "busy", "refused", "cut before content", "error before content"],
)  # fmt: skip
async def test_what_was_paid_for_nothing_is_recorded(first: Play, stream: bool, wasted: float) -> None:
    content = b'data: {"model":"tiny-1","choices":[{"delta":{"content":"a"}}]}\n\n'
    last = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n'
    good = streams(content, last) if stream else OK
    trial = Trial(first, good)
    heard = await chat(trial, b'{"model":"acme/tiny","stream":true}' if stream else b'{"model":"acme/tiny"}')
    assert heard.status == 200
    end = trial.ends[0]
    assert (end.cost_usd, end.wasted_usd) == (pytest.approx(COST), pytest.approx(wasted))


@pytest.mark.row("F1")
async def test_usage_that_a_broken_stream_had_told_is_what_it_cost() -> None:
    message = b'{"model":"c","usage":{"input_tokens":100,"output_tokens":1}}'
    start = b'event: message_start\ndata: {"type":"message_start","message":%b}\n\n' % message
    rest = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )
    other = service("other", models=[Model(id="big", price=Price(input=10.0, output=10.0))])
    spec = service(fallback=[Fallback(kind="target", target="other/big")], retry=Retry(attempts=2))
    trial = Trial(streams(start), streams(start, rest), services=[spec, other])
    heard = await trial.ask("POST", "/v1/messages", b'{"model":"acme/tiny","stream":true,"max_tokens":9}')
    assert heard.body == start + rest
    assert (trial.ends[0].cost_usd, trial.ends[0].wasted_usd) == (
        pytest.approx((100 + 1) * 10 / 1e6),
        pytest.approx((100 + 2 * 1) / 1e6),
    )


# Another credential for one that was refused.


class Reread:
    """A renewal that has nothing new; it tells how long it was waited for."""

    def __init__(self) -> None:
        self.within_s: list[float] = []

    async def ready(self, within_s: float) -> None:
        """Nothing is missing."""

    def refused(self, attempt: Attempt, error: CallError) -> None:
        """As a source that is read once more."""
        error.again, error.retry_at = True, 0.0

    async def renewed(self, attempt: Attempt, within_s: float) -> bool:
        self.within_s.append(within_s)
        return False


@pytest.mark.row("F4", "S3")
@pytest.mark.parametrize(
    ("spec", "waited", "status"),
    [
        ({"fallback": [Fallback(kind="target", target="zenith/tiny")]}, 1.0, 200),
        (
            {"fallback": [Fallback(kind="target", target="zenith/tiny")], "queue": Queue(patience=0.25)},
            0.25,
            200,
        ),
        ({"fallback": [Fallback(kind="target", target="zenith/tiny", on=["overloaded"])]}, 4.0, 401),
        ({}, 4.0, 401),
        ({"credentials": [Credential(ref="env:A"), Credential(ref="env:B")]}, 0.0, 401),
    ],
    ids=["a fallback", "less patience", "one for other failures", "no fallback", "a pool"],
)
async def test_a_refused_credential_is_waited_for_only_as_long_as_time_is_left_for_what_comes_then(
    spec: dict[str, Any], waited: float, status: int
) -> None:
    denied = answers(401, b'{"error":{"message":"no"}}')
    plays = [denied, OK] if status == 200 else [denied, denied]
    trial = Trial(*plays, services=[service(**spec), service("zenith")])
    reread = Reread()
    for member in trial.gateway.world.services["acme"].members:
        member.renewal = reread
    heard = await trial.ask("POST", "/v1/chat/completions", body(), ("x-trunkline-timeout", "8"))
    assert (heard.status, reread.within_s[0]) == (status, pytest.approx(waited))
