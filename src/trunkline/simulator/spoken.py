"""What a vendor would say of a failure, as bytes, without a simulator that listens: for faults on demand.

Not for: playing vendors (`server.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from trunkline.core import codec
from trunkline.simulator import corpus
from trunkline.simulator.failures import body_of, failure_reply, in_stream
from trunkline.simulator.faults import Fault
from trunkline.simulator.vendors import PROFILES, profile

_BY_DIALECT = {
    "openai-chat": "vllm",
    "openai-responses": "vllm",
    "openai-embeddings": "vllm",
    "mistral-embed": "mistral",
    "voyage-embed": "voyage",
    "cohere-embed": "cohere",
    "ollama-embed": "ollama",
    "ollama-chat": "ollama",
    "gemini-embed": "gemini",
    "anthropic-messages": "anthropic",
    "gemini-generate": "gemini",
}


class Spoken(NamedTuple):
    """A failure in a vendor's own shape. `events`: as the event of a stream, by family of dialects."""

    status: int
    fields: list[tuple[str, str]]
    body: str
    events: dict[str, str]


def played_by(vendor: str, dialects: Iterable[str]) -> str:
    """Which simulated vendor stands in for an integration: its own, else one of its dialect, else a plain JSON API."""
    if vendor in PROFILES:
        return vendor
    return next((_BY_DIALECT[one] for one in dialects if one in _BY_DIALECT), vendor or "generic")


def spoken(vendor: str, name: str) -> Spoken:
    """The failure of this name, as the vendor tells it."""
    shaped = profile(vendor)
    failure = corpus.failure(shaped, Fault(name)) or corpus.named(shaped, name)
    reply = failure_reply(shaped.shape, failure)
    fields = [("content-type", reply.content_type), *reply.fields]
    told = body_of(shaped.shape, failure)
    forms = {"": "data", "anthropic": "anthropic", "responses": "responses", "lines": "line"}
    events = {family: in_stream(form, told).decode() for family, form in forms.items()}
    return Spoken(reply.status, fields, reply.body.decode("utf-8", "replace"), events)


def broken_json(vendor: str) -> bytes:
    """A body that is no JSON."""
    return codec.to_json({"simulated": True, "vendor": vendor})[:-1] + b",,}"
