"""Anthropic: messages (plain and streamed, tools, thinking, structured output, threads), count_tokens, models.

Not for: message batches and files.
"""

from __future__ import annotations

from typing import Any

from trunkline.core import codec
from trunkline.simulator import words
from trunkline.simulator.conversation import (
    CONTEXT_TOKENS,
    Answer,
    Ask,
    Tool,
    cached_tokens,
    decide,
    text_of,
    weight,
)
from trunkline.simulator.failures import Failure, Refusal, refuse
from trunkline.simulator.reply import Reply, json_reply, named_event, stream_reply
from trunkline.simulator.request import Request
from trunkline.simulator.vendors.anthropic_rules import check

MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-sonnet-4-5", "claude-haiku-4-5")
_REASONS = {"stop": "end_turn", "length": "max_tokens", "stop_sequence": "stop_sequence", "tools": "tool_use"}
_THREADS = 256


class Anthropic:
    """Keeps the newest threads, by the message that ended each."""

    def __init__(self, *, version_needed: bool = True) -> None:
        self._threads: dict[str, dict[str, Any]] = {}
        self._version_needed = version_needed

    def answer(self, request: Request) -> Reply:
        """Asks for `anthropic-version`, as the vendor does, and its copies do not."""
        if self._version_needed and not request.fields.get("anthropic-version"):
            raise refuse(400, "anthropic-version: header is required")
        path = request.path.rstrip("/")
        if path.endswith("/messages/count_tokens"):
            return json_reply({"input_tokens": _ask(request.json(), counting=True).prompt_tokens})
        if path.endswith("/messages"):
            return self._messages(request)
        if "/models" in path:
            return self._models(request)
        raise refuse(404, "Not Found")

    def _models(self, request: Request) -> Reply:
        rest = request.segments[request.segments.index("models") + 1 :]
        if not rest:
            data = [_model(name) for name in MODELS]
            return json_reply({"data": data, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]})
        if "does-not-exist" in rest[0]:
            raise refuse(404, f"model: {rest[0]}")
        return json_reply(_model(rest[0]))

    def _messages(self, request: Request) -> Reply:
        if request.method != "POST":
            raise refuse(405, "Method Not Allowed")
        body = request.json()
        thread = self._continued(body)
        ask = _ask(body)
        check(body)
        answer = decide(ask)
        blocks = _blocks(body, request.body, answer)
        message = {
            "id": words.identifier("msg_", request.body),
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": blocks,
            "stop_reason": _REASONS[answer.reason],
            "stop_sequence": _stop_found(ask, answer),
            "usage": _usage(ask, answer.tokens),
        }
        if thread:
            if len(self._threads) >= _THREADS:
                self._threads.pop(next(iter(self._threads)))
            turns = [*body["messages"], {"role": "assistant", "content": blocks}]
            self._threads[message["id"]] = {**body, "messages": turns, "stream": False}
        return _stream(message, blocks, request.chunks) if body.get("stream") else json_reply(message)

    def _continued(self, body: dict[str, Any]) -> bool:
        """Takes `thread` out of the body, and puts in what the thread holds. Returns whether this turn shall be kept."""
        thread = body.pop("thread", None)
        if not thread:
            return False
        if thread.get("type") == "continue":
            before = self._threads.get(thread.get("previous_message_id"))
            if before is None:
                details = {"details": {"error_code": "thread_not_found"}}
                raise Refusal(Failure(404, "thread: no such previous message", extra=details))
            body.update({**before, **body, "messages": [*before["messages"], *body["messages"]]})
        return True


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": f"{name} (simulated)",
        "created_at": "2026-01-01T00:00:00Z",
    }


def _ask(body: dict[str, Any], counting: bool = False) -> Ask:
    for name in ("model", "messages", *(() if counting else ("max_tokens",))):
        if not body.get(name):
            raise refuse(400, f"{name}: Field required")
    messages = body["messages"]
    if "does-not-exist" in body["model"]:
        raise refuse(404, f"model: {body['model']}")
    last = messages[-1]
    spoken = next(
        (text for m in reversed(messages) if m["role"] == "user" and (text := text_of(m["content"]))), ""
    )
    tokens = (
        sum(weight(m["content"]) + 4 for m in messages)
        + weight(body.get("system"))
        + weight(body.get("tools"))
        + 3
    )
    if tokens > CONTEXT_TOKENS:
        raise refuse(400, f"prompt is too long: {tokens} tokens > {CONTEXT_TOKENS} maximum")
    choice = body.get("tool_choice") or {}
    content = last["content"] if isinstance(last["content"], list) else []
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return Ask(
        seed=words.seed_of("anthropic", body["model"], spoken),
        prompt=spoken,
        prompt_tokens=tokens,
        after_tool=last["role"] != "user" or any(part.get("type") == "tool_result" for part in content),
        tools=[
            Tool(tool["name"], tool.get("input_schema")) for tool in body.get("tools") or () if "name" in tool
        ],
        choice={"any": "required", "tool": choice.get("name", "")}.get(
            choice.get("type", "auto"), choice.get("type", "auto")
        ),
        parallel=not choice.get("disable_parallel_tool_use"),
        schema=form.get("schema") if form.get("type") == "json_schema" else None,
        max_tokens=body.get("max_tokens"),
        stops=list(body.get("stop_sequences") or ()),
    )


def _stop_found(ask: Ask, answer: Answer) -> str | None:
    if answer.reason != "stop_sequence":
        return None
    full = words.answer_to(ask.prompt, ask.seed)
    return min((stop for stop in ask.stops if stop in full), key=full.index, default=None)


def _blocks(body: dict[str, Any], seed: bytes, answer: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if (body.get("thinking") or {}).get("type") in ("enabled", "adaptive"):
        signature = words.identifier("", seed, size=48)
        blocks.append(
            {
                "type": "thinking",
                "thinking": "A simulated model has nothing to think about.",
                "signature": signature,
            }
        )
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    return blocks + [
        {"type": "tool_use", "id": f"toolu_{c.id}", "name": c.name, "input": c.arguments}
        for c in answer.calls
    ]


def _usage(ask: Ask, output_tokens: int) -> dict[str, Any]:
    cached = cached_tokens(ask.prompt_tokens)
    return {
        "input_tokens": ask.prompt_tokens - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }


def _stream(message: dict[str, Any], blocks: list[dict[str, Any]], wanted: int) -> Reply:
    begun = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    pieces = [named_event("message_start", {"type": "message_start", "message": begun})]
    for index, block in enumerate(blocks):
        pieces += _block_events(index, block, wanted)
        if index == 0:
            pieces.insert(2, named_event("ping", {"type": "ping"}))
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    usage = {key: value for key, value in message["usage"].items() if key.endswith("_tokens")}
    pieces.append(named_event("message_delta", {"type": "message_delta", "delta": delta, "usage": usage}))
    pieces.append(named_event("message_stop", {"type": "message_stop"}))
    return stream_reply(pieces, tail=2, error_form="anthropic")


def _block_events(index: int, block: dict[str, Any], wanted: int) -> list[bytes]:
    if block["type"] == "text":
        empty: dict[str, Any] = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in words.pieces_of(block["text"], wanted)]
    elif block["type"] == "thinking":
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    else:
        empty = {**block, "input": {}}
        text = codec.to_json(block["input"]).decode()
        step = max(len(text) // 4, 1)
        cuts = ["", *(text[start : start + step] for start in range(0, len(text), step))]
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in cuts]
    return [
        named_event(
            "content_block_start", {"type": "content_block_start", "index": index, "content_block": empty}
        ),
        *(
            named_event(
                "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
            )
            for delta in deltas
        ),
        named_event("content_block_stop", {"type": "content_block_stop", "index": index}),
    ]
