"""One vendor request made of several calls: what it is copied from, what each call gets of its outcome. No waiting, no timers.

Its attempts are those of one of the calls, the carrier. Not for: gathering calls and sending it (`batch.py`).
"""

from __future__ import annotations

import asyncio
import copy
from typing import Any

from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.ports import Reading
from trunkline.core.pricing import FEMTO, bill
from trunkline.engine.embeddings import Part, Slice, merged, shares
from trunkline.engine.inside import Gathered

REPLY_MAX = 16 << 20
_COUNTS = ("input", "output", "cached", "cache_write", "reasoning")


class Member:
    """A call in a batch."""

    __slots__ = ("done", "exchange", "left", "part", "waits")

    def __init__(self, exchange: Exchange, own: Part, done: asyncio.Future[None]) -> None:
        self.exchange = exchange
        self.part = own
        self.done = done
        self.waits = False
        """Its task has come to wait for the batch."""
        self.left = False
        """It has ended without waiting for the reply."""

    @property
    def gone(self) -> bool:
        return self.left or self.exchange.over


class Batch:
    """Calls that are gathered, then one request, then its outcome. `key` is what they agree in."""

    __slots__ = (
        "bytes",
        "carrier",
        "error",
        "inputs",
        "key",
        "lost",
        "members",
        "sent_at",
        "slices",
        "timer",
        "whole",
    )

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.members: list[Member] = []
        self.inputs = 0
        self.bytes = 0
        self.timer: Any = None
        self.carrier: Member | None = None
        self.whole: Exchange | None = None
        """The merged request."""
        self.sent_at = 0.0
        self.slices: dict[Member, Slice] = {}
        self.error: CallError | None = None
        """What became of it: the slices, or a failure that all share, or neither: each goes on alone."""
        self.lost: list[Member] = []
        """Members that had left when the reply came."""

    @property
    def parts(self) -> list[Part]:
        return [one.part for one in self.members]

    def merge(self, carrier: Member) -> Exchange:
        """The merged request: a copy of the call that carries it, with the same id, caller and list of attempts."""
        first = carrier.exchange
        assert first.route is not None
        whole = self.whole = copy.copy(first)
        whole.path, whole.body = merged(first.dialect, first.path, first.route.model, first.body, self.parts)
        whole.reply = Gathered(lambda: None, REPLY_MAX)
        whole.merged = whole.over = True  # its end is told by the calls that it is made of
        whole.keep, whole.kept = REPLY_MAX, None
        whole.notes, whole.extra = (), b""
        whole.intent = whole.counted = whole.reserved = whole.task = whole.attempt = None
        whole.vendor_wait = whole.wasted_usd = whole.queued_s = 0.0
        whole.wasted_at = ()
        return whole

    def end(self, whole: Exchange) -> None:
        """The request is over: what it has left behind goes to the record of the call that carries it."""
        assert self.carrier is not None
        own = self.carrier.exchange
        own.begun = own.begun or whole.begun
        own.wasted_usd += whole.wasted_usd
        own.wasted_at += whole.wasted_at
        own.queued_s += whole.queued_s
        own.notes += (f"batch=carries:{len(self.members)}", *whole.notes)
        # Should it go on alone, its attempts so far do not count against it.
        own.attempts_max += len(own.tried)
        self.lost = [one for one in self.members if one.gone and one is not self.carrier]

    def abort(self) -> None:
        """Gives the request up."""
        whole = self.whole
        assert whole is not None
        attempt = whole.attempt
        if attempt is not None and attempt.response is not None and attempt.error is None:
            attempt.response.abort(CallError("cancelled", "nobody waits for this answer any more"))
        elif whole.task is not None:
            whole.task.cancel()

    def give(self, member: Member) -> None:
        """Answers a call with its share of the reply."""
        whole, exchange = self.whole, member.exchange
        assert whole is not None
        assert whole.kept is not None
        assert self.carrier is not None
        self.bill(member)
        exchange.answer = Answer(200, whole.kept.fields, self.slices[member].body, whole.kept.private)
        exchange.extra += whole.extra
        if exchange.keep >= len(exchange.answer.body):
            exchange.kept = exchange.answer
        if member is not self.carrier:
            exchange.notes += (f"batch=in:{self.carrier.exchange.call_id}",)

    def bill(self, member: Member) -> None:
        """Sets a call's share of tokens and cost; the carrier's record also has what the shares of those cost that have left."""
        whole, exchange = self.whole, member.exchange
        if whole is None or whole.reading is None or member not in self.slices:
            return
        readings = self._readings(whole.reading)
        exchange.reading, exchange.served_model = readings[member], whole.served_model
        billed = bill(exchange.rates, readings[member])
        if billed is None:
            return
        exchange.cost_usd, exchange.parts, exchange.price_id = billed.cost_usd, billed.parts, billed.price_id
        if member is self.carrier:
            lost = (bill(exchange.rates, readings[one]) for one in self.lost)
            exchange.wasted_usd += sum(one.cost_usd for one in lost if one is not None)

    def _readings(self, told: Reading) -> dict[Member, Reading]:
        """The usage of the whole in the same proportions in which the bodies have it."""
        weights = [sum(one.part.weights) for one in self.members]
        columns = {name: shares(max(0, getattr(told, name)), weights) for name in _COUNTS}
        told_usd = shares(round(max(0.0, told.told_usd) * FEMTO), weights)
        found = {}
        for n, member in enumerate(self.members):
            reading = found[member] = Reading()
            reading.tier, reading.estimated = told.tier, told.estimated
            if told.told_usd >= 0:
                reading.told_usd = told_usd[n] / FEMTO
            reading.model, reading.finished, reading.plain = told.model, True, True
            for name, column in columns.items():
                setattr(reading, name, column[n] if getattr(told, name) >= 0 else -1)
        return found


def everybodys(error: CallError, whole: Exchange) -> bool:
    """Whether the failure of the whole is that of each of its calls: the vendor is in trouble, and nobody has another way."""
    route, operation = whole.route, whole.operation
    assert route is not None
    other_ways = (
        route.chain or route.live.caches or (operation is not None and operation.fallback is not None)
    )
    return not other_ways and error.kind.who != "caller"
