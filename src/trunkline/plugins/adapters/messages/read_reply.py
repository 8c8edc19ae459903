"""Anthropic Messages' whole answers, read into the canonical form."""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.answer import Choice, Reply, Stop, Usage
from trunkline.core.conversation import Refusal, Request, Text, ToolCall, Untranslatable
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.fitting import Names, free_text, own_name
from trunkline.plugins.adapters.members import beyond, whole_object
from trunkline.plugins.adapters.messages.blocks import OWN, read_blocks

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


class _Plain(msgspec.Struct, gc=False):
    """Usage as most answers tell it."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    service_tier: str | None = None
    server_tool_use: Any = None
    output_tokens_details: Any = None


def usage_of(said: Any) -> Usage | None:
    """`usage`: what was cached stands beside `input_tokens`."""
    if not isinstance(said, dict):
        return None
    try:
        plain = msgspec.convert(said, _Plain)
    except msgspec.ValidationError:
        return _loosely(said)
    more = plain.cache_creation_input_tokens or plain.server_tool_use or plain.output_tokens_details
    if more or plain.input_tokens < 0 or plain.output_tokens < 0:
        return _loosely(said)
    cached = plain.cache_read_input_tokens or 0
    return Usage(
        input=plain.input_tokens + cached,
        output=plain.output_tokens,
        cached=cached,
        tier=plain.service_tier or "",
        said=said,
    )


def _loosely(said: dict[str, Any]) -> Usage:
    """The same of usage that says more, or says it oddly."""
    cached = count(said.get("cache_read_input_tokens"), 0)
    written = count(said.get("cache_creation_input_tokens"), 0)
    plain = count(said.get("input_tokens"))
    tools = member(said, "server_tool_use")
    tier = said.get("service_tier")
    return Usage(
        input=plain + cached + written if plain >= 0 else -1,
        output=count(said.get("output_tokens")),
        cached=cached,
        cache_write=written,
        cache_write_1h=count(member(said, "cache_creation").get("ephemeral_1h_input_tokens"), 0),
        reasoning=count(member(said, "output_tokens_details").get("thinking_tokens"), 0),
        fees={name.removesuffix("_requests"): n for name, value in tools.items() if (n := count(value, 0))},
        tier=tier if isinstance(tier, str) else "",
        said=said,
    )
