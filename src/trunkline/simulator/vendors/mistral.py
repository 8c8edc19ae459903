"""Where Mistral's chat completions differ from OpenAI's: what it refuses, thoughts as parts of the content, usage of streams unasked.

Source: docs.mistral.ai/api. Not for: what it shares with OpenAI (`openai.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from trunkline.simulator.failures import Failure, Refusal
from trunkline.simulator.reply import data_event

THINKS = ("magistral-",)
_TAKEN = frozenset(
    ("model", "messages", "temperature", "top_p", "max_tokens", "min_tokens", "stream", "stop", "random_seed", "metadata",
     "response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction", "parallel_tool_calls",
     "reasoning_effort", "prompt_mode", "guardrails", "prompt_cache_key", "safe_prompt")
)  # fmt: skip
_MEMBERS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "prefix"},
    "tool": {"role", "content", "tool_call_id", "name"},
}
_PARTS = ("text", "image_url", "document_url", "file", "input_audio", "reference", "thinking")
_ID = re.compile(r"[a-zA-Z0-9]{9}")


def check(body: dict[str, Any]) -> None:
    """Raises the refusal that the vendor would answer with."""
    for name in body:
        if name not in _TAKEN and not name.startswith("x_"):
            raise unknown_member("body", name)
    for n, message in enumerate(body["messages"]):
        members = _MEMBERS.get(message.get("role"))
        if members is None:
            raise _refused(
                f"Input tag '{message.get('role')}' found using 'role' does not match", "messages", n
            )
        for name in message:
            if name not in members:
                raise unknown_member("body", "messages", n, message["role"], name)
        _content(message, n)
    for n, tool in enumerate(body.get("tools") or ()):
        if "parameters" not in tool.get("function", {}):
            raise _refused("Field required", "tools", n, "function", "parameters")


def _content(message: dict[str, Any], n: int) -> None:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if part.get("type") not in _PARTS:
            raise _refused(f"Input tag '{part.get('type')}' found using 'type' does not match", "messages", n)
    for call in message.get("tool_calls") or ():
        _fits(call["id"])
    if message["role"] == "tool":
        _fits(message.get("tool_call_id", ""))


def _fits(identity: str) -> None:
    if not _ID.fullmatch(identity):
        text = f"Tool call id was {identity} but must be a-z, A-Z, 0-9, with a length of 9."
        body = {
            "object": "error",
            "message": text,
            "type": "invalid_request_message_order",
            "code": "3280",
        }
        raise Refusal(Failure(400, text, body=body))


def unknown_member(*place: str | int) -> Refusal:
    """For a member that it does not know."""
    return _refused("Extra inputs are not permitted", *place, kind="extra_forbidden")


def _refused(text: str, *place: str | int, kind: str = "value_error") -> Refusal:
    detail = [{"type": kind, "loc": ["body", *(p for p in place if p != "body")], "msg": text}]
    body = {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error", "code": None}
    return Refusal(Failure(422, text, body=body))


def thought_of(model: str) -> str:
    """What a model that thinks has thought."""
    return "A simulated model has nothing to think about." if model.startswith(THINKS) else ""


def content_of(text: str, thought: str) -> Any:
    """A text, or a thought and a text."""
    if not thought:
        return text
    return [_thinking(thought), {"type": "text", "text": text}]


def _thinking(thought: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}


def tool_ids(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls of tools with ids of nine characters."""
    return [{**call, "id": call["id"].removeprefix("call_").ljust(9, "0")[:9]} for call in calls]


def chunks(
    frame: dict[str, Any], pieces: list[str], calls: list[dict[str, Any]], thought: str
) -> Iterator[bytes]:
    """The events of a stream before its last one; calls of tools come whole."""
    yield data_event(_chunk(frame, {"role": "assistant", "content": ""}, None))
    if thought:
        yield data_event(_chunk(frame, {"content": [_thinking(thought)]}, None))
    for piece in pieces:
        yield data_event(_chunk(frame, {"content": piece}, None))
    if calls:
        told = [{**call, "index": n} for n, call in enumerate(calls)]
        yield data_event(_chunk(frame, {"content": "", "tool_calls": told}, None))


def last_chunk(frame: dict[str, Any], reason: str, usage: dict[str, Any]) -> bytes:
    """The last event, with the usage."""
    return data_event({**_chunk(frame, {"content": ""}, reason), "usage": usage})


def _chunk(frame: dict[str, Any], delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
