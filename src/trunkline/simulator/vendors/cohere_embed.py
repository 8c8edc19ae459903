"""Cohere's Embed v2: vectors of texts, and what it refuses. Source: docs.cohere.com/reference/embed."""

from __future__ import annotations

from typing import Any

from trunkline.simulator import words
from trunkline.simulator.conversation import text_of
from trunkline.simulator.failures import refuse
from trunkline.simulator.reply import Reply, json_reply
from trunkline.simulator.vectors import as_base64, embedding

_MOST = 96
_KINDS = ("search_document", "search_query", "classification", "clustering", "image")
_FORMS = ("float", "base64", "int8", "uint8", "binary", "ubinary")
_TAKEN = frozenset(
    (
        "model",
        "texts",
        "inputs",
        "images",
        "input_type",
        "embedding_types",
        "output_dimension",
        "truncate",
        "max_tokens",
        "priority",
    )
)


def embed(body: dict[str, Any]) -> Reply:
    """Raises Refusal for what the vendor would refuse."""
    texts = body.get("texts") or [text_of(item.get("content")) for item in body.get("inputs") or ()]
    _check(body, texts)
    vectors = [embedding(text, int(body.get("output_dimension") or 1536)) for text in texts]
    wanted = body.get("embedding_types") or ["float"]
    told = {form: [as_base64(one) for one in vectors] if form == "base64" else vectors for form in wanted}
    spent = {"input_tokens": sum(map(words.tokens_of, texts))}
    meta = {"api_version": {"version": "2"}, "billed_units": spent}
    identity = words.identifier("", *texts, size=36)
    return json_reply({"id": identity, "embeddings": told, "texts": texts, "meta": meta})


def _check(body: dict[str, Any], texts: list[Any]) -> None:
    if not texts or not body.get("model"):
        raise refuse(400, "invalid request: model, and texts or inputs, are required.")
    if len(texts) > _MOST:
        raise refuse(
            400, f"invalid request: total number of texts must be at most {_MOST} - received {len(texts)}"
        )
    if body.get("input_type") not in _KINDS:
        raise refuse(400, "invalid request: valid input_type must be provided with the provided model")
    for name in body:
        if name not in _TAKEN and not name.startswith("x_"):
            raise refuse(422, f"unknown field: parameter '{name}' is not a valid field")
    if not set(body.get("embedding_types") or ()) <= set(_FORMS) or not all(
        isinstance(t, str) for t in texts
    ):
        raise refuse(400, "invalid request: embedding_types or texts are invalid")
