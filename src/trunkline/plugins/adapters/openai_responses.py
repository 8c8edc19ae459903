"""OpenAI Responses. Source: platform.openai.com/docs/api-reference/responses.

A stream ends with `response.completed`, `response.incomplete` or `response.failed`; each holds the whole response.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.ports import Reading
from trunkline.plugins.adapters.count import member
from trunkline.plugins.adapters.events import data_of, holds_any
from trunkline.plugins.adapters.opening import opening
from trunkline.plugins.adapters.usage import take
from trunkline.plugins.adapters.usage.responses import usage_of

_OPENING = frozenset(
    (
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.reasoning_summary_part.added",
        "keepalive",
    )
)
_LAST = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"', b'"error"')


class OpenaiResponses:
    """Stateless. Compacted conversations tell their usage as responses do."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, body: bytes, into: Reading) -> None:
        _take(from_json(body), into)
        into.finished = True

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        if not holds_any(block, _LAST):
            return None
        for _, data in data_of(block):
            try:
                value = from_json(data)
            except DecodeError:
                continue
            kind = value.get("type") if isinstance(value, dict) else None
            if kind == "error" or kind == "response.failed":
                return data
            if kind in ("response.completed", "response.incomplete"):
                _take(value.get("response"), into)
                into.finished = True
        return None

    def opens(self, block: bytes) -> bool:
        return opening(block, _harmless)


def _harmless(event: dict[str, Any]) -> bool:
    """The response announced, and the places for its text; a call of a tool names the tool at once."""
    kind = event.get("type")
    if kind == "response.output_item.added":
        return member(event, "item").get("type") in ("message", "reasoning")
    if kind == "response.content_part.added":
        return not member(event, "part").get("text")
    return isinstance(kind, str) and kind in _OPENING


def _take(value: Any, into: Reading) -> None:
    if not isinstance(value, dict):
        return
    if isinstance(value.get("model"), str):
        into.model = value["model"]
    binding = tuple(_binding(value))
    if binding:
        into.binding = binding
    usage = usage_of(value.get("usage"), value.get("service_tier"), value.get("output"))
    if usage is not None:
        take(usage, into)


def _binding(value: dict[str, Any]) -> Iterator[str]:
    output = value.get("output")
    items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    names = [value.get("id"), member(value, "conversation").get("id")]
    for name in (*names, *(item.get("encrypted_content") for item in items)):
        if isinstance(name, str) and name:
            yield name
