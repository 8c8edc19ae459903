"""What is done instead when a call fails: whole calls through a gateway in memory, in the order in which their chain stands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.engine.test_body import Arriving
from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.flow import Cache, Fallback, Retry
from trunkline.core.price import Price
from trunkline.core.service import Alias, Credential, Dialect, Model, Operation
from trunkline.testing import (
    Heard,
    Play,
    Trial,
    answers,
    caller_key,
    fails,
    is_silent,
    request,
    service,
    streams,
)
from trunkline.wire.errors import ConnectRefused, ResetBeforeReply

pytestmark = pytest.mark.row("F4")

OK = answers(200, b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}')
BUSY = answers(503, b'{"error":{"message":"busy"}}')
DENIED = answers(401, b'{"error":{"message":"bad key"}}')
LIMITED = answers(
    429,
    b'{"error":{"message":"too many"}}',
    (b"retry-after", b"3600"),
    (b"content-type", b"application/json"),
)
HELLO = b'data: {"model":"tiny-1","choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
CONTENT = b'data: {"model":"tiny-1","choices":[{"delta":{"content":"a"}}]}\n\n'
FAILURE = b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'
DONE = b"data: [DONE]\n\n"
CHAT = b'{"model":"acme/tiny", "messages":[{"role":"user","content":"say \\"model\\": x"}]}'


def target(name: str, *on: str) -> Fallback:
    return Fallback(kind="target", target=name, on=list(on))


def template(body: str, **changes: Any) -> Fallback:
    return Fallback(kind="template", body=body, **changes)


def two(*plays: Play, first: Any = (), second: Any = (), **snapshot: Any) -> Trial:
    """A vendor `acme` that falls back as `first` says, and another one, `other`."""
    other = {
        "models": [Model(id="big", price=Price(input=10.0, output=20.0)), Model(id="tiny")],
        **dict(second),
    }
    return Trial(*plays, services=[service(**dict(first)), service("other", **other)], **snapshot)


async def chat(trial: Trial, body: bytes = CHAT, *headers: tuple[str, str], key: str | None = None) -> Heard:
    return await trial.ask("POST", "/v1/chat/completions", body, *headers, **({"key": key} if key else {}))


def hosts(trial: Trial) -> list[str]:
    return [sent.origin.host for sent in trial.wire.sent]


def notes(trial: Trial) -> str:
    return trial.ends[-1].notes


async def test_another_vendor_answers_and_says_so() -> None:
    trial = two(DENIED, OK, first={"fallback": [target("other/big")]})
    heard = await chat(trial)
    assert (heard.status, hosts(trial)) == (200, ["acme.test", "other.test"])
    assert heard.field(b"x-trunkline-fallback") == b"target=other/big"
    assert heard.field(b"x-trunkline-integration") == b"other"
    assert heard.field(b"x-trunkline-model") == b"other/big"
    assert heard.field(b"x-trunkline-attempts") == b"2"
    end = trial.ends[0]
    assert [(t.target, t.code) for t in end.tried] == [("acme/tiny", "auth_invalid"), ("other/big", "")]
    assert (end.state, end.notes) == ("ok", "fallback=target:other/big")
    # Three input and two output tokens at the prices of the model that answered.
    assert end.cost_usd == pytest.approx((3 * 10 + 2 * 20) / 1e6)


async def test_the_model_is_named_anew_and_all_other_bytes_stay() -> None:
    trial = two(DENIED, OK, first={"fallback": [target("other/big")]})
    await chat(trial)
    assert [sent.body for sent in trial.wire.sent] == [
        CHAT.replace(b"acme/tiny", b"tiny"),
        CHAT.replace(b"acme/tiny", b"big"),
    ]
    assert trial.wire.sent[1].field(b"content-length") == b"%d" % len(trial.wire.sent[1].body)


async def test_the_same_model_at_another_vendor_or_by_a_named_route() -> None:
    for name in ("other", "spare"):
        trial = two(DENIED, OK, first={"fallback": [target(name)]}, routes={"spare": "other"})
        heard = await chat(trial)
        assert heard.field(b"x-trunkline-fallback") == b"target=other/tiny"


async def test_a_model_in_the_path_is_named_anew_too() -> None:
    trial = two(
        DENIED,
        answers(200, b'{"candidates":[],"usageMetadata":{"promptTokenCount":1}}'),
        first={"fallback": [target("other/big")]},
    )
    await trial.ask("POST", "/v1beta/models/acme%2Ftiny:generateContent", b'{"contents":[]}')
    assert [sent.target for sent in trial.wire.sent] == [
        b"/v1beta/models/tiny:generateContent",
        b"/v1beta/models/big:generateContent",
    ]
    assert trial.wire.sent[1].body == b'{"contents":[]}'


async def test_a_target_without_a_dialect_to_translate_to_is_passed_over() -> None:
    other = [Dialect(name="openai-embeddings", path="/v1/embeddings")]
    trial = two(
        DENIED, first={"fallback": [target("other/big"), target("gone/x")]}, second={"dialects": other}
    )
    heard = await chat(trial)
    assert (heard.status, hosts(trial), heard.field(b"x-trunkline-fallback")) == (401, ["acme.test"], None)


@pytest.mark.row("A2")
async def test_a_target_of_another_dialect_gets_a_translated_request() -> None:
    claude = [Dialect(name="anthropic-messages", path="/v1/messages")]
    said = {"type": "message", "id": "msg_1", "model": "big-1", "content": [{"type": "text", "text": "hi"}]}
    usage = {"stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2}}
    trial = two(
        DENIED,
        answers(200, json.dumps({**said, **usage}).encode()),
        first={"fallback": [target("other/big")]},
        second={"dialects": claude},
    )
    heard = await chat(trial)
    assert (heard.status, hosts(trial)) == (200, ["acme.test", "other.test"])
    assert json.loads(heard.body)["choices"][0]["message"]["content"] == "hi"
    assert heard.field(b"x-trunkline-translation") == b"openai-chat>anthropic-messages"
    assert json.loads(trial.wire.sent[1].body)["model"] == "big"
    assert b"/v1/messages" in trial.wire.sent[1].head
    assert (trial.ends[0].input_tokens, trial.ends[0].output_tokens) == (3, 2)
    assert trial.ends[0].cost_usd == pytest.approx(3 * 10e-6 + 2 * 20e-6)


async def test_the_whole_pool_of_the_new_target_serves() -> None:
    pool = {"credentials": [Credential(ref="env:A"), Credential(ref="env:B")], "models": [Model(id="big")]}
    trial = two(DENIED, DENIED, OK, first={"fallback": [target("other/big")]}, second=pool)
    heard = await chat(trial)
    assert heard.status == 200
    assert [t.credential for t in trial.ends[0].tried] == ["env:ACME_KEY", "env:A", "env:B"]


async def test_a_target_once_left_is_not_returned_to() -> None:
    both = [target("other/big"), target("acme/tiny"), target("other/big")]
    trial = two(DENIED, DENIED, OK, first={"fallback": both})
    assert (await chat(trial)).status == 401
    assert hosts(trial) == ["acme.test", "other.test"]


async def test_another_model_of_the_same_vendor_is_another_target() -> None:
    models = [Model(id="tiny"), Model(id="big")]
    trial = two(
        answers(400, b'{"error":{"code":"context_length_exceeded","message":"too long"}}'),
        OK,
        first={"models": models, "fallback": [target("acme/big", "context_too_long")]},
    )
    heard = await chat(trial)
    assert (heard.status, heard.field(b"x-trunkline-model")) == (200, b"acme/big")


async def test_four_attempts_over_all_of_it_and_one_kept_for_each_fallback() -> None:
    chain = {"fallback": [target("other/big"), target("other/tiny")]}
    trial = two(*[BUSY] * 9, first=chain)
    heard = await chat(trial)
    assert [t.target for t in trial.ends[0].tried] == ["acme/tiny", "acme/tiny", "other/big", "other/tiny"]
    assert (heard.status, heard.field(b"x-should-retry")) == (503, b"false")


async def test_a_vendor_that_asks_for_patience_is_not_waited_for_when_another_is_there() -> None:
    trial = two(LIMITED, OK, first={"fallback": [target("other/big")]})
    assert (await chat(trial)).status == 200
    assert hosts(trial) == ["acme.test", "other.test"]


async def test_what_policies_refuse_costs_no_attempt() -> None:
    spec = {"fallback": [target("other/big")], "retry": Retry(attempts=1)}
    trial = two(OK, first=spec)
    trial.gateway.world.services["acme"].members[0].problem = CallError("secret_unavailable", "gone")
    assert (await chat(trial)).status == 200
    assert [(t.n, t.code) for t in trial.ends[0].tried] == [(1, "secret_unavailable"), (2, "")]


@pytest.mark.parametrize("play", [fails(ResetBeforeReply("reset", sent=True)), BUSY])
async def test_an_act_that_may_have_happened_is_sent_nowhere_else(play: Play) -> None:
    chain = [target("other"), template("{}"), Fallback(kind="static", body="{}")]
    trial = two(play, first={"fallback": chain})
    heard = await trial.ask("POST", "/api/proxy/acme/charges", b"{}")
    assert (hosts(trial), heard.field(b"x-trunkline-fallback")) == (["acme.test"], None)
    assert heard.status >= 500


async def test_an_act_that_was_never_sent_may_go_elsewhere() -> None:
    trial = two(fails(ConnectRefused("refused"), sent=False), answers(201, b"{}"),
                first={"fallback": [target("other")], "retry": Retry(attempts=2)})  # fmt: skip
    heard = await trial.ask("POST", "/api/proxy/acme/charges?x=1", b"{}")
    assert (heard.status, hosts(trial)) == (201, ["acme.test", "other.test"])
    assert trial.wire.sent[1].target == b"/charges?x=1"
    assert heard.field(b"x-trunkline-fallback") == b"target=other"


@pytest.mark.row("W1")
@pytest.mark.parametrize(
    ("scopes", "alias", "status"),
    [
        (["model:acme/*"], False, 401),
        (["model:acme/*", "model:other/big"], False, 200),
        (["integration:acme", "integration:other"], False, 200),
        (["model:fast"], True, 200),
        (["model:acme/tiny"], True, 401),
    ],
)
async def test_a_key_without_the_right_passes_a_target_over(
    scopes: list[str], alias: bool, status: int
) -> None:
    own = Alias(name="fast", target="acme/tiny", fallback=[target("other/big")])
    trial = two(
        DENIED, OK,
        first={} if alias else {"fallback": [target("other/big")]},
        aliases={"fast": own},
        keys=[caller_key(scopes=scopes)],
    )  # fmt: skip
    heard = await chat(trial, CHAT.replace(b"acme/tiny", b"fast") if alias else CHAT)
    assert heard.status == status


async def test_the_narrowest_chain_holds() -> None:
    convert = Operation(
        name="convert", method="POST", path="/convert", repeat="always", fallback=[template('"operation"')]
    )
    none = Operation(name="bare", method="GET", path="/bare", fallback=[])
    spec = {
        "operations": [convert, none],
        "fallback": [template('"integration"')],
        "retry": Retry(attempts=1),
    }
    for method, path, wanted in (
        ("POST", "/api/proxy/acme/convert", b'"operation"'),
        ("GET", "/api/proxy/acme/x", b'"integration"'),
        ("GET", "/api/proxy/pdf/x", b'"route"'),
        ("POST", "/api/proxy/pdf/convert", b'"operation"'),
    ):
        trial = two(BUSY, first=spec, routes={"pdf": "acme"}, route_fallback={"pdf": [template('"route"')]})
        heard = await trial.ask(method, path, b"{}" if method == "POST" else b"")
        assert (heard.status, heard.body) == (200, wanted)
    heard = await two(BUSY, first=spec).ask("GET", "/api/proxy/acme/bare")
    assert heard.status == 503


# Answers of our own.


async def test_a_degraded_answer_is_marked_in_answer_and_record() -> None:
    body = '{"order": "{{ /order }}", "why": "{{ code }}", "of": "{{ integration }}", "id": "{{ correlation_id }}"}'
    chain = [template(body, status=203)]
    pdf = Operation(name="pdf", method="POST", path="/pdf", repeat="always")
    trial = two(*[BUSY] * 4, first={"fallback": chain, "operations": [pdf]})
    heard = await trial.ask("POST", "/api/proxy/acme/pdf", b'{"order":{"n":7}}', ("x-correlation-id", "c-1"))
    assert json.loads(heard.body) == {"order": {"n": 7}, "why": "overloaded", "of": "acme", "id": "c-1"}
    assert (heard.status, heard.field(b"content-type")) == (203, b"application/json")
    assert heard.field(b"x-trunkline-fallback") == b"template"
    assert heard.field(b"x-trunkline-attempts") == b"4"
    end = trial.ends[0]
    assert (end.state, end.status, end.code, end.notes, len(end.tried)) == (
        "ok",
        203,
        "",
        "fallback=template",
        4,
    )


async def test_a_static_answer_may_itself_say_that_something_failed() -> None:
    down = Fallback(
        kind="static", status=503, content_type="text/plain", body="closed {{ code }}: {{ /a }} {{"
    )
    trial = two(DENIED, first={"fallback": [down]})
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.status, heard.field(b"x-trunkline-fallback")) == (503, b"static")
    assert heard.body == b"closed {{ code }}: {{ /a }} {{", "a fixed answer is what is written there"
    assert (trial.ends[0].state, trial.ends[0].cost_usd) == ("error", -1.0)


async def test_when_the_time_is_over_an_answer_of_ours_is_still_there() -> None:
    trial = two(is_silent, first={"fallback": [target("other"), template("{}")]})
    heard = trial.begin("GET", "/api/proxy/acme/x", b"", ("x-trunkline-timeout", "2"))
    await trial.turn()
    trial.passes(2.0)
    await trial.until(lambda: heard.closed)
    assert (heard.status, heard.field(b"x-trunkline-fallback"), hosts(trial)) == (
        200,
        b"template",
        ["acme.test"],
    )


async def test_a_chain_goes_on_where_a_link_leads_nowhere() -> None:
    chain = [
        Fallback(kind="stale", max_age=60),
        Fallback(kind="defer"),
        target("other/big"),
        template('"last"'),
    ]
    trial = two(DENIED, DENIED, first={"fallback": chain})
    heard = await chat(trial)
    assert (heard.body, hosts(trial)) == (b'"last"', ["acme.test", "other.test"])
    assert notes(trial) == "fallback=target:other/big;fallback=template"
    assert heard.field(b"x-trunkline-fallback") == b"template"


@pytest.mark.row("F11")
async def test_an_older_answer_stands_in_when_the_vendor_fails() -> None:
    cached = {"cache": Cache(ttl=10.0), "fallback": [Fallback(kind="stale", max_age=100.0)]}
    trial = two(answers(200, b'{"n":1}'), *[BUSY] * 4, *[BUSY] * 4, first=cached)
    first = await trial.ask("GET", "/api/proxy/acme/x")
    trial.clock.advance(50.0)
    second = await trial.ask("GET", "/api/proxy/acme/x")
    trial.clock.advance(60.0)
    third = await trial.ask("GET", "/api/proxy/acme/x")
    assert [one.status for one in (first, second, third)] == [200, 200, 503]
    assert (second.body, second.field(b"x-trunkline-fallback")) == (b'{"n":1}', b"stale")
    assert "fallback=stale" in trial.ends[1].notes


@pytest.mark.row("F11")
async def test_a_cache_that_serves_on_errors_needs_no_link() -> None:
    trial = two(answers(200, b'{"n":1}'), *[BUSY] * 4, first={"cache": Cache(ttl=10.0, stale_if_error=90.0)})
    await trial.ask("GET", "/api/proxy/acme/x")
    trial.clock.advance(50.0)
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.status, heard.body) == (200, b'{"n":1}')
    assert (heard.field(b"x-trunkline-cache") or b"").startswith(b"stale")


async def test_a_deferral_is_made_by_who_can() -> None:
    seen: list[tuple[str, float]] = []

    async def defer(exchange: Exchange, error: CallError, step: Fallback) -> Answer | None:
        seen.append((error.code, step.deadline))
        return Answer(202, b"content-type: application/json\r\n", b'{"task":"t-1"}')

    later = Fallback(kind="defer", deadline=60.0, on=["rate_limited"])
    trial = two(LIMITED, first={"fallback": [later]}, defer=defer)
    heard = await trial.ask("POST", "/api/proxy/acme/charges", b"{}")
    assert (heard.status, heard.body, seen) == (202, b'{"task":"t-1"}', [("rate_limited", 60.0)])
    assert (heard.field(b"x-trunkline-fallback"), notes(trial)) == (b"defer", "fallback=defer")


# Streams.


@pytest.mark.row("F7")
@pytest.mark.parametrize(
    "first",
    [
        streams(HELLO, FAILURE, end=False),
        streams(HELLO + FAILURE),
        streams(HELLO),
        streams(FAILURE, end=False),
        DENIED,
    ],
)
async def test_a_stream_fails_over_unseen_until_its_first_content(first: Play) -> None:
    chain = {"fallback": [target("other/big")], "retry": Retry(attempts=2, backoff=0.0)}
    trial = two(first, streams(HELLO, CONTENT, DONE), first=chain)
    heard = await chat(trial, CHAT.replace(b'"messages"', b'"stream":true,"messages"'))
    assert (heard.status, heard.body, heard.whole) == (200, HELLO + CONTENT + DONE, True)
    assert heard.field(b"x-trunkline-fallback") == b"target=other/big"
    assert (trial.ends[0].state, len(trial.wire.sent)) == ("ok", 2)


@pytest.mark.row("F7")
async def test_after_content_a_stream_ends_with_an_error_of_its_dialect() -> None:
    trial = two(streams(HELLO, CONTENT, FAILURE, end=False), OK, first={"fallback": [target("other/big")]})
    heard = await chat(trial, CHAT.replace(b'"messages"', b'"stream":true,"messages"'))
    assert heard.body.startswith(HELLO + CONTENT)
    assert json.loads(heard.body.removeprefix(HELLO + CONTENT + b"data: "))["error"]["code"] == "overloaded"
    assert (len(trial.wire.sent), trial.ends[0].state) == (1, "truncated")


# What cannot go elsewhere.


@pytest.mark.parametrize(
    ("more", "elsewhere"),
    [
        (b"", True),
        (b',"previous_response_id":"resp_1"', False),
        (b',"previous_response_id":null', True),
        (b',"input":[{"type":"reasoning","encrypted_content":"gAAA"}]', False),
        (b',"conversation":{"id":"conv_1"}', False),
        (b',"instructions":"never say \\"previous_response_id\\": \\"x\\""', True),
    ],
)
async def test_a_call_that_goes_on_with_what_an_account_has_stored_stays_with_it(
    more: bytes, elsewhere: bool
) -> None:
    reply = answers(200, b'{"model":"m","output":[],"usage":{"input_tokens":1,"output_tokens":1}}')
    trial = two(DENIED, reply, first={"fallback": [target("other/big")]})
    body = b'{"model":"acme/tiny"%b}' % (more or b',"input":"x"')
    heard = await trial.ask("POST", "/v1/responses", body)
    assert (heard.status, len(trial.wire.sent)) == ((200, 2) if elsewhere else (401, 1))


async def test_a_body_that_has_begun_to_stream_is_sent_nowhere_else_but_a_template_stands() -> None:
    asked = request("POST", "/api/proxy/acme/search", b"ab")
    asked.stream = Arriving(b"cd")  # type: ignore[assignment]
    asked.stream.length = 2  # type: ignore[union-attr]
    search = Operation(name="search", method="POST", path="/search", repeat="always")
    chain = [target("other"), template('{"x": "{{ /x }}"}')]
    trial = two(BUSY, OK, first={"operations": [search], "fallback": chain})
    heard = trial.hand(asked)
    await trial.until(lambda: heard.whole)
    assert (hosts(trial), heard.status, heard.body) == (["acme.test"], 200, b'{"x": null}')


async def test_a_path_that_the_other_integration_would_not_take_stays_here() -> None:
    trial = two(DENIED, first={"encoded_slash": True, "fallback": [target("other")]})
    heard = await trial.ask("GET", "/api/proxy/acme/files/a%2Fb")
    assert (heard.status, hosts(trial)) == (401, ["acme.test"])
