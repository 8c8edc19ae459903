"""The simulated OpenAI refuses what the real one does, so that what a client gets wrong is seen without a key."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.simulator.failures import Refusal
from trunkline.simulator.vendors.openai_rules import check

HELLO = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "t"}}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "t", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "x"}


def body(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages) or [HELLO], **more}


@pytest.mark.parametrize(
    "given",
    [
        body(what_nobody_knows=1),
        body(HELLO, CALL, RESULT, HELLO, tools=[TOOL], tool_choice="auto"),
        body(stream=True, stream_options={"include_usage": True}),
        body({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}),
    ],
)
def test_what_is_right_passes(given: dict[str, Any]) -> None:
    check(given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (body(top_k=1), "Unrecognized request argument supplied: top_k"),
        (body(stream_options={}), "only allowed when 'stream'"),
        (body({"role": "robot", "content": "x"}), "Invalid value: 'robot'"),
        (body(HELLO, RESULT), "must be a response"),
        (body(HELLO, CALL, HELLO), "must be followed by tool messages"),
        (body({"role": "user", "content": None}), "got null"),
        (body(HELLO, CALL, {**RESULT, "content": [{"type": "image_url"}]}), "Supported values are: 'text'"),
        (body(tools=[{"type": "function", "function": {"name": "a.b"}}]), "does not match pattern"),
        (body(tool_choice="auto"), "only allowed when 'tools'"),
    ],
)
def test_what_is_wrong_is_refused_in_the_vendors_words(given: dict[str, Any], says: str) -> None:
    with pytest.raises(Refusal) as refused:
        check(given)
    assert refused.value.failure.status == 400
    assert says in refused.value.failure.message
