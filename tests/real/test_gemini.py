"""The `google-genai` SDK, unmodified: generate, stream, tools, embeddings, token counts, models, errors."""

from __future__ import annotations

from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.real, pytest.mark.row("P2", "A1")]

MODEL = "gemini-2.5-flash"


def client_of(trunkline: Trunkline, key: str = "") -> genai.Client:
    options = types.HttpOptions(base_url=trunkline.url, timeout=60_000)
    return genai.Client(api_key=key or trunkline.key, http_options=options)


@pytest.fixture(scope="module")
def client(trunkline: Trunkline) -> genai.Client:
    return client_of(trunkline)


def test_content_is_generated_priced_and_recorded(trunkline: Trunkline, client: genai.Client) -> None:
    reply = client.models.generate_content(model=MODEL, contents="Say hello")
    assert reply.sdk_http_response is not None
    told: Any = reply.sdk_http_response.headers
    end = trunkline.recorded(told["x-correlation-id"]).end

    assert reply.text
    assert reply.usage_metadata is not None
    assert end.input_tokens == reply.usage_metadata.prompt_token_count
    assert end.cost_usd > 0


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize("model", [MODEL, f"models/{MODEL}"])
def test_both_versions_of_the_routes_are_there(trunkline: Trunkline, version: str, model: str) -> None:
    options = types.HttpOptions(base_url=trunkline.url, api_version=version, timeout=60_000)
    client = genai.Client(api_key=trunkline.key, http_options=options)

    assert client.models.generate_content(model=model, contents="Say hello").text


def test_a_stream_arrives_piece_by_piece(client: genai.Client) -> None:
    pieces = list(client.models.generate_content_stream(model=MODEL, contents="Tell me a story"))

    assert len([piece for piece in pieces if piece.text]) > 1
    assert pieces[-1].candidates
    assert pieces[-1].candidates[0].finish_reason == types.FinishReason.STOP


def test_a_function_is_called(client: genai.Client) -> None:
    weather = types.FunctionDeclaration(
        name="get_weather",
        parameters=types.Schema(
            type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}
        ),
    )
    calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[weather])],
        tool_config=types.ToolConfig(function_calling_config=calling),
    )
    reply = client.models.generate_content(model=MODEL, contents="Weather in Paris?", config=config)

    assert reply.function_calls
    assert reply.function_calls[0].name == "get_weather"


def test_embeddings_and_token_counts(client: genai.Client) -> None:
    embedded = client.models.embed_content(model="gemini-embedding-001", contents="hello")
    counted = client.models.count_tokens(model=MODEL, contents="hello there")

    assert embedded.embeddings
    assert embedded.embeddings[0].values
    assert (counted.total_tokens or 0) > 0


def test_models_are_listed(client: genai.Client) -> None:
    names = [model.name for model in client.models.list()]

    assert f"models/gemini/{MODEL}" in names


@pytest.mark.row("E1")
@pytest.mark.parametrize(
    ("fault", "error", "code", "status"),
    [
        ("rate_limit", errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
        ("permission", errors.ClientError, 403, "PERMISSION_DENIED"),
        ("invalid", errors.ClientError, 400, "INVALID_ARGUMENT"),
        ("server_error", errors.ServerError, 500, "INTERNAL"),
        ("overloaded", errors.ServerError, 503, "UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_failures_are_the_sdks_own_exceptions(
    client: genai.Client,
    simulator: SimulatorProcess,
    fault: str,
    error: type[errors.APIError],
    code: int,
    status: str,
    stream: bool,
) -> None:
    undelayed = {"headers": {"retry-after-ms": "1"}} if fault == "rate_limit" else {}
    simulator.fault(fault, "gemini", args=undelayed)
    ask: Any = client.models.generate_content_stream if stream else client.models.generate_content
    with pytest.raises(error) as failed:
        list(ask(model=MODEL, contents="Hi"))

    assert (failed.value.code, failed.value.status) == (code, status)


def test_a_refusal_of_our_own_is_its_exception_too(trunkline: Trunkline) -> None:
    stranger = client_of(trunkline, "tl_wrong")
    with pytest.raises(errors.ClientError) as failed:
        stranger.models.generate_content(model=MODEL, contents="Hi")

    assert (failed.value.code, failed.value.status) == (401, "UNAUTHENTICATED")


@pytest.mark.row("F7")
@pytest.mark.parametrize("fault", ["error_after", "reset_mid", "truncate"])
def test_a_stream_that_breaks_raises_and_never_looks_complete(
    client: genai.Client, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.fault(fault, "gemini", args={"events": 2} if fault != "truncate" else {})
    stream = client.models.generate_content_stream(model=MODEL, contents="Tell me a story")

    assert next(iter(stream)).text is not None
    with pytest.raises(errors.APIError):
        list(stream)


@pytest.mark.row("F6")
async def test_leaving_a_stream_ends_it_at_the_vendor(
    client: genai.Client, simulator: SimulatorProcess
) -> None:
    simulator.latency("gemini", per_chunk_ms=20, chunks=5000)
    stream = client.models.generate_content_stream(model=MODEL, contents="Tell me a story")
    next(iter(stream))
    close = getattr(stream, "close", None)
    assert close is not None
    close()
    del stream

    eventually(lambda: simulator.ledger()[0].client_gone_at, "the vendor to be let go")
