"""Chat completions and embeddings of OpenAI, and of those that follow it in their own way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.readings import noted
from trunkline.core.codec import DecodeError
from trunkline.core.ports import Adapter, Reading
from trunkline.plugins.adapters import ADAPTERS

CHAT = ADAPTERS["openai-chat"]


def read(adapter: Adapter, body: Any) -> dict[str, Any]:
    into = Reading()
    adapter.read(json.dumps(body).encode(), into)
    return noted(into)


@pytest.mark.row("A1", "O1")
def test_a_whole_reply() -> None:
    usage = {
        "prompt_tokens": 10, "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 3},
    }  # fmt: skip
    assert read(CHAT, {"model": "gpt-x", "choices": [{"finish_reason": "stop"}], "usage": usage}) == {
        "input": 10, "output": 5, "cached": 4, "cache_write": 2, "reasoning": 3, "model": "gpt-x", "finished": True, "plain": True,
    }  # fmt: skip


@pytest.mark.row("O1")
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"model": "e", "usage": {"prompt_tokens": 7, "total_tokens": 7}}, (7, 0, "e")),
        ({"model": None, "usage": None}, (-1, -1, "")),
        ({"model": "m", "usage": {"prompt_tokens": -1}}, (-1, -1, "m")),
        ({"model": "m", "usage": {"prompt_tokens": "7", "completion_tokens": 1}}, (-1, 1, "m")),
        ({"model": "m", "usage": {"prompt_tokens": 7, "completion_tokens": None}}, (7, -1, "m")),
        ({"model": "m", "usage": {"prompt_tokens": 7.0, "completion_tokens": "x"}}, (7, -1, "m")),
        (
            {
                "model": "m",
                "usage": {"prompt_tokens": 7, "prompt_tokens_details": [], "completion_tokens": 2},
            },
            (7, 2, "m"),
        ),
        ({"model": 5, "usage": {"prompt_tokens": True}}, (-1, -1, "")),
        ([], (-1, -1, "")),
    ],
)
def test_counts_that_are_missing_or_wrong_are_not_said(body: Any, told: tuple[int, int, str]) -> None:
    into = Reading()
    CHAT.read(json.dumps(body).encode(), into)
    assert (into.input, into.output, into.model) == told


@pytest.mark.row("E2")
@pytest.mark.parametrize(
    ("more", "plain"),
    [
        ({}, True),
        ({"error": {"message": "x"}}, False),
        ({"choices": [{"finish_reason": "content_filter"}]}, False),
    ],
)
def test_a_reply_is_plain_unless_it_speaks_of_a_failure(more: dict[str, Any], plain: bool) -> None:
    body = {"model": "m", "choices": [{"finish_reason": "stop"}], "usage": {"prompt_tokens": 1}, **more}
    assert read(CHAT, body).get("plain", False) is plain


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"model":"\xff"}', b'{"choices":' + b"[" * 5000])
def test_what_is_no_json_is_a_decode_error(body: bytes) -> None:
    with pytest.raises(DecodeError):
        CHAT.read(body, Reading())


@pytest.mark.row("F7")
@pytest.mark.parametrize(
    ("block", "data"),
    [
        (b'data: {"error":{"message":"x"}}\n\n', b'{"error":{"message":"x"}}'),
        (b'event: error\ndata: {"message":"x"}\n\n', b'{"message":"x"}'),
        (b"event: error\ndata: overloaded\n\n", b"overloaded"),
        (b'data: {"error":null,"choices":[]}\n\n', None),
        (b'data: {"choices":[{"delta":{"content":"\\"error\\""}}]}\n\n', None),
        (b'data: {"error" oops\n\n', None),
        (b": ping\n\n", None),
    ],
)
def test_an_event_is_an_error_or_not(block: bytes, data: bytes | None) -> None:
    into = Reading()
    into.model = "known"
    assert CHAT.watch(block, into) == data
