"""Embedding calls that come at nearly the same time, sent as one vendor request (F10). The last of the call policies.

Calls that agree in everything but their inputs are gathered for as long as the registry says (`batch_embeddings`), merged, and the
reply is split (`embeddings.py`). What the record says: each call has a record of its own with its share of tokens and cost. The
merged request stands once, as the attempts of one of them (note `batch=carries:N`); the others have no attempts and name that one
(`batch=in:CALL_ID`). Shares of calls that left before the reply stand as `wasted_usd` of the one that carries, so that all
records together come to what the vendor bills. When the vendor refuses the whole as a fault of its callers, or its reply cannot be
split, each call goes on alone. Not for: what a merged request is (`merged.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from trunkline.core.call import Route
from trunkline.core.canonical import digest
from trunkline.core.embedding import MOST_INPUTS
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.engine.diary import Diary
from trunkline.engine.dispatch import Dispatcher
from trunkline.engine.drive import Drive
from trunkline.engine.embeddings import BYTES_MAX, INPUTS_MAX, Part, part, split
from trunkline.engine.merged import Batch, Member, everybodys
from trunkline.engine.refusal import own_defect

SPLIT_HERE_MAX = 256 << 10
"""Longer replies are split in a thread."""

Later = Callable[[float, Callable[[], None]], Any]


class Batches:
    """The batches of one process."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        diary: Diary,
        relevant: Callable[[bytes], bool],
        *,
        clock: Callable[[], float],
    ) -> None:
        """`relevant` tells which header fields reach vendors and can change an answer."""
        self._dispatcher = dispatcher
        self._diary = diary
        self._relevant = relevant
        self._clock = clock
        self._open: dict[bytes, Batch] = {}
        self._waiting = 0
        self.later: Later = asyncio.get_running_loop().call_later
        self.running: set[Exchange] = set()
        """Where merged requests stand while they run, so that the kill switch finds them: the gateway's running calls."""
        self.merged = 0
        """Requests that were sent for several calls."""
        self.carried = 0
        """Calls that were answered so."""

    def concerns(self, exchange: Exchange) -> bool:
        """Embedding calls to integrations that say so; proxied ones pass byte for byte."""
        route = exchange.route
        assert route is not None
        return bool(route.live.spec.batch_embeddings) and route.dialect in INPUTS_MAX

    def admit(self, exchange: Exchange) -> Awaitable[None] | None:
        """Lets an embedding call wait for others like it."""
        route = exchange.route
        assert route is not None
        seconds = route.live.spec.batch_embeddings
        if not may_wait(exchange, seconds, self._clock()):
            return None
        own = part(exchange.dialect, exchange.path, exchange.body)
        return None if own is None else self._join(exchange, route, own, seconds)

    def settle(self, exchange: Exchange) -> None:
        """Nothing is held once the call has been answered."""

    def _join(self, exchange: Exchange, route: Route, own: Part, seconds: float) -> Awaitable[None] | None:
        inputs_max = _inputs_max(exchange, route)
        size = sum(len(bytes(one)) for one in own.inputs)
        if len(own.inputs) >= inputs_max or size >= BYTES_MAX:
            return None
        key = agreement(exchange, route, own, self._relevant)
        batch = self._open.get(key)
        if batch is not None and (
            batch.inputs + len(own.inputs) > inputs_max or batch.bytes + size > BYTES_MAX
        ):
            self._send(batch)
            batch = None
        if batch is None:
            batch = self._open[key] = Batch(key)
            batch.timer = self.later(seconds, partial(self._send, batch))
        member = Member(exchange, own, asyncio.get_running_loop().create_future())
        batch.members.append(member)
        batch.inputs += len(own.inputs)
        batch.bytes += size
        return self._wait(batch, member)

    async def _wait(self, batch: Batch, member: Member) -> None:
        member.waits = True
        exchange = member.exchange
        self._waiting += 1
        try:
            await self._outcome(batch, member)
        finally:
            self._waiting -= 1
            if batch.sent_at:
                exchange.vendor_wait += self._clock() - batch.sent_at
        if batch.error is not None:
            raise batch.error.twin()
        if member in batch.slices:
            batch.give(member)
            return
        if self._clock() >= exchange.deadline:
            raise out_of_time(exchange)

    async def _outcome(self, batch: Batch, member: Member) -> None:
        """Until the batch is over, or this call leaves. The one that carries stays: its record holds the attempts."""
        exchange = member.exchange
        try:
            async with asyncio.timeout(exchange.deadline - self._clock()):
                await asyncio.shield(member.done)
        except (TimeoutError, asyncio.CancelledError) as end:
            member.left = True
            self._leave(batch, member)
            if batch.carrier is member and not member.done.done():
                await asyncio.shield(member.done)
            batch.bill(member)
            if isinstance(end, asyncio.CancelledError):
                raise
            raise out_of_time(exchange) from None

    def _leave(self, batch: Batch, member: Member) -> None:
        """Ends what nobody waits for any more, and a request whose record's call was killed or out of time."""
        alone = all(one.gone for one in batch.members)
        if batch.whole is None:
            if alone:
                self._close(batch)
        elif alone or (batch.carrier is member and not member.exchange.gone):
            batch.abort()

    def _close(self, batch: Batch) -> None:
        """Nobody joins it any more."""
        if self._open.get(batch.key) is batch:
            del self._open[batch.key]
        batch.timer.cancel()

    def _send(self, batch: Batch) -> None:
        """The time of gathering is over."""
        self._close(batch)
        ready = [one for one in batch.members if not one.gone and not one.exchange.gone]
        if len(ready) < 2:
            release(batch.members)
            return
        # One that came in this very turn of the loop does not wait yet, and may still be dropped unseen.
        carrier = batch.carrier = max(ready, key=lambda one: (one.waits, one.exchange.deadline))
        batch.members, alone = [carrier], [one for one in batch.members if one not in ready]
        for member in ready:
            if member is not carrier:
                (batch.members if self._begun(member.exchange) else alone).append(member)
        release(alone)
        batch.sent_at = self._clock()
        whole = batch.merge(carrier)
        self.running.add(whole)
        self.merged += 1
        Drive(self._run(batch, whole), whole, asyncio.get_running_loop()).go()

    def _begun(self, exchange: Exchange) -> bool:
        """Records that a call begins; its own attempt would be refused where that cannot be done."""
        try:
            self._diary.begin(exchange)
        except CallError:
            return False
        return True

    async def _run(self, batch: Batch, whole: Exchange) -> None:
        """Lets nothing out, as Drive demands."""
        try:
            await self._dispatcher.run(whole)
            await self._divide(batch, whole)
        except CallError as error:
            batch.error = error if everybodys(error, whole) else None
        except asyncio.CancelledError:
            batch.error = None
        except Exception as defect:
            own_defect(defect)
        finally:
            self.running.discard(whole)
            whole.attempt = whole.task = None
            batch.end(whole)
            release(batch.members)

    async def _divide(self, batch: Batch, whole: Exchange) -> None:
        """Splits the reply; one that does not answer each input once leaves the calls to themselves."""
        kept = whole.kept
        if kept is None or kept.status != 200:
            return
        assert batch.carrier is not None
        given = (whole.dialect, batch.carrier.exchange.path, kept.body, batch.parts)
        try:
            if len(kept.body) > SPLIT_HERE_MAX:
                slices = await asyncio.to_thread(split, *given)
            else:
                slices = split(*given)
        except ValueError:
            return
        batch.slices = dict(zip(batch.members, slices, strict=True))
        self.carried += len(slices)

    def __repr__(self) -> str:
        return f"Batches(open={len(self._open)}, waiting={self._waiting})"


def _inputs_max(exchange: Exchange, route: Route) -> int:
    """As the registry says, but no more than a vendor of another dialect takes at all."""
    wanted = route.live.spec.batch_inputs or INPUTS_MAX[exchange.dialect]
    if exchange.translator is None:
        return wanted
    return min(wanted, MOST_INPUTS.get(exchange.translator.serves.dialect, wanted))


def may_wait(exchange: Exchange, seconds: float, now: float) -> bool:
    """Whether a call has the time to wait for others, and asks for nothing that would hold for it alone."""
    return (
        exchange.rest is None
        and exchange.tighter is None
        and not exchange.idempotency_key
        and exchange.deadline - now > 4 * seconds
    )


def out_of_time(exchange: Exchange) -> CallError:
    """A call whose time is over before the batch was."""
    text = f"the call's time of {exchange.timeout_s:g} s was over before the vendor had answered"
    return CallError("deadline_exceeded", text, scope="call")


def agreement(exchange: Exchange, route: Route, own: Part, relevant: Callable[[bytes], bool]) -> bytes:
    """What calls must agree in to be one request: whose they are, vendor, model, settings, header fields that the vendor sees."""
    caller = exchange.caller
    assert caller is not None
    team = b"" if caller.token_id else caller.key.team.encode()
    whose = (b"team", team) if team else (b"key", f"{caller.id} {caller.token_id}".encode())
    fields = sorted(field for field in exchange.request.headers if relevant(field[0]))
    parts = [
        *whose,
        f"{exchange.lane} {exchange.attempts_max} {exchange.config_version}".encode(),
        route.live.name.encode(),
        route.model.encode("utf-8", "surrogatepass"),
        exchange.model.encode("utf-8", "surrogatepass"),
        exchange.path,
        exchange.query,
        *(piece for field in fields for piece in field),
        own.agrees,
    ]
    return digest(parts)


def release(members: list[Member]) -> None:
    """Lets calls go on: with what the batch has for them, or alone."""
    for member in members:
        if not member.done.done():
            member.done.set_result(None)
