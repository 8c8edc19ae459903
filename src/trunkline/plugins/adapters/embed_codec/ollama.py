"""Ollama's own `/api/embed`, spoken by vendors alone; its `/v1/embeddings` loses `truncate`, `keep_alive` and `options`.

Source: docs.ollama.com/api/embed. Not for: `/api/embeddings`, which it replaces.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.answer import Reply, Usage
from trunkline.core.codec import json_decoder, to_json
from trunkline.core.conversation import Change, Request
from trunkline.core.embedding import EmbedReply, Vector, embed_request, texts
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.count import count
from trunkline.plugins.adapters.embed_codec import words
from trunkline.plugins.adapters.embed_codec.vectors import one_each

OWN = "ollama-embed"
_KNOWN = frozenset(("keep_alive", "options"))


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Ollama cannot say."""
    asked = embed_request(request)
    out: dict[str, Any] = {"model": facts.model or request.model, "input": texts(asked, OWN)}
    if asked.dimensions is not None:
        out["dimensions"] = asked.dimensions
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
