"""Answers of Ollama's `/api/chat`, read into the canonical form; and what its streams have in common with them."""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Choice, Reply, Stop
from trunkline.core.codec import to_json
from trunkline.core.conversation import Media, Reasoning, Request, Text, ToolCall, Untranslatable
from trunkline.plugins.adapters.chat.read_reply import probabilities
from trunkline.plugins.adapters.count import member
from trunkline.plugins.adapters.fitting import Names, digest, free_text, own_name
from trunkline.plugins.adapters.gemini_codec.read_reply import created
from trunkline.plugins.adapters.members import an_object, whole_object
from trunkline.plugins.adapters.usage.ollama import usage_of

OWN = "ollama-chat"
STOPS: dict[str, Stop] = {"stop": "end", "length": "length"}
"""Others (`load`, `unload`) end an answer without words."""


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable."""
    said = whole_object(body)
    message = said.get("message")
    if not isinstance(message, dict):
        raise Untranslatable("`message` is missing")
    at = str(said.get("created_at") or "")
    choice = Choice(parts=parts_of(message, asked, at, 0), said=str(said.get("done_reason") or ""))
    choice.stop = stop_of(choice.said, any(isinstance(part, ToolCall) for part in choice.parts))
    choice.logprobs = probabilities({"content": said.get("logprobs")})
    reply = Reply(dialect=OWN, id=id_of(at), model=str(said.get("model") or asked.model), choices=[choice])
    reply.created, reply.extra = created(at), {"created_at": at}
    reply.usage = usage_of(said)
    return reply


def id_of(at: str) -> str:
    """Its answers have no ids; the time at which one was made tells it from all others."""
    return f"ollama-{digest(at, 24)}" if at else ""


def stop_of(said: str, called: bool) -> Stop:
    """Why an answer ended; calls of tools end it with `stop`, too."""
    stop = STOPS.get(said, "end")
    return "tool" if called and stop == "end" else stop


def parts_of(message: dict[str, Any], asked: Request, at: str, calls: int) -> list[Any]:
    """What a message holds, whole or a piece of it; so many calls of tools came before."""
    parts: list[Any] = []
    thought, text = message.get("thinking"), message.get("content")
    if isinstance(thought, str) and thought:
        parts.append(Reasoning(text=thought, origin=OWN))
    if isinstance(text, str) and text:
        parts.append(Text(text=text))
    parts += [Media(kind="image", data=one) for one in _listed(message, "images") if isinstance(one, str)]
    for n, one in enumerate(_listed(message, "tool_calls"), calls):
        parts.append(_call(an_object(one, "message.tool_calls"), asked, at, n))
    return parts


def _listed(message: dict[str, Any], name: str) -> list[Any]:
    found = message.get(name)
    return found if isinstance(found, list) else []


def _call(said: dict[str, Any], asked: Request, at: str, n: int) -> ToolCall:
    """Arguments are an object, and older servers give no ids."""
    inner = member(said, "function")
    given = inner.get("arguments")
    arguments = given if isinstance(given, str) else to_json(given or {}).decode()
    call = ToolCall(
        id=str(said.get("id") or f"call_{digest(f'{at} {n}', 12)}"),
        name=own_name(asked, str(inner.get("name") or "")),
        arguments=arguments,
    )
    if isinstance(asked.sent, Names) and call.name in asked.sent.custom:
        call.kind, call.arguments = "custom", free_text(call.arguments)
    return call
