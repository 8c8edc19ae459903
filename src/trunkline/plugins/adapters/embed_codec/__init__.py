"""Embeddings, both ways (core/ports.Codec): OpenAI's, which Mistral and Voyage speak with differences, Gemini's, Cohere's, Ollama's.

Callers speak OpenAI's, Gemini's and Ollama's. Usage of bytes that pass unchanged is read by `openai_chat.py`, `gemini.py`, `cohere.py` and
`ollama.py`.
"""

from __future__ import annotations

from functools import partial

from trunkline.plugins.adapters.codec import DialectCodec
from trunkline.plugins.adapters.embed_codec import cohere, gemini, ollama, openai

OPENAI_EMBED = DialectCodec(
    "openai-embeddings",
    "embed",
    names={"inputs": "input", "purpose": "input_type", "titles": "title"},
    fields=(b"openai-",),
    read_request=openai.read_request,
    write_request=openai.write_request,
    read_reply=openai.read_reply,
    write_reply=openai.write_reply,
)
GEMINI_EMBED = DialectCodec(
    "gemini-embed",
    "embed",
    names={
        "inputs": "content",
        "dimensions": "outputDimensionality",
        "purpose": "taskType",
        "titles": "title",
        "truncate": "autoTruncate",
    },
    fields=(b"x-goog-", b"x-gemini-"),
    read_request=gemini.read_request,
    write_request=gemini.write_request,
    read_reply=gemini.read_reply,
    write_reply=gemini.write_reply,
    method=gemini.method,
)
OLLAMA_EMBED = DialectCodec(
    "ollama-embed",
    "embed",
    names={"inputs": "input"},
    fields=(),
    read_request=ollama.read_request,
    write_request=ollama.write_request,
    read_reply=ollama.read_reply,
    write_reply=ollama.write_reply,
)


def _of_vendors(variant: openai.Variant) -> DialectCodec:
    """Vendors that follow OpenAI and refuse or misread what its clients send: even those are translated."""
    return DialectCodec(
        variant.dialect,
        "embed",
        names={},
        fields=(),
        write_request=partial(openai.write_request, variant=variant),
        read_reply=openai.read_reply,
    )


EMBED: tuple[DialectCodec, ...] = (
    OPENAI_EMBED,
    GEMINI_EMBED,
    _of_vendors(openai.MISTRAL),
    _of_vendors(openai.VOYAGE),
    OLLAMA_EMBED,
    DialectCodec(
        cohere.OWN,
        "embed",
        names={},
        fields=(),
        write_request=cohere.write_request,
        read_reply=cohere.read_reply,
    ),
)
