"""Requests made and answers read, without a gateway."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.client import chat
from trunkline.client.answers import About, Chunk, ToolCall, Usage
from trunkline.client.errors import IntegrationError

ABOUT = About(correlation_id="c1", integration="acme")


def asked(*args: Any, **options: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(chat.request(*args, **options))
    return told


def test_a_text_becomes_a_message_and_nothing_is_added_that_was_not_said() -> None:
    assert asked("m", "hi", temperature=None) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
    }


def test_a_system_text_stands_before_all_messages() -> None:
    messages = [{"role": "assistant", "content": "yes?"}, {"role": "user", "content": "hi"}]
    assert asked("m", messages, system="be short")["messages"] == [
        {"role": "system", "content": "be short"},
        *messages,
    ]


def test_tools_may_be_short() -> None:
    short, whole = {"name": "f", "parameters": {"type": "object"}}, {"type": "web_search"}
    assert asked("m", "x", tools=[short, whole])["tools"] == [{"type": "function", "function": short}, whole]


@pytest.mark.parametrize(
    ("model", "prompt", "told"),
    [
        ("", "x", "model must be a name"),
        ("m", [], "no message"),
        ("m", [{"content": "x"}], "messages like"),
        ("m", b"hi", "a text .str."),
        ("m", ["hi"], "messages like"),
    ],
)
def test_what_is_no_prompt_is_told(model: str, prompt: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        chat.request(model, prompt)


@pytest.mark.parametrize(
    "asks", [lambda text: asked("m", text), lambda text: chat.embedding_request("m", [text], None)]
)
def test_half_an_emoji_is_told_with_its_cure(asks: Any) -> None:
    with pytest.raises(ValueError, match="holds half of a character") as caught:
        asks("cut \ud83d here")
    assert type(caught.value) is ValueError
    text = "cut \ud83d here".encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    asks(text)


class Inner(msgspec.Struct):
    at: int | None = None


class Outer(msgspec.Struct):
    name: str
    inner: list[Inner] = []


@dataclass
class Plain:
    name: str


class Named(TypedDict):
    name: str


class Pydantic:
    """As pydantic's models look from outside."""

    @staticmethod
    def model_json_schema() -> dict[str, Any]:
        return {"type": "object", "properties": {"name": {"type": "string", "default": "x"}}}

    @staticmethod
    def model_validate_json(text: str) -> str:
        return f"validated {text}"


CLOSED = {"type": "object", "additionalProperties": False, "required": ["name"]}


@pytest.mark.parametrize("schema", [Plain, Named, Pydantic])
def test_a_type_becomes_a_strict_schema(schema: Any) -> None:
    made = asked("m", "x", schema=schema)["response_format"]["json_schema"]
    assert made["name"] == schema.__name__
    assert CLOSED.items() <= made["schema"].items()
    assert made["schema"]["properties"] == {"name": {"type": "string"}}


def test_types_within_types_are_closed_too() -> None:
    made = asked("m", "x", schema=Outer)["response_format"]["json_schema"]["schema"]
    assert made["required"] == ["name", "inner"]
    assert made["$defs"]["Inner"]["required"] == ["at"]
    assert made["$defs"]["Inner"]["additionalProperties"] is False


def test_what_is_no_schema_is_told() -> None:
    with pytest.raises(TypeError, match="is no msgspec"):
        chat.request("m", "x", schema=int)


def body(message: dict[str, Any], **more: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"model": "m-1", "choices": [choice], **more}).encode()


def test_a_whole_answer() -> None:
    said = body(
        {"role": "assistant", "content": "hi", "reasoning_content": "hm"},
        usage={
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    )
    answer = chat.completion(said, ABOUT, None)
    assert (answer.text, answer.reasoning, answer.stop, answer.model) == ("hi", "hm", "stop", "m-1")
    assert answer.usage == Usage(9, 5, 4, 2)
    assert str(answer) == "hi"


def test_calls_of_tools() -> None:
    call = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    answer = chat.completion(body({"content": None, "tool_calls": [call]}), ABOUT, Plain)
    assert answer.tool_calls == (ToolCall("t1", "f", '{"a": 1}'),)
    assert answer.tool_calls[0].input == {"a": 1}
    assert answer.parsed is None
    with pytest.raises(ValueError, match="no JSON"):
        _ = ToolCall("t", "f", "{").input


@pytest.mark.parametrize(
    ("schema", "parsed"),
    [(Plain, Plain("x")), ({"type": "object"}, {"name": "x"}), (Pydantic, 'validated {"name": "x"}')],
)
def test_structured_answers_are_parsed(schema: Any, parsed: Any) -> None:
    assert chat.completion(body({"content": '{"name": "x"}'}), ABOUT, schema).parsed == parsed


@pytest.mark.parametrize("said", [b"", b"[]", b"{}", b'{"choices":[]}', b'{"choices":[{}]}', b"<html>"])
def test_what_is_no_answer_is_an_integration_error(said: bytes) -> None:
    with pytest.raises(IntegrationError) as caught:
        chat.completion(said, ABOUT, None)
    assert (caught.value.source, caught.value.code, caught.value.correlation_id) == (
        "acme",
        "malformed_response",
        "c1",
    )


def test_an_answer_that_does_not_fit_the_schema_is_an_integration_error() -> None:
    with pytest.raises(IntegrationError, match="fits"):
        chat.completion(body({"content": '{"name": 5}'}), ABOUT, Plain)


@given(st.binary(max_size=60) | st.from_regex(rb'\{"choices":.{0,40}').map(bytes))
def test_no_bytes_are_more_than_an_integration_error(said: bytes) -> None:
    with contextlib.suppress(IntegrationError):
        chat.completion(said, ABOUT, None)


def delta(**delta: Any) -> str:
    return json.dumps({"model": "m-1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})


def test_a_stream_is_gathered_with_calls_that_come_in_pieces() -> None:
    gathering = chat.Gathering(ABOUT)
    pieces = [
        delta(role="assistant", content=""),
        delta(reasoning_content="hm"),
        delta(content="he"),
        delta(content="llo", reasoning_details=[{"type": "reasoning.text"}]),
        delta(tool_calls=[{"index": 0, "id": "t1", "function": {"name": "f", "arguments": '{"a"'}}]),
        delta(tool_calls=[{"index": 1, "id": "t2", "function": {"name": "g", "arguments": "{}"}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
        '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}',
        "[DONE]",
    ]
    chunks = [chunk for piece in pieces if (chunk := gathering.take(piece))]
    whole = gathering.whole()
    assert chunks == [Chunk("", "hm"), Chunk("he"), Chunk("llo")]
    assert gathering.ended
    assert whole.tool_calls == (ToolCall("t1", "f", '{"a":1}'), ToolCall("t2", "g", "{}"))
    assert whole.usage == Usage(1, 2)
    assert whole.message["reasoning_details"] == [{"type": "reasoning.text"}]
    assert [call["id"] for call in whole.message["tool_calls"]] == ["t1", "t2"]


def test_an_error_event_is_raised_with_its_fields() -> None:
    told = {"error": {"message": "busy", "code": "overloaded", "source": "acme", "retryable": True}}
    with pytest.raises(IntegrationError) as caught:
        chat.Gathering(ABOUT).take(json.dumps(told))
    assert (caught.value.code, caught.value.source, caught.value.retryable) == ("overloaded", "acme", True)
    assert caught.value.correlation_id == "c1"


def test_embeddings_are_put_in_order() -> None:
    rows = [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1, 0.5]}]
    made = chat.embeddings(json.dumps({"model": "e", "data": rows}).encode(), ABOUT)
    assert made.vectors == ((1.0, 0.5), (2.0,))
    with pytest.raises(IntegrationError, match="no embeddings"):
        chat.embeddings(b'{"data": [{"embedding": ["x"]}]}', ABOUT)


@pytest.mark.parametrize("texts", [[], [""], ["a", ""]])
def test_empty_texts_are_refused(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="none of them empty"):
        chat.embedding_request("e", texts, None)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    ("body", "where"),
    [
        (lambda x: x, "the body"),
        (lambda x: {"temperature": x}, "temperature"),
        (lambda x: {"messages": [{}, {"score": (1, x)}]}, r"messages\[1\]\.score\[1\]"),
        (lambda x: [{"a": 1.5}, x], r"\[1\]"),
    ],
)
def test_a_number_that_is_none_is_refused_and_never_becomes_null(
    body: Any, where: str, number: float
) -> None:
    with pytest.raises(ValueError, match=f"^{where} is {number}, which JSON cannot say"):
        chat.encoded(body(number))


def test_vectors_in_base64_are_numbers() -> None:
    said = b'{"data":[{"index":0,"embedding":"AACAPwAAAMA="}]}'
    assert chat.embeddings(said, ABOUT).vectors == ((1.0, -2.0),)
    with pytest.raises(IntegrationError) as caught:
        chat.embeddings(b'{"data":[{"index":0,"embedding":"AACA"}]}', ABOUT)
    assert caught.value.code == "malformed_response"
