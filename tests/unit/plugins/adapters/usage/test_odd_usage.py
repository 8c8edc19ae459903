"""Whatever a vendor says in the place of its usage is read without a failure, and counts nothing below zero (battery F29)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.answer import Usage
from trunkline.core.codec import to_json
from trunkline.core.ports import Reading
from trunkline.plugins.adapters.anthropic_messages import AnthropicMessages
from trunkline.plugins.adapters.openai_chat import OpenaiChat
from trunkline.plugins.adapters.usage import COUNTED, chat, gemini, messages, responses

Reader = Callable[[Any], Usage | None]
NAMES = {
    "chat": ["prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details",
             "cached_tokens", "reasoning_tokens", "cost", "cost_details", "is_byok", "cost_in_usd_ticks", "service_tier",
             "search_context_size", "citation_tokens", "server_side_tool_usage_details", "estimated_cost"],
    "messages": ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation",
                 "service_tier", "server_tool_use", "output_tokens_details", "iterations", "speed", "inference_geo"],
    "responses": ["input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details", "cached_tokens",
                  "cached_tokens_details", "type", "seconds", "cost", "server_side_tool_usage_details"],
    "gemini": ["promptTokenCount", "candidatesTokenCount", "responseTokenCount", "thoughtsTokenCount", "totalTokenCount",
               "cachedContentTokenCount", "toolUsePromptTokenCount", "promptTokensDetails", "cacheTokensDetails",
               "candidatesTokensDetails", "serviceTier", "trafficType", "modality", "tokenCount"],
}  # fmt: skip
READERS: dict[str, Reader] = {
    "chat": chat.usage_of,
    "messages": messages.usage_of,
    "responses": responses.usage_of,
    "gemini": gemini.usage_of,
}
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=8),
    st.just("AUDIO"),
)


def odd(dialect: str) -> st.SearchStrategy[Any]:
    """Objects with the dialect's own names, any value in each place."""
    names = st.sampled_from(NAMES[dialect])
    inner = st.recursive(
        LEAVES,
        lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(names, deeper, max_size=4),
        max_leaves=12,
    )
    return st.dictionaries(names, inner, max_size=8) | inner


@pytest.mark.row("F7")
@pytest.mark.parametrize("dialect", sorted(READERS))
@given(data=st.data())
def test_odd_usage(dialect: str, data: st.DataObject) -> None:
    told = READERS[dialect](data.draw(odd(dialect)))
    if told is None:
        return
    counted = {name: getattr(told, name) for name in COUNTED if name not in ("fees", "tier", "told_usd")}
    assert min(counted["input"], counted["output"]) >= -1
    assert {name: n for name, n in counted.items() if name not in ("input", "output") and n < 0} == {}
    assert all(type(n) is int for n in counted.values())
    assert all(n > 0 for n in told.fees.values())
    assert isinstance(told.tier, str)
    assert told.told_usd == -1.0 or told.told_usd >= 0


def test_parts_below_zero_are_none_in_answers_that_are_read_on_their_way() -> None:
    chat = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13,
            "prompt_tokens_details": {"cached_tokens": -5, "cache_write_tokens": -5},
            "completion_tokens_details": {"reasoning_tokens": -5}}  # fmt: skip
    messages = {"input_tokens": 9, "output_tokens": 4, "cache_read_input_tokens": -5, "cache_creation_input_tokens": -5,
                "output_tokens_details": {"thinking_tokens": -5}}  # fmt: skip
    for adapter, usage in ((OpenaiChat("openai-chat"), chat), (AnthropicMessages(), messages)):
        reading = Reading()
        adapter.read(to_json({"type": "message", "model": "m", "choices": [], "usage": usage}), reading)
        counted = (reading.input, reading.output, reading.cached, reading.cache_write, reading.reasoning)
        assert counted == (9, 4, 0, 0, 0), adapter.name
