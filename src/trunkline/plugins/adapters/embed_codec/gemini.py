"""Gemini's embedContent and batchEmbedContents. Source: ai.google.dev/api/embeddings, and what `google-genai` sends.

Vendors are always asked for a batch, also of one text: the same models answer, and texts never run together into one vector.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.answer import Reply
from trunkline.core.codec import json_decoder, to_json
from trunkline.core.conversation import Change, Request, Untranslatable
from trunkline.core.embedding import (
    EmbedReply,
    EmbedRequest,
    Purpose,
    Vector,
    embed_reply,
    embed_request,
    texts,
)
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.embed_codec import words
from trunkline.plugins.adapters.embed_codec.vectors import numbers, one_each
from trunkline.plugins.adapters.members import an_object, take_int, take_object, take_text, whole_object
from trunkline.plugins.adapters.usage.gemini import usage_of

OWN = "gemini-embed"
_PURPOSES: dict[Purpose, str] = {
    "query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "similarity": "SEMANTIC_SIMILARITY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
_WORDS = frozenset((*_PURPOSES.values(), "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY"))
_PREFIXES: dict[Purpose, str] = {
    "query": "task: search result | query: ",
    "document": "title: none | text: ",
    "similarity": "task: sentence similarity | query: ",
    "classification": "task: classification | query: ",
    "clustering": "task: clustering | query: ",
}
"""What `gemini-embedding-2` is told of purposes, for it takes no taskType (ai.google.dev/gemini-api/docs/embeddings)."""
_CAMEL = {
    "task_type": "taskType",
    "output_dimensionality": "outputDimensionality",
    "embed_content_config": "embedContentConfig",
    "auto_truncate": "autoTruncate",
}


def read_request(body: bytes, changes: list[Change]) -> Request:
    """Of one text, or of several whose settings agree, but for their titles. Raises Untranslatable."""
    said = whole_object(body)
    request = EmbedRequest(dialect=OWN, form={"input": "many" if "requests" in said else "one"})
    given = said.pop("requests") if "requests" in said else [said]
    if not isinstance(given, list) or not given:
        raise Untranslatable("`requests` is no list, or empty", "requests")
    settings = [_settings(an_object(one, "requests"), request, changes) for one in given]
    if any(one != settings[0] for one in settings):
        text = "the requests of a batch differ in taskType, outputDimensionality or other settings; send those that agree together"
        raise Untranslatable(text, "requests")
    first = settings[0]
    words.heard(first, request)
    request.dimensions = take_int(first, "outputDimensionality")
    request.extra = {name: value for name, value in first.items() if name not in words.SPOKEN}
    return request


def _settings(said: dict[str, Any], request: EmbedRequest, changes: list[Change]) -> dict[str, Any]:
    """Adds a text and its title to the request; returns what else was said of it, the newer form laid over the older."""
    said = _camel(said)
    request.inputs.append(_text(said.pop("content", None), changes))
    said |= _camel(take_object(said, "embedContentConfig") or {})
    request.titles.append(take_text(said, "title"))
    said.pop("model", None)
    return said


def _camel(said: dict[str, Any]) -> dict[str, Any]:
    return {_CAMEL.get(name, name): value for name, value in said.items()}


def _text(content: Any, changes: list[Change]) -> str:
    parts = an_object(content, "content").get("parts")
    listed = [an_object(one, "content.parts") for one in parts] if isinstance(parts, list) else []
    found = [one.get("text") for one in listed]
    told = [text for text in found if isinstance(text, str)]
    if not told or len(told) < len(found):
        text = "`content.parts` holds something else than text, which is not translated; or nothing"
        raise Untranslatable(text, "content.parts")
    if len(told) > 1:
        changes.append(Change("changed", "content.parts", "joined by line breaks"))
    return "\n".join(told)


def _prefix(asked: EmbedRequest, changes: list[Change]) -> str:
    """What stands before each text; nothing where no purpose was said."""
    if not asked.purpose:
        return ""
    found = _PREFIXES.get(asked.purpose, "")
    changes.append(
        Change("emulated", "purpose", "words before each text") if found else Change("dropped", "purpose")
    )
    return found


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Gemini cannot say."""
    asked = embed_request(request)
    own = request.dialect == OWN
    one: dict[str, Any] = {"model": f"models/{(facts.model or request.model).removeprefix('models/')}"}
    begin, word = "", None
    if not own and one["model"].startswith("models/gemini-embedding-2"):
        begin = _prefix(asked, changes)
    else:
        word = words.purpose(asked, _PURPOSES, _WORDS, changes)
    if word is not None:
        one["taskType"] = word
    if asked.dimensions is not None:
        one["outputDimensionality"] = asked.dimensions
    if own:
        one |= {"autoTruncate": asked.truncate != "none"} if asked.truncate else {}
        one |= asked.extra
    else:
        changes += words.dropped(asked, "titles")
    titles = asked.titles or [""] * len(asked.inputs)
    requests = [
        {**one, **({"title": title} if title else {}), "content": {"parts": [{"text": begin + text}]}}
        for text, title in zip(texts(asked, OWN), titles, strict=True)
    ]
    return Written(to_json({"requests": requests}))


class _Row(msgspec.Struct, gc=False):
    values: Vector


class _Said(msgspec.Struct, gc=False):
    embeddings: list[_Row] | None = None
    embedding: _Row | None = None
    usage: Any = msgspec.field(name="usageMetadata", default=None)


_said = json_decoder(_Said)


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable, or DecodeError."""
    said = _said.decode(body)
    rows = said.embeddings
    if rows is None:
        if said.embedding is None:
            raise Untranslatable("`embeddings` is missing")
        rows = [said.embedding]
    reply = EmbedReply(dialect=OWN, model=asked.model)
    reply.vectors = one_each([row.values for row in rows], embed_request(asked))
    reply.usage = usage_of(said.usage)
    return reply


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """One embedding, or a list of them; usage only where the vendor told it."""
    del changes
    told = [{"values": numbers(one)} for one in embed_reply(reply).vectors]
    out: dict[str, Any] = {"embedding": told[0]} if asked.form.get("input") == "one" else {"embeddings": told}
    if reply.usage is not None and reply.usage.input >= 0:
        out["usageMetadata"] = {"promptTokenCount": reply.usage.input}
    return to_json(out)


def method(stream: bool) -> tuple[str, bytes]:
    """The end of the path."""
    del stream
    return "batchEmbedContents", b""
