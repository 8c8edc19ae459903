"""What makes two calls the same for the cache: a key over everything that an answer can depend on. Pure.

Everything that reaches the vendor counts unless it is known to change nothing; forgetting a part would hand one caller's answer to
another. Parts are hashed with their lengths before them, so that no two lists of parts can run together into the same bytes.
Not for: how long an answer is kept (`cache.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from trunkline.core.call import Caller, Exchange, Live, Route
from trunkline.core.codec import to_pack

PARSED_MAX = 256 << 10
"""Longer bodies are not parsed on the loop: they count as the bytes that they are."""

IRRELEVANT = frozenset(
    (b"user-agent", b"traceparent", b"tracestate", b"b3", b"x-request-id", b"x-amzn-trace-id", b"x-cloud-trace-context",
     b"idempotency-key", b"date", b"priority", b"dnt", b"cache-control", b"pragma", b"upgrade-insecure-requests")
)  # fmt: skip
"""Fields that reach vendors and tell only of the client or of this one request."""
IRRELEVANT_PREFIXES = (b"x-stainless-", b"x-b3-", b"x-datadog-")

_NEGATIVE_ZERO = re.compile(rb"-0(?![\d.eE])")

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
        b"%d%d" % (exchange.stream, packed),
        b"%d" % len(fields),
        *(part for field in fields for part in field),
        canonical(exchange.body, is_json=b"json" in kind or bool(exchange.dialect)),
    ]
    return digest(parts)


def digest(parts: Iterable[bytes]) -> bytes:
    """BLAKE2b (RFC 7693) over the parts, each behind its length."""
    return blake2b(b"".join(len(part).to_bytes(8) + part for part in parts), digest_size=32).digest()


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


def canonical(body: bytes, *, is_json: bool) -> bytes:
    """A body so that equal JSON is equal bytes whatever its white space and order of members; anything doubtful stays as it is.

    Doubtful is what readers read in different ways: a member that stands twice, a number beyond 64 bits, -0, a lone surrogate.
    Fractions are kept as they are written.
    """
    if is_json and len(body) <= PARSED_MAX and not _NEGATIVE_ZERO.search(body):
        try:
            return b"j" + _packed(_decoder.decode(body.decode()))
        except (ValueError, TypeError, OverflowError, RecursionError):
            pass
    return b"r" + body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose members have different names. Raises ValueError."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _written(number: str) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(1, number.encode())


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_once, parse_float=_written, parse_constant=_refused)
_packed = msgspec.msgpack.Encoder(order="deterministic").encode
