"""OpenAI Chat's whole answers, read into the canonical form. Source: platform.openai.com/docs/api-reference/chat/object."""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Choice, Reply, Stop, TokenProb
from trunkline.core.conversation import (
    Citation,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    Untranslatable,
)
from trunkline.plugins.adapters.chat.read_messages import spoken
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.fitting import own_name
from trunkline.plugins.adapters.members import an_object, beyond, whole_object
from trunkline.plugins.adapters.usage.chat import usage_of

STOPS: dict[str, Stop] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "refusal",
    "error": "error",
    "max_tokens": "length",
    "eos": "end",
    "end_turn": "end",
    "insufficient_system_resource": "error",
    "model_length": "context",
}
"""`finish_reason` of OpenAI and of those that follow it."""
_FRAME = frozenset(("id", "object", "created", "model", "choices", "usage", "service_tier"))


def read_reply(body: bytes, asked: Request, dialect: str = "openai-chat") -> Reply:
    """Raises Untranslatable."""
    said = whole_object(body)
    choices = said.get("choices")
    if not isinstance(choices, list):
        raise Untranslatable("`choices` is missing")
    reply = Reply(dialect=dialect, id=str(said.get("id") or ""), model=str(said.get("model") or ""))
    created = said.get("created")
    reply.created = float(created) if isinstance(created, int | float) else 0.0
    reply.choices = [_choice(an_object(one, "choices"), asked, dialect) for one in choices]
    reply.usage = usage_of(said.get("usage"), said.get("service_tier"))
    reply.extra = beyond(said, _FRAME)
    return reply


def _choice(said: dict[str, Any], asked: Request, dialect: str) -> Choice:
    message = an_object(said.get("message"), "choices.message")
    parts = [_thought(part, dialect) for part in spoken(message, 0)]
    for part in parts:
        if isinstance(part, ToolCall):
            part.name = own_name(asked, part.name)
            part.extra.pop("index", None)  # some tell it in whole answers, too
    citations = citations_of(message)
    texts = [part for part in parts if isinstance(part, Text)]
    if citations and texts:
        texts[-1].citations = citations
    reason = str(said.get("finish_reason") or "")
    choice = Choice(parts=parts, said=reason, stop=STOPS.get(reason, "end" if reason else None))
    if any(isinstance(part, Refusal) for part in parts):
        choice.stop = "refusal"
    elif choice.stop == "end" and any(isinstance(part, ToolCall) for part in parts):
        choice.stop = "tool"  # OpenAI says `stop` after a call that the caller forced.
    choice.logprobs = probabilities(said.get("logprobs"))
    choice.safety = said.get("content_filter_results")
    return choice


def _thought(part: Part, dialect: str) -> Part:
    """A part that is a thought, as Mistral tells them."""
    if isinstance(part, Opaque) and isinstance(part.value, dict) and part.value.get("type") == "thinking":
        return thought_of(part.value, dialect)
    return part


def thought_of(said: dict[str, Any], dialect: str) -> Reasoning:
    """A part of content with `thinking`: texts, and references that are passed over."""
    told = said.get("thinking")
    words = told if isinstance(told, list) else [{"text": told}]
    text = "".join(str(one.get("text") or "") for one in words if isinstance(one, dict))
    return Reasoning(text=text, signature=str(said.get("signature") or ""), origin=dialect)


def citations_of(said: dict[str, Any]) -> list[Citation]:
    """Those in `annotations`, and in `citations` as they are told here of documents, or by vendors that search, as addresses."""
    notes, more = said.get("annotations"), said.get("citations")
    found = [_cited(member(one, "url_citation")) for one in (notes if isinstance(notes, list) else ())]
    listed = more if isinstance(more, list) else ()
    return found + [Citation(url=one) if isinstance(one, str) else _cited(one) for one in listed]


def _cited(inner: Any) -> Citation:
    inner = inner if isinstance(inner, dict) else {}
    url = str(inner.get("url") or "")
    return Citation(
        kind="url" if url else "document",
        url=url,
        title=str(inner.get("title") or ""),
        quote=str(inner.get("quote") or ""),
        start=count(inner.get("start_index")),
        end=count(inner.get("end_index")),
        document=count(inner.get("document")),
    )


def probabilities(said: Any) -> list[TokenProb]:
    """`logprobs`."""
    listed = said.get("content") if isinstance(said, dict) else None
    return [_token(one) for one in listed or () if isinstance(one, dict)]


def _token(said: dict[str, Any]) -> TokenProb:
    return TokenProb(
        str(said.get("token", "")),
        float(said.get("logprob", 0.0)),
        said.get("bytes"),
        [_token(one) for one in said.get("top_logprobs") or () if isinstance(one, dict)],
    )
