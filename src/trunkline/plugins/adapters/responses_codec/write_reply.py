"""OpenAI Responses' whole answers, written from the canonical form for callers that speak it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
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
from trunkline.core.stored import KEPT_BYTES
from trunkline.plugins.adapters.carrier import Carried, pack
from trunkline.plugins.adapters.responses_codec.items import OWN, group_of

_INCOMPLETE: dict[Stop, str] = {
    "length": "max_output_tokens",
    "context": "max_output_tokens",
    "refusal": "content_filter",
}


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """The whole answer; of several choices the first."""
    if len(reply.choices) > 1:
        changes.append(Change("dropped", "answer.choices", f"{len(reply.choices) - 1} more"))
    choice = reply.choices[0] if reply.choices else Choice(stop="end")
    id_ = answer_id(reply.id, asked)
    output = items(choice, id_, changes)
    frame = response(id_, reply.model, reply.created, asked)
    refused = any(isinstance(part, Refusal) for part in choice.parts)
    whole = ended(frame, choice.stop or "end", output, reply.usage, refused)
    return final(whole, asked, to_json)


def final(
    whole: dict[str, Any], asked: Request, write: Callable[[dict[str, Any]], bytes], before: int = 0
) -> bytes:
    """The response object as it ends, written; one that is too long to be kept here says so. `before`: bytes of its stream so far."""
    out = write(whole)
    if asked.stored is not None and before + len(out) > KEPT_BYTES:
        asked.stored.begun = False
        out = write({**whole, "store": False})
    return out


def answer_id(given: str, asked: Request) -> str:
    """The vendor's id; of answers that are kept here one of our own, since not every vendor's is unique."""
    return asked.stored.id if asked.stored is not None else given


def response_id(given: str) -> str:
    """Ids of other vendors' answers, marked as ours so that they look like what they are."""
    return given if given.startswith("resp_") else f"resp_{given}"


def response(id_: str, model: str, created: float, asked: Request) -> dict[str, Any]:
    """The response object as it begins."""
    form = asked.form if asked.dialect == OWN and isinstance(asked.form, dict) else {}
    return {
        "id": response_id(id_),
        "object": "response",
        "created_at": int(created),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": form.get("instructions"),
        "max_output_tokens": asked.max_tokens,
        "metadata": asked.metadata,
        "model": model,
        "output": [],
        "parallel_tool_calls": asked.parallel_tools is not False,
        "previous_response_id": (asked.stored.previous or None) if asked.stored is not None else None,
        "reasoning": form.get("reasoning"),
        "store": asked.stored is not None,
        "temperature": asked.temperature,
        "text": form.get("text", {"format": {"type": "text"}}),
        "tool_choice": form.get("tool_choice", "auto"),
        "tools": form.get("tools", []),
        "top_p": asked.top_p,
        "truncation": "disabled",
        "usage": None,
    }


def ended(
    frame: dict[str, Any], stop: Stop, output: list[dict[str, Any]], said: Usage | None, refused: bool
) -> dict[str, Any]:
    """The response object as it ends. A refusal in words is a complete answer; one without is incomplete."""
    why = None if refused and stop == "refusal" else _INCOMPLETE.get(stop)
    out = {**frame, "status": "incomplete" if why else "completed", "output": output}
    out["incomplete_details"] = {"reason": why} if why else None
    if said is not None:
        out["usage"] = usage(said)
        if said.tier:
            out["service_tier"] = {"standard": "default"}.get(said.tier, said.tier)
    return out


def items(choice: Choice, id_: str, changes: list[Change]) -> list[dict[str, Any]]:
    """Output items: neighbouring words are one message."""
    out: list[dict[str, Any]] = []
    for part in choice.parts:
        piece = content(part, changes)
        if piece is not None and out and out[-1]["type"] == "message":
            out[-1]["content"].append(piece)
        elif piece is not None:
            out.append(message(item_id("msg", id_, len(out)), [piece]))
        elif isinstance(part, ToolCall):
            if part.signature:
                out.append(signature(part, item_id("rs", id_, len(out))))
            part.arguments = part.arguments or ("" if part.kind == "custom" else "{}")
            out.append(call(part, item_id("ctc" if part.kind == "custom" else "fc", id_, len(out))))
        elif isinstance(part, Reasoning):
            out.append(reasoning(part, item_id("rs", id_, len(out))))
        elif isinstance(part, Opaque) and part.dialect == OWN:
            out.append(part.value)
        else:
            changes.append(Change("dropped", "answer.part", kind_of(part)))
    if choice.logprobs:
        texts = [one for item in out if item["type"] == "message" for one in item["content"]]
        for one in texts[:1]:
            if one["type"] == "output_text":
                one["logprobs"] = [probability(token) for token in choice.logprobs]
    return out


def item_id(prefix: str, id_: str, n: int) -> str:
    """An id for an item, the same for the same answer."""
    return f"{prefix}_{hashlib.sha256(f'{id_}/{n}'.encode()).hexdigest()[:32]}"


def message(id_: str, parts: list[dict[str, Any]], status: str = "completed") -> dict[str, Any]:
    """A message item."""
    return {"id": id_, "type": "message", "status": status, "role": "assistant", "content": parts}


def content(part: Any, changes: list[Change]) -> dict[str, Any] | None:
    """What of a message a part is; None for what is no words."""
    if isinstance(part, Text):
        notes = [annotation(one, len(part.text)) for one in part.citations]
        return {"type": "output_text", "text": part.text, "annotations": notes, "logprobs": []}
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Media) and part.transcript:
        changes.append(Change("changed", "answer.audio", "its transcript"))
        return {"type": "output_text", "text": part.transcript, "annotations": [], "logprobs": []}
    return None


def annotation(one: Citation, length: int) -> dict[str, Any]:
    """One citation, of a text of that length."""
    start, end = (one.start, one.end) if one.start >= 0 else (0, length)
    if one.url:
        place = {"start_index": start, "end_index": end}
        return {"type": "url_citation", **place, "url": one.url, "title": one.title}
    named = {"file_id": "", "filename": one.title}
    return {"type": "file_citation", "index": max(one.document, 0), **named}


def call(part: ToolCall, id_: str, status: str = "completed") -> dict[str, Any]:
    """A call of a tool as an item."""
    namespace, name = group_of(part.name)
    if part.kind == "custom":
        inner = {"call_id": part.id, **namespace, "name": name, "input": part.arguments}
        return {"id": id_, "type": "custom_tool_call", "status": status, **inner}
    inner = {"call_id": part.id, **namespace, "name": name, "arguments": part.arguments}
    return {"id": id_, "type": "function_call", "status": status, **inner}


def signature(part: ToolCall, id_: str) -> dict[str, Any]:
    """A thought without words that carries another vendor's signature of a call through the caller's next turn."""
    sealed = pack(Carried("gemini-generate", part.signature, c=part.id))
    return {"id": id_, "type": "reasoning", "summary": [], "encrypted_content": sealed}


def reasoning(part: Reasoning, id_: str) -> dict[str, Any]:
    """A thought as an item; another vendor's is shown as a summary, with what proves it packed."""
    words = part.summary or ([part.text] if part.text else [])
    out: dict[str, Any] = {"id": part.id if part.origin == OWN and part.id else id_, "type": "reasoning"}
    out["summary"] = [{"type": "summary_text", "text": text} for text in words]
    sealed = sealed_of(part)
    if sealed:
        out["encrypted_content"] = sealed
    return out


def sealed_of(part: Reasoning) -> str:
    """What stands in `encrypted_content`."""
    if part.origin == OWN:
        return part.sealed
    return pack(Carried(part.origin, part.signature, part.sealed, part.id, bool(part.summary)))


def kind_of(part: Any) -> str:
    """What a part is that has no item."""
    if isinstance(part, Media):
        return part.kind
    value = part.value if isinstance(part, Opaque) else None
    return str(value.get("type", "opaque")) if isinstance(value, dict) else "opaque"


def probability(one: TokenProb) -> dict[str, Any]:
    """One of `logprobs`."""
    top = [{"token": t.token, "logprob": t.logprob, "bytes": t.bytes or []} for t in one.top]
    return {"token": one.token, "logprob": one.logprob, "bytes": one.bytes or [], "top_logprobs": top}


def usage(said: Usage) -> dict[str, Any]:
    """`usage`."""
    into, out = max(said.input, 0), max(said.output, 0)
    return {
        "input_tokens": into,
        "input_tokens_details": {"cached_tokens": said.cached, "cache_write_tokens": said.cache_write},
        "output_tokens": out,
        "output_tokens_details": {"reasoning_tokens": said.reasoning},
        "total_tokens": into + out,
    }
