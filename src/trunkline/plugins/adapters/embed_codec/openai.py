"""OpenAI's embeddings, and where vendors that follow it differ: Mistral refuses what it does not know, Voyage names things otherwise.

Source: platform.openai.com/docs/api-reference/embeddings, docs.mistral.ai/api/endpoint/embeddings,
docs.voyageai.com/reference/embeddings-api, docs.api.nvidia.com/nim/reference/retriever-apis.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

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
    guessed_tokens,
    texts,
)
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.embed_codec import words
from trunkline.plugins.adapters.embed_codec.vectors import numbers, one_each, packed
from trunkline.plugins.adapters.members import Plain, read_members, whole_object
from trunkline.plugins.adapters.usage.chat import usage_of

OWN = "openai-embeddings"
_PLAIN: Plain = {"model": ("model", str), "dimensions": ("dimensions", int), "user": ("user", str)}


class Variant(NamedTuple):
    """How a vendor's embeddings differ from OpenAI's."""

    dialect: str = OWN
    dimensions: str = "dimensions"
    """Its name for them."""
    floats: bool = True
    """It knows `encoding_format: float`; else numbers are what it gives unasked."""
    user: bool = False
    purposes: Mapping[Purpose, str] = MappingProxyType({})
    """Its words."""
    purpose: str = "input_type"
    """The member that they stand in."""
    truncation: str = ""
    """Its name for whether what is too long is cut."""
    known: frozenset[str] = frozenset()
    """Members that the canonical form has not and it takes."""


MISTRAL = Variant(
    "mistral-embed",
    "output_dimension",
    known=frozenset(("metadata", "output_dimension", "output_dtype")),
)
VOYAGE = Variant(
    "voyage-embed",
    "output_dimension",
    floats=False,
    purposes=MappingProxyType({"query": "query", "document": "document"}),
    truncation="truncation",
    known=frozenset(("output_dimension", "output_dtype")),
)
_BY_VENDOR = {
    "nvidia": Variant(purposes=MappingProxyType({"query": "query", "document": "passage"})),
    # `task`, of v3 and later: docs of jina.ai/embeddings, read 2026-11-21; words that v4 has too
    "jina": Variant(
        purposes=MappingProxyType(
            {"query": "retrieval.query", "document": "retrieval.passage", "similarity": "text-matching"}
        ),
        purpose="task",
    ),
}
_FOLLOWS = Variant(user=True)


def _variant_of(facts: Facts) -> Variant:
    if facts.model.startswith("jina-embeddings-v2"):
        return _FOLLOWS  # it has no tasks
    return _BY_VENDOR.get(facts.vendor, _FOLLOWS)


def read_request(body: bytes, changes: list[Change]) -> Request:
    """Raises Untranslatable."""
    del changes
    request = EmbedRequest(dialect=OWN, form={})
    special = {"input": _input, "encoding_format": _encoding}
    nulls = read_members(whole_object(body), request, _PLAIN, special)
    if nulls:
        request.form["null"] = nulls
    if not request.inputs:
        raise Untranslatable("`input` is missing or empty", "input")
    words.heard(request.extra, request)
    return request


def _input(value: Any, request: Request) -> None:
    asked = embed_request(request)
    asked.form["input"] = "one" if _is_one(value) else "many"
    inputs = [value] if _is_one(value) else value
    if not isinstance(inputs, list) or not all(_is_one(one) for one in inputs):
        raise Untranslatable("`input` is neither a text, a list of texts, nor tokens", "input")
    asked.inputs = inputs


def _is_one(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value)
    return isinstance(value, list) and bool(value) and all(type(one) is int for one in value)


def _encoding(value: Any, request: Request) -> None:
    if value not in ("float", "base64"):
        raise Untranslatable("`encoding_format` is neither float nor base64", "encoding_format")
    embed_request(request).encoding = value


def write_request(
    request: Request, facts: Facts, changes: list[Change], variant: Variant | None = None
) -> Written:
    """Adds to `changes` what this vendor cannot say."""
    asked = embed_request(request)
    if request.dialect == OWN and variant is None:
        return _written_back(asked, facts)
    variant = variant or _variant_of(facts)
    given = texts(asked, variant.dialect)
    single = len(given) == 1 and asked.form.get("input") == "one"
    out: dict[str, Any] = {"model": facts.model or request.model, "input": given[0] if single else given}
    if asked.dimensions is not None:
        out[variant.dimensions] = asked.dimensions
    if asked.encoding == "base64" or (asked.encoding and variant.floats):
        out["encoding_format"] = asked.encoding
    if request.user and variant.user:
        out["user"] = request.user
    word = words.purpose(asked, variant.purposes, frozenset(variant.purposes.values()), changes)
    if word is not None:
        out[variant.purpose] = word
    if variant.truncation:
        out |= words.yes_or_no(asked, variant.truncation, changes)
    out |= {name: value for name, value in request.extra.items() if name in variant.known}
    taken = [name for name, has in (("user", variant.user), ("truncate", variant.truncation)) if has]
    changes += words.dropped(asked, *taken, known=variant.known)
    return Written(to_json(out))


def _written_back(asked: EmbedRequest, facts: Facts) -> Written:
    """What was read of this dialect, in it again."""
    one = asked.form.get("input") == "one"
    out: dict[str, Any] = {
        "model": facts.model or asked.model,
        "input": asked.inputs[0] if one else asked.inputs,
    }
    told = {
        "dimensions": asked.dimensions,
        "encoding_format": asked.encoding or None,
        "user": asked.user or None,
    }
    out |= {name: value for name, value in told.items() if value is not None}
    out |= asked.extra
    out |= dict.fromkeys(asked.form.get("null", ()))
    return Written(to_json(out))


class _Row(msgspec.Struct, gc=False):
    embedding: Vector
    index: Any = None


class _Said(msgspec.Struct, gc=False):
    data: list[_Row]
    model: str | None = None
    usage: Any = None


_said = json_decoder(_Said)


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable, or DecodeError."""
    said = _said.decode(body)
    places = [row.index for row in said.data]
    if sorted(n for n in places if type(n) is int) == list(range(len(places))):
        said.data.sort(key=lambda row: row.index)
    reply = EmbedReply(dialect=OWN, model=said.model or asked.model)
    reply.vectors = one_each([row.embedding for row in said.data], embed_request(asked))
    reply.usage = usage_of(said.usage)
    return reply


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """As numbers or in base64, as the caller asked. Its clients expect usage, so where the vendor tells none it is guessed."""
    told, wanted = embed_reply(reply), embed_request(asked)
    form = packed if wanted.encoding == "base64" else numbers
    data = [{"object": "embedding", "index": n, "embedding": form(one)} for n, one in enumerate(told.vectors)]
    used = reply.usage.input if reply.usage is not None else -1
    if used < 0:
        used = guessed_tokens(wanted)
        changes.append(Change("emulated", "usage", "guessed from the texts"))
    usage = {"prompt_tokens": used, "total_tokens": used}
    return to_json({"object": "list", "data": data, "model": told.model, "usage": usage})
