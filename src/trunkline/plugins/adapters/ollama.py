"""Ollama's own `/api/embed`: what it tells of usage. Source: docs.ollama.com/api/embed."""

from __future__ import annotations

from trunkline.core.codec import from_json
from trunkline.core.ports import Reading
from trunkline.plugins.adapters.count import count
from trunkline.plugins.adapters.streamless import Streamless


class OllamaEmbed(Streamless):
    """Stateless."""

    name = "ollama-embed"

    def read(self, body: bytes, into: Reading) -> None:
        value = from_json(body)
        into.finished = True
        if not isinstance(value, dict):
            return
        if isinstance(value.get("model"), str):
            into.model = value["model"]
        told = count(value.get("prompt_eval_count"))
        if told >= 0:
            into.input, into.output = told, 0
