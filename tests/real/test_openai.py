"""The `openai` Python SDK, unmodified: chat, stream, tools, responses, embeddings, models, errors, retries, cancel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.real, pytest.mark.row("P2", "A1")]

MESSAGES: Any = [{"role": "user", "content": "Tell me about the weather in Paris"}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


@pytest.fixture
def client(trunkline: Trunkline) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{trunkline.url}/v1", api_key=trunkline.key, max_retries=0, timeout=60) as made:
        yield made


def test_a_chat_is_answered_priced_and_recorded(trunkline: Trunkline, client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=MESSAGES)
    reply = raw.parse()
    call = trunkline.recorded(raw.headers["x-correlation-id"])

    assert reply.choices[0].message.content
    assert reply.usage is not None
    assert (call.end.input_tokens, call.end.output_tokens) == (
        reply.usage.prompt_tokens,
        reply.usage.completion_tokens,
    )
    assert float(raw.headers["x-trunkline-cost-usd"]) > 0


@pytest.mark.parametrize("model", ["gpt-4o-mini", "openai/gpt-4o-mini", "fast"])
def test_a_model_goes_by_all_its_names(client: OpenAI, model: str) -> None:
    assert client.chat.completions.create(model=model, messages=MESSAGES).model.startswith("gpt-4o-mini")


def test_a_stream_arrives_piece_by_piece_with_usage(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)

    assert len([c for c in chunks if c.choices and c.choices[0].delta.content]) > 1
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage is not None


def test_tools_are_called_and_their_results_go_back(client: OpenAI) -> None:
    asked = client.chat.completions.create(
        model="gpt-4o-mini", messages=MESSAGES, tools=TOOLS, tool_choice="required"
    )
    message = asked.choices[0].message
    assert message.tool_calls
    [tool_call] = message.tool_calls
    assert tool_call.type == "function"
    assert (asked.choices[0].finish_reason, tool_call.function.name) == ("tool_calls", "get_weather")
    assert "city" in json.loads(tool_call.function.arguments)

    result = {"role": "tool", "tool_call_id": tool_call.id, "content": "sunny"}
    history = [*MESSAGES, message.model_dump(exclude_none=True), result]
    assert (
        client.chat.completions.create(model="gpt-4o-mini", messages=history, tools=TOOLS)
        .choices[0]
        .message.content
    )


def test_tool_arguments_stream(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="gpt-4o-mini", messages=MESSAGES, tools=TOOLS, tool_choice="required"
    ) as stream:
        kinds = {event.type for event in stream}
        done = stream.get_final_completion()

    assert "tool_calls.function.arguments.delta" in kinds
    assert done.choices[0].message.tool_calls


def test_responses_whole_and_streamed(client: OpenAI) -> None:
    whole = client.responses.create(model="gpt-4o-mini", input="Say hello")
    with client.responses.stream(model="gpt-4o-mini", input="Say hello") as stream:
        kinds = [event.type for event in stream]
        streamed = stream.get_final_response()

    assert whole.output_text
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert streamed.output_text


@pytest.mark.parametrize("model", ["gpt-4o-mini", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash"])
def test_stored_responses_of_every_vendor(client: OpenAI, model: str) -> None:
    first = client.responses.create(model=model, input="I am Ada.", metadata={"order": "7"})
    with client.responses.stream(model=model, input="Who am I?", previous_response_id=first.id) as stream:
        for _ in stream:
            continue
        second = stream.get_final_response()

    assert (second.previous_response_id, second.id != first.id) == (first.id, True)
    assert client.responses.retrieve(second.id).output_text == second.output_text
    assert any("Who am I?" in str(item) for item in client.responses.input_items.list(second.id))
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


def test_a_conversation_is_compacted_and_goes_on(trunkline: Trunkline, client: OpenAI) -> None:
    asked: Any = [{"role": "user", "content": "I am Ada."}, {"role": "assistant", "content": "Hello Ada."}]
    raw = client.responses.with_raw_response.compact(model="gpt-4o-mini", input=asked)
    small = raw.parse()
    assert (small.object, small.output[-1].type) == ("response.compaction", "compaction")
    assert trunkline.recorded(raw.headers["x-correlation-id"]).end.cost_usd > 0
    more: Any = [one.to_dict() for one in small.output]
    going_on = [*more, {"role": "user", "content": "Who am I?"}]
    assert client.responses.create(model="gpt-4o-mini", input=going_on).output_text
    with pytest.raises(openai.BadRequestError, match="does not speak 'openai-compact'"):
        client.responses.compact(model="anthropic/claude-haiku-4-5", input=asked)


def test_embeddings_come_as_numbers_although_the_sdk_asks_for_base64(client: OpenAI) -> None:
    found = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])

    assert [len(row.embedding) for row in found.data] == [1536, 1536]
    assert all(isinstance(number, float) for number in found.data[0].embedding[:5])


def test_models_are_listed_and_found(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]

    assert {"openai/gpt-4o-mini", "fast", "anthropic/claude-haiku-4-5"} <= set(names)
    assert client.models.retrieve("openai/gpt-4o-mini").owned_by == "openai"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing-like-it")


ERRORS = [
    ("rate_limit", openai.RateLimitError, 429, "rate_limit_exceeded"),
    ("quota", openai.RateLimitError, 429, "insufficient_quota"),
    ("auth", openai.AuthenticationError, 401, "invalid_api_key"),
    ("permission", openai.PermissionDeniedError, 403, "unsupported_country_region_territory"),
    ("invalid", openai.BadRequestError, 400, "decimal_above_max_value"),
    ("context", openai.BadRequestError, 400, "context_length_exceeded"),
    ("model_gone", openai.NotFoundError, 404, "model_not_found"),
    ("server_error", openai.InternalServerError, 500, None),
    ("overloaded", openai.InternalServerError, 503, "server_is_overloaded"),
]


@pytest.mark.row("E1")
@pytest.mark.parametrize("kind", ["app", "sdk"])
@pytest.mark.parametrize(("fault", "error", "status", "code"), ERRORS)
def test_failures_are_the_sdks_own_exceptions(
    trunkline: Trunkline,
    simulator: SimulatorProcess,
    sdk_key: str,
    kind: str,
    fault: str,
    error: type[openai.APIStatusError],
    status: int,
    code: str | None,
) -> None:
    delayless = {"retry_after_ms": 1, "message": "Too fast."} if fault == "rate_limit" else {}
    simulator.fault(fault, "openai", args=delayless)
    key = sdk_key if kind == "sdk" else trunkline.key
    client = OpenAI(base_url=f"{trunkline.url}/v1", api_key=key, max_retries=0)
    with pytest.raises(error) as failed:
        client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)

    assert type(failed.value) is error
    assert (failed.value.status_code, failed.value.code) == (status, code)
    assert failed.value.request_id
    if kind == "app":
        assert isinstance(failed.value.body, dict)
        assert failed.value.body["source"] == "openai"


def test_refusals_of_our_own_are_its_exceptions_too(trunkline: Trunkline, client: OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as unknown:
        OpenAI(base_url=f"{trunkline.url}/v1", api_key="tl_wrong", max_retries=0).models.list()
    with pytest.raises(openai.NotFoundError) as nowhere:
        client.chat.completions.create(model="no-such-model", messages=MESSAGES)
    key = trunkline.new_key("crm-only", "integration:crm")
    with pytest.raises(openai.PermissionDeniedError) as forbidden:
        OpenAI(base_url=f"{trunkline.url}/v1", api_key=key).chat.completions.create(
            model="gpt-4o", messages=MESSAGES
        )

    assert [problem.value.code for problem in (unknown, nowhere, forbidden)] == [
        "unauthenticated",
        "unknown_model",
        "forbidden",
    ]


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("fault", "of_the_sdk"), [("server_error", 1), ("invalid", 1), ("quota", 1), ("auth", 1), ("reset", 1)]
)
def test_the_sdks_retries_and_ours_do_not_multiply(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str, of_the_sdk: int
) -> None:
    simulator.fault(fault, "openai")
    client = OpenAI(base_url=f"{trunkline.url}/v1", api_key=trunkline.key)  # retries twice by default
    with pytest.raises(openai.APIError):
        client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)

    counts = [entry.retry_count for entry in simulator.ledger()]
    assert len(counts) <= 4
    assert set(counts) == {"0"}
    assert len(set(counts)) == of_the_sdk


@pytest.mark.row("F1")
def test_the_sdk_tries_again_where_we_say_that_it_may_pass(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("server_error", "openai", times=1)
    client = OpenAI(
        base_url=f"{trunkline.url}/v1",
        api_key=trunkline.key,
        default_headers={"x-trunkline-max-attempts": "1"},
    )
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)

    simulator.fault("server_error", "openai", times=1)
    ours = OpenAI(base_url=f"{trunkline.url}/v1", api_key=trunkline.key)
    assert ours.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES).id


@pytest.mark.row("F7")
@pytest.mark.parametrize("fault", ["error_after", "reset_mid", "fin_mid", "truncate"])
def test_a_stream_that_breaks_raises_and_never_looks_complete(
    client: OpenAI, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.fault(fault, "openai", args={"events": 3} if fault != "truncate" else {})
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True)

    assert next(iter(stream)).choices
    with pytest.raises(openai.APIError):
        list(stream)


@pytest.mark.row("F6")
def test_closing_a_stream_ends_it_at_the_vendor(client: OpenAI, simulator: SimulatorProcess) -> None:
    simulator.latency("openai", per_chunk_ms=20, chunks=5000)
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True)
    next(iter(stream))
    stream.close()

    eventually(lambda: simulator.ledger()[0].client_gone_at, "the vendor to be let go")


@pytest.mark.row("F6")
async def test_cancelling_a_task_ends_its_call_at_the_vendor(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("never", "openai")
    async with AsyncOpenAI(base_url=f"{trunkline.url}/v1", api_key=trunkline.key, max_retries=0) as client:
        task = asyncio.create_task(client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES))
        while not await asyncio.to_thread(simulator.ledger):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await asyncio.to_thread(eventually, lambda: simulator.ledger()[0].client_gone_at, "the vendor's end")


def test_a_timeout_of_the_sdk_is_its_own_exception(client: OpenAI, simulator: SimulatorProcess) -> None:
    simulator.fault("never", "openai")
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)


def test_an_image_and_unknown_fields_pass(client: OpenAI) -> None:
    content: Any = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0K" * 60_000}},
    ]
    reply = client.chat.completions.create(
        model="openai/gpt-4o-mini",
        messages=[{"role": "user", "content": content}],
        extra_body={"made_up": {"a": 1}},
    )
    assert reply.choices[0].message.content
