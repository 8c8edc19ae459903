"""`POST /v1/parallel`: many calls in one request, a few at a time, their answers in order (F10).

Each goes the way of every call, as a call of its own by the same caller: its own limits, record and correlation id (`parent.n`).
One that fails is told in its place and stops no other. Not for: calls that depend on each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from trunkline.core.codec import to_json
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.ports import Inbound, Outbound
from trunkline.engine.gateway import Told
from trunkline.engine.heading import positive
from trunkline.engine.inside import Asked, Gathered, Room
from trunkline.engine.shape import answer
from trunkline.gateway.parallel_form import (
    OF_THE_WHOLE,
    Call,
    body_of,
    labels,
    own_fields,
    read,
    result,
    target_of,
)
from trunkline.plugins.policies.idempotency import HEADER, READS
from trunkline.plugins.policies.idempotency_whole import Claim, Whole

BODY_MAX = 16 << 20
"""Of the whole request, and of the answer to one call."""
ANSWERS_MAX = 64 << 20
"""Of all answers together."""
TOTAL_S = 600.0
"""Time for all calls together unless the request asks for less."""

JSON = b"content-type: application/json\r\n"

Handle = Callable[[Inbound, Outbound], None]


class Keys(NamedTuple):
    """How a request with an idempotency key gets one for each of its calls. `names`: fields in which calls may bring their own."""

    whole: Whole
    names: frozenset[bytes]


async def answered(
    handle: Handle,
    clock: Callable[[], float],
    wall: Callable[[], float],
    exchange: Exchange,
    keys: Keys | None = None,
) -> Told:
    """The answer to a request with several calls. Raises `invalid_request` or `request_too_large` for what is no such request, and
    what its idempotency key is refused with.
    """
    body = await _body(exchange)
    asked = read(body)
    given = exchange.request.fields.get(b"x-trunkline-timeout")
    total_s = min(TOTAL_S, positive(given, "x-trunkline-timeout")) if given else TOTAL_S
    claim = keys.whole.begin(exchange, body) if keys is not None else None
    many = Many(handle, clock, wall, exchange, exchange.started + total_s, claim, keys)
    try:
        replies = await many.run(asked.calls, asked.concurrency)
    finally:
        if keys is not None:
            keys.whole.end(claim)
    results = [
        await result(call, n, reply) for n, (call, reply) in enumerate(zip(asked.calls, replies, strict=True))
    ]
    failed = sum(one["status"] >= 400 or "cut" in one for one in results)
    return 200, JSON, to_json({"results": results, "succeeded": len(results) - failed, "failed": failed})


async def _body(exchange: Exchange) -> bytes:
    """The whole body; a long one is still arriving."""
    pieces, size = [exchange.body], len(exchange.body)
    if exchange.rest is not None:
        async for piece in exchange.rest:
            pieces.append(piece)
            size += len(piece)
            if size > BODY_MAX:
                text = f"POST /v1/parallel takes at most {BODY_MAX >> 20} MB; make fewer calls at once"
                raise CallError("request_too_large", text)
    return b"".join(pieces)


class Many:
    """The calls of one request while they run."""

    def __init__(
        self,
        handle: Handle,
        clock: Callable[[], float],
        wall: Callable[[], float],
        parent: Exchange,
        until: float,
        claim: Claim | None = None,
        keys: Keys | None = None,
    ) -> None:
        self._handle = handle
        self._clock = clock
        self._wall = wall
        self._parent = parent
        self._until = until
        self._claim = claim
        self._key_names = keys.names if keys is not None else frozenset()
        self._running: set[Gathered] = set()
        self._room = Room(ANSWERS_MAX)

    async def run(self, calls: list[Call], concurrency: int) -> list[Gathered]:
        """Makes all calls. When this is cancelled (the caller has hung up), those that run are given up."""
        waiting = iter(enumerate(calls))
        replies: list[Gathered | None] = [None] * len(calls)

        async def work() -> None:
            for n, call in waiting:
                replies[n] = await self._make(n, call)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(calls))):
                    group.create_task(work())
        finally:
            for reply in list(self._running):
                reply.give_up()
        return [reply for reply in replies if reply is not None]

    async def _make(self, n: int, call: Call) -> Gathered:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        reply = Gathered(partial(_set, done), BODY_MAX, self._room)
        try:
            request = self._request(n, call)
        except CallError as error:
            self._refuse(reply, n, error)
            return reply
        self._running.add(reply)
        try:
            self._handle(request, reply)
            await done
        finally:
            if reply.closed:
                self._running.discard(reply)
        if reply.outgrown:
            text = f"the answer is longer than {BODY_MAX >> 20} MB, or all together than {ANSWERS_MAX >> 20} MB; make this call by itself"
            reply = Gathered(lambda: None, BODY_MAX)
            self._refuse(reply, n, CallError("request_too_large", text))
        return reply

    def _request(self, n: int, call: Call) -> Asked:
        """One call as a request. Raises CallError."""
        left_s = self._until - self._clock()
        if left_s <= 0:
            raise CallError(
                "deadline_exceeded", "the time for all calls was over before this one", never_acted=True
            )
        target = target_of(call)
        own = list(own_fields(call))
        tighter = next((value for name, value in own if name == b"x-trunkline-timeout"), None)
        if tighter is not None:
            left_s = min(left_s, positive(tighter, "x-trunkline-timeout"))
        headers = [field for field in own if field[0] not in OF_THE_WHOLE]
        headers += [
            *labels(self._parent.request.headers, own),
            (b"x-trunkline-timeout", b"%.6f" % left_s),
            (b"x-correlation-id", self._correlation(n).encode()),
        ]
        if self._claim is not None and call.method not in READS and self._key_names.isdisjoint(dict(own)):
            headers.append((HEADER, self._claim.of(n)))
        return Asked(call.method, target, headers, body_of(call, headers), self._parent.request)

    def _correlation(self, n: int) -> str:
        return f"{self._parent.correlation_id[:120]}.{n + 1}"

    def _refuse(self, reply: Gathered, n: int, error: CallError) -> None:
        """A call that was not made, told as the gateway tells it."""
        correlation = self._correlation(n)
        status, fields, body = answer(
            error,
            style="normalized",
            dialect="",
            accept=b"",
            correlation_id=correlation,
            attempts=0,
            spent_usd=None,
            runbook="",
            should_retry=False,
            vendor_same_dialect=False,
            now=self._wall(),
        )
        lines = b"".join(b"%b: %b\r\n" % field for field in fields)
        reply.send(status, lines + b"x-correlation-id: %b\r\n" % correlation.encode(), body)


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
