"""Members of requests that are easily lost on the way to another dialect: each arrives in the vendor's words, or is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.conversation import Change, Request
from trunkline.core.ports import Facts
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A2")
CHAT, MESSAGES, RESPONSES, GEMINI = "openai-chat", "anthropic-messages", "openai-responses", "gemini-generate"
FACTS = {
    CHAT: Facts("gpt-5.4", "openai", "openai"),
    MESSAGES: Facts("claude-sonnet-4-5", "anthropic", "anthropic"),
    RESPONSES: Facts("gpt-5.4", "openai", "openai"),
    GEMINI: Facts("gemini-2.5-flash", "gemini", "gemini"),
    "mistral-chat": Facts("mistral-small", "mistral", "mistral"),
    "cohere-chat": Facts("command-a", "cohere", "cohere"),
}
OLLAMA = Facts("qwen3", "ollama", "ollama")
HELLO: dict[str, Any] = {"role": "user", "content": "hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PLACE = {"city": "Ulm", "country": "DE"}
NEAR = {"type": "approximate", **PLACE}
ANTHROPICS = {"type": "web_search_20250305", "name": "web_search"}


def written(
    asks: str, serves: str, said: dict[str, Any], facts: Facts | None = None
) -> tuple[Any, list[str], Request]:
    """What the vendor gets, and what is told of it as `act field`."""
    changes: list[Change] = []
    request = CODECS[asks].read_request(json.dumps(said).encode(), changes)
    facts = facts or FACTS[serves]
    request.model = facts.model
    out = json.loads(CODECS[serves].write_request(request, facts, changes).body)
    return out, [f"{one.act} {one.field}" for one in changes], request


def chat(**members: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [HELLO], **members}


def messages(*turns: Any, **members: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 4000, "messages": [HELLO, *turns], **members}


def responses(**members: Any) -> dict[str, Any]:
    return {"model": "m", "input": "hi", **members}


GRAMMAR = {"syntax": "lark", "definition": "start: /x/"}
OF_CHAT = {
    "type": "custom",
    "custom": {"name": "c", "description": "d", "format": {"type": "grammar", "grammar": GRAMMAR}},
}
OF_RESPONSES = {"type": "custom", "name": "c", "description": "d", "format": {"type": "grammar", **GRAMMAR}}


def test_the_grammar_of_a_tool_of_free_text_is_kept_between_openais_two_dialects() -> None:
    told, changes, _ = written(CHAT, RESPONSES, chat(tools=[OF_CHAT]))
    assert (told["tools"], changes) == ([OF_RESPONSES], [])
    told, changes, _ = written(RESPONSES, CHAT, responses(tools=[OF_RESPONSES]))
    assert (told["tools"], changes) == ([OF_CHAT], [])


@pytest.mark.parametrize("serves", [MESSAGES, GEMINI, "mistral-chat", "cohere-chat"])
def test_a_grammar_that_a_vendor_does_not_know_is_named(serves: str) -> None:
    _, changes, _ = written(CHAT, serves, chat(tools=[OF_CHAT]))
    assert changes == ["emulated tools.custom", "dropped tools.custom.format"]


SEARCHES = {
    MESSAGES: messages(
        tools=[{**ANTHROPICS, "max_uses": 3, "allowed_domains": ["x.test"],
                "user_location": NEAR}]
    ),
    RESPONSES: responses(
        tools=[{"type": "web_search", "search_context_size": "low", "filters": {"allowed_domains": ["x.test"]},
                "user_location": NEAR}]
    ),
    CHAT: chat(
        web_search_options={"search_context_size": "low", "user_location": {"type": "approximate", "approximate": PLACE}}
    ),
    GEMINI: {"contents": [{"parts": [{"text": "hi"}]}], "tools": [{"googleSearch": {"timeRangeFilter": {"startTime": "x"}}}]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("asks", "serves", "tool", "lost"),
    [
        (MESSAGES, RESPONSES, {"type": "web_search", "filters": {"allowed_domains": ["x.test"]}, "user_location": NEAR}, ["max_uses"]),
        (RESPONSES, MESSAGES, {**ANTHROPICS, "allowed_domains": ["x.test"], "user_location": NEAR}, ["search_context_size"]),
        (CHAT, MESSAGES, {**ANTHROPICS, "user_location": NEAR}, ["search_context_size"]),
        (CHAT, RESPONSES, {"type": "web_search", "search_context_size": "low", "user_location": NEAR}, []),
        (MESSAGES, GEMINI, {"googleSearch": {}}, ["max_uses", "allowed_domains", "user_location"]),
        (GEMINI, MESSAGES, ANTHROPICS, ["timeRangeFilter"]),
        (GEMINI, RESPONSES, {"type": "web_search"}, ["timeRangeFilter"]),
    ],
)  # fmt: skip
def test_where_a_search_may_look_is_told_to_the_vendor_or_named(
    asks: str, serves: str, tool: Any, lost: list[str]
) -> None:
    told, changes, _ = written(asks, serves, SEARCHES[asks])
    assert told["tools"] == [tool]
    assert [one for one in changes if one.startswith("dropped")] == [
        f"dropped tools.web_search.{name}" for name in lost
    ]


def test_a_vendors_own_tool_is_forced_in_its_own_words() -> None:
    said = messages(tools=SEARCHES[MESSAGES]["tools"], tool_choice={"type": "tool", "name": "web_search"})
    assert written(MESSAGES, RESPONSES, said)[0]["tool_choice"] == {"type": "web_search"}
    told, changes, _ = written(MESSAGES, GEMINI, said)
    assert "toolConfig" not in told
    assert changes[-1] == "dropped tool_choice"


@pytest.mark.parametrize("serves", [MESSAGES, GEMINI, "cohere-chat"])
def test_the_description_of_a_format_is_named_where_it_is_lost(serves: str) -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    inner = {"name": "n", "description": "d", "schema": schema, "strict": True}
    _, changes, _ = written(CHAT, serves, chat(response_format={"type": "json_schema", "json_schema": inner}))
    assert "dropped format.description" in changes


def answered(**thought: Any) -> list[dict[str, Any]]:
    """A call of a tool and its answer, as a client of Chat sends them back."""
    said = {"role": "assistant", "content": None, "tool_calls": [CALL], **thought}
    return [HELLO, said, {"role": "tool", "tool_call_id": "call_1", "content": "1"}]


def test_a_model_does_not_think_by_a_budget_after_a_turn_that_came_without_its_thoughts() -> None:
    """Anthropic answers 400 to that; clients of Chat seldom send thoughts back."""
    told, changes, _ = written(CHAT, MESSAGES, chat(reasoning_effort="high") | {"messages": answered()})
    assert "thinking" not in told
    assert changes[-1] == "dropped effort"

    thought = {
        "type": "reasoning.text",
        "text": "t",
        "signature": "s",
        "format": "anthropic-claude-v1",
        "index": 0,
    }
    told, changes, _ = written(
        CHAT, MESSAGES, chat(reasoning_effort="high") | {"messages": answered(reasoning_details=[thought])}
    )
    assert told["thinking"]["type"] == "enabled"
    newer = Facts("claude-opus-4-8", "anthropic", "anthropic")
    told, _, _ = written(CHAT, MESSAGES, chat(reasoning_effort="high") | {"messages": answered()}, newer)
    assert told["thinking"]["type"] == "adaptive"
    spoken = [*answered(), {"role": "assistant", "content": "done"}, HELLO]
    told, _, _ = written(CHAT, MESSAGES, chat(reasoning_effort="high") | {"messages": spoken})
    assert told["thinking"]["type"] == "enabled", "the user has spoken since"


def test_thinking_is_switched_off_in_openrouters_words() -> None:
    assert written(CHAT, MESSAGES, chat(reasoning={"enabled": False}))[0]["thinking"] == {"type": "disabled"}


def test_what_another_dialect_calls_by_the_same_name_is_not_taken_for_it() -> None:
    told, changes, _ = written(MESSAGES, RESPONSES, messages(context_management={"edits": []}))
    assert ("context_management" in told, changes) == (False, ["dropped context_management"])
    told, changes, _ = written(RESPONSES, MESSAGES, responses(context_management=[{"type": "compaction"}]))
    assert ("context_management" in told, changes) == (False, ["dropped context_management"])
    told, changes, _ = written(CHAT, MESSAGES, chat(context_management={"edits": []}))
    assert (told["context_management"], changes) == ({"edits": []}, [])


def test_openai_gets_no_more_stop_sequences_than_it_takes() -> None:
    told, changes, _ = written(MESSAGES, CHAT, messages(stop_sequences=list("abcde")))
    assert (told["stop"], changes) == (list("abcd"), ["clamped stop"])


@pytest.mark.parametrize("asks", [CHAT, MESSAGES])
def test_one_tool_at_a_time_is_named_where_a_vendor_knows_no_such_thing(asks: str) -> None:
    tools = {
        MESSAGES: messages(tools=[{"name": "f", "input_schema": {}}], tool_choice={"type": "auto", "disable_parallel_tool_use": True}),
        CHAT: chat(tools=[{"type": "function", "function": {"name": "f"}}], parallel_tool_calls=False),
    }  # fmt: skip
    if asks == MESSAGES:
        assert "dropped parallel_tool_calls" in written(asks, CHAT, tools[asks], OLLAMA)[1]
    assert "dropped parallel_tools" in written(asks, GEMINI, tools[asks])[1]


def test_a_failed_tools_picture_is_not_lost() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
    turns = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": [picture]}],
        },
    ]
    told, _, _ = written(MESSAGES, "mistral-chat", messages(*turns))
    assert [part["type"] for part in told["messages"][-1]["content"]] == ["text", "image_url"]


FOUND = {
    "type": "search_result", "source": "https://s.test", "title": "Paper", "content": [{"type": "text", "text": "Words."}],
    "citations": {"enabled": True},
}  # fmt: skip
BLOCKS = {
    "type": "document", "title": "Paper",
    "source": {"type": "content", "content": [{"type": "text", "text": "Words."}, {"type": "text", "text": "More."}]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("block", "title", "words"),
    [(FOUND, "Paper (https://s.test)", "Words."), (BLOCKS, "Paper", "Words.\nMore.")],
)
def test_what_a_caller_found_is_shown_to_every_vendor(block: Any, title: str, words: str) -> None:
    said = messages({"role": "user", "content": [block, {"type": "text", "text": "?"}]})
    text = f"{title}\n{words}"
    assert written(MESSAGES, CHAT, said)[0]["messages"][-1]["content"][0] == {"type": "text", "text": text}
    assert written(MESSAGES, GEMINI, said)[0]["contents"][-1]["parts"][-2] == {"text": text}
    assert written(MESSAGES, RESPONSES, said)[0]["input"][-1]["content"][0] == {
        "type": "input_text",
        "text": text,
    }
    [paper] = written(MESSAGES, "cohere-chat", said)[0]["documents"]
    assert paper["data"] == {"title": title, "text": words}
    assert written(MESSAGES, MESSAGES, said)[0]["messages"][-1]["content"][0] == block


def test_what_a_tool_found_stays_in_its_answer() -> None:
    turns = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [FOUND]}]},
    ]
    told, changes, _ = written(MESSAGES, CHAT, messages(*turns))
    assert told["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "t1",
        "content": "Paper (https://s.test)\nWords.",
    }
    assert changes == ["dropped messages.citations"]
    told, changes, _ = written(MESSAGES, GEMINI, messages(*turns))
    assert told["contents"][-1]["parts"][0]["functionResponse"]["response"] == {
        "output": "Paper (https://s.test)\nWords."
    }
    assert "dropped messages.citations" in changes


SIGNED = {"role": "model", "parts": [{"text": "a", "thoughtSignature": "c2ln"}]}
NOTE = {"type": "web_search_result_location", "url": "https://x"}
CITED = {"role": "assistant", "content": [{"type": "text", "text": "a", "citations": [NOTE]}]}


@pytest.mark.parametrize("serves", [CHAT, MESSAGES, RESPONSES, GEMINI])
def test_proofs_and_citations_of_turns_before_are_named(serves: str) -> None:
    user = {"parts": [{"text": "hi"}]}
    if serves != GEMINI:
        assert "dropped messages.signature" in written(GEMINI, serves, {"contents": [user, SIGNED, user]})[1]
    if serves != MESSAGES:
        assert written(MESSAGES, serves, messages(CITED, HELLO))[1] == ["dropped messages.citations"]


def test_calls_without_arguments_are_told_as_empty_objects() -> None:
    turns = [{"parts": [{"text": "hi"}]}, {"role": "model", "parts": [{"functionCall": {"name": "f"}}]}]
    told, _, _ = written(GEMINI, CHAT, {"contents": turns})
    assert told["messages"][-1]["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize("serves", [MESSAGES, RESPONSES, GEMINI, "mistral-chat", "cohere-chat"])
def test_what_an_sdk_sends_back_without_a_word_in_it_is_not_called_lost(serves: str) -> None:
    """The second turn of a client that asks for `strict`: the answer's own form, with its nulls and empty lists."""
    empty = {"refusal": None, "audio": None, "function_call": None, "annotations": [], "tool_calls": None}
    said = {"role": "assistant", "content": "a", **empty}
    told, changes, _ = written(CHAT, serves, {"model": "m", "messages": [HELLO, said, HELLO]})
    assert changes == []
    assert '"a"' in json.dumps(told)


@pytest.mark.parametrize("serves", [MESSAGES, RESPONSES, GEMINI, "cohere-chat"])
def test_what_is_unknown_within_a_function_is_named(serves: str) -> None:
    tool = {
        "type": "function",
        "function": {"name": "f", "parameters": {"type": "object"}, "examples": [1], "note": None},
    }
    assert written(CHAT, serves, chat(tools=[tool]))[1] == ["dropped tools.examples"]


def test_empty_texts_between_are_left_out() -> None:
    """Gemini's clients send back the empty part with which its streams end."""
    turns = [
        {"parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"text": "a"}, {"text": ""}]},
        {"parts": [{"text": "b"}]},
    ]
    assert written(GEMINI, "mistral-chat", {"contents": turns})[0]["messages"][1] == {
        "role": "assistant",
        "content": "a",
    }


@pytest.mark.parametrize("serves", [MESSAGES, RESPONSES, GEMINI, "mistral-chat", "cohere-chat"])
def test_a_bare_string_among_parts_is_a_text_for_every_vendor(serves: str) -> None:
    said = chat(messages=[{"role": "user", "content": ["Good ", {"type": "text", "text": "morning"}]}])
    out, changes, _ = written(CHAT, serves, said)
    proper = [{"type": "text", "text": "Good "}, {"type": "text", "text": "morning"}]
    assert (out, changes) == written(CHAT, serves, chat(messages=[{"role": "user", "content": proper}]))[:2]
