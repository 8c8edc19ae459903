"""OpenAI Responses: whole, and as a stream that ends with the whole response."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.readings import noted
from trunkline.core.ports import Adapter, Reading
from trunkline.plugins.adapters.openai_responses import OpenaiResponses

RESPONSES = OpenaiResponses("openai-responses")
BODY = {
    "model": "gpt-x",
    "usage": {
        "input_tokens": 10,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens_details": {"reasoning_tokens": 3},
    },
}
READ = {
    "input": 10,
    "output": 5,
    "cached": 4,
    "cache_write": 2,
    "reasoning": 3,
    "model": "gpt-x",
    "finished": True,
}


def read(adapter: Adapter, body: Any) -> dict[str, Any]:
    into = Reading()
    adapter.read(json.dumps(body).encode(), into)
    return noted(into)


@pytest.mark.row("A1", "O1")
def test_a_whole_reply() -> None:
    assert read(RESPONSES, BODY) == READ
    assert read(RESPONSES, {"usage": {"input_tokens": "x"}}) == {"finished": True}


@pytest.mark.row("R10")
def test_what_binds_the_next_call_to_this_account() -> None:
    output = [
        {"type": "reasoning", "encrypted_content": "gAAAA"},
        {"type": "message"},
        "x",
        {"encrypted_content": 7},
    ]
    body = {**BODY, "id": "resp_1", "conversation": {"id": "conv_1"}, "output": output}
    assert read(RESPONSES, body) == {**READ, "binding": ("resp_1", "conv_1", "gAAAA")}
    assert read(RESPONSES, {"id": 7, "conversation": "x", "output": "y"}) == {"finished": True}


@pytest.mark.row("F7", "O1")
@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete"])
def test_the_last_event_holds_the_response(kind: str) -> None:
    into = Reading()
    event = json.dumps({"type": kind, "response": BODY}).encode()
    assert RESPONSES.watch(b"event: x\ndata: " + event.replace(b'": "', b'":"') + b"\n\n", into) is None
    assert noted(into) == READ


@pytest.mark.row("F7")
@pytest.mark.parametrize(
    ("event", "failed"),
    [
        ({"type": "response.failed", "response": {"error": {"code": "x"}}}, True),
        ({"type": "error", "code": "x", "message": "y"}, True),
        ({"type": "response.output_text.delta", "delta": '"error"'}, False),
        ({"type": "response.created", "response": {"error": None}}, False),
    ],
)
def test_failures_in_a_stream(event: dict[str, Any], failed: bool) -> None:
    data = json.dumps(event).encode()
    into = Reading()
    assert RESPONSES.watch(b"data: " + data + b"\n\n", into) == (data if failed else None)
    assert not into.finished
