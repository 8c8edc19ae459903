"""Spends attempts on targets until one answer begins or nothing is left worth trying: one loop for all of it (design, promise 4).

What to do after a failure is decided in `plan.py`; here it is done.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from trunkline.core.call import Attempt, Exchange, Live, Member, Target
from trunkline.core.codec import DecodeError
from trunkline.core.errors import CallError
from trunkline.core.jsonspan import replace_model
from trunkline.core.ports import Policy, Reading, Response, Wire
from trunkline.engine import deliver
from trunkline.engine.body import Carried
from trunkline.engine.diary import Diary, cost_usd, tried
from trunkline.engine.drive import arrival, in_task
from trunkline.engine.plan import Situation, Step, next_step, repeatable
from trunkline.engine.pool import pick
from trunkline.engine.relay import Relay
from trunkline.engine.send import HeadWriter
from trunkline.engine.sweep import Sweeper

_STREAMED = b"text/event-stream"
_WHOLE_BELOW = 256 << 10
_TARGETS_MAX = 1000
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
    ) -> None:
        """`failed` says what a failure of the wire means; `unknown` is told answers that no rule knows (E3)."""
        self._wire = wire
        self._diary = diary
        self._admit = tuple(policy.admit for policy in policies)
        self._settle = tuple(policy.settle for policy in reversed(policies))
        self._sweeper = sweeper
        self._clock = clock
        self._wall = wall
        self._failed = failed
        self._unknown = unknown
        self._heads = HeadWriter()
        self._answers = deliver.AnswerFields()

    async def run(self, exchange: Exchange) -> None:
        """Returns when the answer has gone to the caller. Raises the CallError that the caller is to be told."""
        route = exchange.route
        assert route is not None
        live = route.live
        left: set[Member] = set()
        member = pick(live)
        n = len(exchange.tried)  # those of a merged request that it carried (batch.py)
        while member is not None:
            n += 1
            target = member.targets.get(route.model) or aim(live, member, route.model)
            attempt = exchange.attempt = Attempt(exchange, target, n, self._clock())
            try:
                await self._attempt(attempt)
                return
            except asyncio.CancelledError:
                self._ended(attempt, attempt.error or CallError("cancelled", "the call was cancelled"))
                raise
            except CallError as error:
                let_go(error)
                self._ended(attempt, error)
                if exchange.reply.started or exchange.gone:
                    raise
                step = self._next(exchange, attempt, error, any_left(live.members, left, member))
                exchange.spent = step.spent
                if step.move == "stop":
                    raise final(attempt, error) from None
                if step.move == "member":
                    left.add(member)
                    member = pick(live, left)
                elif step.delay_s > 0:
                    exchange.vendor_wait += step.delay_s
                    await asyncio.sleep(step.delay_s)
        raise CallError(
            "misconfigured",
            f"integration {live.name!r} has no credential that may be used",
            scope="integration",
        )

    def _next(self, exchange: Exchange, attempt: Attempt, error: CallError, others_left: bool) -> Step:
        replayable = exchange.rest is None or not exchange.rest.started
        return next_step(
            error,
            Situation(
                repeat=exchange.repeat,
                retry=attempt.target.live.spec.retry,
                wall=self._wall(),
                remaining_s=exchange.deadline - self._clock(),
                total_s=exchange.timeout_s,
                jitter=random.random(),
                attempts_left=exchange.attempts_max - attempt.n if replayable else 0,
                here=attempt.n,
                took_s=self._clock() - attempt.started,
                has_key=bool(exchange.idempotency_key),
                members_left=others_left,
            ),
        )

    def _ended(self, attempt: Attempt, error: CallError) -> None:
        now = self._clock()
        attempt.exchange.tried.append(tried(attempt, now))
        if error.status and error.confidence == "low":
            self._unknown(error)

    async def _attempt(self, attempt: Attempt) -> None:
        """Admits, sends, brings the answer to the caller, settles. Raises CallError, which then also stands on the attempt."""
        response: Response | None = None
        admitted = 0
        try:
            if attempt.target.member.problem is not None:
                await usable(attempt.target.member, attempt.exchange.deadline - self._clock())
            for admit in self._admit:
                waiting = admit(attempt)
                if waiting is not None:
                    await in_task()
                    await waiting
                admitted += 1
            sent_at, response = self._open(attempt)
            await arrival(response)
            exchange = attempt.exchange
            attempt.first_byte_at = now = self._clock()
            attempt.status = response.status
            exchange.vendor_wait += now - sent_at
            if (
                response.complete
                and not exchange.stream
                and response.status < 300
                and not attempt.target.live.watch_ok
                and len(response.body) <= deliver.PARSED_MAX
            ):
                self._whole(exchange, attempt, response)
            else:
                await self._answer(attempt, response)
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
                if not response.complete:
                    response.abort()
            for settle in self._settle[len(self._settle) - admitted :]:
                settle(attempt)

    def _open(self, attempt: Attempt) -> tuple[float, Response]:
        """Records the attempt, then sends it."""
        exchange, target = attempt.exchange, attempt.target
        route = exchange.route
        assert route is not None
        if route.rewrite is not None and not exchange.rewritten:
            rewrite(exchange, route.model_asked, route.rewrite)
        body: bytes | Carried = exchange.body if exchange.rest is None else exchange.rest
        length = len(body) if isinstance(body, bytes) else body.length
        if length == 0 and exchange.method in _BODILESS and b"content-length" not in exchange.request.fields:
            length = -1
        head = self._heads.head(exchange, target, length)
        self._diary.attempt(attempt)
        sent_at = self._clock()
        response = self._wire.open(
            target.member.origin,
            exchange.method,
            head,
            body or None,
            connect_timeout_s=target.live.spec.timeout.connect,
        )
        attempt.response = response
        self._sweeper.running.add(attempt)
        return sent_at, response

    async def _answer(self, attempt: Attempt, response: Response) -> None:
        """Every answer that is not short, whole and good."""
        if response.status >= 300 or attempt.target.live.watch_ok:
            error = await deliver.failure(attempt, response, self._wall())
            if error is not None:
                raise error
        if await self._streams(attempt, response):
            await self._relay(attempt, response)
            return
        reading = (
            await deliver.read_reply(attempt, deliver.readable(response)) if response.status < 300 else None
        )
        self._whole(attempt.exchange, attempt, response, reading)

    async def _streams(self, attempt: Attempt, response: Response) -> bool:
        """Whether an answer is passed on as it comes; else it is read to its end now.

        A model's stream goes event by event even when all of it came at once.
        """
        exchange = attempt.exchange
        route = exchange.route
        assert route is not None
        if response.fields.get(b"content-type", b"").startswith(_STREAMED):
            return not response.complete or (exchange.stream and exchange.adapter is not None)
        if response.complete:
            return False
        if exchange.adapter is not None and not exchange.stream:
            response.completed(await deliver.read_whole(attempt, response))
            return False
        length = response.fields.get(b"content-length")
        if length and int(length) <= _WHOLE_BELOW:
            response.completed(await response.read(_WHOLE_BELOW))
            return False
        return True

    def _whole(
        self, exchange: Exchange, attempt: Attempt, response: Response, reading: Reading | None = None
    ) -> None:
        """Sends an answer that is all here, unless it is a failure in disguise."""
        route, body = exchange.route, response.body
        assert route is not None
        if reading is None and exchange.adapter is not None and response.status < 300:
            reading = Reading()
            try:
                exchange.adapter.read(deliver.readable(response), reading)
            except DecodeError:
                raise deliver.malformed(attempt, body) from None
        if reading is None or not reading.plain:
            error = deliver.disguised(attempt, response, self._wall())
            if error is not None:
                raise error
        if reading is not None:
            account(exchange, reading)
        now = exchange.first_byte_at = self._clock()
        fields = self._fields(attempt, response, now)
        exchange.status = response.status
        exchange.bytes_out = len(body)
        self._succeeded(exchange, attempt, now)
        length = response.fields.get(b"content-length") if exchange.method == b"HEAD" else None
        if length is not None:
            exchange.reply.start(response.status, fields, int(length))
            exchange.reply.end()
        else:
            exchange.reply.send(response.status, fields, body)

    def _fields(self, attempt: Attempt, response: Response, now: float) -> bytes:
        """All header lines of an answer: the vendor's that pass, then ours."""
        parts = self._answers.lines(attempt, response)
        exchange = attempt.exchange
        if exchange.keep:
            exchange.kept = deliver.kept(attempt, response, b"".join(parts))
        parts.append(deliver.own_fields(exchange, attempt.n, now))
        fields = b"".join(parts)
        member = attempt.target.member
        return member.blotted(fields) if member.repeated_in(fields) else fields

    def _succeeded(self, exchange: Exchange, attempt: Attempt, now: float) -> None:
        exchange.state = "cancelled" if exchange.gone else "ok"
        exchange.tried.append(tried(attempt, now))
        self._diary.end(exchange)

    async def _relay(self, attempt: Attempt, response: Response) -> None:
        exchange = attempt.exchange
        route = exchange.route
        assert route is not None
        streamed = deliver.field(response.headers, b"content-type").startswith(_STREAMED)
        adapter = exchange.adapter if streamed else None
        length = deliver.field(response.headers, b"content-length")

        def start() -> None:
            exchange.first_byte_at = self._clock()
            exchange.status = response.status
            fields = self._fields(attempt, response, exchange.first_byte_at)
            exchange.reply.start(response.status, fields, int(length) if length and adapter is None else None)

        relay = Relay(attempt, response, adapter, start, self._wall)
        exchange.reply.flow = relay.flow
        try:
            await response.relay(relay.events if adapter is not None else relay.raw)
            relay.finish()
        finally:
            exchange.reply.flow = None
            head, exchange.kept = exchange.kept, None
            if adapter is not None:
                account(exchange, relay.reading)
        if relay.error is not None:
            raise relay.error
        if relay.unfinished:
            source = attempt.target.live.name
            raise CallError(
                "network",
                f"{source} ended the stream without its proper end",
                source=source,
                vendor_status=response.status,
            )
        if not relay.started:
            start()
            head = exchange.kept
        exchange.kept = relay.whole(head)
        self._succeeded(exchange, attempt, self._clock())
        exchange.reply.end()


def let_go(error: CallError) -> None:
    """A failure must not hold the frames that it passed, and with them a vendor's whole answer."""
    error.__traceback__ = error.__context__ = None


def aim(live: Live, member: Member, model: str) -> Target:
    """The target of a member and a model, made once."""
    target = Target(live, member, model)
    if len(member.targets) < _TARGETS_MAX:
        member.targets[model] = target
    return target


def any_left(members: list[Member], left: set[Member], current: Member) -> bool:
    """Whether a pool still holds a member that was not tried."""
    return len(members) > 1 and any(m is not current and m not in left and m.weight > 0 for m in members)


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


def final(attempt: Attempt, error: CallError) -> CallError:
    """The failure as the caller should see it: an act without any answer has an unknown outcome."""
    exchange = attempt.exchange
    unanswered = attempt.status == 0 and attempt.response is not None and attempt.response.sent
    if not (unanswered and error.may_have_acted) or repeatable(
        error, exchange.repeat, bool(exchange.idempotency_key) and not exchange.key_minted
    ):
        return error
    text = (
        f"the request was sent to {attempt.target.live.name} and no answer came ({error.code}: {error.message}); "
        "it may have been carried out"
    )
    return CallError(
        "outcome_unknown", text, source=error.source, scope="call", vendor_code=error.vendor_code
    )


def account(exchange: Exchange, reading: Reading) -> None:
    """Usage and cost of what was read of an answer."""
    route = exchange.route
    assert route is not None
    exchange.reading = reading
    exchange.served_model = reading.model
    if exchange.rates is not None and reading.input >= 0:
        exchange.cost_usd = cost_usd(exchange.rates, reading)


def rewrite(exchange: Exchange, asked: str, name: bytes) -> None:
    """Puts the vendor's model name into the body."""
    exchange.rewritten = True
    if exchange.rest is None:
        exchange.body = replace_model(exchange.body, asked, name)
    elif "model" in exchange.rest.members.found:
        exchange.rest.put(name)
