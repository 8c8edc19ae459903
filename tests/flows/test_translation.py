"""Calls whose vendor speaks another dialect than the caller: nothing is lost silently, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.gateway import Trunkline
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.row("A2")

HELLO = [{"role": "user", "content": "Say hello"}]
CHAT = {"model": "claude-haiku-4-5", "messages": HELLO}
LONG = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "a" * 400}],
    "system": "b" * 40,
}
MESSAGES = {"model": "gpt-4o-mini", "max_tokens": 400, "messages": HELLO}


def events(body: bytes) -> list[Any]:
    """The data of a stream's events."""
    found = [line[6:] for line in body.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(data) if data != "[DONE]" else data for data in found]


def test_an_openai_client_gets_an_answer_of_anthropic(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    answer = trunkline.call("POST", "/v1/chat/completions", CHAT)

    assert answer.status == 200, answer.body
    said = json.loads(answer.body)
    assert said["object"] == "chat.completion"
    assert said["choices"][0]["message"]["content"]
    assert said["choices"][0]["finish_reason"] == "stop"
    assert (
        said["usage"]["total_tokens"] == said["usage"]["prompt_tokens"] + said["usage"]["completion_tokens"]
    )
    [seen] = simulator.ledger()
    assert (seen.vendor, seen.path) == ("anthropic", "/v1/messages")
    assert answer.field("x-trunkline-translation") == "openai-chat>anthropic-messages"
    call = trunkline.recorded(answer)
    assert call.end.state == "ok"
    assert call.end.notes == "translation=openai-chat>anthropic-messages"
    assert call.end.cost_usd > 0


def test_an_anthropic_client_gets_an_answer_of_openai(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    answer = trunkline.call("POST", "/v1/messages", MESSAGES)

    assert answer.status == 200, answer.body
    said = json.loads(answer.body)
    assert (said["type"], said["stop_reason"]) == ("message", "end_turn")
    assert said["content"][0]["type"] == "text"
    [seen] = simulator.ledger()
    assert (seen.vendor, seen.path) == ("openai", "/v1/chat/completions")


def test_a_stream_of_anthropic_reaches_an_openai_client(trunkline: Trunkline) -> None:
    whole = json.loads(trunkline.call("POST", "/v1/chat/completions", CHAT).body)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    answer = trunkline.call("POST", "/v1/chat/completions", {**CHAT, **options})

    assert answer.status == 200, answer.body
    chunks = events(answer.body)
    assert chunks[-1] == "[DONE]"
    assert chunks[-2]["choices"] == []
    assert chunks[-2]["usage"] == whole["usage"]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks[:-2])
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-3]["choices"][0]["finish_reason"] == "stop"
    assert trunkline.recorded(answer).end.state == "ok"


def test_a_stream_of_openai_reaches_an_anthropic_client(trunkline: Trunkline) -> None:
    whole = json.loads(trunkline.call("POST", "/v1/messages", MESSAGES).body)
    answer = trunkline.call("POST", "/v1/messages", {**MESSAGES, "stream": True})

    assert answer.status == 200, answer.body
    told = events(answer.body)
    assert [e["type"] for e in told][:2] == ["message_start", "content_block_start"]
    assert [e["type"] for e in told][-3:] == ["content_block_stop", "message_delta", "message_stop"]
    text = "".join(e["delta"]["text"] for e in told if e["type"] == "content_block_delta")
    assert text == whole["content"][0]["text"]
    assert {**told[-2]["usage"], "service_tier": "standard"} == whole["usage"]
    assert trunkline.recorded(answer).end.state == "ok"


def test_a_responses_client_talks_to_anthropic_whole_and_streamed(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    asked = {"model": "claude-haiku-4-5", "input": "Say hello", "instructions": "Be short."}
    answer = trunkline.call("POST", "/v1/responses", asked)

    assert answer.status == 200, answer.body
    whole = json.loads(answer.body)
    assert (whole["object"], whole["status"], whole["store"]) == ("response", "completed", True)
    [item] = whole["output"]
    assert (item["type"], item["role"], item["content"][0]["type"]) == ("message", "assistant", "output_text")
    assert [(one.vendor, one.path) for one in simulator.ledger()] == [("anthropic", "/v1/messages")]
    report = answer.field("x-trunkline-translation")
    assert report is not None
    assert report.startswith("openai-responses>anthropic-messages")

    streamed = trunkline.call("POST", "/v1/responses", {**asked, "stream": True})
    told = events(streamed.body)
    assert [e["type"] for e in told][:2] == ["response.created", "response.in_progress"]
    assert [e["sequence_number"] for e in told] == list(range(len(told)))
    text = "".join(e["delta"] for e in told if e["type"] == "response.output_text.delta")
    assert told[-1]["type"] == "response.completed"
    assert text == told[-1]["response"]["output"][0]["content"][0]["text"] == item["content"][0]["text"]
    assert trunkline.recorded(streamed).end.cost_usd > 0

    refused = trunkline.call("POST", "/v1/responses", {**asked, "previous_response_id": "resp_1"})
    assert refused.status == 400
    assert "send the turns themselves in `input`" in refused.json["error"]["message"]


def test_a_gemini_client_without_events_gets_an_array_of_another_vendor(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    asked = {"contents": [{"role": "user", "parts": [{"text": "Say hello"}]}]}
    for model, vendor in (("gpt-4o-mini", "openai"), ("gemini-2.5-flash", "gemini")):
        answer = trunkline.call("POST", f"/v1beta/models/{model}:streamGenerateContent", asked)

        kind = (answer.field("content-type") or "").split(";")[0]
        assert (answer.status, kind) == (200, "application/json"), answer.body
        chunks = json.loads(answer.body)
        assert len(chunks) > 1
        assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
        assert simulator.ledger()[-1].vendor == vendor
        assert trunkline.recorded(answer).end.cost_usd > 0


def test_tokens_are_guessed_where_the_vendor_counts_none(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    asked = {**LONG, "model": "sitechat/tiny"}
    answer = trunkline.call("POST", "/v1/messages/count_tokens", asked)

    assert (answer.status, answer.json) == (200, {"input_tokens": 121})
    assert answer.field("x-trunkline-translation") == (
        "anthropic-count-tokens>guess, emulated input_tokens (guessed from the text)"
    )
    assert simulator.ledger() == []
    end = trunkline.recorded(answer).end
    assert (end.state, end.tried, end.notes) == ("ok", [], "translation=anthropic-count-tokens>guess")
    wrong = trunkline.call("POST", "/v1/messages/count_tokens", {**LONG, "messages": "x"})
    assert (wrong.status, wrong.json["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("path", "asked", "member"),
    [
        ("/v1/messages/count_tokens", LONG, "input_tokens"),
        ("/v1beta/models/gpt-4o-mini:countTokens", {"contents": [{"parts": [{"text": "a" * 400}]}]}, "totalTokens"),
        ("/v1/responses/input_tokens", {"model": "claude-haiku-4-5", "input": "a" * 400}, "input_tokens"),
    ],
)  # fmt: skip
def test_tokens_are_counted_by_the_vendor_where_it_counts_any(
    trunkline: Trunkline, simulator: SimulatorProcess, path: str, asked: dict[str, Any], member: str
) -> None:
    answer = trunkline.call("POST", path, asked)

    assert (answer.status, answer.json[member] > 50) == (200, True), answer.body
    [seen] = simulator.ledger()
    assert seen.path == (
        "/v1/messages/count_tokens" if "claude" in str(asked) else "/v1/responses/input_tokens"
    )
    assert trunkline.recorded(answer).end.cost_usd <= 0
