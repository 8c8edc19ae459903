"""The simulated Anthropic refuses what the real one does, so that what a client gets wrong is seen without a key."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.simulator.failures import Refusal
from trunkline.simulator.vendors.anthropic_rules import check

HELLO = {"role": "user", "content": "hi"}
TOOL = {"name": "t", "input_schema": {"type": "object"}}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "t", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "x"}]}
THOUGHT = {"type": "thinking", "thinking": "", "signature": "sim" + "0" * 30}


def body(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 2000, "messages": list(messages) or [HELLO], **more}


@pytest.mark.parametrize(
    "given",
    [
        body(),
        body(HELLO, USE, RESULT, tools=[TOOL]),
        body(HELLO, {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "a"}]}, HELLO),
        body(thinking={"type": "enabled", "budget_tokens": 1024}, temperature=1),
        body(tools=[TOOL], tool_choice={"type": "tool", "name": "t"}),
        body(HELLO, {"role": "assistant", "content": "It is"}),
    ],
)
def test_what_is_right_passes(given: dict[str, Any]) -> None:
    check(given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (body(seed=1), "seed: Extra inputs"),
        (body(temperature=1.4), "temperature: range"),
        (body(stop_sequences=[" \n"]), "non-whitespace"),
        (body(thinking={"type": "enabled", "budget_tokens": 9}), "greater than or equal to 1024"),
        (body(thinking={"type": "enabled", "budget_tokens": 2000}), "must be greater than"),
        (body(thinking={"type": "adaptive"}, temperature=0.5), "only be set to 1"),
        (body(thinking={"type": "adaptive"}, tools=[TOOL], tool_choice={"type": "any"}), "forces tool use"),
        (body({"role": "assistant", "content": "x"}), "first message"),
        (body({"role": "tool", "content": "x"}), "first message"),
        (body(HELLO, {"role": "robot", "content": "x"}), "Unexpected role 'robot'"),
        (body(HELLO, {"role": "user", "content": ""}), "non-empty content"),
        (body(HELLO, USE, HELLO, tools=[TOOL]), "without `tool_result`"),
        (body(HELLO, RESULT, tools=[TOOL]), "unexpected `tool_use_id`"),
        (body(HELLO, USE, RESULT), "must define tools"),
        (body(HELLO, {"role": "assistant", "content": "It is "}), "trailing whitespace"),
        (body(tools=[{"name": "a.b"}]), "should match pattern"),
        (body(tools=[TOOL, TOOL]), "unique"),
        (body(tool_choice={"type": "auto"}), "while providing tools"),
        (body(tools=[TOOL], tool_choice={"type": "tool", "name": "u"}), "'u' not found"),
        (body({"role": "user", "content": [{"type": "text", "text": ""}]}), "must be non-empty"),
        (
            body(HELLO, {"role": "assistant", "content": [{**THOUGHT, "signature": "x"}]}),
            "Invalid `signature`",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_the_vendors_words(given: dict[str, Any], says: str) -> None:
    with pytest.raises(Refusal) as refused:
        check(given)
    assert refused.value.failure.status == 400
    assert says in refused.value.failure.message
