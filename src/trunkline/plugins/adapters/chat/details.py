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
    "mistral-chat": "mistral-v1",
    "cohere-chat": "cohere-v2",
    "ollama-chat": "ollama-v1",
}
"""The dialect whose vendor made the thoughts -> `format`."""
ORIGINS = {
    **{word: dialect for dialect, word in FORMATS.items()},
    "azure-openai-responses-v1": "openai-responses",
}


def detail_of(part: Reasoning, index: int) -> dict[str, Any]:
    """A thought as one of `reasoning_details`."""
    summary = "\n\n".join(part.summary)
    if part.sealed:
        told: dict[str, Any] = {"type": "reasoning.encrypted", "data": part.sealed}
        told.update({name: text for name, text in (("summary", summary), ("text", part.text)) if text})
    elif summary:
        told = {"type": "reasoning.summary", "summary": summary}
    else:
        told = {"type": "reasoning.text", "text": part.text}
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
    )


def read_details(details: list[dict[str, Any]]) -> list[Reasoning]:
    """All of them. Clients send them back as they were streamed, in pieces: those with one index are one thought."""
    out: list[Reasoning] = []
    last: Any = None
    for said in details:
        one, index = read_detail(said), said.get("index")
        if out and index is not None and index == last and one.origin == out[-1].origin:
            _grow(out[-1], one)
        else:
            out.append(one)
        last = index
    return out


def _grow(thought: Reasoning, by: Reasoning) -> None:
    thought.text += by.text
    if by.summary:
        thought.summary = ["".join([*thought.summary, *by.summary])]
    thought.signature += by.signature
    thought.sealed += by.sealed
    thought.id = thought.id or by.id
