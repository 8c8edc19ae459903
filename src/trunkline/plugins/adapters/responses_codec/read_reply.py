"""OpenAI Responses' whole answers, read into the canonical form."""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Choice, Reply, Stop, TokenProb
from trunkline.core.conversation import Refusal, Request, ToolCall, Untranslatable
from trunkline.plugins.adapters.chat.read_reply import probabilities
from trunkline.plugins.adapters.count import member
from trunkline.plugins.adapters.fitting import own_name
from trunkline.plugins.adapters.members import an_object, whole_object
from trunkline.plugins.adapters.responses_codec.items import OWN, read_item
from trunkline.plugins.adapters.usage.responses import usage_of

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
    choice = Choice(parts=parts, stop=stop_of(said, parts), said=str(said.get("status") or ""))
    choice.logprobs = [
        one for item in output for piece in _listed(item, "content") for one in _probabilities(piece)
    ]
    reply.choices = [choice]
    reply.usage = usage_of(said.get("usage"), said.get("service_tier"), said.get("output"))
    return reply


def _listed(item: dict[str, Any], name: str) -> list[Any]:
    value = item.get(name)
    return value if isinstance(value, list) else []


def _probabilities(piece: Any) -> list[TokenProb]:
    return probabilities({"content": piece.get("logprobs")}) if isinstance(piece, dict) else []


def stop_of(said: dict[str, Any], parts: list[Any]) -> Stop:
    """Why it ended."""
    if said.get("status") == "incomplete":
        return INCOMPLETE.get(str(member(said, "incomplete_details").get("reason")), "length")
    if said.get("status") in ("failed", "cancelled"):
        return "error"
    if any(isinstance(part, Refusal) for part in parts):
        return "refusal"
    return "tool" if any(isinstance(part, ToolCall) for part in parts) else "end"
