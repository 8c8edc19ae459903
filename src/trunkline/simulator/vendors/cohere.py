"""Cohere: its own v2 chat (plain and streamed, with tools, plans, documents, citations), embed, rerank and models; under
`/compatibility/v1` it speaks OpenAI's dialect.

Not for: classify, datasets, nor what vectors are made of (`cohere_embed.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trunkline.core import codec
from trunkline.simulator import words
from trunkline.simulator.conversation import Answer, Ask, Tool, cached_tokens, decide, text_of, weight
from trunkline.simulator.failures import refuse
from trunkline.simulator.reply import Reply, json_reply, named_event, stream_reply
from trunkline.simulator.request import Request
from trunkline.simulator.vendors import cohere_embed
from trunkline.simulator.vendors.openai import OpenAI

MODELS = ("command-a-03-2025", "command-r7b-12-2024", "embed-v4.0", "rerank-v3.5")
_REASONS = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "stop_sequence": "STOP_SEQUENCE",
    "tools": "TOOL_CALL",
}
THOUGHT = "A simulated model has nothing to think about."
_TAKEN = frozenset(
    ("model", "messages", "tools", "strict_tools", "documents", "citation_options", "response_format", "safety_mode", "max_tokens",
     "stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty", "k", "p", "logprobs", "tool_choice",
     "thinking", "priority", "stream")
)  # fmt: skip


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
            return cohere_embed.embed(request.json())
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
    check(body)
    ask = _ask(body, messages)
    answer = decide(ask)
    thinks = (body.get("thinking") or {}).get("type") == "enabled"
    spent = {"input_tokens": ask.prompt_tokens, "output_tokens": answer.tokens}
    usage = {"billed_units": spent, "tokens": spent, "cached_tokens": cached_tokens(ask.prompt_tokens)}
    message = _message(answer, body.get("documents") or (), thinks)
    reason, identity = _REASONS[answer.reason], words.identifier("", request.body, size=36)
    if not body.get("stream"):
        return json_reply({"id": identity, "finish_reason": reason, "message": message, "usage": usage})
    end = {"type": "message-end", "delta": {"finish_reason": reason, "usage": usage}}
    return stream_reply([*_events(identity, message, request.chunks), _event(end)], tail=1)


def _ask(body: dict[str, Any], messages: list[Any]) -> Ask:
    spoken = next((text_of(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")
    shown = body.get("documents") or []
    tokens = (
        sum(weight(m.get("content")) + 4 for m in messages) + weight(body.get("tools", ())) + weight(shown)
    )
    shape = body.get("response_format") or {}
    return Ask(
        words.seed_of("cohere", str(body["model"]), spoken),
        spoken,
        tokens,
        after_tool=messages[-1].get("role") == "tool",
        tools=[Tool(t["function"]["name"], t["function"].get("parameters")) for t in body.get("tools") or ()],
        choice={"REQUIRED": "required", "NONE": "none"}.get(str(body.get("tool_choice")), "auto"),
        schema=shape.get("json_schema"),
        json_object=shape.get("type") == "json_object",
        max_tokens=body.get("max_tokens"),
        stops=body.get("stop_sequences") or [],
    )


def _message(answer: Answer, documents: Sequence[Any], thinks: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    content: list[dict[str, Any]] = [{"type": "thinking", "thinking": THOUGHT}] if thinks else []
    if answer.calls:
        message["tool_plan"] = f"I will use {answer.calls[0].name}."
        message["tool_calls"] = [
            {
                "id": f"{call.name}_{call.id}",
                "type": "function",
                "function": {"name": call.name, "arguments": codec.to_json(call.arguments).decode()},
            }
            for call in answer.calls
        ]
    else:
        content.append({"type": "text", "text": answer.text})
    if content:
        message["content"] = content
    if documents and not answer.calls:
        first = documents[0] if isinstance(documents[0], dict) else {"data": {"text": documents[0]}}
        source = {"type": "document", "id": first.get("id", "doc:0"), "document": first.get("data", {})}
        cited = answer.text.split(" ")[0]
        message["citations"] = [
            {
                "start": 0,
                "end": len(cited),
                "text": cited,
                "sources": [source],
                "content_index": len(content) - 1,
                "type": "TEXT_CONTENT",
            }
        ]
    return message


def _events(identity: str, message: dict[str, Any], wanted: int) -> Iterator[bytes]:
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield _event({"type": "message-start", "id": identity, "delta": {"message": start}})
    for piece in words.pieces_of(message["tool_plan"]) if "tool_plan" in message else ():
        yield _event({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}})
    for index, call in enumerate(message.get("tool_calls", ())):
        arguments = call["function"]["arguments"]
        opening = {**call, "function": {**call["function"], "arguments": ""}}
        yield _event(
            {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": opening}}}
        )
        for part in (arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]):
            told = {"message": {"tool_calls": {"function": {"arguments": part}}}}
            yield _event({"type": "tool-call-delta", "index": index, "delta": told})
        yield _event({"type": "tool-call-end", "index": index})
    for index, content in enumerate(message.get("content", ())):
        yield from _content_events(index, content, wanted)
    for index, one in enumerate(message.get("citations", ())):
        yield _event({"type": "citation-start", "index": index, "delta": {"message": {"citations": one}}})
        yield _event({"type": "citation-end", "index": index})


def _content_events(index: int, content: dict[str, Any], wanted: int) -> Iterator[bytes]:
    kind = content["type"]
    opening = {"message": {"content": {"type": kind, kind: ""}}}
    yield _event({"type": "content-start", "index": index, "delta": opening})
    for piece in words.pieces_of(content[kind], wanted):
        yield _event(
            {"type": "content-delta", "index": index, "delta": {"message": {"content": {kind: piece}}}}
        )
    yield _event({"type": "content-end", "index": index})


def _event(value: dict[str, Any]) -> bytes:
    return named_event(value["type"], value)


def check(body: dict[str, Any]) -> None:
    """What the vendor refuses: members and parts of other dialects. Raises the refusal that it would answer with."""
    for name in body:
        if name not in _TAKEN and not name.startswith("x_"):
            raise refuse(422, f"unknown field: parameter '{name}' is not a valid field")
    for n, message in enumerate(body["messages"]):
        if message.get("role") not in ("system", "user", "assistant", "tool"):
            raise refuse(400, f"invalid request: messages[{n}]: unknown role '{message.get('role')}'")
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part.get("type") not in ("text", "image_url", "thinking", "document"):
                raise refuse(
                    400, f"invalid request: messages[{n}]: unknown content type '{part.get('type')}'"
                )
    if body.get("response_format", {}).get("type") == "json_object" and (
        body.get("tools") or body.get("documents")
    ):
        raise refuse(400, "invalid request: response_format is not supported with tools or documents")


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
