"""Usage of OpenAI Chat, Completions and Embeddings and of the many that follow them.

OpenAI: cached and written tokens are part of `prompt_tokens`, reasoning and audio of `completion_tokens`
(platform.openai.com/docs/api-reference/chat/object). Others differ, and what they say shows it:

- xAI, and Gemini in this dialect: reasoning stands beside `completion_tokens`; then `total_tokens` is more than prompt and completion.
- DeepSeek: `prompt_cache_hit_tokens` (part of the prompt); Moonshot, Z.ai, Hugging Face: `cached_tokens`; Mistral: `num_cached_tokens`.
- OpenRouter tells the cost: `cost`, and with a key of one's own (`is_byok`) what that vendor takes beside. So does Perplexity
  (`cost.total_cost`), whose reasoning, citations and searches stand beside its completion. xAI tells it in ticks
  (`cost_in_usd_ticks`, 1e-10 USD).
- Voyage and Jina tell `total_tokens` alone: all of it is input.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Usage
from trunkline.plugins.adapters.count import amount, count, member

TICKS = 10**10
"""Of xAI, to a dollar."""


def usage_of(said: Any, tier: Any = None) -> Usage | None:
    """`usage`; None where there is none."""
    if not isinstance(said, dict):
        return None
    inside, outside = member(said, "prompt_tokens_details"), member(said, "completion_tokens_details")
    into, out = count(said.get("prompt_tokens")), count(said.get("completion_tokens"))
    total = count(said.get("total_tokens"), 0)
    reasoning = count(outside.get("reasoning_tokens"), 0) or count(said.get("reasoning_tokens"), 0)
    if into < 0 and total and out <= 0:
        into = total
    elif into < 0 and 0 <= out < total:
        into = total - out
    elif out < 0 <= into <= total and total:
        out = total - into
    out, reasoning = _answered(said, into, out, total, reasoning)
    word = tier if isinstance(tier, str) else said.get("service_tier")
    return Usage(
        input=into,
        output=out,
        cached=_cached(said, inside),
        cache_write=count(inside.get("cache_write_tokens"), 0)
        or count(said.get("cache_creation_input_tokens"), 0),
        reasoning=reasoning,
        audio_input=count(inside.get("audio_tokens"), 0),
        audio_output=count(outside.get("audio_tokens"), 0),
        image_input=count(inside.get("image_tokens"), 0),
        image_output=count(outside.get("image_tokens"), 0),
        fees=_fees(said),
        tier=word if isinstance(word, str) else "",
        told_usd=_told(said),
        said=said,
    )


def _cached(said: dict[str, Any], inside: dict[str, Any]) -> int:
    for value in (
        inside.get("cached_tokens"),
        said.get("prompt_cache_hit_tokens"),
        said.get("cached_tokens"),
        said.get("num_cached_tokens"),
    ):
        found = count(value, 0)
        if found:
            return found
    return 0


def _answered(said: dict[str, Any], into: int, out: int, total: int, reasoning: int) -> tuple[int, int]:
    """All output, and what of it is reasoning."""
    if "search_context_size" in said or "citation_tokens" in said:
        return max(out, 0) + reasoning, reasoning
    beside = total - max(into, 0) - max(out, 0)
    if out < 0 or beside <= 0 or count(said.get("prompt_cache_miss_tokens"), 0):
        return out, reasoning
    if reasoning in (0, beside) or beside > reasoning:
        return out + beside, max(reasoning, beside)
    return out, reasoning


def _told(said: dict[str, Any]) -> float:
    cost = said.get("cost")
    if isinstance(cost, dict):
        return amount(cost.get("total_cost"))
    if said.get("is_byok") is True:
        beside = amount(member(said, "cost_details").get("upstream_inference_cost"))
        return amount(cost) + beside if amount(cost) >= 0 and beside >= 0 else -1.0
    if "cost_in_usd_ticks" in said:
        ticks = count(said["cost_in_usd_ticks"])
        return ticks / TICKS if ticks >= 0 else -1.0
    return amount(said.get("estimated_cost")) if cost is None else amount(cost)


_COUNTED = {
    "num_search_queries": "search_query",
    "citation_tokens": "citation",
    "num_sources_used": "live_source",
    "prompt_audio_seconds": "second",
}


def _fees(said: dict[str, Any]) -> dict[str, int]:
    fees = {fee: n for name, fee in _COUNTED.items() if (n := count(said.get(name), 0))}
    size = said.get("search_context_size")
    if isinstance(size, str):
        fees[f"search_{size}"] = 1
    for tools in (member(said, "server_side_tool_usage_details"), member(said, "server_tool_use_details")):
        for name, value in tools.items():
            if (n := count(value, 0)) and not name.startswith("tool_calls"):
                fees[name.removesuffix("_calls").removesuffix("_requests")] = n
    return fees
