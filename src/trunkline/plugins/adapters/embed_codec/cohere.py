"""Cohere's Embed v2, spoken by vendors alone. Source: docs.cohere.com/reference/embed and github.com/cohere-ai/cohere-python.

It must be told what texts are for. Numbers are asked for even where the caller wants base64, whose form it does not document to the bit.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.answer import Reply, Usage
from trunkline.core.codec import json_decoder, to_json
from trunkline.core.conversation import Change, Request
from trunkline.core.embedding import EmbedReply, Purpose, Vector, embed_request, texts
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.embed_codec import words
from trunkline.plugins.adapters.embed_codec.vectors import one_each

OWN = "cohere-embed"
UNSAID = "search_document"
_PURPOSES: dict[Purpose, str] = {
    "query": "search_query",
    "document": "search_document",
    "classification": "classification",
    "clustering": "clustering",
}
_KNOWN = frozenset(("max_tokens", "priority"))


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Cohere cannot say, and the purpose that had to be guessed."""
    asked = embed_request(request)
    out: dict[str, Any] = {"model": facts.model or request.model, "texts": texts(asked, OWN)}
    lost: list[Change] = []
    word = words.purpose(asked, _PURPOSES, frozenset(_PURPOSES.values()), lost)
    if word is None:
        lost = [Change("emulated", "purpose", f"{UNSAID} unless it is said")]
    changes += lost
    out["input_type"] = word or UNSAID
    out["embedding_types"] = ["float"]
    if asked.dimensions is not None:
        out["output_dimension"] = asked.dimensions
    if asked.truncate:
        out["truncate"] = asked.truncate.upper()
    out |= {name: value for name, value in request.extra.items() if name in _KNOWN}
    changes += words.dropped(asked, "truncate", known=_KNOWN)
    return Written(to_json(out))


class _Kinds(msgspec.Struct, gc=False):
    float: list[Vector]


class _Said(msgspec.Struct, gc=False):
    embeddings: _Kinds
    id: Any = None
    meta: Any = None


_said = json_decoder(_Said)


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable, or DecodeError."""
    said = _said.decode(body)
    reply = EmbedReply(dialect=OWN, id=str(said.id or ""), model=asked.model)
    reply.vectors = one_each(said.embeddings.float, embed_request(asked))
    into = count(member(said.meta, "billed_units").get("input_tokens"))
    reply.usage = Usage(input=into, output=0) if into >= 0 else None
    return reply
