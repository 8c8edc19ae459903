"""Which header fields, and what of a query, pass through Trunkline; names are judged once and remembered.

Not for: the fields that Trunkline adds (`send.py`, `deliver.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.core.errors import CallError
from trunkline.core.text import HOP_BY_HOP

Field = tuple[bytes, bytes]
OURS = b"x-trunkline-"
_REMEMBERED = 2048
_QUIET_CONNECTION = (None, b"keep-alive", b"close", b"Keep-Alive", b"Close")

TO_VENDOR = HOP_BY_HOP | frozenset(
    (b"host", b"content-length", b"expect", b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie", b"cookie2",
     b"accept-encoding", b"x-correlation-id", b"baggage", b"forwarded", b"via", b"x-real-ip", b"origin", b"referer", b"x-forwarded-for",
     b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-prefix", b"x-client-ip", b"true-client-ip",
     b"cf-connecting-ip", b"content_length", b"transfer_encoding")
)  # fmt: skip
"""Never sent on: hop-by-hop fields, the caller's credentials and cookies, and what tells of the caller's network."""

TO_CALLER = HOP_BY_HOP | frozenset(
    (b"content-length", b"set-cookie", b"set-cookie2", b"alt-svc", b"strict-transport-security", b"x-correlation-id", b"expect-ct", b"nel",
     b"report-to", b"access-control-allow-origin", b"access-control-allow-credentials", b"access-control-expose-headers")
)  # fmt: skip
"""Never passed to the caller: hop-by-hop fields, cookies, and what speaks for the vendor's own site."""

RATE_LIMITS = frozenset(
    [b"ratelimit", b"ratelimit-policy", b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset"]
    + [b"x-ratelimit-%b-%b" % (part, unit) for part in (b"limit", b"remaining", b"reset") for unit in (b"requests", b"tokens")]
)  # fmt: skip
"""A vendor's fields of these names do not pass where ours are told: they speak of a limit that is not the caller's."""


class Filter:
    """Judges field names. Callers and vendors send the same few over and over, so verdicts are kept."""

    __slots__ = ("_dropped", "_prefixes", "verdicts")

    def __init__(self, dropped: Iterable[bytes], *prefixes: bytes) -> None:
        self._dropped = frozenset(dropped)
        self._prefixes = prefixes
        self.verdicts: dict[bytes, bool] = {}

    def passes(self, name: bytes) -> bool:
        """Whether a field of this name (lower-case) is passed on."""
        verdict = self.verdicts.get(name)
        if verdict is None:
            verdict = not (name in self._dropped or name.startswith(self._prefixes))
            if len(self.verdicts) < _REMEMBERED:
                self.verdicts[name] = verdict
        return verdict


def without_named(headers: list[Field], connection: bytes | None) -> list[Field]:
    """The headers without those that `Connection` names as hop-by-hop (RFC 9110 7.6.1)."""
    if connection in _QUIET_CONNECTION or connection is None:
        return headers
    named = frozenset(token.strip().lower() for token in connection.split(b","))
    return [field for field in headers if field[0] not in named]


def without_key(query: bytes, *, gemini: bool) -> bytes:
    """`?key=` is ours on Gemini routes and taken out; elsewhere it is the vendor's, unless it is a Trunkline key (ruling 15)."""
    if b"key=" not in query:
        return query
    parts = query.split(b"&")
    if gemini:
        return b"&".join(part for part in parts if not part.startswith(b"key="))
    if any(part.startswith((b"key=tl_", b"key=tlb_")) for part in parts):
        raise CallError(
            "invalid_request",
            "a Trunkline key stands in the query; send it in a header, e.g. `Authorization: Bearer tl_...`",
        )
    return query
