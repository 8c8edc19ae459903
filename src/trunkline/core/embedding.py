"""The canonical form of an embedding call: inputs, and a vector for each in their order.

Texts alone. Not for: conversations (`conversation.py`, `answer.py`), whose members that make no sense here stay empty.
"""

from __future__ import annotations

from typing import Literal

from trunkline.core.answer import Reply
from trunkline.core.conversation import Request, Untranslatable

Purpose = Literal["", "query", "document", "similarity", "classification", "clustering", "other"]
Truncate = Literal["", "end", "start", "none"]
Vector = list[int | float] | str
"""Numbers, or little-endian 32-bit floats in base64."""

MOST_INPUTS = {"cohere-embed": 96, "gemini-embed": 100}
"""Of one request, by the vendor's dialect (docs.cohere.com/reference/embed, ai.google.dev/api/embeddings). OpenAI takes 2048 and tells
so itself.
"""
_BYTES_PER_TOKEN = 4


class TooMany(Untranslatable):
    """More inputs than a vendor takes in one request; another may take them."""


class EmbedRequest(Request, kw_only=True):
    """What is to be embedded."""

    inputs: list[str | list[int]] = []
    """Texts, or tokens that only the vendor's own tokenizer makes sense of."""
    titles: list[str] = []
    """Of each text, where one was said; else empty."""
    dimensions: int | None = None
    """None: the model's own."""
    encoding: Literal["", "float", "base64"] = ""
    """In which the caller wants vectors; empty: not said, which means numbers."""
    purpose: Purpose = ""
    """What the vectors are for; empty: not said."""
    said_purpose: str = ""
    """The caller's own word for it."""
    truncate: Truncate = ""
    """What is to become of a text that is too long: its end or its beginning is cut, or the call refused; empty: as the vendor likes."""


class EmbedReply(Reply, kw_only=True):
    """The vectors, one for each input, in their order."""

    vectors: list[Vector] = []


def embed_request(request: Request) -> EmbedRequest:
    """Narrows what a codec of embeddings is given."""
    assert isinstance(request, EmbedRequest)
    return request


def embed_reply(reply: Reply) -> EmbedReply:
    """Narrows what a codec of embeddings is given."""
    assert isinstance(reply, EmbedReply)
    return reply


def texts(asked: EmbedRequest, dialect: str) -> list[str]:
    """The inputs for a vendor that takes none but texts, and perhaps not many. Raises Untranslatable."""
    most = MOST_INPUTS.get(dialect, len(asked.inputs))
    if len(asked.inputs) > most:
        text = f"it takes at most {most} texts in one call, not {len(asked.inputs)}; send them in several"
        raise TooMany(text, "inputs")
    if any(not isinstance(one, str) for one in asked.inputs):
        text = "tokens mean nothing to the model of another vendor; send the texts themselves"
        raise Untranslatable(text, "inputs")
    return [one for one in asked.inputs if isinstance(one, str)]


def guessed_tokens(asked: EmbedRequest) -> int:
    """Tokens of the inputs, about, where a vendor does not tell them."""
    return sum(
        max(1, len(one.encode("utf-8", "replace")) // _BYTES_PER_TOKEN) if isinstance(one, str) else len(one)
        for one in asked.inputs
    )
