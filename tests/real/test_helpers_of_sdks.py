"""What the SDKs build on top of calls, with models of every vendor: loops that run tools, chats, parsed answers, async clients.

Not for: the calls themselves (`test_matrix.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic, beta_tool
from google import genai
from google.genai import types
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from tests.support.gateway import Trunkline
from trunkline.simulator.words import answer_to, seed_of

pytestmark = [pytest.mark.real, pytest.mark.row("A1", "A2", "P2")]

GPT, CLAUDE, GEMINI = "openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"
every_model = pytest.mark.parametrize("model", [GPT, CLAUDE, GEMINI])
QUESTION = "What is the weather in Paris and in Rome?"
ASK: Any = [{"role": "user", "content": QUESTION}]


class Trip(BaseModel):
    """What a structured answer must fit."""

    city: str
    days: int


TRIP = Trip(city="Rome", days=7)
PLAN: Any = [{"role": "user", "content": "Plan a trip to Rome"}]


def answer(model: str, question: str = QUESTION) -> str:
    """What the simulated model says in its vendor's own dialect."""
    return answer_to(question, seed_of(*model.split("/"), question))


@pytest.fixture(scope="module")
def openai_sdk(trunkline: Trunkline) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{trunkline.url}/v1", api_key=trunkline.key, max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture(scope="module")
def anthropic_sdk(trunkline: Trunkline) -> Iterator[Anthropic]:
    with Anthropic(base_url=trunkline.url, api_key=trunkline.key, max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture(scope="module")
def google_sdk(trunkline: Trunkline) -> genai.Client:
    options = types.HttpOptions(base_url=trunkline.url, timeout=60_000)
    return genai.Client(api_key=trunkline.key, http_options=options)


# openai


@every_model
def test_openai_parses_answers_whole_and_from_a_stream(openai_sdk: OpenAI, model: str) -> None:
    whole = openai_sdk.chat.completions.parse(model=model, messages=PLAN, response_format=Trip)
    with openai_sdk.chat.completions.stream(model=model, messages=PLAN, response_format=Trip) as stream:
        kinds = {event.type for event in stream}
        streamed = stream.get_final_completion()

    parsed = [one.choices[0].message.parsed for one in (whole, streamed)]
    assert parsed == [TRIP, TRIP]
    assert {"content.delta", "content.done"} <= kinds


@every_model
def test_openai_parses_responses_whole_and_from_a_stream(openai_sdk: OpenAI, model: str) -> None:
    whole = openai_sdk.responses.parse(model=model, input="Plan a trip to Rome", text_format=Trip)
    with openai_sdk.responses.stream(model=model, input="Plan a trip to Rome", text_format=Trip) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        streamed = stream.get_final_response()

    assert (whole.output_parsed, streamed.output_parsed) == (TRIP, TRIP)
    assert Trip.model_validate_json(text) == TRIP


@every_model
async def test_openai_async_clients_answer_many_at_once(trunkline: Trunkline, model: str) -> None:
    async with AsyncOpenAI(
        base_url=f"{trunkline.url}/v1", api_key=trunkline.key, max_retries=0, timeout=60
    ) as sdk:

        async def told(question: str) -> str:
            stream = await sdk.chat.completions.create(
                model=model, messages=[{"role": "user", "content": question}], stream=True
            )
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

        questions = [f"Question {number}" for number in range(8)]
        answers = await asyncio.gather(*map(told, questions))

    assert answers == [answer(model, question) for question in questions]


# anthropic


@every_model
def test_anthropic_accumulates_a_stream(anthropic_sdk: Anthropic, model: str) -> None:
    with anthropic_sdk.messages.stream(model=model, max_tokens=300, messages=ASK) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert text == answer(model)
    assert [(block.type, block.text) for block in final.content if block.type == "text"] == [("text", text)]
    assert (final.role, final.stop_reason, final.stop_sequence) == ("assistant", "end_turn", None)


@every_model
def test_anthropic_runs_tools_until_the_model_is_done(anthropic_sdk: Anthropic, model: str) -> None:
    asked = []

    @beta_tool
    def get_weather(city: str) -> str:
        """Tell the weather of a city.

        Args:
            city: where
        """
        asked.append(city)
        return "sunny"

    runner = anthropic_sdk.beta.messages.tool_runner(
        model=model, max_tokens=300, messages=ASK, tools=[get_weather]
    )
    final = runner.until_done()

    assert asked == ["Paris", "Rome"]
    assert [block.text for block in final.content if block.type == "text"] == [answer(model)]


@every_model
def test_anthropic_parses_an_answer(anthropic_sdk: Anthropic, model: str) -> None:
    parsed = anthropic_sdk.messages.parse(model=model, max_tokens=300, messages=PLAN, output_format=Trip)
    assert parsed.parsed_output == TRIP


@every_model
def test_anthropic_counts_tokens(anthropic_sdk: Anthropic, model: str) -> None:
    few = anthropic_sdk.messages.count_tokens(model=model, messages=ASK).input_tokens
    many = anthropic_sdk.messages.count_tokens(model=model, messages=ASK * 9).input_tokens
    assert 5 < few * 5 < many


@every_model
async def test_anthropic_async_client_streams(trunkline: Trunkline, model: str) -> None:
    async with (
        AsyncAnthropic(base_url=trunkline.url, api_key=trunkline.key, max_retries=0, timeout=60) as sdk,
        sdk.messages.stream(model=model, max_tokens=300, messages=ASK) as stream,
    ):
        assert await stream.get_final_text() == answer(model)


# google-genai


@every_model
def test_google_calls_functions_by_itself(google_sdk: genai.Client, model: str) -> None:
    asked = []

    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return "sunny"

    config = types.GenerateContentConfig(tools=[get_weather])
    reply = google_sdk.models.generate_content(model=model, contents=QUESTION, config=config)

    assert asked == ["Paris", "Rome"]
    assert reply.text == answer(model)


@every_model
def test_google_chats_over_turns(google_sdk: genai.Client, model: str) -> None:
    chat = google_sdk.chats.create(model=model)
    first = chat.send_message("Good morning")
    second = "".join(piece.text or "" for piece in chat.send_message_stream("And now?"))

    assert (first.text, second) == (answer(model, "Good morning"), answer(model, "And now?"))
    assert [turn.role for turn in chat.get_history(curated=True)][:3] == ["user", "model", "user"]


@every_model
def test_google_parses_an_answer(google_sdk: genai.Client, model: str) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Trip)
    reply = google_sdk.models.generate_content(model=model, contents="Plan a trip to Rome", config=config)
    assert reply.parsed == TRIP


@every_model
async def test_google_async_client_streams(google_sdk: genai.Client, model: str) -> None:
    stream = await google_sdk.aio.models.generate_content_stream(model=model, contents=QUESTION)
    assert "".join([piece.text or "" async for piece in stream]) == answer(model)
