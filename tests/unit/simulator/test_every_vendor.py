"""Each vendor of the catalog that speaks a dialect is answered in it, at the path that its file names, with its kind of credential."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.raw_http import Answer
from trunkline.core import codec
from trunkline.registry import catalog
from trunkline.simulator.vendors import PROFILES

Ask = Callable[..., Awaitable[Answer]]
KEY = "sk-test-not-a-real-key"
TURNS = {"messages": [{"role": "user", "content": "Hello there"}]}
GEMINI: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hello there"}]}]}
BODIES: dict[str, dict[str, Any]] = {
    "openai-chat": {"model": "m", **TURNS},
    "mistral-chat": {"model": "m", **TURNS},
    "cohere-chat": {"model": "m", **TURNS},
    "ollama-chat": {"model": "m", "stream": False, **TURNS},
    "openai-responses": {"model": "m", "input": "Hello there"},
    "openai-input-tokens": {"model": "m", "input": "Hello there"},
    "openai-compact": {"model": "m", "input": "Hello there"},
    **{
        key: {"model": "m", "input": ["Hello there"]}
        for key in ("openai-embeddings", "mistral-embed", "voyage-embed", "ollama-embed")
    },
    "cohere-embed": {"model": "m", "texts": ["Hello there"], "input_type": "search_query"},
    "anthropic-messages": {"model": "m", "max_tokens": 64, **TURNS},
    "anthropic-count-tokens": {"model": "m", **TURNS},
    "gemini-generate": GEMINI,
    "gemini-count": GEMINI,
    "gemini-embed": {"content": {"parts": [{"text": "Hello there"}]}},
}
METHODS = {
    "gemini-generate": "generateContent",
    "gemini-count": "countTokens",
    "gemini-embed": "embedContent",
}
MEMBERS = {
    "choices": "openai-chat",
    "message": "cohere-chat",
    "output": "openai-responses",
    "content": "anthropic-messages",
    "input_tokens": "anthropic-count-tokens",
    "candidates": "gemini-generate",
    "totalTokens": "gemini-count",
    "embedding": "gemini-embed",
    "data": "openai-embeddings",
    "embeddings": "cohere-embed",
}
ALIKE = {
    "mistral-chat": "openai-chat",
    "openai-input-tokens": "anthropic-count-tokens",
    "openai-compact": "openai-responses",
    "mistral-embed": "openai-embeddings",
    "voyage-embed": "openai-embeddings",
    "ollama-chat": "cohere-chat",
    "ollama-embed": "cohere-embed",
}
"""Dialects whose answers are known by the members of another's."""
SPOKEN = [
    (name, d.name, d.path)
    for name in catalog.names()
    if (entry := catalog.entry(name)).kind == "ai"
    for d in entry.dialects
]


def credential(name: str) -> dict[str, str]:
    auth = catalog.entry(name).auth
    if auth is None or auth.kind != "header":
        return {}
    return {
        "authorization": "",
        auth.name.replace("-", "_"): (auth.template or "{secret}").format(secret=KEY),
    }


@pytest.mark.row("A4")
@pytest.mark.parametrize(("name", "dialect", "path"), SPOKEN)
async def test_a_dialect_is_answered_in_its_shape(call: Ask, name: str, dialect: str, path: str) -> None:
    assert name in PROFILES, "played as a plain JSON API"
    path = path.replace("{model}", "m").replace("{method}", METHODS.get(dialect, ""))
    fields = {**credential(name), "anthropic_version": "2023-06-01"}
    answer = await call("POST", f"/{name}{path}", BODIES[dialect], **fields)
    assert answer.status == 200, answer.body
    told = codec.from_json(answer.body)
    spoken = {MEMBERS[member] for member in MEMBERS if member in told}
    assert ALIKE.get(dialect, dialect) in spoken
