"""Cohere's own dialects, Chat v2 and Embed v2. Source: docs.cohere.com/reference/chat and /embed.

What is billed is told apart from what the model saw (`billed_units`, `tokens`); the first counts. A stream ends with `message-end`,
which has the usage, and may tell there that it failed.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.ports import Reading
from trunkline.plugins.adapters.cohere_codec.read_reply import usage_of
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.events import data_of, holds_any
from trunkline.plugins.adapters.opening import opening

_FAILED = ("ERROR", "TIMEOUT")
_MARKS = (b"message-end", b'"message"')


class Cohere:
    """Stateless; `name` is the dialect."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, body: bytes, into: Reading) -> None:
        value = from_json(body)
        into.finished = True
        if not isinstance(value, dict):
            return
        _take(value.get("usage"), into)
        billed = count(member(member(value, "meta"), "billed_units").get("input_tokens"))
        if billed >= 0:
            into.input, into.output = billed, 0

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        if not holds_any(block, _MARKS):
            return None
        for name, data in data_of(block):
            try:
                value = from_json(data)
            except DecodeError:
                continue
            if name == b"error" or (isinstance(value, dict) and "type" not in value and "message" in value):
                return data
            if not isinstance(value, dict) or value.get("type") != "message-end":
                continue
            delta = member(value, "delta")
            if delta.get("error") or delta.get("finish_reason") in _FAILED:
                return data
            _take(delta.get("usage"), into)
            into.finished = True
        return None

    def opens(self, block: bytes) -> bool:
        return opening(block, _harmless)


def _harmless(event: dict[str, Any]) -> bool:
    """The message and its first content begin with nothing in them."""
    content = member(member(member(event, "delta"), "message"), "content")
    return event.get("type") in ("message-start", "content-start") and not any(
        content.get(name) for name in ("text", "thinking")
    )


def _take(said: Any, into: Reading) -> None:
    usage = usage_of(said)
    if usage is not None and usage.input >= 0:
        into.input, into.output, into.cached = usage.input, max(usage.output, 0), usage.cached
