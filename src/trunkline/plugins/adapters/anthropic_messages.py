"""Anthropic Messages and token counts. Source: docs.anthropic.com/en/api/messages.

`input_tokens` excludes cached and cache-write tokens, which stand beside it; a record's input includes them. A stream tells its
input in `message_start`, its output in `message_delta`, and ends with `message_stop`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, ValidationError, decoded, from_json, json_decoder, told_shortly
from trunkline.core.ports import Reading
from trunkline.plugins.adapters.count import Part, member
from trunkline.plugins.adapters.events import data_of, holds_any
from trunkline.plugins.adapters.opening import opening
from trunkline.plugins.adapters.usage import take
from trunkline.plugins.adapters.usage.messages import tier_of, usage_of

_MARKS = (b'"message_start"', b'"message_delta"', b'"message_stop"', b'"error"')


class _OutDetails(msgspec.Struct, gc=False):
    thinking_tokens: Part = 0


class _Written(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    ephemeral_5m_input_tokens: Part = 0
    ephemeral_1h_input_tokens: Part = 0


class _Usage(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """As most tell it; whoever says more is read in full (`usage/messages.py`)."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: Part = 0
    cache_creation_input_tokens: Part = 0
    cache_creation: _Written | None = None
    output_tokens_details: _OutDetails | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    server_tool_use: None = None


class _Reply(msgspec.Struct, gc=False):
    type: str = ""
    model: str | None = ""
    stop_reason: str | None = None
    usage: _Usage | None = None
    error: msgspec.Raw | None = None


_reply = json_decoder(_Reply)


class AnthropicMessages:
    """Stateless."""

    name = "anthropic-messages"

    def read(self, body: bytes, into: Reading) -> None:
        try:
            reply = decoded(_reply, body)
        except ValidationError:
            value = from_json(body)
            _count(_take(value, into), into)
            into.finished = True
            if into.input >= 0 and _good(value.get("type"), value.get("stop_reason"), value.get("error")):
                into.plain = True
            return
        except (UnicodeDecodeError, RecursionError) as problem:
            raise DecodeError(told_shortly(problem)) from None
        into.finished = True
        into.model = reply.model or ""
        usage = reply.usage
        if usage is None or usage.input_tokens < 0 or usage.output_tokens < 0:
            return
        into.cached = usage.cache_read_input_tokens or 0
        into.input, into.output = usage.input_tokens + into.cached, usage.output_tokens
        kept = usage.cache_creation
        if usage.cache_creation_input_tokens or kept is not None:
            hour = (kept.ephemeral_1h_input_tokens or 0) if kept is not None else 0
            short = (kept.ephemeral_5m_input_tokens or 0) if kept is not None else 0
            into.cache_write = max(usage.cache_creation_input_tokens or 0, short + hour)
            if hour:
                into.cache_write_1h = hour
            into.input += into.cache_write
        if usage.output_tokens_details is not None:
            into.reasoning = usage.output_tokens_details.thinking_tokens or 0
        if usage.inference_geo == "us" or (usage.service_tier and usage.service_tier != "standard"):
            into.tier = tier_of({"service_tier": usage.service_tier, "inference_geo": usage.inference_geo})
        if _good(reply.type, reply.stop_reason, reply.error):
            into.plain = True

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        if not holds_any(block, _MARKS):
            return None
        for name, data in data_of(block):
            try:
                value = from_json(data)
            except DecodeError:
                continue
            kind = value.get("type") if isinstance(value, dict) else None
            if kind == "message_start":
                _more(_take(value.get("message"), into), into)
            elif kind == "message_delta":
                _more(member(value, "usage"), into)
            elif kind == "message_stop":
                into.finished = True
            elif kind == "error" or name == b"error":
                return data
        return None

    def opens(self, block: bytes) -> bool:
        return opening(block, _harmless)


def _good(kind: Any, stop_reason: Any, error: Any) -> bool:
    return error is None and kind == "message" and stop_reason != "refusal"


def _harmless(event: dict[str, Any]) -> bool:
    """The message announced, a sign of life, the place for a text; a call of a tool names the tool at once."""
    kind = event.get("type")
    if kind == "content_block_start":
        block = member(event, "content_block")
        return (
            block.get("type") in ("text", "thinking") and not block.get("text") and not block.get("thinking")
        )
    return kind in ("message_start", "ping")


def _take(value: Any, into: Reading) -> dict[str, Any]:
    """The model; gives back the usage."""
    if isinstance(value, dict) and isinstance(value.get("model"), str):
        into.model = value["model"]
    return member(value, "usage")


def _more(said: dict[str, Any], into: Reading) -> None:
    """A stream tells its usage twice, at its begin and at its end; what the end leaves out holds as it was."""
    told = into.said = into.said or {}
    told.update({name: value for name, value in said.items() if value is not None})
    _count(told, into)


def _count(said: dict[str, Any], into: Reading) -> None:
    usage = usage_of(said)
    if usage is not None and (usage.input >= 0 or usage.output >= 0):
        usage.input = usage.input if usage.input >= 0 else into.input
        usage.output = usage.output if usage.output >= 0 else into.output
        take(usage, into)
