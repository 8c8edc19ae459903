"""Small questions about header values, names and instants that several parts ask; pure.

Not for: HTTP framing (`wire/guard.py`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

CORRELATION = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, ends of lines and what turns the direction of writing: none of it may act where a text of others is shown or logged."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""owasp.org/www-community/attacks/CSV_Injection."""

HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
"""RFC 9110 7.6.1, and the old names that still travel."""


def correlation_id(fields: dict[bytes, bytes]) -> str:
    """The caller's `x-correlation-id`, else the trace id of its `traceparent`, else empty (ruling 7)."""
    value = fields.get(b"x-correlation-id")
    if value is not None and CORRELATION.fullmatch(value):
        return value.decode()
    trace = fields.get(b"traceparent")
    if trace is not None:
        found = _TRACEPARENT.fullmatch(trace)
        if found is not None and found[1] != b"0" * 32:
            return found[1].decode()
    return ""


def printable(text: str) -> str:
    """The text on one line, with what does not show (and would act on a terminal) spelled as an escape."""
    if text.isprintable():
        return text
    return _UNSEEN.sub(lambda hit: hit[0].encode("unicode_escape").decode(), text)


def no_formula(text: str) -> str:
    """A cell of a table that a spreadsheet does not take for a formula, however callers name things."""
    return f"'{text}" if text[:1] in _FORMULA else text


def nearest(name: str, known: list[str]) -> str:
    """The known name that was probably meant, or empty."""
    import difflib

    found = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return found[0] if found else ""


def rfc3339(at: float) -> str:
    """An instant (epoch seconds) as text, in UTC and whole seconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
