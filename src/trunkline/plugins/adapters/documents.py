"""Documents that a caller shows: what they say, where that is plain text, and where a quote of one stands in it."""

from __future__ import annotations

import base64
import binascii

from trunkline.core.conversation import Citation, Media, Request


def words_of(part: Media) -> str:
    """The text of a document; empty where it is none, or is not at hand."""
    if part.kind != "document" or part.text or not part.mime.startswith("text/"):
        return part.text if part.kind == "document" else ""
    try:
        return base64.b64decode(part.data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def place_of(one: Citation, asked: Request) -> int:
    """Where in the request's document the quote begins, in characters; 0 where its text is not at hand."""
    shown = (part for message in asked.messages for part in message.parts)
    papers = [part for part in shown if isinstance(part, Media) and part.kind == "document"]
    text = words_of(papers[one.document]) if one.document < len(papers) else ""
    return max(text.find(one.quote), 0)
