"""Embeddings that the vendors refuse, and so do their simulations: too many texts, members and words of other dialects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.simulator.conftest import Ask

COHERE = {"model": "embed-v4.0", "texts": ["a"], "input_type": "search_query"}
GEMINI = "/gemini/v1beta/models/gemini-embedding-001:batchEmbedContents"
ONE = {"content": {"parts": [{"text": "a"}]}}


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/openai/v1/embeddings", {"model": "m", "input": ["a"] * 2049}, 400, "at most 2048"),
        ("/openai/v1/embeddings", {"model": "m", "input": ""}, 400, "input"),
        ("/mistral/v1/embeddings", {"model": "m", "input": "a", "dimensions": 8}, 422, "not permitted"),
        ("/mistral/v1/embeddings", {"model": "m", "input": [1, 2]}, 422, "valid string"),
        ("/voyage/v1/embeddings", {"model": "m", "input": "a", "dimensions": 8}, 400, "not supported"),
        ("/voyage/v1/embeddings", {"model": "m", "input": "a", "encoding_format": "float"}, 400, "null or"),
        ("/cohere/v2/embed", {**COHERE, "texts": ["a"] * 97}, 400, "at most 96"),
        ("/cohere/v2/embed", {"model": "m", "texts": ["a"]}, 400, "input_type"),
        ("/cohere/v2/embed", {**COHERE, "user": "u"}, 422, "unknown field"),
        ("/cohere/v2/embed", {**COHERE, "embedding_types": ["odd"]}, 400, "embedding_types"),
        (GEMINI, {"requests": [ONE] * 101}, 400, "at most 100"),
        (GEMINI, {"requests": [{**ONE, "model": "models/other"}]}, 400, "must match"),
        (GEMINI, {"requests": [{**ONE, "taskType": "query"}]}, 400, "task_type"),
        (GEMINI, {"requests": [{"content": {"parts": []}}]}, 400, "empty"),
        ("/ollama/api/embed", {"model": "m", "input": [1]}, 400, "invalid input"),
    ],
)
async def test_what_the_vendor_refuses(call: Ask, path: str, body: Any, status: int, said: str) -> None:
    answer = await call("POST", path, body)

    assert answer.status == status
    assert said in str(answer.json())
