"""Spends attempts on targets until one answer begins or nothing is left worth trying: one loop for all of it (design, promise 4).

What to do after a failure is decided in `plan.py` and prepared in `onward.py`; here attempts are made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from trunkline.core.call import Member
from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Attempt, Exchange
from trunkline.core.jsonspan import replace_model
from trunkline.core.ports import Policy, Response, Wire
from trunkline.core.stored import BOUND
from trunkline.engine.affinity import Affinity
from trunkline.engine.body import Carried
from trunkline.engine.costs import throw_away
from trunkline.engine.deliver import Deliverer
from trunkline.engine.diary import Diary, tried
from trunkline.engine.drive import arrival, in_task
from trunkline.engine.embeddings import renamed
from trunkline.engine.fallback import Fallbacks, bound
from trunkline.engine.lifecycle import LIFECYCLE
from trunkline.engine.onward import Onward
from trunkline.engine.pool import aim, pick
from trunkline.engine.race import Hedges
from trunkline.engine.reply import PARSED_MAX, request_id
from trunkline.engine.send import HeadWriter
from trunkline.engine.sweep import Sweeper
from trunkline.engine.translate_call import translate

_BODILESS = (b"GET", b"HEAD", b"OPTIONS", b"DELETE")


class Dispatcher:
    """Runs admitted calls."""

    def __init__(
        self,
        wire: Wire,
        diary: Diary,
        policies: Sequence[Policy[Attempt]],
        sweeper: Sweeper,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        failed: Callable[[Exception], CallError],
        unknown: Callable[[CallError], None] = lambda _: None,
        fallbacks: Fallbacks | None = None,
        noticed: Callable[[Attempt, Response], None] = lambda attempt, response: None,
    ) -> None:
        """`failed` says what a failure of the wire means; `unknown` is told answers that no rule knows (E3), `noticed` those that
        say something of the life of the vendor's API.
        """
        self.adopt(wire, policies)
        self._diary = diary
        self._sweeper = sweeper
        self._clock = clock
        self._wall = wall
        self._failed = failed
        self._unknown = unknown
        self._heads = HeadWriter()
        self._noticed = noticed
        self._deliverer = Deliverer(diary, clock, wall, noticed)
        self._whole = self._deliverer.whole
        fallbacks = fallbacks or Fallbacks(wall=wall)
        self._affinity = Affinity(fallbacks)
        self._onward = Onward(fallbacks, self._deliverer.give, clock=clock, wall=wall)
        self._hedges = Hedges(
            self._beside, self._attempt, self._ended, affords=fallbacks.affords, clock=clock, wall=wall
        )

    def adopt(self, wire: Wire, policies: Sequence[Policy[Attempt]]) -> None:
        """From now on attempts pass these policies and go out by this wire. Policies may be added at the end, never taken away:
        attempts that run settle as many as admitted them.
        """
        self._wire = wire
        self._admit = tuple(policy.admit for policy in policies)
        self._settle = tuple(policy.settle for policy in reversed(policies))

    def give(self, exchange: Exchange, answer: Answer) -> None:
        """Answers a call without a vendor, as a policy decided."""
        self._deliverer.give(exchange, answer)

    async def run(self, exchange: Exchange) -> None:
        """Returns when the answer has gone to the caller. Raises the CallError that the caller is to be told."""
        route = exchange.route
        assert route is not None
        target = self._affinity.first(exchange) if self._affinity.places or exchange.home else None
        if target is None:
            member = pick(route.live, (), route.model)
            if member is None:
                text = f"integration {route.live.name!r} has no credential that may be used"
                raise CallError("misconfigured", text, scope="integration")
            target = member.targets.get(route.model) or aim(route.live, member, route.model)
        route.live.calls += 1
        n = len(exchange.tried) + 1  # after those of a merged request that it carried (batch.py)
        attempt: Attempt | None = Attempt(exchange, target, n, self._clock())
        trail = None
        while attempt is not None:
            exchange.attempt = attempt
            failure: CallError | None = None
            try:
                await self._attempt(attempt)
            except CallError as error:
                let_go(error)
                self._ended(attempt, error)
                failure = error
            except asyncio.CancelledError:
                self._ended(attempt, attempt.error or CallError("cancelled", "the call was cancelled"))
                await self._alone(exchange)
                raise
            except Exception:
                await self._alone(exchange)
                raise
            if exchange.race is not None:
                failure = await exchange.race.over(failure)
                attempt = exchange.attempt
            if failure is None:
                if exchange.dialect in BOUND:
                    self._affinity.learn(exchange)
                return
            if exchange.reply.started or exchange.gone:
                raise failure
            trail = trail or self._onward.trail(exchange)
            attempt = await self._onward.after(trail, attempt, failure)

    @staticmethod
    async def _alone(exchange: Exchange) -> None:
        """The call ends by force: nothing of it stays behind."""
        if exchange.race is not None:
            await exchange.race.drop()

    def _ended(self, attempt: Attempt, error: CallError) -> None:
        """An attempt has failed: into the record with it, once."""
        if attempt.recorded:
            return
        attempt.recorded = True
        exchange, response, now = attempt.exchange, attempt.response, self._clock()
        if response is not None:
            attempt.vendor_request_id = attempt.vendor_request_id or request_id(response)
            if not LIFECYCLE.isdisjoint(response.fields):
                self._noticed(attempt, response)
            if not attempt.first_byte_at:
                exchange.vendor_wait += now - attempt.sent_at
        error.vendor_request_id = error.vendor_request_id or attempt.vendor_request_id
        attempt.vendor_request_id = attempt.vendor_request_id or error.vendor_request_id
        exchange.tried.append(tried(attempt, now))
        throw_away(attempt, error)
        if error.status and error.confidence == "low":
            self._unknown(error)

    def _beside(self, first: Attempt) -> Attempt:
        """The attempt that runs beside one that is late: at another member of the pool, if there is one."""
        live, exchange = first.target.live, first.exchange
        member = None if bound(exchange) else pick(live, {first.target.member}, first.target.model)
        target = first.target if member is None else aim(live, member, first.target.model)
        second = Attempt(exchange, target, first.n + 1, self._clock())
        second.beside = first
        return second

    async def _attempt(self, attempt: Attempt) -> None:
        """Admits, sends, brings the answer to the caller, settles. Raises CallError, which then also stands on the attempt."""
        response: Response | None = None
        admitted = 0
        exchange = attempt.exchange
        try:
            if attempt.target.member.problem is not None or exchange.translator is not None:
                await self._ready(attempt)
            for admit in self._admit:
                waiting = admit(attempt)
                if waiting is not None:
                    await in_task()
                    await self._in_time(exchange, waiting)
                admitted += 1
            response = self._open(attempt)
            await arrival(response)
            self._arrived(attempt, response)
            if (
                response.complete
                and not exchange.stream
                and response.status < 300
                and not attempt.target.live.watch_ok
                and len(response.body) <= PARSED_MAX
            ):
                self._whole(exchange, attempt, response)
            else:
                await self._deliverer.answer(attempt, response)
        except CallError as error:
            attempt.error = error
            raise
        except asyncio.CancelledError:
            attempt.error = CallError("cancelled", "the call was cancelled before the answer was complete")
            raise
        except Exception as problem:
            failure = attempt.error = self._failed(problem)
            failure.source = attempt.target.live.name
            raise failure from None
        finally:
            if response is not None:
                self._sweeper.running.discard(attempt)
                if attempt.sample is not None or not response.complete:
                    put_down(attempt, response)
            for settle in self._settle[len(self._settle) - admitted :]:
                settle(attempt)

    async def _ready(self, attempt: Attempt) -> None:
        """What a target needs before anything else: a credential that is still being fetched, a request in its own dialect."""
        exchange = attempt.exchange
        if attempt.target.member.problem is not None:
            await usable(attempt.target.member, exchange.deadline - self._clock())
        if exchange.translator is not None:
            await translate(exchange)

    def _arrived(self, attempt: Attempt, response: Response) -> None:
        """An answer has begun, good or bad."""
        exchange, line = attempt.exchange, attempt.target.line
        attempt.first_byte_at = now = self._clock()
        attempt.status = response.status
        exchange.vendor_wait += now - attempt.sent_at
        if now >= line.hears_at:
            line.hear(attempt)
        if exchange.choice is not None:
            exchange.choice.heard(attempt, now - attempt.sent_at)

    async def _in_time(self, exchange: Exchange, waiting: Awaitable[None]) -> None:
        """Waits for a policy, but no longer than the call has: whoever else forgets the deadline, this does not."""
        try:
            async with asyncio.timeout(max(0.0, exchange.deadline - self._clock())):
                await waiting
        except TimeoutError:
            raise too_late(exchange) from None

    def _open(self, attempt: Attempt) -> Response:
        """Records the attempt, then sends it."""
        exchange, target = attempt.exchange, attempt.target
        if target.member.problem is not None and target.member.renewal is None:
            raise again(target.member.problem)  # revoked or switched off while it waited
        route = exchange.route
        assert route is not None
        if route.rewrite is not None and not exchange.rewritten:
            rewrite(exchange, route.model_asked, route.rewrite)
        body: bytes | Carried = exchange.body if exchange.rest is None else exchange.rest
        if exchange.translation is not None:
            body = exchange.translation.body
        length = len(body) if isinstance(body, bytes) else body.length
        if length == 0 and exchange.method in _BODILESS and b"content-length" not in exchange.request.fields:
            length = -1
        taps = target.live.taps
        if taps is not None:
            tap = taps.get(exchange.operation.name) if exchange.operation is not None else None
            if tap is not None and tap.left:
                tap.left -= 1
            else:
                taps.take(attempt, body)
        head = self._heads.head(exchange, target, length)
        if self._clock() >= exchange.deadline:
            raise too_late(exchange)
        self._diary.attempt(attempt)
        attempt.sent_at = self._clock()
        spec = target.live.spec
        connect_s = spec.timeout.connect
        if exchange.tighter is not None:
            connect_s = min(connect_s, exchange.tighter[0])
        response: Response = self._wire.open(
            target.member.origin, exchange.method, head, body or None, connect_timeout_s=connect_s
        )
        attempt.response = response
        self._sweeper.running.add(attempt)
        if spec.hedge is not None:
            self._hedges.arm(attempt)
        return response


def too_late(exchange: Exchange) -> CallError:
    """A call whose time is over and of which nothing was sent."""
    text = f"the call's time of {exchange.timeout_s:g} s was over before it could be sent"
    return CallError("deadline_exceeded", text, scope="call", never_acted=True)


def put_down(attempt: Attempt, response: Response) -> None:
    """An attempt is over whose answer is not all here, or is kept as a sample."""
    if attempt.sample is not None:
        attempt.sample.end()
    if not response.complete:
        response.abort()


def let_go(error: CallError) -> None:
    """A failure must not hold the frames that it passed, and with them a vendor's whole answer."""
    error.__traceback__ = error.__context__ = None


async def usable(member: Member, remaining_s: float) -> None:
    """Waits for a credential that is being fetched. Raises the problem that stays."""
    if member.renewal is not None:
        await in_task()
        await member.renewal.ready(remaining_s)
    if member.problem is not None:
        raise again(member.problem)


def again(error: CallError) -> CallError:
    """A fresh error of the same content, since one object must not be raised by two calls."""
    return CallError(
        error.code, error.message, source=error.source, scope=error.scope, retry_at=error.retry_at
    )


def rewrite(exchange: Exchange, asked: str, name: bytes) -> None:
    """Puts the vendor's model name into the body."""
    exchange.rewritten = True
    if exchange.dialect == "gemini-embed":
        exchange.body = renamed(exchange.body, name.decode())
    elif exchange.rest is None:
        exchange.body = replace_model(exchange.body, asked, name)
    elif "model" in exchange.rest.members.found:
        exchange.rest.put(name)
