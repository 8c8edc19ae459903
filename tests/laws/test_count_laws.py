"""Counts of tokens: a request read of a dialect and written in it is what it was, as far as it is counted; in another dialect it can be
read again; the number comes through to the last token.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.requests import REQUESTS
from trunkline.core.codec import DecodeError
from trunkline.core.conversation import Change, Untranslatable
from trunkline.core.ports import Facts
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A1", "A2")

COUNTED: dict[str, tuple[str, frozenset[str]]] = {
    "anthropic-count-tokens": (
        "anthropic-messages",
        frozenset(
            (
                "model",
                "messages",
                "system",
                "tools",
                "tool_choice",
                "thinking",
                "output_config",
                "cache_control",
                "speed",
            )
        ),
    ),
    "openai-input-tokens": (
        "openai-responses",
        frozenset(
            (
                "model",
                "input",
                "instructions",
                "tools",
                "tool_choice",
                "reasoning",
                "text",
                "parallel_tool_calls",
                "truncation",
            )
        ),
    ),
    "gemini-count": ("gemini-generate", frozenset(("contents", "systemInstruction", "tools", "toolConfig"))),
}
"""Dialect of the count: the one whose requests it takes, and the members that its vendor documents."""
PAIRS = [(asks, serves) for asks in COUNTED for serves in COUNTED if asks != serves]


def test_every_dialect_that_counts_is_here() -> None:
    assert set(COUNTED) == {name for name, codec in CODECS.items() if codec.kind == "count"}


def asked(dialect: str, data: st.DataObject) -> dict[str, Any]:
    """What a caller asks to have counted: a request as for an answer, without what is not counted."""
    whole, taken = COUNTED[dialect]
    said = data.draw(REQUESTS[whole])
    return {name: value for name, value in said.items() if name in taken}


@pytest.mark.parametrize("dialect", COUNTED)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_count_read_and_written_in_its_own_dialect_is_what_it_was(dialect: str, data: Any) -> None:
    codec, said, changes = CODECS[dialect], asked(dialect, data), list[Change]()
    request = codec.read_request(json.dumps(said).encode(), changes)
    request.model = said.get("model", "")
    told = json.loads(codec.write_request(request, Facts("claude-x"), changes).body)

    if dialect == "gemini-count":
        told = {name: value for name, value in told["generateContentRequest"].items() if name != "model"}
    assert told == said
    assert changes == []


@pytest.mark.parametrize(("asks", "serves"), PAIRS)
@settings(max_examples=10, deadline=None)
@given(data=st.data(), most=st.integers(1, 99))
def test_what_is_not_counted_never_reaches_a_count(asks: str, serves: str, data: Any, most: int) -> None:
    """Nor anything that its vendor could not read."""
    said = data.draw(REQUESTS[COUNTED[asks][0]])
    try:
        request = CODECS[asks].read_request(json.dumps(said).encode(), [])
        request.max_tokens, request.temperature = most, 0.5
        body = CODECS[serves].write_request(request, Facts("claude-x"), []).body
    except Untranslatable:
        return  # e.g. turns that only the other vendor keeps
    told = json.loads(body)
    told = told.get("generateContentRequest", told)

    assert set(told) <= COUNTED[serves][1] | {"model"}
    if any(
        told.get(name) for name in ("messages", "input", "contents")
    ):  # else all of it was only the other's
        CODECS[serves].read_request(body, [])


@pytest.mark.parametrize("asks", COUNTED)
@pytest.mark.parametrize("serves", COUNTED)
@settings(max_examples=10, deadline=None)
@given(tokens=st.integers(0, 10**11))
def test_the_number_comes_through_to_the_last_token(asks: str, serves: str, tokens: int) -> None:
    request = CODECS["openai-input-tokens"].read_request(b'{"model":"m","input":"x"}', [])
    name = {"gemini-count": "totalTokens"}
    vendors = json.dumps({name.get(serves, "input_tokens"): tokens, "x_new": {"a": 1}}).encode()
    told = CODECS[asks].write_reply(CODECS[serves].read_reply(vendors, request), request, [])

    assert json.loads(told)[name.get(asks, "input_tokens")] == tokens
    again = CODECS[asks].read_reply(told, request)
    assert CODECS[asks].write_reply(again, request, []) == told


@pytest.mark.parametrize("dialect", COUNTED)
@settings(max_examples=25, deadline=None)
@given(
    value=st.none()
    | st.booleans()
    | st.integers(-9, -1)
    | st.floats()
    | st.text(max_size=3)
    | st.lists(st.integers())
)
def test_what_is_no_count_is_told_to_be_missing(dialect: str, value: Any) -> None:
    request = CODECS["openai-input-tokens"].read_request(b'{"model":"m","input":"x"}', [])
    body = json.dumps({"input_tokens": value, "totalTokens": value}).encode()
    try:
        found = CODECS[dialect].read_reply(body, request)
    except (Untranslatable, DecodeError):
        return
    assert isinstance(value, float)  # a vendor may write 7.0
    assert found.usage is not None
    assert found.usage.input == int(value) >= 0
