"""Anthropic Messages: input excludes what was cached, which is counted in here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.readings import noted
from trunkline.core.codec import DecodeError
from trunkline.core.ports import Adapter, Reading
from trunkline.plugins.adapters.anthropic_messages import AnthropicMessages
from trunkline.plugins.adapters.counting import Counts

MESSAGES = AnthropicMessages()


def read(adapter: Adapter, body: Any) -> dict[str, Any]:
    into = Reading()
    adapter.read(json.dumps(body).encode(), into)
    return noted(into)


@pytest.mark.row("A1", "O1")
def test_a_whole_reply_counts_cached_input_as_input() -> None:
    usage = {
        "input_tokens": 7,
        "cache_read_input_tokens": 2,
        "cache_creation_input_tokens": 1,
        "output_tokens": 5,
    }
    assert read(MESSAGES, {"model": "claude-x", "usage": usage}) == {
        "input": 10, "output": 5, "cached": 2, "cache_write": 1, "model": "claude-x", "finished": True,
    }  # fmt: skip
    assert read(MESSAGES, {"usage": {"input_tokens": 7, "cache_read_input_tokens": None}})["input"] == 7
    assert read(MESSAGES, {"usage": {"input_tokens": -3}}) == {"finished": True}
    thought = {"input_tokens": 7, "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 3}}
    assert read(MESSAGES, {"usage": thought})["reasoning"] == 3
    assert read(MESSAGES, {"usage": {**thought, "output_tokens": 5.0, "input_tokens": "x"}})["reasoning"] == 3


@pytest.mark.row("E2")
@pytest.mark.parametrize(
    ("more", "plain"),
    [
        ({}, True),
        ({"error": {"message": "x"}}, False),
        ({"stop_reason": "refusal"}, False),
        ({"type": "error"}, False),
    ],
)
def test_a_reply_is_plain_unless_it_speaks_of_a_failure(more: dict[str, Any], plain: bool) -> None:
    body = {"type": "message", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}, **more}
    assert read(MESSAGES, body).get("plain", False) is plain


@pytest.mark.row("F7")
def test_a_stream_tells_input_first_output_later_and_ends_with_its_stop() -> None:
    into = Reading()
    events: list[Any] = [
        {
            "type": "message_start",
            "message": {"model": "claude-x", "usage": {"input_tokens": 7, "output_tokens": 1}},
        },
        {"type": "content_block_delta", "delta": {"text": '{"type":"message_stop"}'}},
        {"type": "message_delta", "usage": {"output_tokens": 9}},
    ]
    for event in events:
        block = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        assert MESSAGES.watch(block, into) is None
    assert (into.input, into.output, into.model, into.finished) == (7, 9, "claude-x", False)
    assert MESSAGES.watch(b'data: {"type":"message_stop"}\n\n', into) is None
    assert into.finished


@pytest.mark.row("F7")
def test_an_error_event_is_an_error() -> None:
    data = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    assert MESSAGES.watch(b"event: error\ndata: " + data + b"\n\n", Reading()) == data
    assert MESSAGES.watch(b'data: {"type":"error" oops\n\n', Reading()) is None


def test_counting_tokens_is_no_usage() -> None:
    assert read(Counts("anthropic-count-tokens"), {"input_tokens": 12}) == {"finished": True}
    assert Counts("anthropic-count-tokens").watch(b"data: {}\n\n", Reading()) is None
    for adapter in (Counts("anthropic-count-tokens"), MESSAGES):
        with pytest.raises(DecodeError):
            adapter.read(b"<html>", Reading())


@pytest.mark.row("A4", "O1")
@pytest.mark.parametrize(
    "beside", [{}, {"server_tool_use": {"web_search_requests": 1}}], ids=["read plainly", "read in full"]
)
@pytest.mark.parametrize(
    ("told", "written"),
    [
        ({"cache_creation": {"ephemeral_5m_input_tokens": 30}}, (30, 0)),
        ({"cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}}, (30, 20)),
        ({"cache_creation_input_tokens": 0, "cache_creation": {"ephemeral_1h_input_tokens": 5}}, (5, 5)),
        ({"cache_creation_input_tokens": 30, "cache_creation": {}}, (30, 0)),
        ({"cache_creation_input_tokens": 30}, (30, 0)),
    ],
)
def test_what_is_written_to_a_cache_counts_also_where_only_its_parts_are_told(
    told: dict[str, Any], written: tuple[int, int], beside: dict[str, Any]
) -> None:
    into = Reading()
    usage = {"input_tokens": 10, "output_tokens": 20, **told, **beside}
    AnthropicMessages().read(json.dumps({"type": "message", "usage": usage}).encode(), into)
    assert (into.input, into.cache_write, into.cache_write_1h) == (10 + written[0], *written)
