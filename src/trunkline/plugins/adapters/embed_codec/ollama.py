"""Ollama's own `/api/embed`, both ways; its `/v1/embeddings` loses `truncate`, `keep_alive` and `options`.

Source: docs.ollama.com/api/embed. Not for: `/api/embeddings`, which it replaces.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.answer import Reply, Usage
from trunkline.core.codec import json_decoder, to_json
from trunkline.core.conversation import Change, Request, Untranslatable
from trunkline.core.embedding import EmbedReply, EmbedRequest, Vector, embed_reply, embed_request, texts
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.count import count
from trunkline.plugins.adapters.embed_codec import words
from trunkline.plugins.adapters.embed_codec.vectors import numbers, one_each
from trunkline.plugins.adapters.members import Plain, read_members, whole_object

OWN = "ollama-embed"
_KNOWN = frozenset(("keep_alive", "options"))
_PLAIN: Plain = {"model": ("model", str), "dimensions": ("dimensions", int)}


def read_request(body: bytes, changes: list[Change]) -> Request:
    """Raises Untranslatable."""
    del changes
    request = EmbedRequest(dialect=OWN, form={})
    nulls = read_members(whole_object(body), request, _PLAIN, {"input": _input})
    if nulls:
        request.form["null"] = nulls
    if not request.inputs:
        raise Untranslatable("`input` is missing or empty", "input")
    words.heard(request.extra, request)
    return request


def _input(value: Any, request: Request) -> None:
    asked = embed_request(request)
    asked.form["input"] = "one" if isinstance(value, str) else "many"
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise Untranslatable("`input` is neither a text nor a list of texts", "input")
    asked.inputs = given


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Ollama cannot say."""
    asked = embed_request(request)
    given: list[str] | str = texts(asked, OWN)
    own = request.dialect == OWN
    if own and asked.form.get("input") == "one":
        given = given[0]
    out: dict[str, Any] = {"model": facts.model or request.model, "input": given}
    if asked.dimensions is not None:
        out["dimensions"] = asked.dimensions
    if own:
        return Written(to_json({**out, **asked.extra, **dict.fromkeys(asked.form.get("null", ()))}))
    words.purpose(asked, {}, frozenset(), changes)
    out |= words.yes_or_no(asked, "truncate", changes)
    out |= {name: value for name, value in request.extra.items() if name in _KNOWN}
    changes += words.dropped(asked, "truncate", known=_KNOWN)
    return Written(to_json(out))


class _Said(msgspec.Struct, gc=False):
    embeddings: list[Vector]
    model: str | None = None
    prompt_eval_count: Any = None


_said = json_decoder(_Said)


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable, or DecodeError."""
    said = _said.decode(body)
    reply = EmbedReply(dialect=OWN, model=said.model or asked.model)
    reply.vectors = one_each(said.embeddings, embed_request(asked))
    into = count(said.prompt_eval_count)
    reply.usage = Usage(input=into, output=0) if into >= 0 else None
    return reply


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """As numbers; without usage where the vendor told none, and without times that nobody took."""
    del changes
    told = embed_reply(reply)
    out: dict[str, Any] = {
        "model": told.model or asked.model,
        "embeddings": [numbers(one) for one in told.vectors],
    }
    if reply.usage is not None and reply.usage.input >= 0:
        out["prompt_eval_count"] = reply.usage.input
    return to_json(out)
