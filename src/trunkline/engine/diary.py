"""Writes what happens to a call into the journal: begin and attempts before the first byte goes out, the end before the last
byte reaches the caller (design, promise 2).

Begin and End, of which each call writes one, are encoded from plain tuples in the order of `core/record.py`, which costs half of
what building the Structs does; a test decodes them as those Structs. Not for: reading records back (`ledger/`).
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.core.call import Target
from trunkline.core.codec import to_pack
from trunkline.core.data.kept import without_emails, without_persons
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.ports import Reading, Recorder
from trunkline.core.record import Again, Begin, Boot, Persons, Stop, Tried
from trunkline.core.spend import elsewhere

_MESSAGE_MAX = 500
_PATH_MAX = 512
_REMEMBERED = 256
_BEGIN_HEAD = b"\xdc" + (len(Begin.__struct_fields__) + 1).to_bytes(2)
"""MessagePack: an array of more than fifteen elements."""


class Diary:
    """The engine's side of the journal. `lost` counts records that could not be written where that is allowed (ruling 27)."""

    def __init__(
        self,
        journal: Recorder,
        boot: str,
        clock: Callable[[], float],
        wall: Callable[[], float],
        hashed: Callable[[str], str] = lambda identifier: "",
    ) -> None:
        """`hashed` gives the keyed hash of an identifier (plugins/policies/access.py)."""
        self._append = journal.append
        self._append_end = journal.append_end
        self._boot = boot
        self._clock = clock
        self._wall = wall
        self._hashed = hashed
        self.lost = 0

    def boot(self, pid: int, version: str) -> None:
        self._append(to_pack(Boot(self._boot, int(self._wall() * 1e6), pid, version)))

    def stop(self) -> None:
        self._append(to_pack(Stop(self._boot, int(self._wall() * 1e6))))

    def attempt(self, attempt: Attempt) -> None:
        """Before the first byte of an attempt.

        Raises CallError `store_unavailable` where an act, or a call under a hard budget, cannot be recorded (ruling 27).
        """
        exchange = attempt.exchange
        try:
            if not exchange.begun:
                self._begin(exchange, attempt)
            else:
                now = self._clock()
                at = int((exchange.started_wall + now - exchange.started) * 1e6)
                target, acts = attempt.target, exchange.repeat != "always"
                if attempt.beside is not None:
                    before = running(attempt.beside, now)
                else:
                    before = exchange.tried[-1] if exchange.tried else _NOT_TRIED
                again = Again(exchange.call_id, at, attempt.n, target.name, target.member.label, acts, before)
                self._append(to_pack(again))
        except OSError as problem:
            self._unrecorded(exchange, problem)

    def _unrecorded(self, exchange: Exchange, problem: OSError) -> None:
        self.lost += 1
        if exchange.repeat != "always" or exchange.billed:
            text = f"this call could not be recorded before it was sent: {problem}"
            raise CallError("store_unavailable", text) from None

    def begin(self, exchange: Exchange) -> None:
        """Before the first byte of a request that another call carries for this one (engine/batch.py). Raises as `attempt` does."""
        try:
            if not exchange.begun:
                self._begin(exchange, None)
        except OSError as problem:
            self._unrecorded(exchange, problem)

    def _begin(self, exchange: Exchange, attempt: Attempt | None) -> None:
        heading = exchange.heading
        target = attempt.target if attempt is not None else None
        if heading is None:
            shared, named = self._shared(exchange, target)
        else:
            key = (exchange.route, target, exchange.model)
            begun = heading.begun.get(key)
            if begun is None:
                begun = self._shared(exchange, target)
                if len(heading.begun) < _REMEMBERED:
                    heading.begun[key] = begun
            shared, named = begun
        own = to_pack(
            (
                "b",
                exchange.call_id,
                int(exchange.started_wall * 1e6),
                exchange.correlation_id,
                len(exchange.body) if exchange.rest is None else exchange.rest.length or 0,
                exchange.stream,
            )
        )
        self._append(_BEGIN_HEAD + own[1:] + shared)
        exchange.begun = True
        if exchange.persons or named:
            self._about(exchange, named)

    def _about(self, exchange: Exchange, named: tuple[str, ...]) -> None:
        """Whom it is about, those whom its path names included; only as hashes."""
        hashes = list(dict.fromkeys(map(self._hashed, (*exchange.persons, *named))))
        exchange.persons = ()
        self._append(to_pack(Persons(exchange.call_id, int(exchange.started_wall * 1e6), hashes)))

    def _shared(self, exchange: Exchange, target: Target | None) -> tuple[bytes, tuple[str, ...]]:
        """The columns of Begin that calls with one head by one route share, encoded, without the head of an array; and whom the path,
        which is kept without them, names.
        """
        route, caller = exchange.route, exchange.caller
        path = (exchange.path or exchange.request.target.partition(b"?")[0]).decode("latin-1")
        path, named = without_persons(path)
        columns = (
            path[:_PATH_MAX],
            exchange.feature,
            exchange.subject_hash,
            exchange.tags,
            self._boot,
            caller.id if caller is not None else "",
            caller.key.team if caller is not None else "",
            exchange.ingress,
            route.live.name if route is not None else "",
            exchange.operation.name if exchange.operation is not None else "",
            exchange.request.method,
            exchange.model,
            exchange.config_version,
            target.name if target is not None else "",
            target.member.label if target is not None else "",
            exchange.repeat != "always",
            route is not None and route.live.spec.simulated,
        )
        packed = to_pack(columns)
        return packed[1:] if len(columns) < 16 else packed[3:], named

    def end(self, exchange: Exchange) -> None:
        """Once per call of a known caller, before its last byte."""
        if exchange.over:
            return
        exchange.over = True
        if exchange.tariffs is not None and exchange.state == "error":
            exchange.cost_usd = 0.0  # vendors bill what they have done
        error, reading = exchange.error, exchange.reading or _NOTHING
        now = self._clock()
        first = exchange.first_byte_at
        record = (
            "e",
            exchange.call_id,
            int((exchange.started_wall + now - exchange.started) * 1e6),
            exchange.state,
            exchange.status,
            error.code if error is not None else "",
            without_emails(error.message)[:_MESSAGE_MAX] if error is not None else "",
            error.source if error is not None else "",
            int((now - exchange.started) * 1e6),
            int(((first or now) - exchange.started - exchange.vendor_wait) * 1e6),
            int((first - exchange.started) * 1e6) if first else 0,
            exchange.bytes_out,
            exchange.tried,
            exchange.served_model or reading.model,
            reading.input,
            reading.output,
            reading.cached,
            reading.cache_write,
            reading.reasoning,
            exchange.cost_usd,
            exchange.wasted_usd,
            reading.estimated,
            ";".join(exchange.notes) if exchange.notes else "",
            int(exchange.queued_s * 1e6) if exchange.queued_s else 0,
            elsewhere(exchange.wasted_at, exchange.tried[-1].target) if exchange.wasted_at else _NOWHERE,
            exchange.price_id,
            exchange.parts,
        )
        payload = to_pack(record)
        try:
            if not exchange.begun:
                self._begin(exchange, None)
            self._append(payload)
        except OSError:
            self._end_late(exchange, payload)

    def _end_late(self, exchange: Exchange, payload: bytes) -> None:
        """The disk is full: what has begun is ended in the room kept back for that."""
        try:
            if not exchange.begun:
                raise OSError("the call itself is not recorded")
            self._append_end(payload)
        except OSError:
            self.lost += 1


_NOTHING = Reading()
_NOWHERE: dict[str, float] = {}
_NOT_TRIED = Tried(0, "", "", 0, 0, 0, 0, 0, "", "", "", "", False)
"""Before the first attempt of a call that began as part of another's request."""


def tried(attempt: Attempt, now: float) -> Tried:
    """How an attempt ended, for the record."""
    exchange, error, target = attempt.exchange, attempt.error, attempt.target
    return Tried(
        attempt.n,
        target.name,
        target.member.label,
        int((attempt.started - exchange.started) * 1e6),
        int((attempt.connected_at - attempt.started) * 1e6) if attempt.connected_at else 0,
        int((attempt.first_byte_at - attempt.started) * 1e6) if attempt.first_byte_at else 0,
        int((now - attempt.started) * 1e6),
        attempt.status,
        error.code if error is not None else "",
        without_emails(error.message)[:_MESSAGE_MAX] if error is not None else "",
        error.vendor_code if error is not None else "",
        attempt.vendor_request_id,
        attempt.response is not None and attempt.response.sent,
    )


def running(attempt: Attempt, now: float) -> Tried:
    """An attempt that another one is about to run beside, as far as it is known then."""
    found = tried(attempt, now)
    if not found.code:
        found.code, found.message = "cancelled", "it was still running when the next attempt began"
    return found
