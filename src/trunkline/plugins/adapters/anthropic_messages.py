"""Anthropic Messages and token counts. Source: docs.anthropic.com/en/api/messages.

`input_tokens` excludes cached and cache-write tokens, which stand beside it; a record's input includes them. A stream tells its
input in `message_start`, its output in `message_delta`, and ends with `message_stop`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, ValidationError, from_json, json_decoder, told_shortly
from trunkline.core.ports import Reading
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.events import data_of
from trunkline.plugins.adapters.opening import opening

_MARKS = (b'"message_start"', b'"message_delta"', b'"message_stop"', b'"error"')


class _OutDetails(msgspec.Struct, gc=False):
    thinking_tokens: int | None = 0


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = 0
    cache_creation_input_tokens: int | None = 0
    output_tokens_details: _OutDetails | None = None


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
            reply = _reply.decode(body)
        except ValidationError:
            _take(from_json(body), into)
            into.finished = True
            return
        except (UnicodeDecodeError, RecursionError) as problem:
            raise DecodeError(told_shortly(problem)) from None
        into.finished = True
        into.model = reply.model or ""
        usage = reply.usage
        if usage is None or usage.input_tokens < 0 or usage.output_tokens < 0:
            return
        into.cached = usage.cache_read_input_tokens or 0
        into.cache_write = usage.cache_creation_input_tokens or 0
        into.input = usage.input_tokens + into.cached + into.cache_write
        into.output = usage.output_tokens
        if usage.output_tokens_details is not None:
            into.reasoning = usage.output_tokens_details.thinking_tokens or 0
        if reply.error is None and reply.type == "message" and reply.stop_reason != "refusal":
            into.plain = True

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        if not any(mark in block for mark in _MARKS):
            return None
        for name, data in data_of(block):
            try:
                value = from_json(data)
            except DecodeError:
                continue
            kind = value.get("type") if isinstance(value, dict) else None
            if kind == "message_start":
                _take(value.get("message"), into)
            elif kind == "message_delta":
                _usage(member(value, "usage"), into)
            elif kind == "message_stop":
                into.finished = True
            elif kind == "error" or name == b"error":
                return data
        return None

    def opens(self, block: bytes) -> bool:
        return opening(block, _harmless)


def _harmless(event: dict[str, Any]) -> bool:
    """The message announced, a sign of life, the place for a text; a call of a tool names the tool at once."""
    kind = event.get("type")
    if kind == "content_block_start":
        block = member(event, "content_block")
        return (
            block.get("type") in ("text", "thinking") and not block.get("text") and not block.get("thinking")
        )
    return kind in ("message_start", "ping")


class AnthropicCountTokens:
    """Counts cost nothing and are no usage."""

    name = "anthropic-count-tokens"

    def read(self, body: bytes, into: Reading) -> None:
        from_json(body)
        into.finished = True

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        del block, into
        return None

    def opens(self, block: bytes) -> bool:
        del block
        return False


def _take(value: Any, into: Reading) -> None:
    if not isinstance(value, dict):
        return
    if isinstance(value.get("model"), str):
        into.model = value["model"]
    _usage(member(value, "usage"), into)


def _usage(usage: dict[str, Any], into: Reading) -> None:
    plain = count(usage.get("input_tokens"))
    if plain >= 0:
        into.cached = count(usage.get("cache_read_input_tokens"), 0)
        into.cache_write = count(usage.get("cache_creation_input_tokens"), 0)
        into.input = plain + into.cached + into.cache_write
    output = count(usage.get("output_tokens"))
    if output >= 0:
        into.output = output
        thought = count(member(usage, "output_tokens_details").get("thinking_tokens"), 0)
        into.reasoning = thought or into.reasoning
