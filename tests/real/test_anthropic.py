"""The `anthropic` Python SDK, unmodified: messages, stream, tools, token counts, models, errors, retries, cancel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.real, pytest.mark.row("P2", "A1")]

MODEL = "claude-haiku-4-5"
MESSAGES: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
TOOLS: Any = [
    {
        "name": "get_weather",
        "description": "Looks out of the window",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
]


@pytest.fixture
def client(trunkline: Trunkline) -> Iterator[Anthropic]:
    with Anthropic(base_url=trunkline.url, api_key=trunkline.key, max_retries=0, timeout=60) as made:
        yield made


def test_a_message_is_answered_priced_and_recorded(trunkline: Trunkline, client: Anthropic) -> None:
    raw = client.messages.with_raw_response.create(model=MODEL, max_tokens=99, messages=MESSAGES)
    reply = raw.parse()
    call = trunkline.recorded(raw.headers["x-correlation-id"])

    assert (reply.type, reply.stop_reason) == ("message", "end_turn")
    assert (call.end.input_tokens, call.end.output_tokens) == (
        reply.usage.input_tokens,
        reply.usage.output_tokens,
    )
    assert call.end.cost_usd > 0


def test_the_token_is_taken_as_bearer_too(trunkline: Trunkline) -> None:
    client = Anthropic(base_url=trunkline.url, auth_token=trunkline.key, max_retries=0, timeout=60)
    assert client.messages.create(model=f"anthropic/{MODEL}", max_tokens=9, messages=MESSAGES).content


def test_a_stream_arrives_event_by_event(client: Anthropic) -> None:
    with client.messages.stream(model=MODEL, max_tokens=99, messages=MESSAGES) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()

    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert kinds.count("content_block_delta") > 1
    assert final.usage.output_tokens > 0


def test_tools_are_called_and_their_results_go_back(client: Anthropic) -> None:
    asked = client.messages.create(
        model=MODEL, max_tokens=99, messages=MESSAGES, tools=TOOLS, tool_choice={"type": "any"}
    )
    use = next(block for block in asked.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}
    history = [
        *MESSAGES,
        {"role": "assistant", "content": asked.content},
        {"role": "user", "content": [result]},
    ]

    assert (asked.stop_reason, use.name) == ("tool_use", "get_weather")
    assert client.messages.create(model=MODEL, max_tokens=99, messages=history, tools=TOOLS).content


def test_tokens_are_counted(trunkline: Trunkline, client: Anthropic) -> None:
    raw = client.messages.with_raw_response.count_tokens(model=MODEL, messages=MESSAGES)

    assert raw.parse().input_tokens > 0
    assert trunkline.recorded(raw.headers["x-correlation-id"]).end.output_tokens <= 0


def test_models_are_listed_and_found(client: Anthropic) -> None:
    page = client.models.list(limit=1000)

    assert f"anthropic/{MODEL}" in [model.id for model in page.data]
    assert (page.has_more, page.first_id) == (False, page.data[0].id)
    assert client.models.retrieve(f"anthropic/{MODEL}").type == "model"


@pytest.mark.row("E1")
@pytest.mark.parametrize("kind", ["app", "sdk"])
@pytest.mark.parametrize(
    ("fault", "error", "status", "said"),
    [
        ("rate_limit", anthropic.RateLimitError, 429, "rate_limit_error"),
        ("auth", anthropic.AuthenticationError, 401, "authentication_error"),
        ("permission", anthropic.PermissionDeniedError, 403, "permission_error"),
        ("invalid", anthropic.BadRequestError, 400, "invalid_request_error"),
        ("model_gone", anthropic.NotFoundError, 404, "not_found_error"),
        ("too_large", anthropic.RequestTooLargeError, 413, "request_too_large"),
        ("server_error", anthropic.InternalServerError, 500, "api_error"),
        ("overloaded", anthropic.InternalServerError, 529, "overloaded_error"),
    ],
)
def test_failures_are_the_sdks_own_exceptions(
    trunkline: Trunkline,
    simulator: SimulatorProcess,
    sdk_key: str,
    kind: str,
    fault: str,
    error: type[anthropic.APIStatusError],
    status: int,
    said: str,
) -> None:
    simulator.fault(fault, "anthropic", args={"retry_after_ms": 1} if fault == "rate_limit" else {})
    key = sdk_key if kind == "sdk" else trunkline.key
    client = Anthropic(base_url=trunkline.url, api_key=key, max_retries=0, timeout=60)
    with pytest.raises(error) as failed:
        client.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES)

    body: Any = failed.value.body
    assert (failed.value.status_code, body["type"], body["error"]["type"]) == (status, "error", said)
    assert failed.value.request_id


def test_refusals_of_our_own_are_its_exceptions_too(trunkline: Trunkline, client: Anthropic) -> None:
    stranger = Anthropic(base_url=trunkline.url, api_key="tl_wrong", max_retries=0, timeout=60)
    with pytest.raises(anthropic.AuthenticationError):
        stranger.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES)
    with pytest.raises(anthropic.NotFoundError) as unknown:
        client.messages.create(model="no-such-model", max_tokens=9, messages=MESSAGES)

    body: Any = unknown.value.body
    assert (body["error"]["type"], body["error"]["code"]) == ("not_found_error", "unknown_model")


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("fault", "most"), [("server_error", 4), ("overloaded", 4), ("invalid", 1), ("auth", 1)]
)
def test_the_sdks_retries_and_ours_do_not_multiply(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str, most: int
) -> None:
    simulator.fault(fault, "anthropic")
    client = Anthropic(base_url=trunkline.url, api_key=trunkline.key, timeout=60)
    with pytest.raises(anthropic.APIStatusError):
        client.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES)

    assert len(simulator.ledger()) == most


@pytest.mark.row("F7")
@pytest.mark.parametrize("fault", ["error_after", "reset_mid", "fin_mid", "truncate"])
def test_a_stream_that_breaks_raises_and_never_looks_complete(
    client: Anthropic, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.fault(fault, "anthropic", args={"events": 4} if fault != "truncate" else {})
    stream = client.messages.create(model=MODEL, max_tokens=99, messages=MESSAGES, stream=True)

    assert next(iter(stream)).type == "message_start"
    with pytest.raises(anthropic.APIStatusError):
        list(stream)


@pytest.mark.row("F6")
def test_leaving_a_stream_ends_it_at_the_vendor(client: Anthropic, simulator: SimulatorProcess) -> None:
    simulator.latency("anthropic", per_chunk_ms=20, chunks=5000)
    with client.messages.stream(model=MODEL, max_tokens=9999, messages=MESSAGES) as stream:
        next(iter(stream))

    eventually(lambda: simulator.ledger()[0].client_gone_at, "the vendor to be let go")
