"""OpenAI Chat's requests, read, and written for its many vendors; the goldens show whole ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.conversation import (
    CacheMark,
    Change,
    Effort,
    Media,
    Message,
    Opaque,
    Part,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Untranslatable,
)
from trunkline.core.ports import Facts
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A2")

CHAT = CODECS["openai-chat"]
OPENAI, DEEPSEEK, ROUTER = (Facts("m", name, name) for name in ("openai", "deepseek", "openrouter"))


def read(**said: Any) -> Request:
    return CHAT.read_request(
        json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], **said}).encode(), []
    )


def written(request: Request, facts: Facts = OPENAI) -> tuple[dict[str, Any], list[Change]]:
    changes: list[Change] = []
    return json.loads(CHAT.write_request(request, facts, changes).body), changes


def foreign(*messages: Message, **more: Any) -> Request:
    """A request of a caller that speaks Anthropic Messages."""
    given = messages or (Message(role="user", parts=[Text(text="x")]),)
    return Request(dialect="anthropic-messages", model="m", messages=list(given), **more)


def said(*parts: Part) -> Message:
    return Message(role="assistant", parts=list(parts))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"messages": []}, "missing or empty"),
        ({"messages": {}}, "no list"),
        ({"messages": [{"role": "user", "content": 1}]}, "neither text nor a list"),
        ({"stop": 1}, "neither a string nor a list"),
        ({"tools": {}}, "`tools` is no list"),
        ({"tools": [{"type": "function"}]}, "`tools.function` is no object"),
        ({"tool_choice": "maybe"}, "none of auto, none and required"),
        ({"tool_choice": {"type": "x"}}, "unknown `type`"),
        ({"reasoning_effort": 1}, "no string"),
        ({"max_tokens": "9"}, "no number"),
    ],
)
def test_what_is_none_of_the_dialect_is_refused_by_name(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(Untranslatable, match=says):
        read(**wrong)


def test_an_older_bound_beside_the_newer_is_a_leftover() -> None:
    assert read(max_tokens=5).max_tokens == 5
    assert read(max_tokens=5, max_completion_tokens=9).max_tokens == 9


def test_openrouters_reasoning_is_understood() -> None:
    effort = read(reasoning={"max_tokens": 2000, "exclude": True}).effort
    assert effort == Effort(budget=2000, shown=False)
    assert read(reasoning={"enabled": True}).effort == Effort(adaptive=True)


def test_thoughts_that_come_back_in_pieces_are_put_together() -> None:
    details = [
        {"type": "reasoning.text", "text": "a", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "text": "b", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "signature": "s", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.summary", "summary": "x", "format": "openai-responses-v1", "index": 1},
        {"type": "reasoning.encrypted", "data": "d", "id": "rs", "format": "openai-responses-v1", "index": 1},
        {"type": "reasoning.text", "text": "c", "format": "unknown"},
    ]
    parts = (
        read(messages=[{"role": "assistant", "content": "y", "reasoning_details": details}]).messages[0].parts
    )
    for part in parts:
        part.form = None  # type: ignore[union-attr]
    assert parts[:-1] == [
        Reasoning(text="ab", signature="s", origin="anthropic-messages"),
        Reasoning(summary=["x"], sealed="d", id="rs", origin="openai-responses"),
        Reasoning(text="c", origin="openai-chat"),
    ]


@pytest.mark.parametrize(
    ("facts", "member", "told"),
    [
        (DEEPSEEK, "reasoning_content", "Hm."),
        (
            ROUTER,
            "reasoning_details",
            [{"type": "reasoning.text", "text": "Hm.", "format": "unknown", "index": 0}],
        ),
    ],
)
def test_thoughts_go_back_in_the_way_their_vendor_wants(facts: Facts, member: str, told: Any) -> None:
    request = foreign(said(Reasoning(text="Hm.", origin="openai-chat"), Text(text="a")))
    out, changes = written(request, facts)
    assert (out["messages"][0], changes) == ({"role": "assistant", "content": "a", member: told}, [])


def test_thoughts_of_another_vendor_and_those_that_openai_never_makes_do_not_go_out() -> None:
    theirs = foreign(said(Reasoning(text="Hm.", signature="s", origin="anthropic-messages"), Text(text="a")))
    ours = foreign(said(Reasoning(text="Hm.", origin="openai-chat"), Text(text="a")))
    for request, facts in ((theirs, DEEPSEEK), (ours, OPENAI)):
        out, changes = written(request, facts)
        assert out["messages"][0] == {"role": "assistant", "content": "a"}
        assert changes == [Change("dropped", "messages.reasoning", "another vendor made it")]


def test_vendors_that_follow_openai_get_the_older_names() -> None:
    request = foreign(Message(role="developer", parts=[Text(text="x")]), max_tokens=5)
    assert written(request, DEEPSEEK)[0] == {
        "model": "m",
        "messages": [{"role": "system", "content": "x"}],
        "max_tokens": 5,
    }
    newer = written(request, OPENAI)[0]
    assert (newer["messages"][0]["role"], newer["max_completion_tokens"]) == ("developer", 5)


@pytest.mark.parametrize(
    ("model", "vendor", "told", "changed"),
    [
        ("gpt-5.6-sol", "openai", {"prompt_cache_breakpoint": {"mode": "explicit"}}, []),
        (
            "gpt-4o",
            "openai",
            {},
            [Change("dropped", "messages.cache_control", "the vendor caches by itself")],
        ),
        ("x", "openrouter", {"cache_control": {"type": "ephemeral"}}, []),
    ],
)
def test_marks_of_what_is_to_be_cached_are_said_as_the_model_takes_them(
    model: str, vendor: str, told: dict[str, Any], changed: list[Change]
) -> None:
    request = foreign(Message(role="user", parts=[Text(text="x", cache=CacheMark())]))
    request.model = model
    out, changes = written(request, Facts(model, vendor, vendor))
    content = out["messages"][0]["content"]
    assert (content[0] if told else content) == ({"type": "text", "text": "x", **told} if told else "x")
    assert changes == changed


def test_a_call_of_free_text_goes_to_whom_takes_it_and_as_a_function_to_others() -> None:
    tools = [Tool(name="run", kind="custom", dialect="openai-responses", value={})]
    request = foreign(said(ToolCall(id="a", name="run", arguments="x", kind="custom")), tools=tools)
    out, _ = written(request, OPENAI)
    assert out["messages"][0]["tool_calls"][0] == {
        "id": "a",
        "type": "custom",
        "custom": {"name": "run", "input": "x"},
    }
    assert out["tools"] == [{"type": "custom", "custom": {"name": "run", "description": ""}}]
    out, changes = written(request, DEEPSEEK)
    assert out["messages"][0]["tool_calls"][0]["function"] == {"name": "run", "arguments": '{"input":"x"}'}
    assert changes == [Change("emulated", "tools.custom", "a function of one text")]


def test_tools_that_only_another_vendor_runs_are_left_out_and_told() -> None:
    hosted = [
        Tool(
            name="computer", kind="hosted", dialect="anthropic-messages", value={"type": "computer_20250124"}
        )
    ]
    out, changes = written(foreign(tools=hosted, tool_choice=ToolChoice(mode="auto"), parallel_tools=False))
    assert out.keys() == {"model", "messages"}
    assert changes == [Change("dropped", "tools", "computer is run by other vendors only")]


def test_choices_of_tools() -> None:
    tools = [Tool(name="a"), Tool(name="b")]
    for choice, told in (
        (ToolChoice(mode="any"), "required"),
        (ToolChoice(mode="none"), "none"),
        (ToolChoice(mode="one", name="a"), {"type": "function", "function": {"name": "a"}}),
    ):
        assert written(foreign(tools=tools, tool_choice=choice))[0]["tool_choice"] == told
    allowed = written(foreign(tools=tools, tool_choice=ToolChoice(mode="any", allowed=["b"])))[0][
        "tool_choice"
    ]
    assert allowed["allowed_tools"] == {
        "mode": "required",
        "tools": [{"type": "function", "function": {"name": "b"}}],
    }


def test_what_chat_has_no_words_for_is_told_never_lost_in_silence() -> None:
    parts: list[Part] = [
        Media(kind="document", url="https://x.test/a.pdf"),
        Media(kind="video", url="https://x.test/a.mp4"),
        Opaque(dialect="anthropic-messages", value={"type": "search_result"}),
        Text(text="x", extra={"odd": 1}),
    ]
    out, changes = written(
        foreign(Message(role="user", parts=parts, extra={"far": 1}), top_k=3, betas=["b"], previous="resp_1")
    )
    assert [part["text"].partition(":")[0] for part in out["messages"][0]["content"]] == [
        "[document left out",
        "[video left out",
        "x",
    ]
    assert {(c.act, c.field) for c in changes} == {
        ("dropped", name)
        for name in ("messages.document", "messages.video", "messages.search_result", "messages.odd", "messages.far", "top_k",
                     "anthropic-beta", "previous")
    }  # fmt: skip


def test_the_models_own_sound_comes_back_as_its_words() -> None:
    out, changes = written(foreign(said(Media(kind="audio", file="a", transcript="hello"))))
    assert out["messages"][0]["content"] == "hello"
    assert changes == [Change("changed", "messages.audio", "its transcript")]


def test_pictures_of_several_results_follow_after_the_last_one() -> None:
    picture = Media(kind="image", mime="image/png", data="QQ==")
    results = Message(
        role="tool", parts=[ToolResult(id="a", parts=[picture]), ToolResult(id="b", parts=[Text(text="x")])]
    )
    roles = [message["role"] for message in written(foreign(results))[0]["messages"]]
    assert roles == ["tool", "tool", "user"]
