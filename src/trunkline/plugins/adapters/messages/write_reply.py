"""Anthropic Messages' answers, written from the canonical form for callers that speak it."""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Choice, Reply, Stop, Usage
from trunkline.core.codec import DecodeError, from_json, to_json
from trunkline.core.conversation import (
    Change,
    Citation,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
)
from trunkline.plugins.adapters.carrier import Carried, pack
from trunkline.plugins.adapters.documents import place_of, shown
from trunkline.plugins.adapters.messages.blocks import OWN
from trunkline.plugins.adapters.messages.write_messages import told_thought

REASONS: dict[Stop, str] = {
    "end": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool": "tool_use",
    "refusal": "refusal",
    "pause": "pause_turn",
    "context": "model_context_window_exceeded",
    "error": "end_turn",
}
_TOOLS = ("web_search", "web_fetch", "code_execution")
_TIERS = {"default": "standard", "standard": "standard", "priority": "priority", "batch": "batch"}


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """The whole answer; of several choices the first."""
    if len(reply.choices) > 1:
        changes.append(Change("dropped", "answer.choices", f"{len(reply.choices) - 1} more"))
    choice = reply.choices[0] if reply.choices else Choice(stop="end")
    own = reply.dialect == OWN
    # Of its own vendor's, words of refusal stand in `stop_details` alone.
    told = [part for part in choice.parts if not (own and isinstance(part, Refusal))]
    out: dict[str, Any] = {
        "id": reply.id if own else message_id(reply.id),
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": [block for part in told for block in blocks(part, changes, asked)],
        "stop_reason": REASONS[choice.stop] if choice.stop is not None else None,
        "stop_sequence": choice.sequence or None,
        "usage": usage(reply.usage or Usage(input=0, output=0)),
    }
    details = stop_details(
        choice.stop, "".join(part.text for part in choice.parts if isinstance(part, Refusal))
    )
    if details is not None:
        out["stop_details"] = choice.safety if own else details
    if choice.logprobs:
        changes.append(Change("dropped", "answer.logprobs"))
    if own:
        out.update(reply.extra)
    return to_json(out)


def stop_details(stop: Stop | None, words: str) -> dict[str, Any] | None:
    """Why the model refuses, where it does."""
    return {"type": "refusal", "category": None, "explanation": words or None} if stop == "refusal" else None


def message_id(given: str) -> str:
    """Ids of other vendors' answers, marked as ours so that they look like what they are."""
    return given if given.startswith("msg_") else f"msg_{given}"


def blocks(part: Any, changes: list[Change], asked: Request) -> list[dict[str, Any]]:
    """A part of an answer as content blocks; what there is no block for is noted."""
    if isinstance(part, Text):
        return [text_block(part, asked)]
    if isinstance(part, Refusal):
        return [{"type": "text", "text": part.text}]
    if isinstance(part, Reasoning):
        return [told_thought(part)]
    if isinstance(part, ToolCall):
        signed = [signature_block(part)] if part.signature else []
        return [*signed, {"type": "tool_use", "id": part.id, "name": part.name, "input": given(part)}]
    if isinstance(part, Opaque) and part.dialect == OWN:
        return [part.value]
    if isinstance(part, Media) and part.transcript:
        changes.append(Change("changed", "answer.audio", "its transcript"))
        return [{"type": "text", "text": part.transcript}]
    changes.append(Change("dropped", "answer.part", kind_of(part)))
    return []


def kind_of(part: Any) -> str:
    """What a part is that has no block."""
    if isinstance(part, Media):
        return part.kind
    return (
        str(part.value.get("type", "opaque"))
        if isinstance(part, Opaque) and isinstance(part.value, dict)
        else "opaque"
    )


def given(part: ToolCall) -> Any:
    """Arguments as the object that Anthropic's SDKs expect."""
    if part.kind == "custom":
        return {"input": part.arguments}
    try:
        value = from_json(part.arguments) if part.arguments.strip() else {}
    except DecodeError:
        value = None
    return value if isinstance(value, dict) else {"arguments": part.arguments}


def signature_block(part: ToolCall) -> dict[str, Any]:
    """A thought without words that carries another vendor's signature of a call through the caller's next turn."""
    return {
        "type": "thinking",
        "thinking": "",
        "signature": pack(Carried("gemini-generate", part.signature, c=part.id)),
    }


def text_block(part: Text, asked: Request) -> dict[str, Any]:
    """A text with its citations."""
    out: dict[str, Any] = {"type": "text", "text": part.text}
    if part.citations:
        out["citations"] = [citation(one, asked) for one in part.citations]
    return out


def citation(one: Citation, asked: Request) -> dict[str, Any]:
    """A citation of a document of the request, or else in the form for pages of the web, which says least of where it stands."""
    if one.extra.get("type"):
        return one.extra
    papers = shown(asked) if one.kind == "document" and one.quote else []
    if 0 <= one.document < len(papers):
        return _place(one, papers)
    return {
        "type": "web_search_result_location",
        "url": one.url,
        "title": one.title or None,
        "cited_text": one.quote,
        "encrypted_index": "",
    }


def _place(one: Citation, papers: list[Media]) -> dict[str, Any]:
    """Of one of the request's documents; what the caller's own search found is numbered apart."""
    paper = papers[one.document]
    found = isinstance(paper.form, dict) and paper.form.get("type") == "search_result"
    before = sum(
        (isinstance(p.form, dict) and p.form.get("type") == "search_result") == found
        for p in papers[: one.document]
    )
    if found:
        return {
            "type": "search_result_location",
            "cited_text": one.quote,
            "source": str(paper.form.get("source") or ""),
            "title": paper.form.get("title"),
            "search_result_index": before,
            "start_block_index": 0,
            "end_block_index": len(paper.form["content"]),
        }
    start = place_of(one.quote, paper)
    return {
        "type": "char_location",
        "cited_text": one.quote,
        "document_index": before,
        "document_title": one.title or None,
        "start_char_index": start,
        "end_char_index": start + len(one.quote),
        "file_id": None,
    }


def usage(said: Usage) -> dict[str, Any]:
    """`usage`."""
    into = max(said.input, 0) - said.cached - said.cache_write
    out: dict[str, Any] = {
        "input_tokens": max(into, 0),
        "cache_creation_input_tokens": said.cache_write,
        "cache_read_input_tokens": said.cached,
        "output_tokens": max(said.output, 0),
    }
    if said.cache_write:
        hour = said.cache_write_1h
        out["cache_creation"] = {
            "ephemeral_5m_input_tokens": said.cache_write - hour,
            "ephemeral_1h_input_tokens": hour,
        }
    if said.reasoning:
        out["output_tokens_details"] = {"thinking_tokens": said.reasoning}
    tools = {f"{name}_requests": n for name, n in said.fees.items() if name in _TOOLS}
    if tools:
        out["server_tool_use"] = tools
    if said.tier:
        out["service_tier"] = _TIERS.get(said.tier.partition("+")[0], "standard")
    return out
