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
_REMEMBERED = 2048


class HeadWriter:
    """Writes request heads. Remembers which field names pass, since callers send the same few over and over."""

    def __init__(self) -> None:
        self._passes: dict[bytes, bool] = {}

    def passes(self, name: bytes) -> bool:
        """Whether a caller's field goes to the vendor. Names are lower-case."""
        verdict = self._passes.get(name)
        if verdict is None:
            verdict = not (name in DROPPED or name.startswith((_OURS, _BROWSER)))
            if len(self._passes) < _REMEMBERED:
                self._passes[name] = verdict
        return verdict

    def head(self, exchange: Exchange, target: Target, length: int | None) -> bytes:
        """The whole head for one attempt. `length` None: the body is sent chunked; -1: there is no body."""
        live, member, request = target.live, target.member, exchange.request
        signer, query = member.signer, exchange.query
        if live.fixed_query:
            query = query + b"&" + live.fixed_query if query else live.fixed_query
        if signer.query:
            query = query + b"&" + signer.query if query else signer.query
        path = member.prefix + live.path_prefix + exchange.path
        parts = [
            exchange.method,
            b" ",
            path,
            b"?" + query if query else b"",
            b" HTTP/1.1\r\nhost: ",
            member.host,
            b"\r\n",
        ]
        known = self._passes
        headers = request.headers
        if request.fields.get(b"connection") not in _QUIET_CONNECTION:
            named = connection_named(request.fields[b"connection"])
            headers = [field for field in headers if field[0] not in named]
        for name, value in headers:
            verdict = known.get(name)
            if verdict is None:
                verdict = self.passes(name)
            if verdict:
                parts += (name, b": ", value, b"\r\n")
        if live.fixed_fields:
            fields = request.fields
            parts += [line for name, line in live.fixed_fields if name not in fields]
        parts.append(signer.fields)
        parts.append(_encoding(exchange))
        parts += (b"x-correlation-id: ", exchange.correlation_id.encode())
        if length is None:
            parts.append(b"\r\ntransfer-encoding: chunked\r\n\r\n")
        elif length >= 0:
            parts.append(b"\r\ncontent-length: %d\r\n\r\n" % length)
        else:
            parts.append(b"\r\n\r\n")
        return b"".join(parts)


def connection_named(value: bytes) -> frozenset[bytes]:
    """The fields that `Connection` names as hop-by-hop (RFC 9110 7.6.1)."""
    return frozenset(token.strip().lower() for token in value.split(b","))


def _encoding(exchange: Exchange) -> bytes:
    """Only encodings that we can read where we must: none on model calls, gzip at most elsewhere."""
    route = exchange.route
    if (route is not None and route.dialect) or b"gzip" not in exchange.request.fields.get(
        b"accept-encoding", b""
    ):
        return b"accept-encoding: identity\r\n"
    return b"accept-encoding: gzip\r\n"
