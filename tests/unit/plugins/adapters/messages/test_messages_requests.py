"""Anthropic Messages' requests, read, and written by the rules of its models; the goldens show whole ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.conversation import (
    CacheMark,
    Change,
    Effort,
    Format,
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
from trunkline.plugins.adapters.messages.models import Traits, output_max, traits_of

pytestmark = pytest.mark.row("A2")

MESSAGES = CODECS["anthropic-messages"]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def claude(model: str = "claude-sonnet-4-5", **more: Any) -> Facts:
    return Facts(model, "anthropic", "anthropic", **more)


def read(**said: Any) -> Request:
    given = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], **said}
    return MESSAGES.read_request(json.dumps(given).encode(), [])


def written(request: Request, facts: Facts | None = None) -> tuple[dict[str, Any], list[Change]]:
    changes: list[Change] = []
    return json.loads(MESSAGES.write_request(request, facts or claude(), changes).body), changes


def foreign(*messages: Message, **more: Any) -> Request:
    """A request of a caller that speaks OpenAI Chat."""
    return Request(dialect="openai-chat", model="m", messages=list(messages or (user("x"),)), **more)


def user(*parts: str | Part) -> Message:
    return Message(role="user", parts=[Text(text=part) if isinstance(part, str) else part for part in parts])


def said(*parts: str | Part) -> Message:
    return Message(role="assistant", parts=user(*parts).parts)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"messages": []}, "missing or empty"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "`messages.0.role` is 'tool'"),
        (
            {"messages": [{"role": "user", "content": 1}]},
            "`messages.0.content` is neither text nor a list of blocks",
        ),
        ({"system": 1}, "`system` is neither"),
        ({"tool_choice": {"type": "x"}}, "none of auto, any, tool and none"),
        ({"thinking": {"type": "x"}}, "none of enabled, disabled, adaptive"),
        ({"output_config": {"format": {"type": "x"}}}, "is not json_schema"),
        ({"tools": {}}, "no list"),
    ],
)
def test_what_is_none_of_the_dialect_is_refused_by_name(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(Untranslatable, match=says):
        read(**wrong)


def test_results_of_tools_stand_apart_from_the_users_words() -> None:
    blocks = [{"type": "tool_result", "tool_use_id": "a", "content": "1"}, {"type": "text", "text": "so"}]
    request = read(messages=[{"role": "user", "content": blocks}], system="s")
    assert [(message.role, len(message.parts)) for message in request.messages] == [
        ("system", 1),
        ("tool", 1),
        ("user", 1),
    ]


@pytest.mark.parametrize(
    ("model", "traits"),
    [
        ("claude-3-5-haiku-latest", Traits(False, False, False, True, False, True)),
        ("claude-sonnet-4-20250514", Traits(False, False, False, True, False, True)),
        ("claude-opus-4-1-20250805", Traits(True, False, False, True, False, True)),
        ("claude-sonnet-4-5-20250929", Traits(True, False, False, True, False, True)),
        ("claude-sonnet-4-6", Traits(True, False, True, True, False, False)),
        ("claude-opus-4-6", Traits(True, False, True, True, False, False)),
        ("claude-opus-4-7", Traits(True, False, True, False, False, False)),
        ("claude-opus-4-8", Traits(True, False, True, False, True, False)),
        ("claude-opus-5-5", Traits(True, False, True, False, True, False)),
        ("claude-fable-5-2", Traits(True, True, True, False, True, False)),
        ("claude-never-heard-of", Traits(True, False, True, False, True, False)),
        ("deepseek-chat", Traits(True, False, False, True, False, True)),
    ],
)
def test_what_models_take(model: str, traits: Traits) -> None:
    assert traits_of(model) == traits


def test_the_bound_of_the_answer_is_the_models_own_where_the_caller_said_none() -> None:
    assert written(foreign(), claude("claude-3-haiku-20240307"))[0]["max_tokens"] == 4096
    assert written(foreign(), claude(max_output=777))[0]["max_tokens"] == 777
    assert written(foreign(max_tokens=5))[0]["max_tokens"] == 5
    assert output_max(claude("claude-opus-4-1")) == 32000


@pytest.mark.parametrize(
    ("effort", "model", "more", "told", "field"),
    [
        (Effort(level="none"), "claude-sonnet-4-5", {}, {"thinking": {"type": "disabled"}}, ""),
        (Effort(level="none"), "claude-fable-5-2", {}, {"output_config": {"effort": "low"}}, "changed"),
        (
            Effort(level="low"),
            "claude-sonnet-4-5",
            {},
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            "changed",
        ),
        (
            Effort(budget=500),
            "claude-sonnet-4-5",
            {},
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            "changed",
        ),
        (
            Effort(budget=-1),
            "claude-sonnet-4-5",
            {},
            {"thinking": {"type": "enabled", "budget_tokens": 8192}},
            "changed",
        ),
        (Effort(budget=-1), "claude-opus-5-5", {}, {"thinking": {"type": "adaptive"}}, ""),
        (
            Effort(level="minimal", shown=True),
            "claude-opus-5-5",
            {},
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
            "changed",
        ),
        (
            Effort(level="high"),
            "claude-sonnet-4-5",
            {"tool_choice": ToolChoice(mode="any"), "tools": [Tool(name="t")]},
            {},
            "dropped",
        ),
    ],
)
def test_effort_is_said_as_the_model_takes_it(
    effort: Effort, model: str, more: dict[str, Any], told: dict[str, Any], field: str
) -> None:
    out, changes = written(foreign(effort=effort, **more), claude(model))
    assert {name: value for name, value in out.items() if name in ("thinking", "output_config")} == told
    assert [change.act for change in changes] == ([field] if field else [])


def test_thoughts_count_into_the_bound_and_leave_room_for_words() -> None:
    out, changes = written(foreign(effort=Effort(level="medium"), max_tokens=4000))
    assert (out["max_tokens"], out["thinking"]["budget_tokens"]) == (4000, 2976)
    assert changes == [Change("changed", "effort", "2976 tokens")]
    out, changes = written(foreign(effort=Effort(level="low"), max_tokens=2000))
    assert (out["max_tokens"], "thinking" in out) == (2000, False)
    assert changes == [Change("dropped", "effort", "max_tokens leaves no room for it")]
    assert written(foreign(effort=Effort(budget=2048), max_tokens=4000))[1] == []


def test_sampling_is_clamped_or_left_out_as_the_model_wants() -> None:
    assert written(foreign(temperature=1.5, top_p=0.5))[1] == [
        Change("clamped", "temperature", "1"),
        Change("dropped", "top_p", "not beside temperature"),
    ]
    assert written(foreign(top_p=0.5, top_k=3))[0]["top_k"] == 3
    assert {c.how for c in written(foreign(temperature=0.5), claude("claude-opus-5-5"))[1]} == {
        "this model takes none"
    }
    thinks = written(foreign(temperature=0.5, effort=Effort(level="low")))
    assert ("temperature" in thinks[0], thinks[1][-1].how) == (False, "not while it thinks")


def test_instructions_after_the_beginning_keep_their_place() -> None:
    late = Message(role="system", parts=[Text(text="Be sure.")])
    request = foreign(user("a"), said("b"), user("c"), late)
    new, _ = written(request, claude("claude-opus-5-5"))
    assert new["messages"][-1] == {"role": "system", "content": "Be sure."}
    old, changes = written(request)
    assert old["messages"][-1]["content"] == [
        {"type": "text", "text": "c"},
        {"type": "text", "text": "Be sure."},
    ]
    assert changes == [Change("emulated", "messages.system", "as the user")]
    before_user, _ = written(foreign(user("a"), late, user("b")), claude("claude-opus-5-5"))
    assert [message["role"] for message in before_user["messages"]] == ["user"]


def test_turns_are_as_anthropic_wants_them() -> None:
    out, changes = written(foreign(said("hello"), user("a"), user("b"), user("")))
    assert [message["role"] for message in out["messages"]] == ["user", "assistant", "user"]
    assert changes == [Change("emulated", "messages", "a first turn of the user")]
    assert out["messages"][-1]["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


def test_a_last_turn_of_the_models_own_is_gone_on_with_where_the_model_can() -> None:
    out, changes = written(foreign(user("a"), said("It is  ")))
    assert out["messages"][-1]["content"] == [{"type": "text", "text": "It is"}]
    assert [change.act for change in changes] == ["changed"]
    out, changes = written(foreign(user("a"), said("It is")), claude("claude-opus-5-5"))
    assert out["messages"][-1] == {"role": "user", "content": "(Go on.)"}
    assert changes == [Change("emulated", "messages", "a last turn of the user")]


def test_a_format_is_said_or_emulated_or_told_to_be_lost() -> None:
    wanted = Format(kind="schema", name="a", schema=SCHEMA)
    old = claude("claude-3-5-haiku-latest")
    assert written(foreign(format=wanted))[0]["output_config"] == {
        "format": {"type": "json_schema", "schema": SCHEMA}
    }
    forced, _ = written(foreign(format=wanted, effort=Effort(level="low"), max_tokens=8000), old)
    assert (forced["tool_choice"], "thinking" in forced) == ({"type": "tool", "name": "a"}, False)
    assert (
        written(foreign(format=wanted, tools=[Tool(name="t")]), old)[1][-1].how
        == "not beside tools with this model"
    )
    assert written(foreign(format=Format(kind="json")))[1] == [
        Change("dropped", "format", "the prompt has to ask for JSON")
    ]
    assert written(foreign(format=Format(kind="text")))[1] == []


def test_only_allowed_tools_are_sent() -> None:
    choice = ToolChoice(mode="any", allowed=["b"])
    out, changes = written(foreign(tools=[Tool(name="a"), Tool(name="b")], tool_choice=choice))
    assert [tool["name"] for tool in out["tools"]] == ["b"]
    assert changes == [Change("emulated", "tool_choice", "only the allowed tools are sent")]


def test_a_tool_that_was_called_is_declared_even_where_the_caller_does_not() -> None:
    result = Message(role="tool", parts=[ToolResult(id="a", parts=[Text(text="x")])])
    out, changes = written(foreign(user("a"), said(ToolCall(id="a", name="t", arguments="{}")), result))
    assert (out["tools"], out["tool_choice"]) == (
        [{"name": "t", "input_schema": {"type": "object"}}],
        {"type": "none"},
    )
    assert changes == [Change("emulated", "tools", "those that the conversation has used")]


def test_tools_that_the_vendor_runs_too_are_named_as_it_names_them() -> None:
    hosted = [
        Tool(name=name, kind="hosted", dialect="openai-responses", value={})
        for name in ("web_search", "computer")
    ]
    out, changes = written(foreign(tools=hosted))
    assert out["tools"] == [{"type": "web_search_20250305", "name": "web_search"}]
    assert [change.act for change in changes] == ["changed", "dropped"]


def test_what_messages_has_no_words_for_is_told_never_lost_in_silence() -> None:
    parts: list[Part] = [
        Media(kind="audio", data="QQ==", mime="audio/wav"),
        Media(kind="audio", data="QQ==", transcript="hello"),
        Media(kind="image", url="u", detail="low"),
        Opaque(dialect="openai-chat", value={"type": "widget"}),
        Text(text="x", extra={"odd": 1}),
        Text(text=""),
    ]
    request = foreign(
        Message(role="user", parts=parts, name="ann"), seed=1, n=2, logprobs=True, store=True, modalities=["text", "audio"],
        metadata={"a": "b"}, service_tier="flex", stop=["\n", "x"], extra={"odd": 1, "thinking": {"type": "adaptive"}},
    )  # fmt: skip
    out, changes = written(request)
    texts = [block.get("text") for block in out["messages"][0]["content"]]
    assert texts == ["[audio left out: this model's interface does not take it]", "hello", None, "x"]
    assert (out["thinking"], out["service_tier"], out["stop_sequences"]) == (
        {"type": "adaptive"},
        "auto",
        ["x"],
    )
    assert {c.field for c in changes} == {
        "messages.audio", "messages.image.detail", "messages.widget", "messages.odd", "messages.name", "seed", "n", "logprobs", "store",
        "modalities", "metadata", "service_tier", "stop", "odd",
    }  # fmt: skip
    assert written(foreign(store=False, logprobs=False, n=1))[1] == []


def test_plain_text_documents_are_told_as_text_and_broken_ones_left_out() -> None:
    fine = Media(kind="document", mime="text/plain", data="aGVsbG8=", title="a.txt")
    broken = Media(kind="document", mime="text/plain", data="/w==")
    out, changes = written(foreign(user(fine, broken)))
    assert out["messages"][0]["content"][0]["source"] == {
        "type": "text",
        "media_type": "text/plain",
        "data": "hello",
    }
    assert changes == [Change("dropped", "messages.document")]


def test_only_thoughts_of_its_own_with_their_proof_go_out() -> None:
    mine = Reasoning(text="a", signature="s", origin="anthropic-messages")
    unsigned = Reasoning(text="a", origin="anthropic-messages")
    sealed = Reasoning(sealed="d", origin="anthropic-messages")
    other = Reasoning(text="b", origin="openai-responses", sealed="x")
    out, changes = written(foreign(user("a"), said(mine, unsigned, sealed, other, "x"), user("b")))
    assert [block["type"] for block in out["messages"][1]["content"]] == [
        "thinking",
        "redacted_thinking",
        "text",
    ]
    assert changes == [Change("dropped", "messages.reasoning", "another vendor made it")] * 2


def test_lifetimes_of_caches_are_those_that_anthropic_knows() -> None:
    marks = [CacheMark(), CacheMark(ttl="1h"), CacheMark(ttl="30m", form={"mode": "explicit", "ttl": "30m"})]
    out, changes = written(foreign(user(*[Text(text="x", cache=mark) for mark in marks])))
    assert [block["cache_control"].get("ttl") for block in out["messages"][0]["content"]] == [
        None,
        "1h",
        "1h",
    ]
    assert changes == [Change("changed", "messages.prompt_cache_breakpoint", "1h")]


def test_betas_of_the_caller_and_those_that_the_request_needs_go_into_one_field() -> None:
    request = foreign(user(Media(kind="image", file="f")), betas=["a"])
    assert (
        MESSAGES.write_request(request, claude(), []).fields == b"anthropic-beta: a,files-api-2025-04-14\r\n"
    )
