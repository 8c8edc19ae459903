"""Conversations that are too long lose their oldest turns, whole, and stay conversations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.trim import share_to_keep, units, without_oldest

pytestmark = pytest.mark.row("F13")


def chat(turns: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """OpenAI Chat: each turn is a text and how many rounds of tool calls come before its answer."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
    for number, (text, rounds) in enumerate(turns):
        messages.append({"role": "user", "content": f"Q{number} {text}"})
        for turn in range(rounds):
            name = f"call-{number}-{turn}"
            messages += [
                {"role": "assistant", "content": None, "tool_calls": [{"id": name}, {"id": name + "b"}]},
                {"role": "tool", "tool_call_id": name, "content": text},
                {"role": "tool", "tool_call_id": name + "b", "content": text},
            ]
        messages.append({"role": "assistant", "content": f"answer {number}"})
    return messages[:-1] if turns else messages


def claude(turns: list[tuple[str, int]]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for number, (text, rounds) in enumerate(turns):
        messages.append({"role": "user", "content": f"Q{number} {text}"})
        for turn in range(rounds):
            name = f"call-{number}-{turn}"
            messages += [
                {"role": "assistant", "content": [{"type": "tool_use", "id": name}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": name, "content": text}]},
            ]
        messages.append({"role": "assistant", "content": f"answer {number}"})
    return messages[:-1]


def responses(turns: list[tuple[str, int]]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = [{"role": "developer", "content": "Be brief."}]
    for number, (text, rounds) in enumerate(turns):
        items.append(
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": f"Q{number} {text}"}],
            }
        )
        for turn in range(rounds):
            name = f"call-{number}-{turn}"
            items += [
                {"type": "reasoning", "id": name},
                {"type": "function_call", "call_id": name},
                {"type": "function_call_output", "call_id": name, "output": text},
            ]
        items.append({"type": "message", "role": "assistant", "content": f"answer {number}"})
    return items[:-1]


def gemini(turns: list[tuple[str, int]]) -> list[dict[str, Any]]:
    contents: list[dict[str, Any]] = []
    for number, (text, rounds) in enumerate(turns):
        contents.append({"role": "user", "parts": [{"text": f"Q{number} {text}"}]})
        for turn in range(rounds):
            name = f"call-{number}-{turn}"
            contents += [
                {"role": "model", "parts": [{"functionCall": {"name": name}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": name, "response": {"x": text}}}]},
            ]
        contents.append({"role": "model", "parts": [{"text": f"answer {number}"}]})
    return contents[:-1]


TURNS = st.lists(st.tuples(st.text("ab ", max_size=60), st.integers(0, 3)), min_size=1, max_size=6)


def calls(items: list[Any]) -> tuple[list[str], list[str]]:
    """Ids of the calls of tools, and of their results, in order."""
    made: list[str] = []
    got: list[str] = []
    for item in items:
        made += [c["id"] for c in item.get("tool_calls", [])]
        got += [item["tool_call_id"]] if "tool_call_id" in item else []
        made += [item["call_id"]] if item.get("type") == "function_call" else []
        got += [item["call_id"]] if item.get("type") == "function_call_output" else []
        for part in [p for key in ("content", "parts") if isinstance(item.get(key), list) for p in item[key]]:
            made += [part["id"]] if part.get("type") == "tool_use" else []
            got += [part["tool_use_id"]] if part.get("type") == "tool_result" else []
            made += [part["functionCall"]["name"]] if "functionCall" in part else []
            got += [part["functionResponse"]["name"]] if "functionResponse" in part else []
    return made, got


@pytest.mark.parametrize(
    ("name", "make"), [("messages", chat), ("messages", claude), ("input", responses), ("contents", gemini)]
)
@given(TURNS)
def test_what_is_left_is_a_whole_conversation(name: str, make: Any, turns: list[tuple[str, int]]) -> None:
    before = make(turns)
    body = json.dumps({"model": "m", name: before, "seed": 1}).encode()
    asked = next(item for item in before if f"Q{len(turns) - 1} " in json.dumps(item))
    left = body
    while (shorter := without_oldest(left, "")) is not None:
        assert len(shorter) < len(left)
        told = json.loads(shorter)
        after = told.pop(name)
        assert told == {"model": "m", "seed": 1}
        # A part of what was there, in its order, with the system's words and the last turn's question.
        position = iter(before)
        assert all(any(item == other for other in position) for item in after)
        assert [i for i in after if i.get("role") in ("system", "developer")] == [
            i for i in before if i.get("role") in ("system", "developer")
        ]
        assert asked in after
        made, got = calls(after)
        assert sorted(made) == sorted(got)
        first = next(item for item in after if item.get("role") not in ("system", "developer"))
        assert first["role"] == "user"
        left = shorter


@pytest.mark.parametrize(
    ("message", "share"),
    [
        ("prompt is too long: 210000 tokens > 200000 maximum", 0.95 * 200 / 210),
        ("This model's maximum context length is 8,192 tokens. However, your messages resulted in 16,384 tokens.", 0.475),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (600000).", 0.475),
        ("gpt-4-0613 has a maximum context length of 8192 tokens", 0.5),
        ("request 20261121 is too long", 0.5),
        ("Input is too long for requested model.", 0.5),
        ("100 tokens of 9000000 tokens", 0.5),
        ("", 0.5),
    ],
)  # fmt: skip
def test_a_vendor_tells_how_much_fits(message: str, share: float) -> None:
    assert share_to_keep(message) == pytest.approx(share)


def test_only_as_much_goes_as_must() -> None:
    turns = [("x" * 100, 0)] * 10
    body = json.dumps({"messages": chat(turns)}).encode()
    kept = without_oldest(body, "9500 tokens are too many, 9000 tokens fit")
    assert kept is not None
    assert len(json.loads(kept)["messages"]) == len(chat(turns)) - 2


def test_messages_that_stay_keep_their_bytes() -> None:
    odd = b'{"role":"user", "content":"caf\\u00e9", "n":1e2}'
    body = (
        b'{"messages":[{"role":"user","content":"old old old"},{"role":"assistant","content":"b"},%b]}' % odd
    )
    kept = without_oldest(body, "")
    assert kept == b'{"messages":[%b]}' % odd


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"model":"m"}', b'{"input":"one text"}', b'{"messages":[]}', b'{"messages":{"a":1}}',
        b'{"messages":[{"role":"user","content":"all there is"}]}', b'{"messages":[1,null,"x"]}', b'\xff',
        b'{"messages":[{"role":"system","content":"only this"}]}', b"[" * 5000,
    ],
)  # fmt: skip
def test_where_nothing_can_go_nothing_is_changed(body: bytes) -> None:
    assert without_oldest(body, "") is None


def test_the_rounds_of_the_last_turn_go_when_nothing_else_is_left() -> None:
    items = chat([("find it", 3)])
    assert units(items) == [[2, 3, 4], [5, 6, 7]]
