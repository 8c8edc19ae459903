"""Ollama: OpenAI's dialect, Anthropic's messages at the path of that vendor, and its own `/api/embed`, `/api/tags`, `/api/version` and
`/api/chat` (`ollama_chat.py`).

Not for: the rest of its native `/api/...`, which is not played.
"""

from __future__ import annotations

from typing import Any

from trunkline.simulator import words
from trunkline.simulator.failures import refuse
from trunkline.simulator.reply import Reply, json_reply
from trunkline.simulator.request import Request
from trunkline.simulator.vectors import embedding
from trunkline.simulator.vendors import ollama_chat
from trunkline.simulator.vendors.anthropic import Anthropic
from trunkline.simulator.vendors.openai import MODELS, OpenAI


class Ollama:
    """Keeps what the two dialects keep."""

    def __init__(self) -> None:
        self._messages = Anthropic()
        self._others = OpenAI("ollama")

    def answer(self, request: Request) -> Reply:
        """Routes by path."""
        if request.path.endswith("/api/chat"):
            return ollama_chat.answer(request)
        if request.path.endswith("/api/embed"):
            return _embed(request.json())
        if request.path.endswith("/api/tags"):
            return json_reply({"models": [_model(name) for name in MODELS["ollama"]]})
        if request.path.endswith("/api/version"):
            return json_reply({"version": "0.40.12"})
        dialect = self._messages if "messages" in request.segments else self._others
        return dialect.answer(request)


def _model(name: str) -> dict[str, Any]:
    return {"name": name, "model": name, "modified_at": ollama_chat.MADE, "size": 2019393189, "details": {}}


def _embed(body: dict[str, Any]) -> Reply:
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise refuse(400, "invalid input type")
    vectors = [embedding(text, int(body.get("dimensions") or 768)) for text in texts]
    tokens = sum(map(words.tokens_of, texts))
    told = {"total_duration": 14143917, "load_duration": 1019500, "prompt_eval_count": tokens}
    return json_reply({"model": body.get("model"), "embeddings": vectors, **told})
