"""The vendors and the callers' dialects of the golden files. Each dialect is of a kind; only those of one kind meet.

Not for: what is said in a case (its `case.yaml`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from trunkline.core.dialects import KIND_OF
from trunkline.core.service import Auth, Header


class Vendor(NamedTuple):
    """A vendor that speaks one dialect. `vendor`: its entry of the catalog."""

    name: str
    dialect: str
    model: str
    vendor: str
    path: str
    auth: Auth = Auth()
    headers: tuple[Header, ...] = ()


def _key(name: str) -> Auth:
    return Auth(kind="header", name=name)


_OPENAI_EMBED = "openai-embeddings"
VERSION = (Header("anthropic-version", "2023-06-01"),)
VENDORS = {
    row.name: row
    for row in (
        Vendor("openai", "openai-chat", "gpt-5.4", "openai", "/v1/chat/completions"),
        Vendor("responses", "openai-responses", "gpt-5.4", "openai", "/v1/responses"),
        Vendor(
            "anthropic",
            "anthropic-messages",
            "claude-sonnet-4-5",
            "anthropic",
            "/v1/messages",
            _key("x-api-key"),
            VERSION,
        ),
        Vendor(
            "gemini",
            "gemini-generate",
            "gemini-2.5-flash",
            "gemini",
            "/v1beta/models/{model}:{method}",
            _key("x-goog-api-key"),
        ),
        Vendor("mistral", "mistral-chat", "mistral-small-2603", "mistral", "/v1/chat/completions"),
        Vendor("cohere", "cohere-chat", "command-a-03-2025", "cohere", "/v2/chat"),
        Vendor(
            "azure", "openai-chat", "our-gpt", "azure-openai", "/openai/v1/chat/completions", _key("api-key")
        ),
        Vendor("ollama", "openai-chat", "qwen3:8b", "ollama", "/v1/chat/completions"),
        Vendor("native", "ollama-chat", "qwen3:8b", "ollama", "/api/chat"),
        Vendor("embed-openai", _OPENAI_EMBED, "text-embedding-3-small", "openai", "/v1/embeddings"),
        Vendor(
            "embed-azure",
            _OPENAI_EMBED,
            "our-embed",
            "azure-openai",
            "/openai/v1/embeddings",
            _key("api-key"),
        ),
        Vendor("embed-ollama", _OPENAI_EMBED, "nomic-embed-text", "ollama", "/v1/embeddings"),
        Vendor("embed-nvidia", _OPENAI_EMBED, "nvidia/nv-embed-v1", "nvidia", "/v1/embeddings"),
        Vendor("embed-mistral", "mistral-embed", "mistral-embed", "mistral", "/v1/embeddings"),
        Vendor("embed-voyage", "voyage-embed", "voyage-4", "voyage", "/v1/embeddings"),
        Vendor("embed-cohere", "cohere-embed", "embed-v4.0", "cohere", "/v2/embed"),
        Vendor("embed-native", "ollama-embed", "nomic-embed-text", "ollama", "/api/embed"),
        Vendor(
            "embed-gemini",
            "gemini-embed",
            "gemini-embedding-001",
            "gemini",
            "/v1beta/models/{model}:{method}",
            _key("x-goog-api-key"),
        ),
    )
}
"""By the name in the golden file's name."""

INGRESS: dict[str, Callable[[str, bool], str]] = {
    "openai-chat": lambda model, stream: "/v1/chat/completions",
    "anthropic-messages": lambda model, stream: "/v1/messages",
    "openai-responses": lambda model, stream: "/v1/responses",
    "gemini-generate": lambda model, stream: (
        f"/v1beta/models/{model}:streamGenerateContent?alt=sse"
        if stream
        else f"/v1beta/models/{model}:generateContent"
    ),
    "ollama-chat": lambda model, stream: "/api/chat",
    "openai-embeddings": lambda model, stream: "/v1/embeddings",
    "ollama-embed": lambda model, stream: "/api/embed",
    "gemini-embed": lambda model, stream: f"/v1beta/models/{model}:batchEmbedContents",
}
"""Dialect of callers -> the target of a call."""


def meet(ingress: str, vendor: Vendor) -> bool:
    """Whether callers of a dialect reach this vendor at all."""
    return KIND_OF[ingress] == KIND_OF[vendor.dialect]
