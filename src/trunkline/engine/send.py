"""The head of the request that goes to the vendor: what of the caller's passes, what the registry adds, what never leaves.

Pure. Not for: the bytes of the body.
"""

from __future__ import annotations

from trunkline.core.call import Exchange, Target
from trunkline.core.text import HOP_BY_HOP

DROPPED = HOP_BY_HOP | frozenset(
    (
        b"host", b"content-length", b"expect", b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie", b"cookie2",
        b"accept-encoding", b"x-correlation-id", b"baggage", b"forwarded", b"via", b"x-real-ip", b"origin", b"referer", b"x-forwarded-for",
        b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-prefix", b"x-client-ip", b"true-client-ip",
        b"cf-connecting-ip", b"content_length", b"transfer_encoding",
    )
)  # fmt: skip
"""Never sent on: hop-by-hop fields, the caller's credentials and cookies, and what tells of the caller's network."""

_OURS = b"x-trunkline-"
_BROWSER = b"sec-"
_QUIET_CONNECTION = (None, b"keep-alive", b"close", b"Keep-Alive")


def head(exchange: Exchange, target: Target, length: int | None) -> bytes:
    """The whole request head for one attempt. `length` None: the body is sent chunked; -1: there is no body."""
    route = exchange.route
    assert route is not None
    live, member, request = target.live, target.member, exchange.request
    signer = member.signer
    query = route.query
    for extra in (live.fixed_query, signer.query):
        if extra:
            query = query + b"&" + extra if query else extra
    path = member.prefix + live.path_prefix + route.path
    parts = [route.method, b" ", path, b"?" + query if query else b"", b" HTTP/1.1\r\nhost: ", member.host, b"\r\n"]
    named = HOP_BY_HOP
    connection = request.fields.get(b"connection")
    if connection not in _QUIET_CONNECTION and connection is not None:
        named = frozenset(token.strip().lower() for token in connection.split(b","))
    for name, value in request.headers:
        if name in DROPPED or name.startswith(_OURS) or name in named or name.startswith(_BROWSER):
            continue
        parts += (name, b": ", value, b"\r\n")
    if live.fixed_fields:
        fields = request.fields
        parts += [line for name, line in live.fixed_fields if name not in fields]
    parts.append(signer.fields)
    parts.append(_encoding(exchange))
    parts.append(b"x-correlation-id: " + exchange.correlation_id.encode() + b"\r\n")
    if length is None:
        parts.append(b"transfer-encoding: chunked\r\n\r\n")
    elif length >= 0:
        parts.append(b"content-length: %d\r\n\r\n" % length)
    else:
        parts.append(b"\r\n")
    return b"".join(parts)


def _encoding(exchange: Exchange) -> bytes:
    """Only encodings that we can read where we must: none on model calls, gzip at most elsewhere."""
    route = exchange.route
    if (route is not None and route.dialect) or b"gzip" not in exchange.request.fields.get(b"accept-encoding", b""):
        return b"accept-encoding: identity\r\n"
    return b"accept-encoding: gzip\r\n"
