"""Whole answers of Ollama's `/api/chat`, written from the canonical form; and what its streams have in common with them.

Times that nobody took are not told: durations stand only in what Ollama itself answered.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from trunkline.core.answer import Choice, Reply, Stop, TokenProb, Usage
from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Media, Opaque, Reasoning, Refusal, Request, Text, ToolCall
from trunkline.plugins.adapters.gemini_codec.write_contents import arguments_object
from trunkline.plugins.adapters.ollama_codec.read_reply import OWN

_LONG: tuple[Stop, ...] = ("length", "context")


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """The whole answer; of several the first."""
    del asked
    choice = reply.choices[0] if reply.choices else Choice()
    if len(reply.choices) > 1:
        changes.append(Change("dropped", "n", "the first answer alone"))
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    for part in choice.parts:
        for name, value in said_of(part, changes).items():
            message[name] = message[name] + value if name in message else value
    out: dict[str, Any] = {**frame(reply.model, reply.created), "message": message}
    if reply.dialect == OWN:
        out |= reply.extra
    if choice.logprobs:
        out["logprobs"] = probabilities(choice.logprobs)
    return to_json({**out, **ended(choice.stop or "end", reply.usage)})


def frame(model: str, created: float) -> dict[str, Any]:
    """What stands in every line."""
    at = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"model": model, "created_at": at}


def ended(stop: Stop, usage: Usage | None) -> dict[str, Any]:
    """What tells the end, and what was used."""
    out: dict[str, Any] = {"done": True, "done_reason": "length" if stop in _LONG else "stop"}
    if usage is None:
        return out
    if isinstance(usage.said, dict):
        out |= {name: value for name, value in usage.said.items() if name.endswith("_duration")}
    told = {"prompt_eval_count": usage.input, "eval_count": usage.output}
    return out | {name: value for name, value in told.items() if value >= 0}


def said_of(part: Any, changes: list[Change]) -> dict[str, Any]:
    """The members of a message that a whole part makes; empty for one that the dialect has no words for, which is told."""
    if isinstance(part, Text | Refusal):
        if isinstance(part, Text) and part.citations:
            changes.append(Change("dropped", "message.citations"))
        return {"content": part.text} if part.text else {}
    if isinstance(part, Reasoning):
        if part.signature or part.sealed:
            changes.append(Change("dropped", "message.signature", "thoughts bear none"))
        shown = part.text or "\n\n".join(part.summary)
        return {"thinking": shown} if shown else {}
    if isinstance(part, ToolCall):
        if part.signature:
            changes.append(Change("dropped", "message.signature", "calls bear none"))
        function = {"name": part.name, "arguments": arguments_object(part)}
        return {"tool_calls": [{"id": part.id, "function": function}]}
    if isinstance(part, Media):
        return _media(part, changes)
    kind = (
        part.value.get("type", "part")
        if isinstance(part, Opaque) and isinstance(part.value, dict)
        else "part"
    )
    changes.append(Change("dropped", f"message.{kind}"))
    return {}


def _media(part: Media, changes: list[Change]) -> dict[str, Any]:
    if part.kind == "image" and part.data:
        return {"images": [part.data]}
    if part.transcript:
        changes.append(Change("changed", f"message.{part.kind}", "its transcript"))
        return {"content": part.transcript}
    changes.append(Change("dropped", f"message.{part.kind}"))
    return {}


def probabilities(found: list[TokenProb]) -> list[dict[str, Any]]:
    """`logprobs`."""
    return [
        {
            "token": one.token,
            "logprob": one.logprob,
            **({"bytes": one.bytes} if one.bytes is not None else {}),
            **({"top_logprobs": probabilities(one.top)} if one.top else {}),
        }
        for one in found
    ]
