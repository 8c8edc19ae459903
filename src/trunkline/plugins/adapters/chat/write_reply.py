"""OpenAI Chat's answers, written from the canonical form for callers that speak it."""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Choice, Reply, Stop, TokenProb, Usage
from trunkline.core.codec import to_json
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
from trunkline.plugins.adapters.chat.details import detail_of

REASONS: dict[Stop, str] = {
    "end": "stop",
    "length": "length",
    "stop_sequence": "stop",
    "tool": "tool_calls",
    "refusal": "content_filter",
    "pause": "stop",
    "context": "length",
    "error": "stop",
}
TIERS = {"standard": "default", "batch": "batch", "priority": "priority"}


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """The whole answer."""
    del asked
    out: dict[str, Any] = {
        "id": reply.id,
        "object": "chat.completion",
        "created": int(reply.created),
        "model": reply.model,
        "choices": [_choice(n, choice, changes) for n, choice in enumerate(reply.choices)],
    }
    if reply.usage is not None:
        out["usage"] = usage(reply.usage)
        if reply.usage.tier:
            tier = reply.usage.tier.partition("+")[0]
            out["service_tier"] = TIERS.get(tier, tier)
    if reply.dialect == "openai-chat":
        out.update(reply.extra)
    return to_json(out)


def _choice(n: int, choice: Choice, changes: list[Change]) -> dict[str, Any]:
    parts = choice.parts
    if len(parts) == 1 and isinstance(parts[0], Text) and not parts[0].citations:
        return _framed(n, choice, {"role": "assistant", "content": parts[0].text, "refusal": None})
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    texts = [part.text for part in choice.parts if isinstance(part, Text)]
    if texts:
        message["content"] = "".join(texts)
    refusals = [part.text for part in choice.parts if isinstance(part, Refusal)]
    if refusals:
        message["refusal"] = "".join(refusals)
    calls = [tool_call(part) for part in choice.parts if isinstance(part, ToolCall)]
    if calls:
        message["tool_calls"] = calls
    thoughts = [part for part in choice.parts if isinstance(part, Reasoning)]
    if thoughts:
        shown = "".join(part.text or "\n\n".join(part.summary) for part in thoughts)
        if shown:
            message["reasoning_content"] = shown
        message["reasoning_details"] = [detail_of(part, at) for at, part in enumerate(thoughts)]
    _media(choice, message, changes)
    message.update(citations(choice))
    changes += [Change("dropped", "answer.part", kind) for part in choice.parts if (kind := _unsaid(part))]
    return _framed(n, choice, message)


def _framed(n: int, choice: Choice, message: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"index": n, "message": message, "logprobs": None}
    if choice.logprobs:
        out["logprobs"] = {"content": [probability(one) for one in choice.logprobs], "refusal": None}
    out["finish_reason"] = REASONS[choice.stop] if choice.stop is not None else None
    return out


def _unsaid(part: Any) -> str:
    if isinstance(part, Opaque):
        return str(part.value.get("type", "opaque")) if isinstance(part.value, dict) else "opaque"
    return ""


def _media(choice: Choice, message: dict[str, Any], changes: list[Change]) -> None:
    """Audio as OpenAI gives it, images as OpenRouter does."""
    for part in choice.parts:
        if not isinstance(part, Media):
            continue
        if part.kind == "audio":
            message["audio"] = {
                "id": part.file,
                "data": part.data,
                "transcript": part.transcript,
                **part.extra,
            }
        elif part.kind == "image":
            url = f"data:{part.mime or 'image/png'};base64,{part.data}" if part.data else part.url
            message.setdefault("images", []).append({"type": "image_url", "image_url": {"url": url}})
        else:
            changes.append(Change("dropped", "answer.part", part.kind))


def tool_call(part: ToolCall) -> dict[str, Any]:
    """One of `tool_calls`."""
    out: dict[str, Any] = {"id": part.id, "type": "function"}
    if part.kind == "custom":
        out.update(type="custom", custom={"name": part.name, "input": part.arguments})
    else:
        out["function"] = {"name": part.name, "arguments": part.arguments or "{}"}
    if part.signature:
        out["extra_content"] = {"google": {"thought_signature": part.signature}}
    return out


def citations(choice: Choice) -> dict[str, list[Any]]:
    """Members that tell the citations, with their places in the whole text."""
    told: dict[str, list[Any]] = {}
    offset = 0
    for part in choice.parts:
        if isinstance(part, Text):
            for name, found in cited(part.citations, offset, len(part.text)).items():
                told.setdefault(name, []).extend(found)
            offset += len(part.text)
    return told


def cited(found: list[Citation], offset: int, length: int) -> dict[str, list[Any]]:
    """The citations of a text of that length that begins at `offset`: those of the web as `annotations`, which have no place for
    others, and those of documents as `citations`.
    """
    told: dict[str, list[Any]] = {}
    for one in found:
        start, end = (one.start, one.end) if one.start >= 0 else (0, length)
        inner: dict[str, Any] = {"start_index": offset + start, "end_index": offset + end, "title": one.title}
        if one.quote:
            inner["quote"] = one.quote
        if one.url:
            inner["url"] = one.url
            told.setdefault("annotations", []).append({"type": "url_citation", "url_citation": inner})
        else:
            told.setdefault("citations", []).append({**inner, "document": one.document})
    return told


def probability(one: TokenProb) -> dict[str, Any]:
    """One of `logprobs.content`."""
    top = [{"token": t.token, "logprob": t.logprob, "bytes": t.bytes} for t in one.top]
    return {"token": one.token, "logprob": one.logprob, "bytes": one.bytes, "top_logprobs": top}


def usage(said: Usage) -> dict[str, Any]:
    """`usage`: input with all that was cached, output with all that was thought."""
    into, out = max(said.input, 0), max(said.output, 0)
    inside: dict[str, int] = {"cached_tokens": said.cached}
    if said.cache_write:
        inside["cache_write_tokens"] = said.cache_write
    if said.audio_input:
        inside["audio_tokens"] = said.audio_input
    if said.image_input:
        inside["image_tokens"] = said.image_input
    outside: dict[str, int] = {"reasoning_tokens": said.reasoning}
    if said.audio_output:
        outside["audio_tokens"] = said.audio_output
    return {
        "prompt_tokens": into,
        "completion_tokens": out,
        "total_tokens": into + out,
        "prompt_tokens_details": inside,
        "completion_tokens_details": outside,
    }
