"""Gemini's whole answers, read into the canonical form. Source: ai.google.dev/api/generate-content#GenerateContentResponse."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from trunkline.core.answer import Choice, Reply, Stop, TokenProb
from trunkline.core.conversation import Citation, Reasoning, Request, Text, ToolCall, Untranslatable
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.fitting import Names, free_text, own_name
from trunkline.plugins.adapters.gemini_codec.parts import OWN, read_parts
from trunkline.plugins.adapters.members import an_object, beyond, whole_object
from trunkline.plugins.adapters.usage.gemini import usage_of

STOPS: dict[str, Stop] = {
    "STOP": "end",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
         "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
        "refusal",
    ),
    **dict.fromkeys(
        ("OTHER", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
         "MALFORMED_RESPONSE", "IMAGE_OTHER", "NO_IMAGE"),
        "error",
    ),
}  # fmt: skip
_FRAME = frozenset(
    ("candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "promptFeedback")
)


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable."""
    said = whole_object(body)
    candidates, blocked = said.get("candidates"), member(said, "promptFeedback")
    if not isinstance(candidates, list) and not blocked:
        raise Untranslatable("`candidates` is missing")
    reply = Reply(
        dialect=OWN, id=str(said.get("responseId") or ""), model=str(said.get("modelVersion") or "")
    )
    reply.created = created(said.get("createTime"))
    reply.choices = [_choice(an_object(one, "candidates"), asked) for one in candidates or ()]
    if not reply.choices and blocked.get("blockReason"):
        reply.choices = [Choice(stop="refusal", said=str(blocked["blockReason"]), safety=blocked)]
    reply.usage = usage_of(said.get("usageMetadata"), said.get("candidates"))
    reply.extra = beyond(said, _FRAME)
    return reply


def created(value: Any) -> float:
    """Epoch seconds of an RFC 3339 time; 0: not said."""
    try:
        return datetime.fromisoformat(str(value)[:19] + "+00:00").timestamp() if value else 0.0
    except ValueError:
        return 0.0


def _choice(said: dict[str, Any], asked: Request) -> Choice:
    parts: list[Any] = []
    for n, part in enumerate(read_parts(member(said, "content").get("parts"), "content.parts")):
        parts += answered(part, n, asked)
    reason = str(said.get("finishReason") or "")
    stop: Stop | None = STOPS.get(reason, "end") if reason else None
    if stop == "end" and any(isinstance(part, ToolCall) for part in parts):
        stop = "tool"
    texts = [part for part in parts if isinstance(part, Text)]
    for where, one in cited(said, [part.text for part in texts]):
        texts[where].citations.append(one)
    return Choice(
        parts=parts,
        stop=stop,
        said=reason,
        logprobs=probabilities(said.get("logprobsResult")),
        safety=said.get("safetyRatings"),
    )


def answered(part: Any, n: int, asked: Request) -> list[Any]:
    """A part of an answer as the caller may get it: calls have ids and the caller's names, signatures of text stand apart."""
    if isinstance(part, ToolCall):
        part.id = part.id or f"call_{n}_{part.name}"[:40]
        part.arguments, part.form = part.arguments or "{}", None
        names = asked.sent
        part.name = own_name(asked, part.name)
        if isinstance(names, Names) and part.name in names.custom:
            part.kind, part.arguments = "custom", free_text(part.arguments)
        return [part]
    if isinstance(part, Text):
        signature, part.signature, part.citations = part.signature, "", []
        if not signature:
            return [part]
        return [part, Reasoning(signature=signature, origin=OWN)]
    if isinstance(part, Reasoning):
        part.form = None
    return [part]


def cited(candidate: dict[str, Any], texts: list[str]) -> list[tuple[int, Citation]]:
    """Citations, each with the number of the text that bears it. Google counts bytes over the whole text."""
    if not texts:
        return []
    found: list[tuple[int, Citation]] = []
    grounding = member(candidate, "groundingMetadata")
    chunks = [_source(one) for one in grounding.get("groundingChunks") or ()]
    for support in grounding.get("groundingSupports") or ():
        segment = member(support, "segment")
        for index in support.get("groundingChunkIndices") or ():
            if isinstance(index, int) and 0 <= index < len(chunks):
                url, title = chunks[index]
                found.append(_placed(segment, texts, url, title, str(segment.get("text") or "")))
    if not found:
        found = [(len(texts) - 1, Citation(url=url, title=title)) for url, title in chunks]
    for source in member(candidate, "citationMetadata").get("citationSources") or ():
        if isinstance(source, dict):
            found.append(
                _placed(source, texts, str(source.get("uri") or ""), str(source.get("title") or ""), "")
            )
    return found


def _source(chunk: Any) -> tuple[str, str]:
    inner = member(chunk, "web") or member(chunk, "retrievedContext") or member(chunk, "maps")
    return str(inner.get("uri") or ""), str(inner.get("title") or "")


def _placed(
    segment: dict[str, Any], texts: list[str], url: str, title: str, quote: str
) -> tuple[int, Citation]:
    start, end = count(segment.get("startIndex"), 0), count(segment.get("endIndex"), 0)
    for n, text in enumerate(texts):
        raw = text.encode()
        if start < len(raw) or n == len(texts) - 1:
            begin = len(raw[:start].decode(errors="ignore"))
            stop = len(raw[:end].decode(errors="ignore"))
            return n, Citation(url=url, title=title, quote=quote, start=begin, end=stop)
        start, end = start - len(raw), end - len(raw)
    return 0, Citation(url=url, title=title, quote=quote)


def probabilities(said: Any) -> list[TokenProb]:
    """`logprobsResult`."""
    if not isinstance(said, dict):
        return []
    rivals = [member({"": one}, "").get("candidates") or [] for one in said.get("topCandidates") or ()]
    chosen = [one for one in said.get("chosenCandidates") or () if isinstance(one, dict)]
    out = [_token(one) for one in chosen]
    for token, others in zip(out, rivals, strict=False):
        token.top = [_token(one) for one in others if isinstance(one, dict)]
    return out


def _token(said: dict[str, Any]) -> TokenProb:
    text = str(said.get("token", ""))
    return TokenProb(text, float(said.get("logProbability", 0.0)), list(text.encode()))
