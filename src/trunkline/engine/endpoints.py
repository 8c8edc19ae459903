"""The paths that callers know: the proxy's and the models' endpoints, each with its dialect.

Not for: where a call to one of them goes (`resolve.py`), nor for what the gateway answers itself (`gateway/local.py`).
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

PROXY = b"/api/proxy/"

ENDPOINTS: dict[bytes, str] = {
    b"/v1/chat/completions": "openai-chat",
    b"/v1/embeddings": "openai-embeddings",
    b"/v1/responses": "openai-responses",
    b"/v1/responses/input_tokens": "openai-input-tokens",
    b"/v1/responses/compact": "openai-compact",
    b"/v1/messages": "anthropic-messages",
    b"/v1/messages/count_tokens": "anthropic-count-tokens",
    b"/api/chat": "ollama-chat",
    b"/api/embed": "ollama-embed",
}
"""Model endpoints whose model stands in the body."""

GEMINI = re.compile(
    rb"/(v1beta|v1)/models/([^?]+):(generateContent|streamGenerateContent|embedContent|batchEmbedContents|countTokens)"
)
GEMINI_DIALECTS = {
    b"generateContent": "gemini-generate",
    b"streamGenerateContent": "gemini-generate",
    b"embedContent": "gemini-embed",
    b"batchEmbedContents": "gemini-embed",
    b"countTokens": "gemini-count",
}


class Named(NamedTuple):
    """A model call before its model is looked up."""

    dialect: str
    gemini_model: str
    gemini_method: str


_NAMED = {path: Named(dialect, "", "") for path, dialect in ENDPOINTS.items()}


def dialect_of(path: bytes) -> Named | None:
    """The dialect that a path of ours belongs to; None for paths that are no model endpoints."""
    named = _NAMED.get(path)
    if named is not None:
        return named
    if b"/models/" in path:
        hit = GEMINI.fullmatch(path)
        if hit is not None:
            return Named(GEMINI_DIALECTS[hit[3]], unquote(hit[2].decode("ascii", "replace")), hit[3].decode())
    return None
