"""Which categories of data a body holds, and under which keys; of the values nothing is kept. Pure.

Not for: taking a body apart (`leaves.py`), nor for changing it (`rewrite.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from trunkline.core.data.leaves import Leaf, is_telling, leaves
from trunkline.core.data.text import EVERYTHING, Hit, find

_PACKED = re.compile(
    r"(?:data:[\w/+.;=-]{0,120};base64,)?[A-Za-z0-9+/=_-]{60,}+(?:\r?\n[A-Za-z0-9+/=_-]{40,}+)*+(?:\r?\n[A-Za-z0-9+/=_-]*+)?"
)


class Seen(NamedTuple):
    """A category and where in the body it stood; `path` is empty for a text without keys."""

    category: str
    path: str


def look(body: bytes, media: str, wanted: Collection[str] = EVERYTHING) -> Counter[Seen]:
    """The categories in a body, each with how often it was found under each path."""
    seen: Counter[Seen] = Counter()
    parts: dict[str, list[str]] = {}
    streamed = media.startswith(("text/event-stream", "application/x-ndjson"))
    for leaf in leaves(body, media):
        if streamed and leaf.kind == "string" and len(leaf.value) < 200:
            # A text that comes in pieces is looked at as a whole below.
            parts.setdefault(leaf.path, []).append(leaf.value)
        for hit in hits(leaf, wanted):
            seen[Seen(hit.category, leaf.path)] += 1
        for key in leaf.keys:
            if is_telling(key):
                seen.update(Seen(hit.category, leaf.path) for hit in find(key, wanted=wanted))
    for path, pieces in parts.items():
        if len(pieces) > 1:
            for hit in find("".join(pieces), wanted=wanted):
                seen.setdefault(Seen(hit.category, path), 1)
    return seen


def hits(leaf: Leaf, wanted: Collection[str] = EVERYTHING) -> list[Hit]:
    """What one value holds."""
    value = leaf.value
    if leaf.kind == "key":
        return find(value, wanted=wanted)
    if is_packed(value):
        return []
    return find(value, key=leaf.key, above=leaf.above, wanted=wanted)


def is_packed(value: str) -> bool:
    """Whether a text is a file in base64 from its begin to its end; it is not looked into."""
    return len(value) > 400 and _PACKED.fullmatch(value) is not None
