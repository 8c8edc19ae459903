"""The head of the request that goes to the vendor: what of the caller's passes, what the registry adds, what never leaves.

Pure. Not for: the bytes of the body.
"""

from __future__ import annotations

from trunkline.core.call import Target
from trunkline.core.exchange import Exchange
from trunkline.engine.fields import OURS, TO_VENDOR, Filter, without_named
from trunkline.engine.json_array import as_events
from trunkline.engine.translate import passes_on


class HeadWriter:
    """Writes request heads."""

    def __init__(self) -> None:
        self._filter = Filter(TO_VENDOR, OURS, b"sec-")

    def head(self, exchange: Exchange, target: Target, length: int | None) -> bytes:
        """The whole head for one attempt. `length` None: the body is sent chunked; -1: there is no body."""
        starts: dict[Target, tuple[bytes, bytes]] = exchange.heading.starts
        path, start = starts.get(target, _NONE)
        if path is not exchange.path:
            start = self._start(exchange, target)
            starts[target] = (exchange.path, start)
        if length is None:
            end = b"\r\ntransfer-encoding: chunked\r\n\r\n"
        elif length >= 0:
            end = b"\r\ncontent-length: %d\r\n\r\n" % length
        else:
            end = b"\r\n\r\n"
        if exchange.idempotency_key and target.live.key_name:
            # Not in the start, which other calls with this head share: a minted key is new for each.
            end = b"\r\n%b: %b%b" % (target.live.key_name, exchange.idempotency_key, end)
        if exchange.translation is not None:
            end = b"\r\n" + exchange.translation.fields + b"content-type: application/json" + end
        return start + exchange.correlation_id.encode() + end

    def _start(self, exchange: Exchange, target: Target) -> bytes:
        """What is the same for every call with this head to this target: all up to the value of the correlation id."""
        live, member, request = target.live, target.member, exchange.request
        signer, query = member.signer, exchange.query
        if exchange.array is not None and exchange.translation is None:
            query = as_events(query)
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
        headers = without_named(request.headers, request.fields.get(b"connection"))
        if exchange.translation is not None:
            headers = [f for f in headers if passes_on(f[0], exchange.translation.translator)]
        for name, value in headers:
            if self._filter.passes(name) and name not in live.key_names:
                parts += (name, b": ", value, b"\r\n")
        parts += [line for name, line in live.fixed_fields if name not in request.fields]
        parts += (signer.fields, _encoding(exchange), b"x-correlation-id: ")
        return b"".join(parts)


_NONE = (b"", b"")


def _encoding(exchange: Exchange) -> bytes:
    """Only encodings that we can read where we must: none on model calls, gzip at most elsewhere."""
    if exchange.adapter is not None or b"gzip" not in exchange.request.fields.get(b"accept-encoding", b""):
        return b"accept-encoding: identity\r\n"
    return b"accept-encoding: gzip\r\n"
