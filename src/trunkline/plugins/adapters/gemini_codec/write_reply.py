"""Gemini's whole answers, written from the canonical form for callers that speak it."""

from __future__ import annotations

from datetime import UTC, datetime
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
from trunkline.plugins.adapters.gemini_codec.parts import OWN
from trunkline.plugins.adapters.gemini_codec.read_reply import STOPS
from trunkline.plugins.adapters.gemini_codec.write_contents import arguments_object, told_thought

REASONS: dict[Stop, str] = {
    "end": "STOP",
    "length": "MAX_TOKENS",
    "stop_sequence": "STOP",
    "tool": "STOP",
    "refusal": "SAFETY",
    "pause": "STOP",
    "context": "MAX_TOKENS",
    "error": "OTHER",
}


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """The whole answer."""
    del asked
    out: dict[str, Any] = {"candidates": [_candidate(n, one, changes) for n, one in enumerate(reply.choices)]}
    if reply.usage is not None:
        out["usageMetadata"] = usage(reply.usage)
    out.update(frame(reply.id, reply.model, reply.created))
    if reply.dialect == OWN:
        out.update(reply.extra)
    return to_json(out)


def frame(id_: str, model: str, created: float) -> dict[str, Any]:
    """What stands in every answer and every event of a stream."""
    out: dict[str, Any] = {"modelVersion": model}
    if created:
        out["createTime"] = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if id_:
        out["responseId"] = id_
    return out


def _candidate(n: int, choice: Choice, changes: list[Change]) -> dict[str, Any]:
    parts = [told for part in choice.parts for told in answer_part(part, changes)]
    out: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
    if choice.stop is not None:
        out["finishReason"] = finish(choice.stop, choice.said)
    out["index"] = n
    texts = [part for part in choice.parts if isinstance(part, Text)]
    offset, notes = 0, []
    for text in texts:
        notes += [(one, text.text, offset) for one in text.citations]
        offset += len(text.text.encode())
    if notes:
        out["groundingMetadata"] = grounding(notes)
    if choice.logprobs:
        out["logprobsResult"] = probabilities(choice.logprobs)
    return out


def finish(stop: Stop, said: str) -> str:
    """`finishReason`: the vendor's own word where it was Google's."""
    return said if said in STOPS else REASONS[stop]


def answer_part(part: Any, changes: list[Change]) -> list[dict[str, Any]]:
    """A part of an answer; what there is no word for is noted."""
    if isinstance(part, Text | Refusal):
        return [{"text": part.text}] if part.text else []
    if isinstance(part, Reasoning):
        return [told_thought(part)]
    if isinstance(part, ToolCall):
        inner = {"id": part.id, "name": part.name, "args": arguments_object(part)}
        signed = {"thoughtSignature": part.signature} if part.signature else {}
        return [{"functionCall": inner, **signed}]
    if isinstance(part, Opaque) and part.dialect == OWN:
        return [part.value]
    if isinstance(part, Media) and part.data:
        plain = {"image": "image/png", "audio": "audio/wav"}.get(part.kind, "application/octet-stream")
        return [{"inlineData": {"mimeType": part.mime or plain, "data": part.data}}]
    if isinstance(part, Media) and part.transcript:
        changes.append(Change("changed", "answer.audio", "its transcript"))
        return [{"text": part.transcript}]
    kind: str = part.kind if isinstance(part, Media) else "opaque"
    if isinstance(part, Opaque) and isinstance(part.value, dict):
        kind = str(part.value.get("type", "opaque"))
    changes.append(Change("dropped", "answer.part", kind))
    return []


def grounding(notes: list[tuple[Citation, str, int]]) -> dict[str, Any]:
    """Citations, each with the text that bears it and where that begins; places are in bytes over all of the text."""
    chunks, supports = [], []
    for n, (one, text, offset) in enumerate(notes):
        source = {"uri": one.url} if one.url else {}
        chunks.append({"web": {**source, "title": one.title}})
        start, end = (one.start, one.end) if one.start >= 0 else (0, len(text))
        segment = {
            "startIndex": offset + len(text[:start].encode()),
            "endIndex": offset + len(text[:end].encode()),
            "text": text[start:end],
        }
        supports.append({"segment": segment, "groundingChunkIndices": [n]})
    return {"groundingChunks": chunks, "groundingSupports": supports}


def probabilities(said: list[TokenProb]) -> dict[str, Any]:
    """`logprobsResult`."""
    out: dict[str, Any] = {"chosenCandidates": [_token(one) for one in said]}
    if any(one.top for one in said):
        out["topCandidates"] = [{"candidates": [_token(top) for top in one.top]} for one in said]
    return out


def _token(one: TokenProb) -> dict[str, Any]:
    return {"token": one.token, "logProbability": one.logprob}


def usage(said: Usage) -> dict[str, Any]:
    """`usageMetadata`: thoughts apart from the candidates' tokens."""
    into, out = max(said.input, 0), max(said.output, 0)
    told: dict[str, Any] = {
        "promptTokenCount": into,
        "candidatesTokenCount": max(out - said.reasoning, 0),
        "totalTokenCount": into + out,
    }
    if said.cached:
        told["cachedContentTokenCount"] = said.cached
    if said.reasoning:
        told["thoughtsTokenCount"] = said.reasoning
    for name, audio, image in (
        ("promptTokensDetails", said.audio_input, said.image_input),
        ("candidatesTokensDetails", said.audio_output, said.image_output),
    ):
        kinds = [{"modality": kind, "tokenCount": n} for kind, n in (("AUDIO", audio), ("IMAGE", image)) if n]
        if kinds:
            told[name] = kinds
    return told
