"""Anthropic as its clients see it."""

from typing import Any

import pytest

from tests.support.raw_http import Answer
from tests.unit.simulator.conftest import Ask

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def body(prompt: str = "Hi", **more: Any) -> dict[str, Any]:
    return {
        "model": "claude-haiku-4-5",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": prompt}],
        **more,
    }


async def post(call: Ask, sent: Any, path: str = "messages") -> Answer:
    return await call("POST", f"/anthropic/v1/{path}", sent, anthropic_version="2023-06-01")


async def test_a_stream_has_the_events_in_order(call: Ask) -> None:
    plain = (await post(call, body())).json()
    events = (await post(call, body(stream=True))).events()
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    text = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
    assert text == plain["content"][0]["text"]
    assert events[-2]["usage"]["output_tokens"] == plain["usage"]["output_tokens"]
    assert events[0]["message"]["usage"]["output_tokens"] == 1


async def test_tools_thinking_and_their_order(call: Ask) -> None:
    sent = body(
        "weather in Oslo",
        tools=[{"name": "get_weather", "input_schema": CITY}],
        thinking={"type": "enabled", "budget_tokens": 1024},
        max_tokens=2000,
    )
    answer = (await post(call, sent)).json()
    assert [block["type"] for block in answer["content"]] == ["thinking", "tool_use"]
    assert (answer["stop_reason"], answer["content"][1]["input"]) == ("tool_use", {"city": "Oslo"})
    streamed = (await post(call, {**sent, "stream": True})).events()
    parts = [
        event["delta"].get("partial_json", "") for event in streamed if event["type"] == "content_block_delta"
    ]
    assert "".join(parts) == '{"city":"Oslo"}'


async def test_after_a_tool_result_it_answers(call: Ask) -> None:
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "20"}]}
    sent = body("weather in Oslo", tools=[{"name": "get_weather", "input_schema": CITY}])
    use = {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "x", "name": "get_weather", "input": {}}],
    }
    answer = (await post(call, {**sent, "messages": [*sent["messages"], use, result]})).json()
    assert (answer["stop_reason"], answer["content"][0]["type"]) == ("end_turn", "text")


async def test_stop_reasons(call: Ask) -> None:
    assert (await post(call, body(max_tokens=2))).json()["stop_reason"] == "max_tokens"
    stopped = (await post(call, body(stop_sequences=["never said", "”"]))).json()
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "”")


async def test_counting_and_models(call: Ask) -> None:
    assert (
        await post(
            call, {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}, "messages/count_tokens"
        )
    ).json() == {"input_tokens": 8}
    listed = (await call("GET", "/anthropic/v1/models", anthropic_version="2023-06-01")).json()
    assert (listed["first_id"], listed["has_more"]) == (listed["data"][0]["id"], False)


@pytest.mark.parametrize("missing", ["model", "messages", "max_tokens"])
async def test_what_is_missing_is_named(call: Ask, missing: str) -> None:
    answer = await post(call, {name: value for name, value in body().items() if name != missing})
    assert (answer.status, answer.json()["error"]) == (
        400,
        {"type": "invalid_request_error", "message": f"{missing}: Field required"},
    )


async def test_the_version_header_is_asked_for(call: Ask) -> None:
    answer = await call("POST", "/anthropic/v1/messages", body())
    assert (answer.status, answer.json()["error"]["message"]) == (
        400,
        "anthropic-version: header is required",
    )
