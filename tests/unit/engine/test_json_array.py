"""Gemini's streams without `alt=sse`: events from the vendor, one JSON array to the caller."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.price import Price
from trunkline.core.service import Dialect, Model
from trunkline.engine.json_array import JsonArray, as_events, wanted
from trunkline.testing import Play, Trial, answers, service, streams

pytestmark = pytest.mark.row("A1", "A2", "F7")

MODELS = [Model(id="tiny", price=Price(input=1.0, output=2.0))]
GOOGLE = service(
    "google",
    dialects=[Dialect(name="gemini-generate", path="/v1beta/models/{model}:{method}")],
    models=MODELS,
)
GPT = service("gpt", dialects=[Dialect(name="openai-chat", path="/v1/chat/completions")], models=MODELS)
ASKED = json.dumps({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}).encode()
FIRST = {"candidates": [{"content": {"parts": [{"text": "hel"}], "role": "model"}, "index": 0}]}
LAST = {
    "candidates": [
        {"content": {"parts": [{"text": "lo"}], "role": "model"}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
    "modelVersion": "tiny-1",
}
CHAT = (
    {"id": "c", "model": "tiny-1", "choices": [{"index": 0, "delta": {"content": "hey"}}]},
    {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"id": "c", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
)
CHAT_WHOLE = {
    "id": "c",
    "model": "tiny-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hey"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}


def event(value: Any, end: str = "\r\n\r\n") -> bytes:
    return f"data: {json.dumps(value)}{end}".encode()


async def asked(play: Play, model: str, query: str = "") -> tuple[Trial, Any]:
    trial = Trial(play, services=[GOOGLE, GPT])
    heard = await trial.ask("POST", f"/v1beta/models/{model}:streamGenerateContent{query}", ASKED)
    assert heard.field(b"content-type") == b"application/json"
    return trial, json.loads(heard.body)


def text(elements: list[Any]) -> str:
    return "".join(
        part.get("text", "") for one in elements for c in one["candidates"] for part in c["content"]["parts"]
    )


@pytest.mark.parametrize("query", ["", "?alt=json"])
async def test_its_own_vendor_is_asked_for_events_and_the_usage_is_known(query: str) -> None:
    trial, told = await asked(streams(event(FIRST), event(LAST)), "google/tiny", query)

    assert told == [FIRST, LAST]
    assert trial.wire.sent[0].target == b"/v1beta/models/tiny:streamGenerateContent?alt=sse"
    end = trial.ends[0]
    assert (end.state, end.input_tokens, end.output_tokens, end.cost_usd > 0) == ("ok", 3, 2, True)


async def test_a_model_of_another_vendor_answers_in_an_array_too() -> None:
    stream = streams(*(event(one, "\n\n") for one in CHAT), b"data: [DONE]\n\n")
    trial, told = await asked(stream, "gpt/tiny")

    assert text(told) == "hey"
    assert told[-1]["candidates"][0]["finishReason"] == "STOP"
    assert (trial.ends[0].state, trial.ends[0].output_tokens) == ("ok", 2)


async def test_a_vendor_that_answers_whole_fills_an_array() -> None:
    _, told = await asked(answers(200, json.dumps(CHAT_WHOLE).encode()), "gpt/tiny")
    assert text(told) == "hey"


async def test_a_failure_after_content_is_the_last_element() -> None:
    failure = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}
    trial, told = await asked(streams(event(FIRST), event(failure)), "google/tiny")

    assert told[0] == FIRST
    assert (len(told), told[1]["error"]["status"]) == (2, "UNAVAILABLE")
    assert trial.ends[0].state == "truncated"


async def test_who_asks_for_events_gets_them_as_they_came() -> None:
    trial = Trial(streams(event(FIRST), event(LAST)), services=[GOOGLE])
    heard = await trial.ask("POST", "/v1beta/models/google/tiny:streamGenerateContent?alt=sse", ASKED)
    assert heard.body == event(FIRST) + event(LAST)


async def test_an_answer_that_is_no_stream_of_events_passes_as_it_is() -> None:
    body = json.dumps([FIRST, LAST]).encode()
    _, told = await asked(answers(200, body, (b"content-type", b"application/json")), "google/tiny")
    assert told == [FIRST, LAST]


def test_elements_are_told_apart_and_an_empty_stream_is_an_empty_array() -> None:
    array = JsonArray()
    assert array.feed(b": ping\r\n\r\n") == b""
    assert array.feed(b'data: {"a":1}\r\n\r\ndata: {"b":\ndata: 2}\n\n') == b'[{"a":1},\r\n{"b":\n2}'
    assert array.end() == b"\r\n]"
    assert JsonArray().end() == b"[]"


def test_only_alt_is_changed_of_a_query() -> None:
    assert (wanted(b""), wanted(b"alt=json"), wanted(b"a=1&alt=sse")) == (True, True, False)
    assert as_events(b"a=1&alt=json&$fields=x") == b"a=1&$fields=x&alt=sse"
