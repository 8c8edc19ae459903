"""OpenAI Chat's streams, read and written, in their odder forms; the goldens show usual ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.answer import Began, Cited, Closed, Ended, Event, Grown, Opened, Stopped, Usage, Used
from trunkline.core.conversation import (
    Change,
    Citation,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    Untranslatable,
)
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A2")

CHAT = CODECS["openai-chat"]
ASKED = Request(dialect="openai-chat", stream=True, stream_usage=True)


def chunk(delta: Any = None, finish: str | None = None, **more: Any) -> bytes:
    choices = (
        []
        if delta is None and finish is None
        else [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    )
    return (
        b"data: "
        + json.dumps({"id": "c", "model": "m", "created": 1, "choices": choices, **more}).encode()
        + b"\n\n"
    )


def read(*blocks: bytes) -> list[Event]:
    reader = CHAT.reader(ASKED)
    return [event for block in blocks for event in reader.feed(block)]


def call(index: int, arguments: str, name: str = "", given: str = "") -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return {"tool_calls": [{"index": index, **({"id": given} if given else {}), "function": function}]}


def test_calls_that_grow_by_turns_keep_apart() -> None:
    events = read(
        chunk(call(0, "", "a", "1")),
        chunk(call(1, "", "b", "2")),
        chunk(call(0, "x")),
        chunk(call(1, "y")),
        chunk(finish="tool_calls"),
    )
    grown = [(event.part, event.value) for event in events if isinstance(event, Grown)]
    assert grown == [(0, "x"), (1, "y")]
    assert [event.part for event in events if isinstance(event, Opened)] == [0, 1]


def test_a_call_without_a_name_is_none() -> None:
    with pytest.raises(Untranslatable, match="begins without its name"):
        read(chunk(call(0, "{}")))


def test_usage_may_stand_in_the_last_chunk_of_a_choice_or_be_null() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    events = read(
        chunk({"content": "a"}, usage=None),
        chunk(finish="stop", usage=usage),
        b"data: [DONE]\n\n",
        b"data: [DONE]\n\n",
    )
    assert [type(event).__name__ for event in events] == [
        "Began",
        "Opened",
        "Grown",
        "Closed",
        "Stopped",
        "Used",
        "Ended",
    ]


def test_comments_are_signs_of_life_and_what_the_vendor_says_twice_is_heard_once() -> None:
    assert [type(event).__name__ for event in read(b": PROCESSING\n\n", chunk(finish="stop"), chunk(finish="stop"))] == [
        "Alive", "Began", "Stopped",
    ]  # fmt: skip


def test_thoughts_words_refusals_sounds_and_older_calls() -> None:
    events = read(
        chunk({"reasoning": "Hm"}),
        chunk(
            {
                "content": "a",
                "annotations": [{"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}],
            }
        ),
        chunk({"refusal": "No"}),
        chunk({"audio": {"id": "au", "data": "QQ==", "transcript": "hi"}}),
        chunk({"function_call": {"name": "f", "arguments": "{}"}}),
        chunk(finish="function_call"),
    )
    assert [event.what for event in events if isinstance(event, Opened)] == [
        Reasoning(origin="openai-chat"), Text(text=""), Refusal(text=""), Media(kind="audio", file="au"), ToolCall(id="f", name="f"),
    ]  # fmt: skip
    assert [event.citation.url for event in events if isinstance(event, Cited)] == ["u"]
    assert [event.stop for event in events if isinstance(event, Stopped)] == ["refusal"]


def written(*events: Event, asked: Request = ASKED) -> tuple[list[Any], list[Change]]:
    changes: list[Change] = []
    body = CHAT.writer(asked, changes).write([Began(id="c", model="m", created=1.0), *events]).decode()
    data = [line[6:] for line in body.split("\n") if line.startswith("data: ")]
    return [json.loads(one) if one != "[DONE]" else one for one in data], changes


def deltas(chunks: list[Any]) -> list[Any]:
    return [choice["delta"] for one in chunks if isinstance(one, dict) for choice in one["choices"]]


def test_usage_is_told_to_who_asked_for_it() -> None:
    used = Used(Usage(input=3, output=2))
    told, _ = written(Stopped(stop="end"), used, Ended())
    assert (told[-2]["choices"], told[-2]["usage"]["total_tokens"], told[-1]) == ([], 5, "[DONE]")
    told, _ = written(Stopped(stop="end"), used, Ended(), asked=Request(dialect="openai-chat"))
    assert (len(told), told[-1]) == (3, "[DONE]")


def test_parts_that_are_whole_at_once_are_told_at_once() -> None:
    told, changes = written(
        Opened(part=0, what=Reasoning(summary=["It rains."], sealed="d", id="rs", origin="openai-responses")),
        Closed(0),
        Opened(part=1, what=Text(text="Yes.")),
        Cited(1, Citation(url="u", title="t")),
        Closed(1),
        Opened(part=2, what=ToolCall(id="a", name="f", arguments="{}", signature="sig")),
        Opened(part=3, what=Media(kind="image", mime="image/png", data="QQ==")),
        Opened(part=4, what=Opaque(dialect="x", value={"type": "widget"})),
        Stopped(stop="tool"),
    )
    said = deltas(told)
    assert said[1]["reasoning_content"] == "It rains."
    assert said[1]["reasoning_details"][0]["data"] == "d"
    assert said[2] == {"content": "Yes."}
    assert said[3]["annotations"][0]["url_citation"] == {
        "start_index": 0,
        "end_index": 4,
        "url": "u",
        "title": "t",
    }
    assert said[4]["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "sig"}}
    assert said[5]["images"][0]["image_url"]["url"] == "data:image/png;base64,QQ=="
    assert changes == [Change("dropped", "answer.part", "widget")]


def test_a_new_paragraph_of_a_summary_is_set_apart() -> None:
    thought = Opened(part=0, what=Reasoning(origin="openai-responses"))
    told, _ = written(
        thought, Grown(0, "summary", "a"), Grown(0, "summary", "b", fresh=True), Grown(0, "sealed", "d")
    )
    assert [delta.get("reasoning_content") for delta in deltas(told)[1:]] == ["a", "\n\nb", None]
    assert deltas(told)[-1]["reasoning_details"][0]["type"] == "reasoning.encrypted"


def test_tools_of_free_text_stream_their_text() -> None:
    told, _ = written(
        Opened(part=0, what=ToolCall(id="a", name="run", kind="custom")), Grown(0, "arguments", "x = 1")
    )
    assert [delta["tool_calls"][0] for delta in deltas(told)[1:]] == [
        {"index": 0, "id": "a", "type": "custom", "custom": {"name": "run", "input": ""}},
        {"index": 0, "custom": {"input": "x = 1"}},
    ]
