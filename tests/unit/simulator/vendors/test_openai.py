"""OpenAI and those that speak its dialect, as their clients see them."""

import base64
import json
from typing import Any

import pytest

from tests.unit.simulator.conftest import Ask

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}]


def arguments(calls: list[dict[str, Any]]) -> list[Any]:
    return [json.loads(call["function"]["arguments"]) for call in calls]


async def test_a_short_reply_has_about_the_size_that_benchmarks_use(chat: Ask) -> None:
    answer = await chat()
    assert 650 < len(answer.body) < 800
    usage = answer.json()["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 20


async def test_a_stream_says_the_same_as_the_plain_answer(chat: Ask) -> None:
    plain = (await chat()).json()["choices"][0]["message"]["content"]
    events = (await chat(stream=True)).events()
    assert events[-1] == "[DONE]"
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in events[:-1]) == plain
    assert [event["choices"][0]["finish_reason"] for event in events[:-1]][-1] == "stop"
    assert "usage" not in events[0]


async def test_usage_in_a_stream_comes_last_and_only_when_asked(chat: Ask) -> None:
    events = (await chat(stream=True, stream_options={"include_usage": True})).events()
    assert (events[-2]["choices"], events[0]["usage"]) == ([], None)
    assert events[-2]["usage"] == (await chat()).json()["usage"]


async def test_tools_are_called_plain_and_streamed(chat: Ask) -> None:
    prompt = "weather in Oslo and Rome"
    message = (await chat(prompt, tools=TOOLS)).json()["choices"][0]
    assert message["finish_reason"] == "tool_calls"
    assert arguments(message["message"]["tool_calls"]) == [{"city": "Oslo"}, {"city": "Rome"}]
    joined: dict[int, str] = {}
    for event in (await chat(prompt, stream=True, tools=TOOLS)).events()[:-1]:
        for call in event["choices"][0]["delta"].get("tool_calls", ()):
            joined[call["index"]] = joined.get(call["index"], "") + call["function"]["arguments"]
    assert [json.loads(text) for text in joined.values()] == [{"city": "Oslo"}, {"city": "Rome"}]


CALL = {"id": "x", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}


async def test_after_a_tool_result_it_answers(call: Ask) -> None:
    messages = [
        {"role": "user", "content": "weather in Oslo"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "x", "content": "20"},
    ]
    body = {"model": "m", "messages": messages, "tools": TOOLS}
    choice = (await call("POST", "/openai/v1/chat/completions", body)).json()["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"][:9]) == ("stop", "Simulated")


async def test_structured_output_is_an_instance(chat: Ask) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": CITY}}
    assert json.loads(
        (await chat("In Oslo", response_format=form)).json()["choices"][0]["message"]["content"]
    ) == {"city": "Oslo"}


async def test_limits_and_stops(chat: Ask) -> None:
    cut = (await chat(max_tokens=3)).json()
    assert (cut["choices"][0]["finish_reason"], cut["usage"]["completion_tokens"]) == ("length", 3)
    stopped = (await chat(stop=["”"])).json()["choices"][0]
    assert stopped["message"]["content"] == "Simulated answer to “Hello there"


async def test_embeddings_as_numbers_and_as_base64(call: Ask) -> None:
    body = {"model": "text-embedding-3-large", "input": ["a", "b"], "dimensions": 8}
    plain = (await call("POST", "/openai/v1/embeddings", body)).json()["data"]
    packed = (await call("POST", "/openai/v1/embeddings", {**body, "encoding_format": "base64"})).json()[
        "data"
    ]
    assert [len(item["embedding"]) for item in plain] == [8, 8]
    assert [len(base64.b64decode(item["embedding"])) for item in packed] == [32, 32]
    tokens = (await call("POST", "/openai/v1/embeddings", {"model": "m", "input": [1, 2, 3]})).json()
    assert (len(tokens["data"]), tokens["usage"]["prompt_tokens"]) == (1, 3)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "m"}, 400, "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": "x"}]}, 400, None),
        ({"model": "does-not-exist", "messages": [{"role": "user", "content": "x"}]}, 404, "model_not_found"),
        (b"{nope", 400, None),
    ],
)
async def test_bad_requests(call: Ask, body: Any, status: int, code: str | None) -> None:
    answer = await call("POST", "/openai/v1/chat/completions", body)
    assert (answer.status, answer.json()["error"]["code"]) == (status, code)


async def test_a_prompt_beyond_the_window_is_refused(call: Ask) -> None:
    messages = [{"role": "user", "content": "word " * 900_000}]
    answer = await call("POST", "/openai/v1/chat/completions", {"model": "m", "messages": messages})
    assert (answer.status, answer.json()["error"]["code"]) == (400, "context_length_exceeded")


async def test_long_prompts_have_cached_tokens(chat: Ask) -> None:
    usage = (await chat("word " * 2000)).json()["usage"]
    assert 0 < usage["prompt_tokens_details"]["cached_tokens"] < usage["prompt_tokens"]


async def test_models(call: Ask) -> None:
    listed = (await call("GET", "/openrouter/api/v1/models")).json()["data"]
    one = await call("GET", "/openrouter/api/v1/models/openai%2Fgpt-6-luna")
    assert one.json() in listed
    assert (await call("GET", "/openai/v1/models/does-not-exist")).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/mistral/v1/chat/completions",
        "/groq/openai/v1/chat/completions",
        "/deepseek/chat/completions",
        "/fireworks/inference/v1/chat/completions",
        "/cohere/compatibility/v1/chat/completions",
        "/gemini/v1beta/openai/chat/completions",
        "/azure-openai/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
    ],
)
async def test_the_dialect_is_found_under_each_vendor_s_path(call: Ask, path: str) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
    answer = (await call("POST", path, body)).json()
    assert (answer["object"], answer["model"]) == ("chat.completion", "gpt-4o")


async def test_more_answers_than_the_vendor_gives_are_refused_before_one_is_made(chat: Ask) -> None:
    answer = await chat(n=10**15)
    assert (answer.status, answer.json()["error"]["param"]) == (400, "n")
    assert "Expected a value <= 128" in answer.json()["error"]["message"]
