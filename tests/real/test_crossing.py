"""SDKs, unmodified, whose vendor speaks another dialect: tools, streams, thoughts over turns, failures.

The simulated vendors refuse what the real ones refuse, so a translation that breaks their rules is seen here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from anthropic import Anthropic
from google import genai
from google.genai import types as genai_types
from openai import OpenAI
from pydantic import BaseModel

from tests.support.gateway import Trunkline
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.real, pytest.mark.row("A2", "P2")]

CLAUDE, GPT, GEMINI = "claude-sonnet-4-5", "gpt-4o-mini", "gemini-2.5-flash"
ASK: Any = [{"role": "user", "content": "What is the weather in Paris and in Rome?"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}]
TOOLS: Any = [{"name": "get_weather", "input_schema": CITY}]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def chat(trunkline: Trunkline) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{trunkline.url}/v1", api_key=trunkline.key, max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture
def messages(trunkline: Trunkline) -> Iterator[Anthropic]:
    with Anthropic(base_url=trunkline.url, api_key=trunkline.key, max_retries=0, timeout=60) as made:
        yield made


class City(BaseModel):
    """What a structured answer must fit."""

    city: str


# The openai SDK, and Anthropic's models.


def test_openai_sdk_gets_an_answer_with_usage_and_the_vendors_request_id(
    trunkline: Trunkline, chat: OpenAI
) -> None:
    raw = chat.chat.completions.with_raw_response.create(model=CLAUDE, messages=ASK, seed=1)
    reply = raw.parse()
    call = trunkline.recorded(raw.headers["x-correlation-id"])

    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (
        call.end.input_tokens,
        call.end.output_tokens,
    )
    assert raw.headers["x-trunkline-translation"] == "openai-chat>anthropic-messages, dropped seed"
    assert call.end.tried[0].target == f"anthropic/{CLAUDE}"


def test_openai_sdk_calls_two_tools_at_once_and_sends_their_results_back(chat: OpenAI) -> None:
    asked = chat.chat.completions.create(model=CLAUDE, messages=ASK, tools=CHAT_TOOLS)
    message = asked.choices[0].message
    calls = message.tool_calls or []
    assert asked.choices[0].finish_reason == "tool_calls"
    assert [json.loads(call.function.arguments)["city"] for call in calls if call.type == "function"] == [
        "Paris",
        "Rome",
    ]

    results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
    history: Any = [*ASK, message.to_dict(), *results]
    done = chat.chat.completions.create(model=CLAUDE, messages=history, tools=CHAT_TOOLS)
    assert done.choices[0].message.content
    # Without tools, which Anthropic wants declared wherever they were used.
    assert chat.chat.completions.create(model=CLAUDE, messages=history).choices[0].message.content


def test_openai_sdk_streams_tools(chat: OpenAI) -> None:
    with chat.chat.completions.stream(model=CLAUDE, messages=ASK, tools=CHAT_TOOLS) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls or []
    assert kinds.count("tool_calls.function.arguments.done") == 2
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]


def test_openai_sdk_streams_words_and_usage(chat: OpenAI) -> None:
    whole = chat.chat.completions.create(model=CLAUDE, messages=ASK)
    chunks = list(
        chat.chat.completions.create(
            model=CLAUDE, messages=ASK, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens


def test_openai_sdk_keeps_thoughts_over_three_turns(chat: OpenAI) -> None:
    """The simulated Anthropic refuses thoughts whose signature it did not make, and calls without the thoughts before them pass."""
    history: Any = list(ASK)
    for _ in range(3):
        turn = chat.chat.completions.create(
            model=CLAUDE,
            messages=history,
            tools=CHAT_TOOLS,
            reasoning_effort="low",
            max_completion_tokens=4000,
        )
        message = turn.choices[0].message
        details = message.to_dict()["reasoning_details"]
        assert details[0]["format"] == "anthropic-claude-v1"  # type: ignore[index]
        assert details[0]["signature"]  # type: ignore[index]
        history.append(message.to_dict())
        history += [
            {"role": "tool", "tool_call_id": call.id, "content": "x"} for call in message.tool_calls or []
        ]
        if not message.tool_calls:
            history.append({"role": "user", "content": "And now?"})


def test_openai_sdk_keeps_thoughts_that_it_got_as_a_stream(
    trunkline: Trunkline, chat: OpenAI, simulator: SimulatorProcess
) -> None:
    pieces: list[Any] = []
    text = ""
    for chunk in chat.chat.completions.create(
        model=CLAUDE, messages=[{"role": "user", "content": "Hi"}], stream=True, reasoning_effort="low"
    ):
        for choice in chunk.choices:
            delta = choice.delta.to_dict()
            pieces += delta.get("reasoning_details") or []  # type: ignore[arg-type]
            text += choice.delta.content or ""
    assert len(pieces) > 1
    back: Any = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": text, "reasoning_details": pieces},
        {"role": "user", "content": "And?"},
    ]
    raw = chat.chat.completions.with_raw_response.create(model=CLAUDE, messages=back, reasoning_effort="low")
    assert raw.parse().choices[0].message.content
    assert "messages.reasoning" not in raw.headers["x-trunkline-translation"]


def test_openai_sdk_parses_a_structured_answer(chat: OpenAI) -> None:
    parsed = (
        chat.chat.completions.parse(model=CLAUDE, messages=ASK, response_format=City)
        .choices[0]
        .message.parsed
    )
    assert parsed is not None
    assert parsed.city


def test_openai_sdk_sends_pictures_and_files(chat: OpenAI) -> None:
    parts: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
    ]
    reply = chat.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": parts}])
    assert reply.choices[0].message.content


def test_openai_sdk_raises_its_own_errors(chat: OpenAI, simulator: SimulatorProcess) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        chat.chat.completions.create(model="anthropic/does-not-exist", messages=ASK)
    assert missing.value.code == "model_gone"
    with pytest.raises(openai.BadRequestError) as refused:
        chat.chat.completions.create(
            model=CLAUDE, messages=ASK, seed=1, extra_headers={"x-trunkline-translation-mode": "strict"}
        )
    assert refused.value.param == "seed"
    assert "dropped seed" in refused.value.message


# The anthropic SDK, and OpenAI's models.


def test_anthropic_sdk_gets_an_answer_with_usage(trunkline: Trunkline, messages: Anthropic) -> None:
    raw = messages.messages.with_raw_response.create(
        model=GPT, max_tokens=99, messages=ASK, system="Be brief."
    )
    reply = raw.parse()
    call = trunkline.recorded(raw.headers["x-correlation-id"])

    assert (reply.type, reply.stop_reason, reply.content[0].type) == ("message", "end_turn", "text")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (
        call.end.input_tokens,
        call.end.output_tokens,
    )
    assert raw.headers["x-trunkline-translation"] == "anthropic-messages>openai-chat"


def test_anthropic_sdk_calls_two_tools_at_once_and_sends_their_results_back(messages: Anthropic) -> None:
    asked = messages.messages.create(model=GPT, max_tokens=99, messages=ASK, tools=TOOLS)
    uses = [block for block in asked.content if block.type == "tool_use"]
    assert (asked.stop_reason, [use.input for use in uses]) == (
        "tool_use",
        [{"city": "Paris"}, {"city": "Rome"}],
    )

    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    results: Any = [
        {
            "type": "tool_result",
            "tool_use_id": uses[0].id,
            "content": [{"type": "text", "text": "sunny"}, picture],
        },
        {"type": "tool_result", "tool_use_id": uses[1].id, "content": "no such city", "is_error": True},
    ]
    history: Any = [
        *ASK, {"role": "assistant", "content": asked.content}, {"role": "user", "content": [*results, {"type": "text", "text": "So?"}]}
    ]  # fmt: skip
    done = messages.messages.create(model=GPT, max_tokens=99, messages=history, tools=TOOLS)
    assert done.content


def test_anthropic_sdk_streams_tools(messages: Anthropic) -> None:
    with messages.messages.stream(model=GPT, max_tokens=99, messages=ASK, tools=TOOLS) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    uses = [block for block in final.content if block.type == "tool_use"]
    assert [use.input for use in uses] == [{"city": "Paris"}, {"city": "Rome"}]
    assert (kinds[0], kinds[-1], final.stop_reason) == ("message_start", "message_stop", "tool_use")


def test_anthropic_sdk_streams_words_and_usage(messages: Anthropic) -> None:
    whole = messages.messages.create(model=GPT, max_tokens=99, messages=ASK)
    with messages.messages.stream(model=GPT, max_tokens=99, messages=ASK) as stream:
        final = stream.get_final_message()
    assert [block.to_dict() for block in final.content] == [block.to_dict() for block in whole.content]
    assert (final.usage.input_tokens, final.usage.output_tokens) == (
        whole.usage.input_tokens,
        whole.usage.output_tokens,
    )


def test_anthropic_sdk_parses_a_structured_answer(messages: Anthropic) -> None:
    parsed = messages.messages.parse(model=GPT, max_tokens=99, messages=ASK, output_format=City)
    assert parsed.parsed_output is not None
    assert parsed.parsed_output.city


def test_anthropic_sdk_raises_its_own_errors(messages: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as missing:
        messages.messages.create(model="openai/does-not-exist", max_tokens=9, messages=ASK)
    body: Any = missing.value.body
    assert (body["type"], body["error"]["type"], body["error"]["code"]) == (
        "error",
        "not_found_error",
        "model_gone",
    )
    with pytest.raises(anthropic.BadRequestError, match="dropped top_k"):
        messages.messages.create(
            model=GPT,
            max_tokens=9,
            messages=ASK,
            extra_body={"top_k": 3},
            extra_headers={"x-trunkline-translation-mode": "strict"},
        )


def test_anthropic_sdk_counts_tokens_of_any_model(messages: Anthropic) -> None:
    assert messages.messages.count_tokens(model=GPT, messages=ASK, tools=TOOLS).input_tokens > 10


# The google-genai SDK, and models of OpenAI and Anthropic.


@pytest.fixture
def google(trunkline: Trunkline) -> genai.Client:
    options = genai_types.HttpOptions(base_url=trunkline.url, timeout=60_000)
    return genai.Client(api_key=trunkline.key, http_options=options)


WEATHER = genai_types.Tool(
    function_declarations=[genai_types.FunctionDeclaration(name="get_weather", parameters_json_schema=CITY)]
)
ASK_GOOGLE = "What is the weather in Paris and in Rome?"


@pytest.mark.parametrize("model", [CLAUDE, GPT])
def test_google_sdk_calls_two_tools_at_once_and_sends_their_results_back(
    google: genai.Client, model: str
) -> None:
    config = genai_types.GenerateContentConfig(
        tools=[WEATHER],
        automatic_function_calling=genai_types.AutomaticFunctionCallingConfig(disable=True),
    )
    asked = google.models.generate_content(model=model, contents=ASK_GOOGLE, config=config)
    calls = asked.function_calls or []
    assert [(call.args or {})["city"] for call in calls] == ["Paris", "Rome"]

    assert asked.candidates
    answers = [
        genai_types.Part(
            function_response=genai_types.FunctionResponse(
                id=call.id, name=call.name, response={"output": "sunny"}
            )
        )
        for call in calls
    ]
    history: Any = [
        genai_types.Content(role="user", parts=[genai_types.Part(text=ASK_GOOGLE)]),
        asked.candidates[0].content,
        genai_types.Content(role="user", parts=answers),
    ]
    reply = google.models.generate_content(model=model, contents=history, config=config)
    assert reply.text
    assert reply.usage_metadata is not None
    assert reply.usage_metadata.prompt_token_count


@pytest.mark.parametrize("model", [CLAUDE, GPT])
def test_google_sdk_reads_a_stream(google: genai.Client, model: str) -> None:
    pieces = list(google.models.generate_content_stream(model=model, contents="Tell me a story"))

    assert len([piece for piece in pieces if piece.text]) > 1
    assert pieces[-1].candidates
    assert pieces[-1].candidates[0].finish_reason == genai_types.FinishReason.STOP
    assert pieces[-1].usage_metadata is not None


def test_openai_sdk_reaches_gemini_with_tools_and_a_stream(chat: OpenAI) -> None:
    asked = chat.chat.completions.create(model=GEMINI, messages=ASK, tools=CHAT_TOOLS)
    calls = asked.choices[0].message.tool_calls or []
    assert asked.choices[0].finish_reason == "tool_calls"
    results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
    turn: Any = asked.choices[0].message.model_dump(exclude_none=True)
    reply = chat.chat.completions.create(model=GEMINI, messages=[*ASK, turn, *results], tools=CHAT_TOOLS)
    assert reply.choices[0].message.content

    chunks = list(chat.chat.completions.create(model=GEMINI, messages=ASK, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_anthropic_sdk_reaches_gemini_with_tools_and_a_stream(messages: Anthropic) -> None:
    asked = messages.messages.create(model=GEMINI, max_tokens=300, messages=ASK, tools=TOOLS)
    assert asked.stop_reason == "tool_use"
    with messages.messages.stream(model=GEMINI, max_tokens=300, messages=ASK) as stream:
        assert stream.get_final_text()


# The openai SDK's Responses, and models of Anthropic and Google.

RESPONSES_TOOLS: Any = [{"type": "function", "name": "get_weather", "parameters": CITY, "strict": False}]


@pytest.mark.parametrize("model", [CLAUDE, GEMINI])
def test_openai_sdk_calls_tools_by_responses_and_sends_their_results_back(chat: OpenAI, model: str) -> None:
    asked = chat.responses.create(model=model, input=ASK, tools=RESPONSES_TOOLS)
    calls = [item for item in asked.output if item.type == "function_call"]
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Paris", "Rome"]

    results: Any = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls
    ]
    turns: Any = [item.model_dump(exclude_none=True) for item in asked.output]
    reply = chat.responses.create(model=model, input=[*ASK, *turns, *results], tools=RESPONSES_TOOLS)
    assert (reply.status, bool(reply.output_text)) == ("completed", True)
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens


@pytest.mark.parametrize("model", [CLAUDE, GEMINI])
def test_openai_sdk_reads_a_stream_of_responses(chat: OpenAI, model: str) -> None:
    with chat.responses.stream(model=model, input="Tell me a story") as stream:
        kinds = [event.type for event in stream]
        whole = stream.get_final_response()

    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert whole.output_text


def test_a_stored_answer_is_refused_to_a_vendor_that_does_not_keep_it(chat: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="send the turns themselves"):
        chat.responses.create(model=CLAUDE, input="And then?", previous_response_id="resp_1")
