"""Usage of OpenAI Responses, and of its pictures, sounds and realtime sessions, which tell it alike.

Cached and written tokens are part of `input_tokens`, reasoning of `output_tokens`; sounds and pictures are part of both. Hosted
tools cost by the use and stand in the output (platform.openai.com/docs/pricing): the web by each `search` action, not by the pages
then opened; files by each call; code by each container. xAI tells them, and the cost, in the usage.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Usage
from trunkline.plugins.adapters.count import amount, count, member
from trunkline.plugins.adapters.usage.chat import TICKS


def usage_of(said: Any, tier: Any = None, output: Any = None) -> Usage | None:
    """`usage`; None where there is none."""
    if not isinstance(said, dict):
        return None
    inside = member(said, "input_tokens_details") or member(said, "input_token_details")
    outside = member(said, "output_tokens_details") or member(said, "output_token_details")
    kept = member(inside, "cached_tokens_details")
    into, out, total = (count(said.get(name)) for name in ("input_tokens", "output_tokens", "total_tokens"))
    if out < 0 <= into <= total:
        out = total - into
    fees = _hosted(output)
    for name, value in member(said, "server_side_tool_usage_details").items():
        if n := count(value, 0):
            fees[name.removesuffix("_calls")] = n
    if said.get("type") == "duration" and (seconds := count(said.get("seconds"), 0)):
        fees["second"] = seconds
    return Usage(
        input=into,
        output=out,
        cached=count(inside.get("cached_tokens"), 0),
        cache_write=count(inside.get("cache_write_tokens"), 0),
        reasoning=count(outside.get("reasoning_tokens"), 0),
        audio_input=count(inside.get("audio_tokens"), 0),
        audio_cached=count(kept.get("audio_tokens"), 0),
        audio_output=count(outside.get("audio_tokens"), 0),
        image_input=count(inside.get("image_tokens"), 0),
        image_cached=count(kept.get("image_tokens"), 0),
        image_output=count(outside.get("image_tokens"), 0),
        fees=fees,
        tier=tier if isinstance(tier, str) else "",
        told_usd=_told(said),
        said=said,
    )


def _told(said: dict[str, Any]) -> float:
    if "cost_in_usd_ticks" in said:
        ticks = count(said["cost_in_usd_ticks"])
        return ticks / TICKS if ticks >= 0 else -1.0
    cost = amount(said.get("cost"))
    if said.get("is_byok") is True:
        beside = amount(member(said, "cost_details").get("upstream_inference_cost"))
        return cost + beside if cost >= 0 and beside >= 0 else -1.0
    return cost


def _hosted(output: Any) -> dict[str, int]:
    """Uses of hosted tools among the items of an output."""
    fees: dict[str, int] = {}
    containers = set()
    for item in output if isinstance(output, list) else ():
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "web_search_call":
            if member(item, "action").get("type", "search") == "search":
                fees["web_search"] = fees.get("web_search", 0) + 1
        elif kind == "file_search_call":
            fees["file_search"] = fees.get("file_search", 0) + 1
        elif kind == "code_interpreter_call":
            containers.add(item.get("container_id"))
    if containers:
        fees["container"] = len(containers)
    return fees
