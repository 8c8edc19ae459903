"""Ollama's own `/api/chat`: one JSON object, or lines of JSON, which is the default.

It takes what it does not know in silence. Not for: its other paths (`ollama.py`).
"""

from __future__ import annotations

from typing import Any

from trunkline.core import codec
from trunkline.simulator import words
from trunkline.simulator.conversation import CONTEXT_TOKENS, Answer, Ask, Tool, decide, text_of, weight
from trunkline.simulator.failures import Failure, Refusal
from trunkline.simulator.reply import Reply, json_reply, stream_reply
from trunkline.simulator.request import Request

MADE = "2026-01-01T00:00:00.123456789Z"
_REASONS = {"stop": "stop", "length": "length", "stop_sequence": "stop", "tools": "stop"}
_THOUGHT = "A simulated model has nothing to think about."


def answer(request: Request) -> Reply:
    """Raises Refusal."""
    if request.method != "POST":
        raise _refuse(405, "405 method not allowed")
    body = request.json()
    ask = _ask(body)
    said = decide(ask)
    frame = {"model": body["model"], "created_at": MADE}
    end = {
        "done": True,
        "done_reason": _REASONS[said.reason],
        "total_duration": 5191566416,
        "load_duration": 2154458,
        "prompt_eval_count": ask.prompt_tokens,
        "prompt_eval_duration": 383809000,
        "eval_count": said.tokens,
        "eval_duration": 4799921000,
    }
    thought = _THOUGHT if body.get("think") else ""
    if body.get("stream") is False:
        message = {"role": "assistant", "content": said.text, **({"thinking": thought} if thought else {})}
        calls = _calls(said)
        return json_reply(
            {**frame, "message": {**message, **({"tool_calls": calls} if calls else {})}, **end}
        )
    lines = [
        _line({**frame, "message": {"role": "assistant", "content": "", **told}, "done": False})
        for told in _pieces(said, thought, request.chunks)
    ]
    last = _line({**frame, "message": {"role": "assistant", "content": ""}, **end})
    return stream_reply([*lines, last], tail=1, error_form="line", content_type="application/x-ndjson")


def _pieces(said: Answer, thought: str, wanted: int) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = (
        [{"thinking": piece} for piece in words.pieces_of(thought)] if thought else []
    )
    if said.calls:
        return told + [{"tool_calls": [call]} for call in _calls(said)]
    return told + [{"content": piece} for piece in words.pieces_of(said.text, wanted)]


def _calls(said: Answer) -> list[dict[str, Any]]:
    return [
        {"id": f"call_{call.id}", "function": {"index": n, "name": call.name, "arguments": call.arguments}}
        for n, call in enumerate(said.calls)
    ]


def _line(value: Any) -> bytes:
    return codec.to_json(value) + b"\n"


def _refuse(status: int, text: str) -> Refusal:
    return Refusal(Failure(status, text, body={"error": text}))


def _ask(body: dict[str, Any]) -> Ask:
    model, messages = body.get("model"), body.get("messages")
    if not isinstance(model, str) or not model:
        raise _refuse(400, "model is required")
    if "does-not-exist" in model:
        raise _refuse(404, f"model '{model}' not found")
    if not isinstance(messages, list) or not messages:
        raise _refuse(400, "messages are required")
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content", ""), str):
            text = "json: cannot unmarshal array into Go struct field ChatRequest.messages of type string"
            raise _refuse(400, text)
        if any(
            not isinstance(call["function"].get("arguments"), dict)
            for call in message.get("tool_calls") or ()
        ):
            raise _refuse(400, "Value looks like object, but can't find closing '}' symbol")
    tokens = sum(weight(m.get("content")) + weight(m.get("images")) + 4 for m in messages)
    tokens += weight(body.get("tools") or ())
    if tokens > CONTEXT_TOKENS:
        raise _refuse(400, "the input length exceeds the context length")
    options = body.get("options") or {}
    stop, shape = options.get("stop"), body.get("format")
    spoken = next((text_of(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")
    return Ask(
        seed=words.seed_of("ollama", model, spoken),
        prompt=spoken,
        prompt_tokens=tokens,
        after_tool=messages[-1].get("role") not in ("user", "system"),
        tools=[
            Tool(tool["function"]["name"], tool["function"].get("parameters"))
            for tool in body.get("tools") or ()
        ],
        schema=shape if isinstance(shape, dict) else None,
        json_object=shape == "json",
        max_tokens=options.get("num_predict"),
        stops=[stop] if isinstance(stop, str) else list(stop or ()),
    )
