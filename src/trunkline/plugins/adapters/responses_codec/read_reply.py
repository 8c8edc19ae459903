"""OpenAI Responses' whole answers, read into the canonical form."""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Choice, Reply, Stop, Usage
from trunkline.core.conversation import Refusal, Request, ToolCall, Untranslatable
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.fitting import own_name
from trunkline.plugins.adapters.members import an_object, whole_object
from trunkline.plugins.adapters.responses_codec.items import OWN, read_item

INCOMPLETE: dict[str, Stop] = {"max_output_tokens": "length", "content_filter": "refusal"}


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable."""
    said = whole_object(body)
    output = said.get("output")
    if not isinstance(output, list):
        raise Untranslatable("`output` is missing")
    parts = [part for one in output for part in read_item(an_object(one, "output"), "output")[1]]
    for part in parts:
        if isinstance(part, ToolCall):
            part.name = own_name(asked, part.name)
    reply = Reply(dialect=OWN, id=str(said.get("id") or ""), model=str(said.get("model") or ""))
    created = said.get("created_at")
    reply.created = float(created) if isinstance(created, int | float) else 0.0
    reply.choices = [Choice(parts=parts, stop=stop_of(said, parts), said=str(said.get("status") or ""))]
    reply.usage = usage_of(said.get("usage"), said.get("service_tier"))
    return reply


def stop_of(said: dict[str, Any], parts: list[Any]) -> Stop:
    """Why it ended."""
    if said.get("status") == "incomplete":
        return INCOMPLETE.get(str(member(said, "incomplete_details").get("reason")), "length")
    if said.get("status") in ("failed", "cancelled"):
        return "error"
    if any(isinstance(part, Refusal) for part in parts):
        return "refusal"
    return "tool" if any(isinstance(part, ToolCall) for part in parts) else "end"


def usage_of(said: Any, tier: Any = None) -> Usage | None:
    """`usage`."""
    if not isinstance(said, dict):
        return None
    inside = member(said, "input_tokens_details")
    return Usage(
        input=count(said.get("input_tokens")),
        output=count(said.get("output_tokens")),
        cached=count(inside.get("cached_tokens"), 0),
        cache_write=count(inside.get("cache_write_tokens"), 0),
        reasoning=count(member(said, "output_tokens_details").get("reasoning_tokens"), 0),
        tier=tier if isinstance(tier, str) else "",
        said=said,
    )
