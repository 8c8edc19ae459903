"""Documents that a caller shows: what they say, where that is plain text, and where a quote of one stands in it."""

from __future__ import annotations

import base64
import binascii

from trunkline.core.conversation import Media, Request


def words_of(part: Media) -> str:
    """The text of a document; empty where it is none, or is not at hand."""
    if part.kind != "document" or part.text or not part.mime.startswith("text/"):
        return part.text if part.kind == "document" else ""
    try:
        return base64.b64decode(part.data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def shown(asked: Request) -> list[Media]:
    """All documents of a request in their order, by which citations number them."""
    return [
        part
        for message in asked.messages
        for part in message.parts
        if isinstance(part, Media) and part.kind == "document"
    ]


def place_of(quote: str, paper: Media) -> int:
    """Where in a document a quote begins, in characters; 0 where its text is not at hand."""
    return max(words_of(paper).find(quote), 0)
