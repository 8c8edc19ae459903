"""Takes live credentials, and whatever looks like one, out of texts that people or logs will see. Pure.

By value: each live secret, as it is and as JSON, URL or base64 would write it. By form: keys that are not ours, e.g. one that
a vendor's error echoes. For every sink (records, error texts, samples, exports). Not for: bodies on their way to a caller.
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

KEY_SHAPED = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|pk|rk|ek|whsec)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9*_-]{12,}"
    r"|AIza[0-9A-Za-z_-]{30,}|ya29\.[0-9A-Za-z_-]{20,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|(?:gsk|fw|pcsk|ntn|secret|r8|hf|tl|tlb|tla|key)_[A-Za-z0-9_]{20,}|(?:xai|pplx)-[A-Za-z0-9]{20,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)?"
    r")"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
_AFTER_SCHEME = re.compile(r"(?i)\b((?:bearer|basic|token|api[-_ ]?key)[\s:=\"']+)([A-Za-z0-9._~+/=-]{16,})")


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
        if self._pattern is not None:
            text = self._pattern.sub(STANDS_FOR, text)
        text = KEY_SHAPED.sub(STANDS_FOR, text)
        return _AFTER_SCHEME.sub(rf"\1{STANDS_FOR}", text)

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
