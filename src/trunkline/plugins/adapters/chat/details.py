"""`reasoning_details`: how thoughts of any vendor reach a caller that speaks OpenAI Chat, and come back in its next turn.

The form is OpenRouter's, which clients know (openrouter.ai/docs/use-cases/reasoning-tokens). `format` says whose they are.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import Reasoning

FORMATS = {
    "anthropic-messages": "anthropic-claude-v1",
    "gemini-generate": "google-gemini-v1",
    "openai-responses": "openai-responses-v1",
}
"""The dialect whose vendor made the thoughts -> `format`."""
ORIGINS = {
    **{word: dialect for dialect, word in FORMATS.items()},
    "azure-openai-responses-v1": "openai-responses",
}


def detail_of(part: Reasoning, index: int) -> dict[str, Any]:
    """A thought as one of `reasoning_details`."""
    told: dict[str, Any] = {"type": "reasoning.text"}
    if part.sealed:
        told = {"type": "reasoning.encrypted", "data": part.sealed}
        if part.summary:
            told["summary"] = "\n\n".join(part.summary)
        if part.text:
            told["text"] = part.text
    elif part.summary:
        told = {"type": "reasoning.summary", "summary": "\n\n".join(part.summary)}
    else:
        told["text"] = part.text
    if part.signature:
        told["signature"] = part.signature
    if part.id:
        told["id"] = part.id
    told["format"] = FORMATS.get(part.origin, "unknown")
    told["index"] = index
    return told


def read_detail(said: dict[str, Any]) -> Reasoning:
    """One of `reasoning_details`."""
    summary = said.get("summary")
    return Reasoning(
        text=str(said.get("text") or ""),
        summary=[str(summary)] if summary else [],
        signature=str(said.get("signature") or ""),
        sealed=str(said.get("data") or ""),
        id=str(said.get("id") or ""),
        origin=ORIGINS.get(str(said.get("format") or ""), "openai-chat"),
        extra={"detail": said},
    )
