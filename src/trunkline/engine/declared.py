"""A declared answer to a model call in the words that its caller reads: as a stream where one was asked for, and in the caller's dialect.

The registry holds one body for callers of all dialects. One in the caller's own dialect and form passes letter by letter, and so does
a body that is no model's answer. Not for: when it is given (`fallback.py`), nor any dialect's words (`plugins/adapters`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.core.answer import events_of
from trunkline.core.codec import DecodeError, from_json
from trunkline.core.conversation import Change
from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.ports import Codec
from trunkline.engine.frames import frames_of
from trunkline.engine.translate import asked_of, report

_CHAT = "chat"
_JSON = b"application/json"


def spoken(exchange: Exchange, answer: Answer, codecs: Mapping[str, Codec]) -> Answer:
    """The answer as this caller can read it; as it is where it needs nothing or cannot be helped."""
    asks = codecs.get(exchange.dialect)
    if asks is None or asks.kind != _CHAT or answer.status != 200 or _JSON not in answer.fields:
        return answer
    said = codecs.get(dialect_of(answer.body))
    if said is None or (said is asks and not exchange.stream):
        return answer
    lost: list[Change] = []
    try:
        asked = asked_of(asks, exchange.request.body, [])
        asked.stream = exchange.stream
        reply = said.read_reply(answer.body, asked)
    except (CallError, DecodeError, ValueError, TypeError, KeyError, AttributeError):
        return answer
    reply.id = reply.id or f"declared_{exchange.call_id}"
    reply.model, reply.created = reply.model or exchange.model, reply.created or exchange.started_wall
    if exchange.stream:
        kind, body = frames_of(asks.dialect).media, asks.writer(asked, lost).write(events_of(reply))
    else:
        kind, body = _JSON, asks.write_reply(reply, asked, lost)
    fields = b"content-type: %b\r\n" % kind
    if said is not asks:
        told = report(f"{asks.dialect}>{said.dialect}", lost)
        fields += b"x-trunkline-translation: %b\r\n" % told.encode("ascii", "replace")
    return Answer(answer.status, fields, body)


def dialect_of(body: bytes) -> str:
    """Whose answer a body is, by the member that only this dialect has; empty for none."""
    try:
        said: Any = from_json(body)
    except DecodeError:
        return ""
    if not isinstance(said, dict):
        return ""
    if isinstance(said.get("choices"), list):
        return "openai-chat"
    if said.get("type") == "message" and isinstance(said.get("content"), list):
        return "anthropic-messages"
    if isinstance(said.get("done"), bool) and isinstance(said.get("message"), dict):
        return "ollama-chat"
    if isinstance(said.get("candidates"), list):
        return "gemini-generate"
    return "openai-responses" if said.get("object") == "response" else ""
