"""Anthropic Messages' streams, read and written, in their odder forms; the goldens show usual ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.answer import (
    Alive,
    Began,
    Choice,
    Closed,
    Ended,
    Event,
    Grown,
    Opened,
    Reply,
    Stopped,
    Usage,
    Used,
)
from trunkline.core.conversation import Change, Media, Opaque, Reasoning, Request, Text, ToolCall
from trunkline.plugins.adapters import CODECS
from trunkline.plugins.adapters.carrier import Carried, unpack
from trunkline.plugins.adapters.fitting import Names

pytestmark = pytest.mark.row("A2")

MESSAGES = CODECS["anthropic-messages"]
ASKED = Request(dialect="anthropic-messages", stream=True)


def event(kind: str, **more: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


def read(*blocks: bytes, asked: Request = ASKED) -> list[Event]:
    reader = MESSAGES.reader(asked)
    return [one for block in blocks for one in reader.feed(block)]


def written(*events: Event) -> tuple[list[Any], list[Change]]:
    changes: list[Change] = []
    body = MESSAGES.writer(ASKED, changes).write([Began(id="c", model="m"), *events]).decode()
    told = [json.loads(line[6:]) for line in body.split("\n") if line.startswith("data: ")]
    names = [line[7:] for line in body.split("\n") if line.startswith("event: ")]
    assert names == [one["type"] for one in told]
    return told[1:], changes


def test_a_tool_of_free_text_is_told_once_its_text_is_whole() -> None:
    names = Names(64)
    names.custom.add("run")
    asked = Request(dialect="openai-chat", sent=names)
    events = read(
        event(
            "content_block_start",
            index=0,
            content_block={"type": "tool_use", "id": "a", "name": "run", "input": {}},
        ),
        event(
            "content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '{"input": "x'}
        ),
        event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": ' = 1"}'}),
        event("content_block_stop", index=0),
        asked=asked,
    )
    assert events == [
        Opened(part=0, what=ToolCall(id="a", name="run", kind="custom")),
        Grown(0, "arguments", "x = 1"),
        Closed(0),
    ]


def test_unknown_events_and_deltas_are_passed_over() -> None:
    events = read(
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=0, delta={"type": "compaction_delta", "content": "x"}),
        event("something_new"),
        event("ping"),
    )
    assert events == [Opened(part=0, what=Text(text="")), Alive()]


def test_usage_of_the_end_is_laid_over_that_of_the_begin() -> None:
    events = read(
        event(
            "message_start",
            message={
                "id": "m",
                "usage": {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 1},
            },
        ),
        event(
            "message_delta",
            delta={"stop_reason": "end_turn"},
            usage={"output_tokens": 7, "cache_read_input_tokens": None},
        ),
    )
    used = next(one.usage for one in events if isinstance(one, Used))
    assert (used.input, used.cached, used.output) == (5, 2, 7)


def test_sealed_thoughts_of_another_vendor_travel_as_redacted_ones() -> None:
    thought = Reasoning(origin="openai-responses", id="rs")
    told, _ = written(
        Opened(part=0, what=thought), Grown(0, "sealed", "gA"), Grown(0, "sealed", "AA"), Closed(0)
    )
    block = told[0]["content_block"]
    assert block["type"] == "redacted_thinking"
    assert unpack(block["data"]) == Carried(o="openai-responses", s="gAAA", i="rs")
    assert [one["type"] for one in told] == ["content_block_start", "content_block_stop"]


def test_summaries_and_seals_come_back_together() -> None:
    thought = Reasoning(origin="openai-responses", id="rs")
    told, _ = written(
        Opened(part=0, what=thought),
        Grown(0, "summary", "It"),
        Grown(0, "summary", "Rains", fresh=True),
        Grown(0, "sealed", "gA"),
        Closed(0),
    )
    text = "".join(one["delta"].get("thinking", "") for one in told if one["type"] == "content_block_delta")
    signature = next(
        one["delta"]["signature"] for one in told if one.get("delta", {}).get("type") == "signature_delta"
    )
    assert text == "It\n\nRains"
    assert unpack(signature) == Carried(o="openai-responses", s="gA", i="rs", m=True)


def test_a_thought_that_is_not_shown_keeps_its_proof() -> None:
    told, _ = written(
        Opened(part=0, what=Reasoning(origin="anthropic-messages")), Grown(0, "signature", "EqQB"), Closed(0)
    )
    assert [one["type"] for one in told] == [
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    ]
    assert told[1]["delta"] == {"type": "signature_delta", "signature": "EqQB"}
    nothing, _ = written(Opened(part=0, what=Reasoning(origin="openai-chat")), Closed(0))
    assert nothing == []


def test_the_signature_of_a_call_stands_in_a_thought_before_it_and_comes_back() -> None:
    call = ToolCall(id="a", name="t", arguments="{}", signature="sig")
    told, _ = written(Opened(part=0, what=call), Closed(0))
    signature = told[1]["delta"]["signature"]
    assert unpack(signature) == Carried(o="gemini-generate", g="sig", c="a")
    blocks = [
        {"type": "thinking", "thinking": "", "signature": signature},
        {"type": "tool_use", "id": "a", "name": "t", "input": {}},
    ]
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": blocks}]}
    [part] = MESSAGES.read_request(json.dumps(body).encode(), []).messages[0].parts
    assert part == call


def test_only_the_first_choice_can_be_told_and_sounds_as_their_words() -> None:
    told, changes = written(
        Opened(part=0, what=Text(text=""), choice=1),
        Grown(0, "text", "b", 1),
        Closed(0, 1),
        Opened(part=0, what=Media(kind="audio")),
        Grown(0, "data", "QQ=="),
        Grown(0, "transcript", "hi"),
        Closed(0),
        Opened(part=1, what=Opaque(dialect="x", value={"type": "widget"})),
        Stopped(stop="length", choice=1),
        Stopped(stop="context"),
        Used(Usage(input=9, output=2)),
        Alive(),
        Ended(),
        Ended(),
    )
    assert [one["type"] for one in told] == [
        "content_block_start", "content_block_delta", "content_block_stop", "ping", "message_delta", "message_stop",
    ]  # fmt: skip
    assert told[-2]["delta"]["stop_reason"] == "model_context_window_exceeded"
    assert {(c.act, c.field) for c in changes} == {
        ("dropped", "answer.choices"),
        ("changed", "answer.audio"),
        ("dropped", "answer.part"),
    }


def test_a_whole_answer_without_choices_or_with_odd_arguments_is_still_one() -> None:
    def reply(*parts: Any) -> Any:
        changes: list[Change] = []
        given = Reply(
            dialect="openai-chat", choices=[Choice(parts=list(parts), stop="tool")] if parts else []
        )
        return json.loads(MESSAGES.write_reply(given, ASKED, changes))

    assert (reply()["content"], reply()["stop_reason"]) == ([], "end_turn")
    assert reply(ToolCall(id="a", name="t", arguments="[1]"))["content"][0]["input"] == {"arguments": "[1]"}
    assert reply(ToolCall(id="a", name="t", arguments="x", kind="custom"))["content"][0]["input"] == {
        "input": "x"
    }
