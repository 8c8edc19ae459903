"""LangChain's OpenAI and Anthropic integrations, unmodified: invoke, stream, tools, embeddings, structured answers, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest
from pydantic import SecretStr

from tests.support.gateway import Trunkline
from tests.support.simulator import SimulatorProcess

if TYPE_CHECKING:  # three seconds in every worker, for the one that runs these tests
    from langchain_anthropic import ChatAnthropic
    from langchain_openai import ChatOpenAI

pytestmark = [pytest.mark.real, pytest.mark.row("P2", "A1")]


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def openai_chat(trunkline: Trunkline, **options: Any) -> ChatOpenAI:
    from langchain_openai import ChatOpenAI

    settings: dict[str, Any] = {"model": "gpt-4o-mini", "max_retries": 0, "timeout": 10, **options}
    return ChatOpenAI(base_url=f"{trunkline.url}/v1", api_key=SecretStr(trunkline.key), **settings)


def claude(trunkline: Trunkline, **options: Any) -> ChatAnthropic:
    from langchain_anthropic import ChatAnthropic

    settings: dict[str, Any] = {"model": "claude-haiku-4-5", "max_tokens": 99, "max_retries": 0, **options}
    return ChatAnthropic(base_url=trunkline.url, api_key=SecretStr(trunkline.key), **settings)


MAKERS: Any = pytest.mark.parametrize("make", [openai_chat, claude], ids=["openai", "anthropic"])


@MAKERS
def test_a_prompt_is_answered_with_usage(trunkline: Trunkline, make: Any) -> None:
    reply = make(trunkline).invoke("Say hello")

    assert reply.text
    assert reply.usage_metadata["input_tokens"] > 0


def test_the_responses_api_serves_it_too(trunkline: Trunkline) -> None:
    assert openai_chat(trunkline, use_responses_api=True).invoke("Say hello").text


@MAKERS
def test_a_stream_arrives_piece_by_piece(trunkline: Trunkline, make: Any) -> None:
    pieces = [piece.text for piece in make(trunkline).stream("Tell me a story") if piece.text]

    assert len(pieces) > 1


@MAKERS
def test_tools_are_called(trunkline: Trunkline, make: Any) -> None:
    from langchain_core.tools import tool

    reply = make(trunkline).bind_tools([tool(get_weather)], tool_choice="any").invoke("Weather in Paris?")

    assert [call["name"] for call in reply.tool_calls] == ["get_weather"]
    assert "city" in reply.tool_calls[0]["args"]


def test_an_answer_has_the_shape_that_was_asked_for(trunkline: Trunkline) -> None:
    schema = {
        "title": "Person",
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    found: Any = openai_chat(trunkline).with_structured_output(schema).invoke("Who?")

    assert set(found) == {"name", "age"}


def test_texts_are_embedded(trunkline: Trunkline) -> None:
    from langchain_openai import OpenAIEmbeddings

    embedder = OpenAIEmbeddings(
        base_url=f"{trunkline.url}/v1",
        api_key=SecretStr(trunkline.key),
        model="text-embedding-3-small",
        # It counts tokens with a table that it would fetch from elsewhere.
        check_embedding_ctx_length=False,
    )

    assert [len(vector) for vector in embedder.embed_documents(["one", "two"])] == [1536, 1536]


@pytest.mark.row("E1")
def test_failures_are_the_sdks_own_exceptions(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("invalid", "openai")
    simulator.fault("auth", "anthropic")
    with pytest.raises(openai.BadRequestError):
        openai_chat(trunkline).invoke("Hi")
    with pytest.raises(anthropic.AuthenticationError):
        claude(trunkline).invoke("Hi")
