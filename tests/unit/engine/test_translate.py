"""Calls whose vendor speaks another dialect than the caller, through a gateway in memory: what the engine does around the codecs."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.unit.engine.test_body import Arriving
from tests.unit.engine.test_race import hedged, in_virtual_time, over, passes
from trunkline.core.flow import Cache, Fallback, Repair, Retry
from trunkline.core.price import Price
from trunkline.core.service import ApiVersion, Dialect, Model
from trunkline.engine import translate_call
from trunkline.testing import Heard, Play, Sent, Trial, answers, is_silent, request, service, streams

pytestmark = pytest.mark.row("A2")

CLAUDE = [Dialect(name="anthropic-messages", path="/v1/messages")]
OPENAI = [Dialect(name="openai-chat", path="/v1/chat/completions")]
HELLO = [{"role": "user", "content": "hi"}]


def body(**more: Any) -> bytes:
    return json.dumps({"model": "claude/tiny", "messages": HELLO, **more}).encode()


def message(text: str = "hello", **more: Any) -> bytes:
    said = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "model": "tiny-1",
        "stop_reason": "end_turn",
    }
    usage = {"input_tokens": 3, "output_tokens": 2}
    return json.dumps({**said, "content": [{"type": "text", "text": text}], "usage": usage, **more}).encode()


def event(kind: str, **more: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


START = event(
    "message_start",
    message={"id": "msg_1", "model": "tiny-1", "usage": {"input_tokens": 3, "output_tokens": 1}},
)
OPEN = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
TEXT = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "hello"})
END = (
    event("content_block_stop", index=0)
    + event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
    + event("message_stop")
)
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
DENIED = answers(401, b'{"error":{"message":"bad key"}}')
BUSY = answers(503, b'{"error":{"message":"busy"}}')
CHAT_OK = b'{"id":"c","model":"tiny-1","choices":[{"index":0,"message":{"role":"assistant","content":"hey"},"finish_reason":"stop"}]}'
CHUNK = b'data: {"id":"c","model":"tiny-1","choices":[{"index":0,"delta":{"content":"hey"}}]}\n\n'
CHUNK_END = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def claude(*plays: Play, also: list[Any] | None = None, **changes: Any) -> Trial:
    given = {"dialects": CLAUDE, "models": [Model(id="tiny", price=Price(input=1.0, output=2.0))], **changes}
    return Trial(*plays, services=[service("claude", **given), *(also or [])])


async def chat(trial: Trial, asked: bytes, *headers: tuple[str, str]) -> Heard:
    return await trial.ask("POST", "/v1/chat/completions", asked, *headers)


def text_of(heard: Heard) -> str:
    """What a Chat answer says, whole or streamed."""
    if heard.field(b"content-type") == b"application/json":
        return str(json.loads(heard.body)["choices"][0]["message"]["content"])
    chunks = [json.loads(line[6:]) for line in heard.body.split(b"\n") if line.startswith(b"data: {")]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


async def test_the_head_is_the_vendors_and_so_are_the_callers_words_to_it() -> None:
    trial = claude(
        answers(200, message()), api_version=ApiVersion(value="2023-06-01", header="anthropic-version")
    )
    await chat(
        trial, body(), ("openai-organization", "o"), ("x-stainless-lang", "js"), ("user-agent", "me"), ("anthropic-beta", "a, b"),
        ("content-type", "application/json; charset=utf-8"), ("accept", "*/*"), ("accept-encoding", "gzip"),
    )  # fmt: skip

    names = [
        (name, value)
        for name, value in trial.wire.sent[0].fields
        if name not in (b"host", b"x-correlation-id")
    ]
    assert names == [
        (b"user-agent", b"me"),
        (b"anthropic-version", b"2023-06-01"),
        (b"authorization", b"Bearer sk-test-not-a-real-key"),
        (b"accept-encoding", b"identity"),
        (b"anthropic-beta", b"a,b"),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(trial.wire.sent[0].body)),
    ]
    assert trial.wire.sent[0].target == b"/v1/messages"


async def test_where_the_caller_names_no_bound_the_models_own_is_sent() -> None:
    trial = claude(answers(200, message()), models=[Model(id="tiny", max_output=777)])
    await chat(trial, body())
    assert json.loads(trial.wire.sent[0].body)["max_tokens"] == 777


async def test_the_callers_query_does_not_reach_another_vendor() -> None:
    trial = claude(answers(200, message()))
    await trial.ask("POST", "/v1/chat/completions?beta=true", body())
    assert trial.wire.sent[0].target == b"/v1/messages"


async def test_of_the_vendors_head_passes_what_any_caller_understands() -> None:
    fields = (
        (b"content-type", b"application/json; charset=utf-8"), (b"request-id", b"req_1"), (b"anthropic-organization-id", b"o"),
        (b"etag", b"x"), (b"server", b"v"), (b"content-encoding", b"gzip"),
    )  # fmt: skip
    heard = await chat(claude(answers(200, gzip.compress(message()), *fields)), body())

    told = dict(heard.fields)
    assert text_of(heard) == "hello"
    assert (told[b"request-id"], told[b"x-request-id"], told[b"server"]) == (b"req_1", b"req_1", b"v")
    assert not {b"etag", b"content-encoding", b"anthropic-organization-id"} & set(told)


@pytest.mark.row("F7", "F4")
async def test_a_stream_that_fails_before_its_first_word_begins_anew_at_a_vendor_of_another_dialect() -> None:
    spare = service("spare", dialects=OPENAI, models=[Model(id="big", price=Price(input=1.0, output=1.0))])
    links = [Fallback(kind="target", target="spare/big")]
    twice = {"fallback": links, "retry": Retry(attempts=2)}
    trial = claude(
        streams(START, OPEN, OVERLOADED, end=False), streams(CHUNK, CHUNK_END), also=[spare], **twice
    )
    heard = await chat(trial, body(stream=True, seed=1))

    assert (heard.status, heard.whole, heard.body) == (200, True, CHUNK + CHUNK_END)
    assert heard.field(b"x-trunkline-translation") is None
    assert json.loads(trial.wire.sent[-1].body) == {
        "model": "big",
        "messages": HELLO,
        "stream": True,
        "seed": 1,
    }
    assert [t.code for t in trial.ends[0].tried] == ["overloaded", ""]
    assert "fallback=target:spare/big" in trial.ends[0].notes


@pytest.mark.row("F4")
async def test_a_fallback_of_another_dialect_gets_the_callers_own_body_translated() -> None:
    first = service("acme", dialects=OPENAI, fallback=[Fallback(kind="target", target="claude/tiny")])
    trial = claude(BUSY, BUSY, BUSY, streams(START, OPEN, TEXT, END), also=[first])
    asked = json.dumps({"model": "acme/tiny", "messages": HELLO, "stream": True, "seed": 1}).encode()
    heard = await trial.ask("POST", "/v1/chat/completions", asked, ("openai-organization", "o"))

    assert (text_of(heard), heard.body[-14:]) == ("hello", b"data: [DONE]\n\n")
    assert heard.field(b"x-trunkline-translation") == b"openai-chat>anthropic-messages, dropped seed"
    assert trial.wire.sent[0].field(b"openai-organization") == b"o"
    assert trial.wire.sent[-1].field(b"openai-organization") is None
    end = trial.ends[0]
    assert (end.state, end.input_tokens, end.output_tokens, end.cost_usd) == ("ok", 3, 2, pytest.approx(7e-6))


@pytest.mark.row("F4", "E1")
async def test_a_fallback_that_would_lose_something_is_passed_over_where_the_caller_forbids_it() -> None:
    links = [Fallback(kind="target", target="claude/tiny")]
    first = service("acme", dialects=OPENAI, fallback=links, retry=Retry(attempts=2))
    trial = claude(DENIED, DENIED, answers(200, message()), also=[first])
    asked = {"model": "acme/tiny", "messages": HELLO}
    strict = ("x-trunkline-translation-mode", "strict")

    heard = await chat(trial, json.dumps({**asked, "seed": 1}).encode(), strict)
    assert (heard.status, len(trial.wire.sent)) == (401, 1)
    heard = await chat(trial, json.dumps({**asked, "max_tokens": 9}).encode(), strict)
    assert (heard.status, len(trial.wire.sent)) == (200, 3)


@pytest.mark.row("E1")
async def test_strict_refuses_before_any_vendor_is_asked_and_lists_what_would_be_lost() -> None:
    trial = claude()
    heard = await chat(
        trial, body(seed=1, max_tokens=9, logprobs=True), ("x-trunkline-translation-mode", "strict")
    )

    error = json.loads(heard.body)["error"]
    assert (heard.status, error["code"], error["param"], error["retryable"]) == (
        400,
        "invalid_request",
        "seed",
        False,
    )
    assert "dropped seed; dropped logprobs" in error["message"]
    assert trial.wire.sent == []
    heard = await chat(trial, body(), ("x-trunkline-translation-mode", "strct"))
    assert "takes strict or lenient, not 'strct'" in json.loads(heard.body)["error"]["message"]


@pytest.mark.row("E1")
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (b'{"model":"claude/tiny"}', "`messages` is missing or empty"),
        (b'{"model":"claude/tiny","messages":[{"role":"robot"}]}', "`messages[0].role` is 'robot'"),
        (b'{"model":"claude/tiny","messages":[1]}', "`messages[0]` is no object"),
        (
            b'{"model":"claude/tiny","messages":[{"role":"user","content":"x"}],"n":"2"}',
            "`n` has the wrong type",
        ),
    ],
)
async def test_a_body_that_is_none_of_the_callers_dialect_is_refused_in_words(
    asked: bytes, says: str
) -> None:
    trial = claude()
    heard = await chat(trial, asked)
    assert (heard.status, trial.wire.sent) == (400, [])
    assert says in json.loads(heard.body)["error"]["message"]


async def test_a_thread_that_another_vendor_cannot_hold_is_refused_in_the_words_its_sdk_acts_on() -> None:
    asked = b'{"model":"gpt/tiny","max_tokens":9,"thread":{"type":"create"},"messages":[{"role":"user","content":"Hi"}]}'
    trial = Trial(services=[service("gpt", dialects=OPENAI, models=[Model(id="tiny")])])
    heard = await trial.ask("POST", "/v1/messages", asked)

    details = json.loads(heard.body)["error"]["details"]
    assert (heard.status, trial.wire.sent, details) == (
        400,
        [],
        {"error_code": "thread_unsupported_request", "unsupported": ["model"]},
    )


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("ingress", ["/v1/chat/completions", "/v1/messages"])
async def test_azures_deployments_stand_in_the_path_with_the_version_behind_it(
    ingress: str, stream: bool
) -> None:
    given = streams(CHUNK, CHUNK_END) if stream else answers(200, CHAT_OK)
    azure = service(
        "azure",
        vendor="azure-openai",
        dialects=[Dialect(name="openai-chat", path="/openai/deployments/{model}/chat/completions")],
        api_version=ApiVersion(value="2024-10-21", query="api-version"),
        models=[Model(id="our gpt")],
    )
    trial = Trial(given, services=[azure])
    more = {"stream": True} if stream else {}
    asked = {"model": "azure/our gpt", "max_tokens": 9, "messages": HELLO, **more}
    heard = await trial.ask("POST", ingress, json.dumps(asked).encode())

    assert (heard.status, b"hey" in heard.body) == (200, True)
    assert trial.wire.sent[0].target == (
        b"/openai/deployments/our%20gpt/chat/completions?api-version=2024-10-21"
    )
    assert json.loads(trial.wire.sent[0].body)["model"] == "our gpt"


async def test_a_reply_that_is_none_of_the_vendors_dialect_is_tried_again_then_told() -> None:
    trial = claude(answers(200, b'{"hello":1}'), answers(200, message()))
    heard = await chat(trial, body())
    assert text_of(heard) == "hello"
    assert trial.ends[0].tried[0].code == "malformed_response"
    assert "`type` is not message" in trial.ends[0].tried[0].message


@pytest.mark.row("F7", "E1")
async def test_an_event_that_is_none_of_the_vendors_dialect_ends_the_stream_with_an_error_event() -> None:
    broken = event("content_block_delta", index="x", delta={"type": "text_delta", "text": "a"})
    heard = await chat(claude(streams(START, OPEN, TEXT, broken, END)), body(stream=True))

    last = json.loads(heard.body.split(b"data: ")[-1])
    assert last["error"]["code"] == "malformed_response"
    assert b"hello" in heard.body
    assert b"[DONE]" not in heard.body


@pytest.mark.row("F7")
async def test_a_stream_that_breaks_off_ends_with_an_error_event_in_the_callers_dialect() -> None:
    heard = await chat(claude(streams(START, OPEN, TEXT)), body(stream=True))
    assert json.loads(heard.body.split(b"data: ")[-1])["error"]["code"] == "network"


async def test_a_whole_answer_to_a_wish_for_a_stream_is_told_as_one() -> None:
    heard = await chat(
        claude(answers(200, message())), body(stream=True, stream_options={"include_usage": True})
    )
    assert (heard.field(b"content-type"), text_of(heard)) == (b"text/event-stream", "hello")
    assert heard.body.endswith(b"data: [DONE]\n\n")
    assert b'"total_tokens":5' in heard.body


async def test_a_stream_that_comes_compressed_cannot_be_read() -> None:
    def play(sent: Sent) -> None:
        sent.begin(200, (b"content-type", b"text/event-stream"), (b"content-encoding", b"br"))
        sent.piece(b"x")

    heard = await chat(claude(play, retry=Retry(attempts=1)), body(stream=True))
    assert json.loads(heard.body)["code"] == "malformed_response"


async def test_a_long_body_that_is_still_arriving_is_taken_in_whole() -> None:
    trial = claude(answers(200, message()))
    long = [{"role": "user", "content": "x" * 200_000}]
    asked = body(messages=long)
    given = request("POST", "/v1/chat/completions", b"")
    given.body, given.stream = asked[:1000], Arriving(asked[1000:100_000], asked[100_000:])
    given.stream.length = len(asked) - 1000
    heard = trial.hand(given)
    await trial.until(lambda: heard.closed)
    assert (heard.status, text_of(heard)) == (200, "hello")
    assert json.loads(trial.wire.sent[0].body)["messages"] == long
    assert given.body == asked  # a fallback that keeps the call for later keeps all of it
    assert trial.wire.sent[0].field(b"content-length") == b"%d" % len(trial.wire.sent[0].body)


async def test_a_repeat_sends_the_same_bytes() -> None:
    trial = claude(
        answers(529, b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}'),
        answers(200, message()),
    )
    await chat(trial, body())
    assert trial.wire.sent[0].body == trial.wire.sent[1].body
    assert trial.ends[0].notes == "translation=openai-chat>anthropic-messages"


@pytest.mark.row("F13")
async def test_what_the_vendor_will_not_take_is_left_out_of_what_the_vendor_gets() -> None:
    refusal = b'{"type":"error","error":{"type":"invalid_request_error","message":"top_p: Extra inputs are not permitted"}}'
    trial = claude(answers(400, refusal), answers(200, message()), repair=Repair(drop_unsupported=True))
    heard = await chat(trial, body(top_p=0.5))
    assert (heard.status, heard.field(b"x-trunkline-repair")) == (200, b"drop:top_p")
    assert [b'"top_p"' in sent.body for sent in trial.wire.sent] == [True, False]


async def test_a_kept_answer_is_the_callers_and_tells_its_report() -> None:
    trial = claude(answers(200, message()), cache=Cache(ttl=60.0))
    first, second = await chat(trial, body(seed=1)), await chat(trial, body(seed=1))
    assert first.body == second.body
    assert len(trial.wire.sent) == 1
    assert second.field(b"x-trunkline-translation") == b"openai-chat>anthropic-messages, dropped seed"
    assert second.field(b"content-type") == b"application/json"
    strict = await chat(trial, body(seed=1), ("x-trunkline-translation-mode", "strict"))
    assert (strict.status, len(trial.wire.sent)) == (400, 1)


@pytest.mark.row("F5")
@in_virtual_time
async def test_a_hedge_sends_the_same_translated_request() -> None:
    trial, _ = hedged(is_silent, answers(200, message()), dialects=CLAUDE)
    heard = trial.begin("POST", "/v1/chat/completions", body().replace(b"claude/tiny", b"acme/tiny"))
    await passes(0.6)
    await over(trial, heard)
    assert text_of(heard) == "hello"
    assert trial.wire.sent[0].body == trial.wire.sent[1].body


async def test_a_failure_speaks_the_callers_dialect_even_where_the_vendors_answer_is_wanted_as_it_is() -> (
    None
):
    trial = claude(
        answers(404, b'{"type":"error","error":{"type":"not_found_error","message":"model: tiny"}}')
    )
    heard = await chat(trial, body(), ("x-trunkline-errors", "native"))
    error = json.loads(heard.body)["error"]
    assert (heard.status, error["type"], error["source"]) == (404, "not_found_error", "claude")
    assert heard.field(b"x-trunkline-translation") == b"openai-chat>anthropic-messages"


@pytest.mark.row("F4")
async def test_a_count_that_fails_is_no_cause_for_a_guess() -> None:
    counts = [*CLAUDE, Dialect(name="anthropic-count-tokens", path="/v1/messages/count_tokens")]
    spare = service("spare", dialects=OPENAI)
    links = [Fallback(kind="target", target="spare/tiny")]
    trial = claude(DENIED, dialects=counts, fallback=links, also=[spare])
    heard = await trial.ask("POST", "/v1/messages/count_tokens", body())
    assert (heard.status, len(trial.wire.sent)) == (401, 1)


@pytest.mark.row("E1")
async def test_a_body_longer_than_any_vendor_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translate_call, "REQUEST_MAX", 1000)
    trial = claude()
    given = request("POST", "/v1/chat/completions", b"")
    asked = body(messages=[{"role": "user", "content": "x" * 2000}])
    given.body, given.stream = asked[:100], Arriving(asked[100:])
    given.stream.length = len(asked) - 100
    heard = trial.hand(given)
    await trial.until(lambda: heard.closed)
    assert (heard.status, trial.wire.sent) == (413, [])
    assert "may have at most" in json.loads(heard.body)["error"]["message"]
