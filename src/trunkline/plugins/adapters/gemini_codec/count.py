"""Gemini's count of tokens: contents, or a whole `generateContentRequest`, and one number back. Source: ai.google.dev/api/tokens."""

from __future__ import annotations

from trunkline.core.answer import Reply
from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Request
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.counting import counted, number, reply_of
from trunkline.plugins.adapters.gemini_codec.parts import OWN, camel
from trunkline.plugins.adapters.gemini_codec.read_request import read_request as whole_asked
from trunkline.plugins.adapters.gemini_codec.write_request import write_request as whole_request
from trunkline.plugins.adapters.members import an_object, whole_object

_COUNTED = frozenset(("contents", "systemInstruction", "tools", "toolConfig"))


def read_request(body: bytes, changes: list[Change]) -> Request:
    """Either form. Raises Untranslatable."""
    said = camel(whole_object(body))
    whole = said.get("generateContentRequest")
    if whole is not None:
        return whole_asked(to_json(an_object(whole, "generateContentRequest")), changes)
    return whole_asked(body, changes)


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """The form that holds tools and the system's words, too; what says nothing of the input is left out of it."""
    written = whole_request(request, facts, changes)
    model = facts.model if facts.model.startswith("models/") else f"models/{facts.model}"
    return Written(
        to_json({"generateContentRequest": {"model": model, **counted(written, _COUNTED)}}), written.fields
    )


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable."""
    return reply_of(body, "totalTokens", OWN, asked)


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """The number alone."""
    del asked, changes
    return to_json({"totalTokens": number(reply)})


def method(stream: bool) -> tuple[str, bytes]:
    """The end of the path."""
    del stream
    return "countTokens", b""
