"""What makes two calls the same for the cache: a key over everything that an answer can depend on. Pure.

Everything that reaches the vendor counts unless it is known to change nothing; forgetting a part would hand one caller's answer to
another. Not for: how long an answer is kept (`cache.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Literal

from trunkline.core.call import Caller, Live, Route
from trunkline.core.canonical import canonical, digest
from trunkline.core.codec import to_pack
from trunkline.core.exchange import Exchange

IRRELEVANT = frozenset(
    (b"user-agent", b"traceparent", b"tracestate", b"b3", b"x-request-id", b"x-amzn-trace-id", b"x-cloud-trace-context",
     b"idempotency-key", b"date", b"priority", b"dnt", b"cache-control", b"pragma", b"upgrade-insecure-requests")
)  # fmt: skip
"""Fields that reach vendors and tell only of the client or of this one request."""
IRRELEVANT_PREFIXES = (b"x-stainless-", b"x-b3-", b"x-datadog-")

Scope = Literal["key", "team", "all"]
Relevant = Callable[[bytes], bool]


def identity(exchange: Exchange, route: Route, scope: Scope, relevant: Relevant) -> bytes:
    """The key of a call. `relevant` tells whether a header field of this name both reaches vendors and can change an answer."""
    request, live = exchange.request, route.live
    assert exchange.caller is not None
    own = live.spec.idempotency
    repeated = own.header.lower().encode() if own is not None else b""
    fields = [(n, v) for n, v in request.headers if n != repeated and relevant(n)]
    fields.sort(key=lambda field: field[0])
    kind = request.fields.get(b"content-type", b"")
    # A proxied call is sent with `gzip` when its caller takes that, and the answer then comes so.
    packed = exchange.adapter is None and b"gzip" in request.fields.get(b"accept-encoding", b"")
    whose = sharing(exchange.caller, scope)
    parts = [
        contract(live),
        b"%d" % len(whose),
        *whose,
        exchange.method,
        exchange.path,
        exchange.query,
        exchange.ingress.encode(),
        exchange.dialect.encode(),
        route.model.encode("utf-8", "surrogatepass"),
        b"%d%d%d" % (exchange.stream, packed, exchange.array is not None),
        b"%d" % len(fields),
        *(part for field in fields for part in field),
        canonical(exchange.body, is_json=b"json" in kind or bool(exchange.dialect)),
    ]
    return digest(parts)


def contract(live: Live) -> bytes:
    """Which configuration of a service an answer was given under; worked out once."""
    if not live.contract:
        live.contract = blake2b(to_pack(live.spec), digest_size=32).digest()
    return live.contract


def sharing(caller: Caller, scope: Scope) -> tuple[bytes, ...]:
    """Whose answers a caller may be given. Keys without a team are no team; browsers share within one subject only."""
    if scope == "all":
        return (b"all",)
    if scope == "team" and caller.key.team:
        return (b"team", caller.key.team.encode())
    if caller.token_id:
        return (b"subject", caller.id.encode(), caller.subject.encode())
    return (b"key", caller.id.encode())
