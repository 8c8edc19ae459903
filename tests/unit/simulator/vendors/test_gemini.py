"""Gemini as its clients see it."""

import json
from typing import Any

import pytest

from tests.unit.simulator.conftest import Ask

MODEL = "/gemini/v1beta/models/gemini-2.5-flash"


def body(prompt: str = "Hi", **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": prompt}]}], **more}


def text(frames: list[Any]) -> str:
    return "".join(frame["candidates"][0]["content"]["parts"][0]["text"] for frame in frames)


@pytest.mark.parametrize("version", ["v1", "v1beta"])
async def test_plain_events_and_array_say_the_same(call: Ask, version: str) -> None:
    model = MODEL.replace("v1beta", version)
    plain = (await call("POST", f"{model}:generateContent", body())).json()
    events = (await call("POST", f"{model}:streamGenerateContent?alt=sse", body())).events()
    array = await call("POST", f"{model}:streamGenerateContent", body())
    assert text([plain]) == text(events) == text(json.loads(array.body))
    assert [frame["candidates"][0].get("finishReason") for frame in events] == [None] * (len(events) - 1) + [
        "STOP"
    ]
    assert events[-1]["usageMetadata"] == plain["usageMetadata"]


async def test_functions_and_schemas_in_its_own_types(call: Ask) -> None:
    city = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    tools = [{"functionDeclarations": [{"name": "get_weather", "parameters": city}]}]
    parts = (await call("POST", f"{MODEL}:generateContent", body("weather in Oslo", tools=tools))).json()[
        "candidates"
    ][0]["content"]["parts"]
    assert parts[0]["functionCall"]["args"] == {"city": "Oslo"}
    config = {"responseMimeType": "application/json", "responseSchema": city}
    answer = (await call("POST", f"{MODEL}:generateContent", body("in Oslo", generationConfig=config))).json()
    assert json.loads(text([answer])) == {"city": "Oslo"}


async def test_embeddings_counts_and_models(call: Ask) -> None:
    content = {"content": {"parts": [{"text": "a b"}]}, "outputDimensionality": 8}
    one = (await call("POST", f"{MODEL}:embedContent", content)).json()
    many = (await call("POST", f"{MODEL}:batchEmbedContents", {"requests": [content, content]})).json()
    assert many["embeddings"] == [one["embedding"]] * 2
    assert (await call("POST", f"{MODEL}:countTokens", body("12345678"))).json()["totalTokens"] == 2
    assert (await call("GET", "/gemini/v1beta/models")).json()["models"][0]["name"].startswith("models/")


async def test_a_bad_key_is_a_400_with_a_reason(call: Ask) -> None:
    answer = await call("POST", f"{MODEL}:generateContent", body(), x_sim_fault="auth")
    error = answer.json()["error"]
    assert (answer.status, error["status"], error["details"][0]["reason"]) == (
        400,
        "INVALID_ARGUMENT",
        "API_KEY_INVALID",
    )


async def test_a_day_s_quota_differs_from_a_minute_s(call: Ask) -> None:
    async def quota(fault: str) -> str:
        error = (await call("POST", f"{MODEL}:generateContent", body(), x_sim_fault=fault)).json()["error"]
        return str(error["details"][0]["violations"][0]["quotaId"])

    assert "PerMinute" in await quota("rate_limit")
    assert "PerDay" in await quota("quota")
