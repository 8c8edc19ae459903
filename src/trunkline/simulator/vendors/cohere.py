"""Cohere: its own v2 chat (plain and streamed), embed, rerank and models; under `/compatibility/v1` it speaks OpenAI's dialect.

Not for: tools in the v2 dialect, classify, datasets.
"""

from __future__ import annotations

from typing import Any

from trunkline.simulator import words
from trunkline.simulator.conversation import Ask, decide, text_of, weight
from trunkline.simulator.failures import refuse
from trunkline.simulator.reply import Reply, json_reply, named_event, stream_reply
from trunkline.simulator.request import Request
from trunkline.simulator.vectors import embedding
from trunkline.simulator.vendors.openai import OpenAI

MODELS = ("command-a-03-2025", "command-r7b-12-2024", "embed-v4.0", "rerank-v3.5")
_REASONS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "stop_sequence": "STOP_SEQUENCE"}


class Cohere:
    """Keeps nothing of its own."""

    def __init__(self) -> None:
        self._compatible = OpenAI("cohere")

    def answer(self, request: Request) -> Reply:
        """Routes by path."""
        if "/compatibility/" in request.path or request.path.endswith("/chat/completions"):
            return self._compatible.answer(request)
        operation = request.segments[-1] if request.segments else ""
        if operation == "chat":
            return _chat(request)
        if operation == "embed":
            return _embed(request.json())
        if operation == "rerank":
            return _rerank(request.json())
        if operation == "models":
            return json_reply({"models": [{"name": name, "endpoints": ["chat"]} for name in MODELS]})
        raise refuse(404, "not found")


def _chat(request: Request) -> Reply:
    body = request.json()
    messages = body.get("messages")
    if not messages or not body.get("model"):
        raise refuse(400, "invalid request: model and messages are required.")
    spoken = next((text_of(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")
    tokens = sum(weight(m.get("content")) + 4 for m in messages)
    answer = decide(Ask(words.seed_of("cohere", spoken), spoken, tokens, max_tokens=body.get("max_tokens")))
    usage = {
        "billed_units": {"input_tokens": tokens, "output_tokens": answer.tokens},
        "tokens": {"input_tokens": tokens, "output_tokens": answer.tokens},
    }
    reason, identity = _REASONS[answer.reason], words.identifier("", request.body, size=36)
    if not body.get("stream"):
        message = {"role": "assistant", "content": [{"type": "text", "text": answer.text}]}
        return json_reply({"id": identity, "finish_reason": reason, "message": message, "usage": usage})
    content: dict[str, Any] = {"type": "text", "text": ""}
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}
    pieces = [
        named_event("message-start", {"type": "message-start", "id": identity, "delta": {"message": start}}),
        named_event(
            "content-start", {"type": "content-start", "index": 0, "delta": {"message": {"content": content}}}
        ),
    ]
    for piece in words.pieces_of(answer.text, request.chunks):
        delta = {"message": {"content": {"text": piece}}}
        pieces.append(named_event("content-delta", {"type": "content-delta", "index": 0, "delta": delta}))
    pieces.append(named_event("content-end", {"type": "content-end", "index": 0}))
    end = {"type": "message-end", "delta": {"finish_reason": reason, "usage": usage}}
    return stream_reply([*pieces, named_event("message-end", end)], tail=1)


def _embed(body: dict[str, Any]) -> Reply:
    texts = body.get("texts") or [text_of(item.get("content")) for item in body.get("inputs") or ()]
    if not texts:
        raise refuse(400, "invalid request: texts or inputs are required.")
    vectors = [embedding(text, int(body.get("output_dimension") or 1536)) for text in texts]
    meta = {
        "api_version": {"version": "2"},
        "billed_units": {"input_tokens": sum(map(words.tokens_of, texts))},
    }
    identity = words.identifier("", *texts, size=36)
    return json_reply({"id": identity, "embeddings": {"float": vectors}, "texts": texts, "meta": meta})


def _rerank(body: dict[str, Any]) -> Reply:
    query = set(str(body.get("query", "")).lower().split())
    if not query or not body.get("documents"):
        raise refuse(400, "invalid request: query and documents are required.")
    scored = []
    for index, document in enumerate(body["documents"]):
        found = set(
            (document if isinstance(document, str) else str(document.get("text", ""))).lower().split()
        )
        scored.append({"index": index, "relevance_score": round(len(query & found) / len(query), 6)})
    scored.sort(key=lambda item: -float(item["relevance_score"]))
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    identity = words.identifier("", *sorted(query), size=36)
    return json_reply({"id": identity, "results": scored[: body.get("top_n") or len(scored)], "meta": meta})
