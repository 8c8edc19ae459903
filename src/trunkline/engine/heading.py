"""What the head of a request decides: who calls, what path they name, under which labels. Worked out once and kept with the
head, since a client repeats its head with every request on a kept connection (`memo` of wire/request.py).

Valid while the same callers and the same world are live and the key has not expired. Not for: anything that the body decides.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from trunkline.core.call import Route, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.flow import Lane
from trunkline.core.ports import Policy
from trunkline.core.service import LANES, Operation, Repeat

if TYPE_CHECKING:
    from trunkline.engine.endpoints import Named
    from trunkline.engine.world import World

NEVER: Repeat = "never"
_TIGHTER = (b"x-trunkline-timeout-connect", b"x-trunkline-timeout-first-byte", b"x-trunkline-timeout-idle")
_REMEMBERED = 256
_LABELS = {
    each.name: each.default
    for each in fields(Exchange)
    if each.name in ("extra", "feature", "tags", "subject_hash", "error_style", "lane", "ingress", "query")
}


@dataclass(slots=True, eq=False)
class Bounds:
    """The time, the attempts and the repeats of a call by one route: the registry's, tightened by the head."""

    repeat: Repeat
    timeout_s: float
    attempts_max: int
    idempotency_key: bytes
    tighter: tuple[float, float, float] | None
    """The caller's own limits: connect, first byte, idle."""
    policies: tuple[Policy[Exchange], ...] | None = None
    """Those that have a say; None until they were asked."""


class Heading:
    """The verdicts on one head. `epoch` is that of the callers, `expires_at` epoch seconds."""

    __slots__ = (
        "begun",
        "bounds",
        "caller",
        "correlation_id",
        "epoch",
        "expires_at",
        "labels",
        "method",
        "named",
        "operation",
        "path",
        "query",
        "route",
        "starts",
        "world",
    )

    def __init__(self, exchange: Exchange, world: World, epoch: object, named: Named | None) -> None:
        """Keeps what was set on `exchange`."""
        caller = exchange.caller
        assert caller is not None
        self.world = world
        self.epoch = epoch
        self.caller = caller
        self.expires_at = caller.key.expires_at or float("inf")
        self.method = exchange.method
        self.correlation_id = "" if exchange.correlation_id is exchange.call_id else exchange.correlation_id
        self.labels: list[tuple[str, Any]] = [
            (name, value)
            for name, default in _LABELS.items()
            if (value := getattr(exchange, name)) != default
        ]
        """What differs from an exchange's defaults."""
        self.named = named
        """The model endpoint; else `route`, `path` and `operation` are those of the proxied call."""
        self.route: Route | None = None
        self.path = b""
        self.query = exchange.query
        """The caller's, as it may be sent on."""
        self.operation: Operation | None = None
        self.bounds: dict[tuple[Route, str], Bounds] = {}
        """By route and model."""
        self.begun: dict[object, tuple[bytes, tuple[str, ...]]] = {}
        """Encoded columns of the journal that calls with this head share, and whom its path names (engine/diary.py)."""
        self.starts: dict[Target, tuple[bytes, bytes]] = {}
        """By target: a path, and the beginning of the head that goes to the vendor for it (engine/send.py)."""

    def apply(self, exchange: Exchange) -> None:
        """Sets on another call with the same head what was set on the first."""
        exchange.caller = self.caller
        exchange.method = self.method
        exchange.config_version = self.world.version
        if self.correlation_id:
            exchange.correlation_id = self.correlation_id
        for name, value in self.labels:
            setattr(exchange, name, value)

    def bound(self, named: tuple[Route, str], exchange: Exchange) -> Bounds:
        """The bounds of calls by a route, kept for the next. Raises CallError for header values that make no sense."""
        spec, operation, fields = named[0].live.spec, exchange.operation, exchange.request.fields
        total, repeat = spec.timeout.total, NEVER
        if operation is not None:
            repeat = operation.repeat
            total = operation.timeout or total
        if b"x-trunkline-timeout" in fields:
            total = min(total, positive(fields[b"x-trunkline-timeout"], "x-trunkline-timeout"))
        attempts = spec.retry.attempts
        if b"x-trunkline-max-attempts" in fields:
            asked = positive(fields[b"x-trunkline-max-attempts"], "x-trunkline-max-attempts")
            attempts = max(1, min(attempts, int(asked)))
        key = b""
        if spec.idempotency is not None:
            key = fields.get(spec.idempotency.header.lower().encode(), b"")
        bounds = Bounds(repeat, total, attempts, key, tighter(fields))
        if len(self.bounds) < _REMEMBERED:
            self.bounds[named] = bounds
        return bounds


def tighter(fields: dict[bytes, bytes]) -> tuple[float, float, float] | None:
    """What the caller allows for connecting, the first byte and between two; what it does not name is unbounded."""
    if not any(name in fields for name in _TIGHTER):
        return None
    connect, first_byte, idle = (
        positive(fields[name], name.decode()) if name in fields else float("inf") for name in _TIGHTER
    )
    return connect, first_byte, idle


def lowered(lane: Lane, asked: bytes | None) -> Lane:
    """The lane of a call: its key's, or the lower one that it asks for (ruling 5). Raises CallError `invalid_request`."""
    if asked is None:
        return lane
    wanted = asked.decode("ascii", "replace").strip().lower()
    if wanted not in LANES:
        name = "x-trunkline-priority"
        raise CallError(
            "invalid_request", f"{name} takes {', '.join(LANES)}, not {wanted[:40]!r}", param=name
        )
    return LANES[max(LANES.index(lane), LANES.index(wanted))]


def positive(value: bytes, name: str) -> float:
    """A header's number. Raises CallError `invalid_request`."""
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0.0 < number < 1e9:
        raise CallError(
            "invalid_request",
            f"{name} takes a number above 0, not {value[:40].decode('latin-1')!r}",
            param=name,
        )
    return number
