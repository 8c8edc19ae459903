"""Anthropic Messages' whole answers, read into the canonical form."""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Choice, Reply, Stop
from trunkline.core.conversation import Refusal, Request, Text, ToolCall, Untranslatable
from trunkline.plugins.adapters.fitting import Names, free_text, own_name
from trunkline.plugins.adapters.members import beyond, whole_object
from trunkline.plugins.adapters.messages.blocks import OWN, read_blocks
from trunkline.plugins.adapters.usage.messages import usage_of

STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context",
}
_FRAME = frozenset(
    ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage")
)


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable."""
    said = whole_object(body)
    if said.get("type") != "message":
        raise Untranslatable("`type` is not message")
    reason = str(said.get("stop_reason") or "")
    choice = Choice(
        parts=[asked_part(part, asked) for part in read_blocks(said.get("content"), "content")],
        said=reason,
        stop=STOPS.get(reason, "end" if reason else None),
        sequence=str(said.get("stop_sequence") or ""),
    )
    why = said.get("stop_details")
    if isinstance(why, dict):
        choice.safety = why
        if why.get("explanation"):
            choice.parts.append(Refusal(text=str(why["explanation"])))
    if choice.stop == "tool" and not any(isinstance(part, ToolCall) for part in choice.parts):
        choice.stop = "end"
    return Reply(
        dialect=OWN,
        id=str(said.get("id") or ""),
        model=str(said.get("model") or ""),
        choices=[choice],
        usage=usage_of(said.get("usage")),
        extra=beyond(said, _FRAME),
    )


def asked_part(part: Any, asked: Request) -> Any:
    """A part of an answer as the caller asked for it: tools under their own names, an emulated format as text."""
    if isinstance(part, ToolCall):
        names = asked.sent
        if isinstance(names, Names) and part.name == names.answer:
            return Text(text=part.arguments)
        part.name = own_name(asked, part.name)
        if isinstance(names, Names) and part.name in names.custom:
            part.kind, part.arguments = "custom", free_text(part.arguments)
    return part
