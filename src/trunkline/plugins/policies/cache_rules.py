"""What may be kept, for how long, and which failure of one call is a failure of the calls that wait for it. Pure.

Not for: keeping (`cache_store.py`), nor for who waits for whom (`cache_flights.py`).
"""

from __future__ import annotations

from trunkline.core.call import Route
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.flow import Cache

_METHODS = (b"GET", b"POST")
_CONDITIONAL = frozenset(
    (b"range", b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range")
)
_STATUSES = frozenset((200, 203, 204))
_FORBIDDING = frozenset((b"no-store", b"private"))
_LASTING = frozenset(("size", "status", "private", "vary"))
_LANES = {"interactive": 0, "pipeline": 1, "batch": 2}
_SHARED = frozenset(
    ("circuit_open", "secret_unavailable", "misconfigured", "rate_limited", "concurrency_limited", "quota_exhausted",
     "queue_full", "queue_timeout")
)  # fmt: skip
"""Failures of our own that say something of the integration, not of the call that met them."""


def declared(exchange: Exchange, route: Route) -> Cache | None:
    """What the registry says of answers to this call: at its operation, its model, its integration. None: they are not kept.

    What is declared for a whole integration holds for its GETs and model calls: of other POSTs, though they may be repeated, many
    do something (cancel a job, mint a token), so that each must be declared by itself.
    """
    operation, spec = exchange.operation, route.live.spec
    if exchange.repeat != "always" or exchange.method not in _METHODS or exchange.rest is not None:
        return None
    fields = exchange.request.fields
    if not _CONDITIONAL.isdisjoint(fields):
        return None
    if not exchange.dialect and b"text/event-stream" in fields.get(b"accept", b""):
        return None  # a feed that may never end
    if operation is not None and operation.cache is not None:
        return operation.cache
    if exchange.dialect:
        name = route.model or exchange.model
        own = next((model.cache for model in spec.models if model.id == name), None)
        return own or spec.cache
    return spec.cache if exchange.method == b"GET" else None


def unkept(exchange: Exchange) -> str:
    """Why the answer to a call that has ended is not kept, in a word; empty if it is.

    What vendors say of keeping (RFC 9111, 5.2.2) holds, but for model calls: their vendors say it of all of them, and the registry
    was written by someone who knows that.
    """
    kept = exchange.kept
    if exchange.state != "ok":
        return "failed"
    if any(note.startswith(("fallback=", "repair=")) for note in exchange.notes):
        return "fallback"
    if kept is None:
        return "size" if exchange.answer is None else "fallback"
    if kept.status not in _STATUSES:
        return "status"
    if kept.private or (not exchange.dialect and _forbidden(kept.fields)):
        return "private"
    return "vary" if b"\r\nvary: *\r\n" in b"\r\n" + kept.fields else ""


def _forbidden(fields: bytes) -> bool:
    lines = [line[14:] for line in fields.lower().split(b"\r\n") if line.startswith(b"cache-control:")]
    said = {part.partition(b"=")[0].strip() for line in lines for part in line.split(b",")}
    return not _FORBIDDING.isdisjoint(said)


def lasting(reason: str) -> bool:
    """Whether the next answer to the same call will most likely not be kept either."""
    return reason in _LASTING


def kept_seconds(told: Cache, exchange: Exchange, route: Route) -> float:
    """For how long an answer may be of any use, as fresh or as stale one."""
    spec, operation = route.live.spec, exchange.operation
    fallbacks = [*spec.fallback, *((operation.fallback or ()) if operation is not None else ())]
    oldest = max((one.max_age for one in fallbacks if one.kind == "stale"), default=0.0)
    return max(told.ttl + max(told.stale_while_revalidate, told.stale_if_error), oldest)


def lasting_fields(fields: bytes) -> bytes:
    """The header lines of an answer without those that told of the moment when it was given."""
    lines = fields.split(b"\r\n")[:-1]
    return b"".join(line + b"\r\n" for line in lines if not _timely(line.partition(b":")[0]))


def _timely(name: bytes) -> bool:
    return b"ratelimit" in name or name in (b"retry-after", b"retry-after-ms", b"age", b"server-timing")


def same_failure(error: CallError, leader: Exchange, waiter: Exchange) -> CallError | None:
    """A failure of a leader as that of a call that waited for it; None where the leader itself was to blame.

    To blame are its hang-up, its money and rights, its haste (a limit of its own on time or attempts), its lane.
    """
    ours = error.source == "trunkline"
    if leader.gone or (ours and error.code not in _SHARED):
        return None
    if error.kind.who != "caller" and _hasty(leader):
        return None
    if ours and _LANES[waiter.lane] < _LANES[leader.lane]:
        return None
    return error.twin()


def _hasty(exchange: Exchange) -> bool:
    return any(
        name == b"x-trunkline-max-attempts" or name.startswith(b"x-trunkline-timeout")
        for name in exchange.request.fields
    )
