"""The wire formats of AI vendors by what they are for. Those of one kind can be translated into each other.

Not for: how (`plugins/adapters`), nor which vendor serves which (the catalog).
"""

from __future__ import annotations

from collections.abc import Iterable

KIND_OF = {
    "openai-chat": "chat",
    "openai-responses": "chat",
    "anthropic-messages": "chat",
    "gemini-generate": "chat",
    "cohere-chat": "chat",
    "mistral-chat": "chat",
    "ollama-chat": "chat",
    "openai-embeddings": "embed",
    "gemini-embed": "embed",
    "cohere-embed": "embed",
    "mistral-embed": "embed",
    "voyage-embed": "embed",
    "ollama-embed": "embed",
    "anthropic-count-tokens": "count",
    "gemini-count": "count",
    "openai-input-tokens": "count",
}
"""A dialect that does not stand here is a kind of its own."""
COUNTS = frozenset(dialect for dialect, kind in KIND_OF.items() if kind == "count")
"""Counting tokens costs nothing."""
WORDLESS = frozenset(dialect for dialect, kind in KIND_OF.items() if kind in ("embed", "count"))
"""Their answers have no tokens of output."""
LINES = frozenset(("ollama-chat",))
"""Their streams are lines of JSON; all others are server-sent events."""


def kinds(dialects: Iterable[str]) -> set[str]:
    """What these dialects are for."""
    return {KIND_OF.get(dialect, dialect) for dialect in dialects}
