"""Takes live credentials out of texts that people or logs will see, by their values. Pure.

Each secret in every form in which a text may hold it: as it is and as JSON, URL or base64 would write it. For every sink
(records, error texts, samples, exports). Not for: keys that we do not know, told by their form (`engine/scrub.py`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

STANDS_FOR = "***"
SHORTEST = 6
"""Shorter values would blank out ordinary words; they are no secrets that anything could keep."""


class Scrubber:
    """Knows the live secrets of one moment; make a new one when they change. Its repr tells only how many."""

    __slots__ = ("_count", "_pattern")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= SHORTEST}
        forms = sorted({form for secret in known for form in written(secret)}, key=len, reverse=True)
        self._count = len(known)
        self._pattern = re.compile("|".join(map(re.escape, forms))) if forms else None

    def __repr__(self) -> str:
        return f"Scrubber({self._count} secrets)"

    def text(self, text: str) -> str:
        """The text without credentials."""
        return text if self._pattern is None else self._pattern.sub(STANDS_FOR, text)

    def bytes(self, data: bytes) -> bytes:
        """Likewise for bytes of any encoding that holds ASCII as it is."""
        return self.text(data.decode("latin-1")).encode("latin-1")


def written(secret: str) -> Iterator[str]:
    """A secret in each form in which it may stand in a text; base64 at each of the three alignments."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield secret.encode("utf-8", "surrogateescape").decode("latin-1")
    raw = secret.encode("utf-8", "surrogateescape")
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        # The first and last characters mix with what stands before and after; the middle is the secret's alone.
        middle = encoded[(0, 2, 3)[shift] : len(encoded) - (0, 3, 2)[(shift + len(raw)) % 3]]
        if len(middle) >= SHORTEST:
            yield middle
            yield middle.replace("+", "-").replace("/", "_")
