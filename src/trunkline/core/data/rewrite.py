"""Blots categories of data out of a body: each hit is replaced by its category in brackets, everything else stays byte for byte. Pure.

    blotted(b'{"text": "mail jane@example.com"}', "application/json", {"pii.email"})
        ->  b'{"text": "mail [pii.email]"}', {"pii.email": 1}

A number of JSON becomes 0, so that it stays a number. Not for: deciding which categories (`plugins/policies/data_guard.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from urllib.parse import quote, quote_plus

from trunkline.core.codec import to_json
from trunkline.core.data.bodies import hits
from trunkline.core.data.leaves import Leaf, leaves
from trunkline.core.data.text import Hit, find


def stand_in(category: str) -> str:
    """What is written in the place of a hit."""
    return f"[{category}]"


def blotted(body: bytes, media: str, wanted: Collection[str]) -> tuple[bytes, Counter[str]]:
    """The body without these categories, and how often each was found; the same object if there were none.

    Raises Unreadable for a body that cannot be looked at to its end.
    """
    counts: Counter[str] = Counter()
    pieces: list[bytes] = []
    at = 0
    for leaf in leaves(body, media, strict=True):
        found = hits(leaf, wanted)
        if found:
            counts.update(hit.category for hit in found)
            pieces += (body[at : leaf.start], _written(leaf, found))
            at = leaf.end
    if not pieces:
        return body, counts
    return b"".join((*pieces, body[at:])), counts


def found_in(body: bytes, media: str, wanted: Collection[str]) -> set[str]:
    """Which of these categories a body holds. Raises Unreadable."""
    return {hit.category for leaf in leaves(body, media, strict=True) for hit in hits(leaf, wanted)}


def blotted_text(text: str, wanted: Collection[str]) -> tuple[str, Counter[str]]:
    """The same for a text alone."""
    found = find(text, wanted=wanted)
    return replaced(text, found), Counter(hit.category for hit in found)


def replaced(text: str, found: Sequence[Hit]) -> str:
    """A text with its hits blotted out."""
    pieces: list[str] = []
    at = 0
    for hit in found:
        pieces += (text[at : hit.start], stand_in(hit.category))
        at = hit.end
    return "".join((*pieces, text[at:]))


def _written(leaf: Leaf, found: Sequence[Hit]) -> bytes:
    if leaf.kind == "number":
        return b"0"
    text = replaced(leaf.value, found)
    if leaf.kind in ("string", "key"):
        return to_json(text)
    if leaf.kind == "form":
        return quote_plus(text).encode()
    return quote(text).encode() if leaf.kind == "quoted" else text.encode()
