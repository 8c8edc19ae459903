"""Spends attempts on targets until one answer begins or nothing is left worth trying: one loop for all of it (design, promise 4).

What to do after a failure is decided in `plan.py`; here it is done.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from trunkline.core.call import Attempt, Exchange, Member, Target
from trunkline.core.errors import CallError
from trunkline.core.jsonspan import replace_model
from trunkline.core.ports import Policy, Reading, Response, Wire
from trunkline.engine import deliver
from trunkline.engine.body import Carried
from trunkline.engine.diary import Diary, cost_usd, tried
from trunkline.engine.plan import next_step, repeatable
from trunkline.engine.pool import pick
from trunkline.engine.relay import Relay
from trunkline.engine.send import head
from trunkline.engine.sweep import Sweeper
from trunkline.engine.traffic import Traffic

_STREAMED = b"text/event-stream"
_WHOLE_BELOW = 256 << 10


class Dispatcher:
    """Runs admitted calls."""

    def __init__(
        self,
        wire: Wire,
        diary: Diary,
        policies: Sequence[Policy[Attempt]],
        sweeper: Sweeper,
        traffic: Traffic,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        failed: Callable[[Exception], CallError],
    ) -> None:
        self._wire = wire
        self._diary = diary
        self._policies = policies
        self._sweeper = sweeper
        self._traffic = traffic
        self._clock = clock
        self._wall = wall
        self._failed = failed

    async def run(self, exchange: Exchange) -> None:
        """Returns when the answer has gone to the caller. Raises the CallError that the caller is to be told."""
        route = exchange.route
        assert route is not None
        live = route.live
        left: set[Member] = set()
        member = pick(live)
        n = 0
        while member is not None:
            n += 1
            target = Target(live, member, route.model)
            attempt = Attempt(exchange, target, n, self._clock())
            exchange.attempt = attempt
            try:
                await self._attempt(attempt)
                return
            except CallError as error:
                self._ended(attempt, error)
                if exchange.reply.started or exchange.gone:
                    raise
                others = pick_left(live.members, left, member)
                replayable = exchange.rest is None or not getattr(exchange.rest, "started", True)
                step = next_step(
                    error,
                    repeat=route.repeat,
                    has_key=bool(exchange.idempotency_key),
                    made=n,
                    attempts_max=exchange.attempts_max if replayable else n,
                    others_left=others,
                    retry=live.spec.retry,
                    wall=self._wall(),
                    remaining_s=exchange.deadline - self._clock(),
                    jitter=random.random(),
                )
                if not step.go:
                    raise self._final(exchange, attempt, error) from None
                if step.elsewhere:
                    left.add(member)
                    member = pick(live, left)
                elif step.delay_s > 0:
                    await asyncio.sleep(step.delay_s)
        raise CallError("misconfigured", f"integration {live.name!r} has no credential that may be used", scope="integration")

    def _ended(self, attempt: Attempt, error: CallError) -> None:
        attempt.error = error
        now = self._clock()
        attempt.exchange.tried.append(tried(attempt, now))
        if attempt.response is not None:
            self._traffic.note(attempt.target.live.name, error, now)

    @staticmethod
    def _final(exchange: Exchange, attempt: Attempt, error: CallError) -> CallError:
        """The failure as the caller should see it: an act without any answer has an unknown outcome."""
        route = exchange.route
        assert route is not None
        unanswered = attempt.status == 0 and attempt.response is not None and attempt.response.sent
        if not (unanswered and error.may_have_acted) or repeatable(error, route.repeat, bool(exchange.idempotency_key)):
            return error
        text = f"the request was sent to {attempt.target.live.name} and no answer came ({error.code}: {error.message}); it may have been carried out"
        return CallError("outcome_unknown", text, source=error.source, scope="call", vendor_code=error.vendor_code)

    async def _attempt(self, attempt: Attempt) -> None:
        member = attempt.target.member
        if member.problem is not None:
            raise CallError(member.problem.code, member.problem.message, scope=member.problem.scope)
        try:
            for policy in self._policies:
                waiting = policy.admit(attempt)
                if waiting is not None:
                    await waiting
                attempt.admitted += 1
            await self._send(attempt)
        except CallError as error:
            attempt.error = error
            raise
        finally:
            for policy in reversed(self._policies[: attempt.admitted]):
                policy.settle(attempt)

    async def _send(self, attempt: Attempt) -> None:
        exchange, target = attempt.exchange, attempt.target
        route = exchange.route
        assert route is not None
        body: bytes | Carried = exchange.rest if exchange.rest is not None else exchange.body
        if route.rewrite is not None:
            body = rewritten(body, route.model_asked, route.rewrite)
            exchange.body, exchange.rest = (body, None) if isinstance(body, bytes) else (b"", body)
            route.rewrite = None
        length = len(body) if isinstance(body, bytes) else body.length
        if length == 0 and exchange.request.method in ("GET", "HEAD", "OPTIONS", "DELETE") and b"content-length" not in exchange.request.fields:
            length = -1
        request_head = head(exchange, target, length)
        self._diary.attempt(attempt)
        sent_at = self._clock()
        response = self._wire.open(
            target.member.origin, route.method, request_head, body or None, connect_timeout_s=target.live.spec.timeout.connect
        )
        attempt.response = response
        self._sweeper.running.add(attempt)
        try:
            await response.ready
            now = self._clock()
            attempt.first_byte_at = now
            attempt.status = response.status
            exchange.vendor_wait += now - sent_at
            await self._answer(attempt, response)
        except CallError:
            exchange.vendor_wait += 0.0 if attempt.first_byte_at else self._clock() - sent_at
            raise
        except Exception as problem:
            exchange.vendor_wait += 0.0 if attempt.first_byte_at else self._clock() - sent_at
            error = self._failed(problem)
            error.source = target.live.name
            raise error from None
        finally:
            self._sweeper.running.discard(attempt)
            if not response.complete:
                response.abort()

    async def _answer(self, attempt: Attempt, response: Response) -> None:
        exchange = attempt.exchange
        route = exchange.route
        assert route is not None
        if response.status >= 300 or attempt.target.live.watch_ok:
            error = await deliver.failure(attempt, response, self._wall())
            if error is not None:
                raise error
        if not response.complete and await self._streams(attempt, response):
            await self._relay(attempt, response)
            return
        if deliver.suspicious(attempt, response):
            error = deliver.disguised(attempt, response, self._wall())
            if error is not None:
                raise error
        reading = await deliver.read_reply(attempt, response.body) if response.status < 300 else None
        self._account(exchange, attempt, reading)
        self._whole(exchange, attempt, response)

    async def _streams(self, attempt: Attempt, response: Response) -> bool:
        """Whether an answer that is not all here is passed on as it comes; else it is read to its end now."""
        kind = deliver.field(response.headers, b"content-type")
        if kind.startswith(_STREAMED):
            return True
        length = deliver.field(response.headers, b"content-length")
        route = attempt.exchange.route
        assert route is not None
        if route.adapter is not None and not route.stream:
            await response.read(deliver.WHOLE_MAX)
            return False
        if length and int(length) <= _WHOLE_BELOW:
            await response.read(_WHOLE_BELOW)
            return False
        return True

    def _account(self, exchange: Exchange, attempt: Attempt, reading: Reading | None) -> None:
        if reading is None:
            return
        exchange.reading = reading
        exchange.served_model = reading.model
        if attempt.target.model:
            exchange.cost_usd = cost_usd(attempt.target.live.prices.get(attempt.target.model), reading)

    def _whole(self, exchange: Exchange, attempt: Attempt, response: Response) -> None:
        body = response.body
        fields = deliver.answer_fields(attempt, response.headers)
        now = self._clock()
        exchange.first_byte_at = now
        fields += deliver.own_fields(exchange, attempt, now)
        exchange.status = response.status
        exchange.bytes_out = len(body)
        self._succeeded(exchange, attempt, now)
        exchange.reply.send(response.status, fields, body)

    def _succeeded(self, exchange: Exchange, attempt: Attempt, now: float) -> None:
        exchange.state = "cancelled" if exchange.gone else "ok"
        exchange.tried.append(tried(attempt, now))
        self._traffic.note(attempt.target.live.name, None, now)
        self._diary.end(exchange)

    async def _relay(self, attempt: Attempt, response: Response) -> None:
        exchange = attempt.exchange
        route = exchange.route
        assert route is not None
        streamed = deliver.field(response.headers, b"content-type").startswith(_STREAMED)
        adapter = route.adapter if streamed else None
        length = deliver.field(response.headers, b"content-length")

        def start() -> None:
            now = self._clock()
            exchange.first_byte_at = now
            exchange.status = response.status
            fields = deliver.answer_fields(attempt, response.headers) + deliver.own_fields(exchange, attempt, now)
            exchange.reply.start(response.status, fields, int(length) if length and adapter is None else None)

        relay = Relay(attempt, response, adapter, start, self._wall)
        exchange.reply.flow = relay.flow
        try:
            await response.relay(relay.events if adapter is not None else relay.raw)
        finally:
            exchange.reply.flow = None
            if adapter is not None:
                self._account(exchange, attempt, relay.reading)
        if relay.unfinished and relay.error is None:
            source = attempt.target.live.name
            raise CallError("network", f"{source} ended the stream without its proper end", source=source, vendor_status=response.status)
        if not relay.started:
            start()
        self._succeeded(exchange, attempt, self._clock())
        exchange.reply.end()


def pick_left(members: list[Member], left: set[Member], current: Member) -> bool:
    """Whether a pool still holds a member that was not tried."""
    return any(m is not current and m not in left and m.weight > 0 for m in members) if len(members) > 1 else False


def rewritten(body: bytes | Carried, asked: str, name: bytes) -> bytes | Carried:
    """The body with the vendor's model name in it."""
    if isinstance(body, bytes):
        return replace_model(body, asked, name) if body else body
    if "model" in body.members.found:
        body.put(name)
    return body
