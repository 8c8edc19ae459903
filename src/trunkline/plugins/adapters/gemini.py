"""Gemini generateContent, embedContent and countTokens. Source: ai.google.dev/api/generate-content.

`promptTokenCount` includes cached tokens; thoughts stand beside candidates and are billed as output. Each event of a stream
holds the usage so far; the last one has a `finishReason`.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.ports import Reading
from trunkline.plugins.adapters.count import member
from trunkline.plugins.adapters.events import data_of
from trunkline.plugins.adapters.opening import opening
from trunkline.plugins.adapters.usage import take
from trunkline.plugins.adapters.usage.gemini import usage_of


class Gemini:
    """Stateless; `name` is the dialect."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, body: bytes, into: Reading) -> None:
        value = from_json(body)
        for item in value if isinstance(value, list) else [value]:
            _take(item, into)
        into.finished = True

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        for _, data in data_of(block):
            try:
                value = from_json(data)
            except DecodeError:
                continue
            if isinstance(value, dict) and "error" in value and "candidates" not in value:
                return data
            _take(value, into)
        return None

    def opens(self, block: bytes) -> bool:
        return opening(block, _harmless)


def _harmless(event: dict[str, Any]) -> bool:
    """Candidates that have said nothing and are not at their end."""
    candidates = event.get("candidates", [])
    if event.get("error") or event.get("promptFeedback") or not isinstance(candidates, list):
        return False
    return all(
        isinstance(one, dict) and not one.get("finishReason") and not any(map(_says, _parts(one)))
        for one in candidates
    )


def _parts(candidate: dict[str, Any]) -> list[Any]:
    parts = member(candidate, "content").get("parts")
    return parts if isinstance(parts, list) else []


def _says(part: Any) -> bool:
    return not isinstance(part, dict) or any(value for name, value in part.items() if name != "thought")


def _take(value: Any, into: Reading) -> None:
    if not isinstance(value, dict):
        return
    if isinstance(value.get("modelVersion"), str):
        into.model = value["modelVersion"]
    candidates = value.get("candidates")
    usage = usage_of(value.get("usageMetadata"), candidates)
    if usage is not None and usage.input >= 0:
        usage.fees = usage.fees or into.fees
        take(usage, into)
    first = candidates[0] if isinstance(candidates, list) and candidates else None
    blocked = member(value, "promptFeedback").get("blockReason")
    if blocked or (isinstance(first, dict) and first.get("finishReason")):
        into.finished = True
