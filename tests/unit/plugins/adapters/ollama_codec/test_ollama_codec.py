"""What only Ollama's own API can say arrives there, and what only others can is named; its answers are read as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.answer import Usage
from trunkline.core.conversation import Change, Media, Reasoning, Request, Text, ToolCall
from trunkline.core.ports import Facts
from trunkline.plugins.adapters import CODECS
from trunkline.plugins.adapters.usage.ollama import usage_of

pytestmark = pytest.mark.row("A2")
OLLAMA = CODECS["ollama-chat"]
HELLO: dict[str, Any] = {"role": "user", "content": "hi"}
MADE = "2026-11-21T12:00:00.5Z"


def written(said: dict[str, Any], asks: str = "openai-chat") -> tuple[Any, list[str]]:
    """What the vendor gets, and what is told of it."""
    changes: list[Change] = []
    request = CODECS[asks].read_request(
        json.dumps({"model": "m", "messages": [HELLO], **said}).encode(), changes
    )
    body = json.loads(OLLAMA.write_request(request, Facts("qwen3", "ollama", "ollama"), changes).body)
    return body, [" ".join(filter(None, (one.act, one.field, one.how))) for one in changes]


@pytest.mark.parametrize(
    ("said", "gets", "told"),
    [
        ({"max_tokens": 5, "temperature": 0, "top_p": 0.5, "seed": 1, "stop": "x", "presence_penalty": 1, "frequency_penalty": 0.5},
         {"options": {"num_predict": 5, "temperature": 0, "top_p": 0.5, "seed": 1, "presence_penalty": 1, "frequency_penalty": 0.5,
                      "stop": ["x"]}}, []),
        ({"top_k": 4, "min_p": 0.1}, {"options": {"top_k": 4, "min_p": 0.1}}, []),
        ({"options": {"num_ctx": 8192, "temperature": 1}, "temperature": 0, "keep_alive": "1h"},
         {"options": {"temperature": 1, "num_ctx": 8192}, "keep_alive": "1h"}, []),
        ({"num_ctx": 8192}, {"options": {"num_ctx": 8192}}, ["renamed num_ctx options.num_ctx"]),
        ({"options": "much"}, {}, ["dropped options"]),
        ({"response_format": {"type": "json_object"}}, {"format": "json"}, []),
        ({"response_format": {"type": "text"}}, {}, []),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}},
         {"format": {"type": "object"}}, []),
        ({"reasoning_effort": "none"}, {"think": False}, []),
        ({"reasoning_effort": "low"}, {"think": "low"}, []),
        ({"reasoning_effort": "xhigh"}, {"think": "high"}, ["clamped effort high"]),
        ({"reasoning_effort": "low", "think": True}, {"think": True}, []),
        ({"logprobs": True, "top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}, []),
        ({"n": 1, "store": False}, {}, []),
        ({"n": 2, "user": "u", "made_up": 1}, {}, ["dropped n", "dropped user", "dropped made_up"]),
    ],
)  # fmt: skip
def test_what_callers_of_openai_chat_say_arrives_or_is_told(
    said: dict[str, Any], gets: dict[str, Any], told: list[str]
) -> None:
    assert written(said) == ({"model": "qwen3", "messages": [HELLO], **gets, "stream": False}, told)


@pytest.mark.parametrize(
    ("thinking", "think", "told"),
    [
        ({"type": "disabled"}, {"think": False}, []),
        ({"type": "adaptive"}, {"think": True}, []),
        ({"type": "enabled", "budget_tokens": 3000}, {"think": "low"}, ["changed effort low"]),
    ],
)
def test_budgets_become_levels(thinking: dict[str, Any], think: dict[str, Any], told: list[str]) -> None:
    body, said = written({"max_tokens": 4000, "thinking": thinking}, "anthropic-messages")
    assert {name: body[name] for name in ("think",) if name in body} == think
    assert said == told


@pytest.mark.parametrize(
    ("choice", "offered", "told"),
    [
        ("auto", ["f", "g"], []),
        ("none", [], ["emulated tool_choice no tools are sent"]),
        ("required", ["f", "g"], ["dropped tool_choice the vendor leaves that to the model"]),
        ({"type": "function", "function": {"name": "g"}}, ["g"],
         ["emulated tool_choice only the tools that may be taken are sent"]),
    ],
)  # fmt: skip
def test_a_choice_of_tools_is_emulated_by_those_that_are_offered(
    choice: Any, offered: list[str], told: list[str]
) -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
    body, said = written({"tools": tools, "tool_choice": choice})
    assert [tool["function"]["name"] for tool in body.get("tools", ())] == offered
    assert said == told


def test_a_turn_with_a_picture_and_tools_is_put_into_its_shape() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": [1, 2]}'}},
        {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{broken"}},
    ]
    turns = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "What?"}, picture, {"type": "text", "text": "And?"}],
        },
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_2", "content": "two"},
        {"role": "tool", "tool_call_id": "call_9", "content": "nine"},
    ]
    body, told = written({"messages": turns})
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What?\nAnd?", "images": ["QQ=="]},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "call_1", "function": {"name": "f", "arguments": {"a": [1, 2]}}},
                {"id": "call_2", "function": {"name": "g", "arguments": {"arguments": "{broken"}}},
            ],
        },
        {"role": "tool", "content": "two", "tool_name": "g", "tool_call_id": "call_2"},
        {"role": "tool", "content": "nine", "tool_call_id": "call_9"},
    ]
    assert told == ["changed messages.tool_calls arguments that are no JSON object"]


def test_thoughts_go_back_to_where_they_came_from() -> None:
    asked = Request(dialect="openai-chat")
    reply = OLLAMA.read_reply(json.dumps(_answer(thinking="Hm.", content="Yes.")).encode(), asked)
    said = json.loads(CODECS["openai-chat"].write_reply(reply, asked, []))["choices"][0]["message"]
    body, told = written({"messages": [HELLO, said, HELLO]})
    assert body["messages"][1] == {"role": "assistant", "content": "Yes.", "thinking": "Hm."}
    assert told == []


def _answer(**message: Any) -> dict[str, Any]:
    used = {"prompt_eval_count": 3, "eval_count": 4, "total_duration": 5}
    said = {"role": "assistant", "content": "", **message}
    return {
        "model": "qwen3",
        "created_at": MADE,
        "message": said,
        "done": True,
        "done_reason": "stop",
        **used,
    }


def test_an_answer_is_read_whole() -> None:
    said = _answer(
        thinking="Hm.",
        content="Look:",
        images=["QQ=="],
        tool_calls=[
            {"function": {"name": "f", "arguments": {"a": 1}}},
            {"id": "call_7", "function": {"name": "f", "arguments": {}}},
        ],
    )
    said["logprobs"] = [{"token": "L", "logprob": -0.5, "top_logprobs": [{"token": "L", "logprob": -0.5}]}]
    reply = OLLAMA.read_reply(json.dumps(said).encode(), Request(dialect="openai-chat"))
    [choice] = reply.choices
    first, second = choice.parts[3], choice.parts[4]
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert choice.parts[:3] == [
        Reasoning(text="Hm.", origin="ollama-chat"),
        Text(text="Look:"),
        Media(kind="image", data="QQ=="),
    ]
    assert (first.name, first.arguments, second.id, second.arguments) == ("f", '{"a":1}', "call_7", "{}")
    assert first.id.startswith("call_")
    assert (choice.stop, choice.said, choice.logprobs[0].top[0].token) == ("tool", "stop", "L")
    assert (reply.model, reply.created) == ("qwen3", 1795262400.0)
    assert reply.id.startswith("ollama-")


def test_two_answers_never_share_the_ids_that_are_made_for_them() -> None:
    ids = set()
    for at in ("2026-11-21T12:00:00.000000001Z", "2026-11-21T12:00:00.000000002Z"):
        call = {"function": {"name": "f", "arguments": {}}}
        said = {**_answer(tool_calls=[call, call]), "created_at": at}
        reply = OLLAMA.read_reply(json.dumps(said).encode(), Request(dialect="openai-chat"))
        ids |= {reply.id, *(part.id for part in reply.choices[0].parts if isinstance(part, ToolCall))}
    assert len(ids) == 6


@pytest.mark.row("O1")
@pytest.mark.parametrize(
    ("said", "used"),
    [
        ({"prompt_eval_count": 26, "eval_count": 259}, (26, 259)),
        ({"eval_count": 259}, (0, 259)),
        ({"prompt_eval_count": 26}, (26, 0)),
        ({"total_duration": 5}, None),
    ],
)
def test_a_count_of_zero_is_left_out_by_the_vendor(
    said: dict[str, Any], used: tuple[int, int] | None
) -> None:
    usage = usage_of(said)
    assert usage == (None if used is None else Usage(input=used[0], output=used[1], said=said))
