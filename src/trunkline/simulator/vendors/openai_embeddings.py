"""Embeddings in OpenAI's dialect, and what the vendors that follow it refuse: Mistral and Voyage name dimensions otherwise.

Source: platform.openai.com/docs/api-reference/embeddings, docs.mistral.ai/api, docs.voyageai.com/reference/embeddings-api.
"""

from __future__ import annotations

from typing import Any

from trunkline.simulator import words
from trunkline.simulator.failures import refuse
from trunkline.simulator.reply import Reply, json_reply
from trunkline.simulator.vectors import as_base64, embedding
from trunkline.simulator.vendors import mistral

_DIMENSIONS = {
    "text-embedding-3-large": 3072,
    "mistral-embed": 1024,
    "nomic-embed-text": 768,
    "nomic-embed-text:latest": 768,
}
_MOST = {"voyage": 1000}
_TAKEN = {
    "mistral": {"model", "input", "encoding_format", "output_dimension", "output_dtype", "metadata"},
    "voyage": {
        "model",
        "input",
        "input_type",
        "truncation",
        "encoding_format",
        "output_dimension",
        "output_dtype",
    },
}
"""Members that a vendor knows which refuses all others."""


def embeddings(vendor: str, body: dict[str, Any], model: str) -> Reply:
    """Raises Refusal for what the vendor would refuse."""
    inputs = _inputs(vendor, body)
    _check(vendor, body, inputs)
    wanted = body.get("output_dimension" if vendor in _TAKEN else "dimensions")
    dimensions = int(wanted or _DIMENSIONS.get(model, 1536))
    data = []
    for index, text in enumerate(inputs):
        vector = embedding(text if isinstance(text, str) else " ".join(map(str, text)), dimensions)
        told = as_base64(vector) if body.get("encoding_format") == "base64" else vector
        data.append({"object": "embedding", "index": index, "embedding": told})
    tokens = sum(words.tokens_of(text) if isinstance(text, str) else len(text) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    if vendor == "voyage":
        del usage["prompt_tokens"]
    return json_reply({"object": "list", "data": data, "model": model, "usage": usage})


def _inputs(vendor: str, body: dict[str, Any]) -> list[Any]:
    given = body.get("input")
    if given is None or given in ([], ""):
        text = "'$.input' is invalid. Please check the API reference."
        raise refuse(400, text, kind="invalid_request_error", param="input")
    inputs = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    most = _MOST.get(vendor, 2048)
    if len(inputs) > most:
        text = f"'$.input' is invalid: an array of at most {most} items is expected."
        raise refuse(400, text, kind="invalid_request_error", param="input")
    return inputs


def _check(vendor: str, body: dict[str, Any], inputs: list[Any]) -> None:
    for name in body:
        if name in _TAKEN.get(vendor, body) or name.startswith("x_"):
            continue
        if vendor == "mistral":
            raise mistral.unknown_member("body", name)
        raise refuse(400, f"Argument '{name}' is not supported by our API")
    if vendor == "voyage" and body.get("encoding_format") not in (None, "base64"):
        raise refuse(400, "Argument 'encoding_format' must be null or 'base64'")
    if vendor in _TAKEN and not all(isinstance(text, str) for text in inputs):
        raise refuse(422, "Input should be a valid string", kind="invalid_request_error", param="input")
