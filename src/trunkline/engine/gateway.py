"""The entry of every request: who calls, what they name, may they, then run it, and settle it exactly once.

Not for: bytes on sockets (`wire/`), nor for the decisions inside a call (policies, `plan.py`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from trunkline.core.call import Caller, Route
from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.ports import Choosy, Inbound, Outbound, Policy
from trunkline.core.text import correlation_id
from trunkline.engine import resolve
from trunkline.engine.diary import Diary
from trunkline.engine.dispatch import Dispatcher
from trunkline.engine.drive import Drive, in_task
from trunkline.engine.endpoints import dialect_of
from trunkline.engine.fields import without_key
from trunkline.engine.heading import Heading, lowered
from trunkline.engine.refusal import final_state, own_defect, shaped, spent_usd
from trunkline.engine.shape import stream_error
from trunkline.engine.world import World

METHODS = {
    name.decode(): name for name in (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS")
}


Told = tuple[int, bytes, bytes]
"""Status, header lines and body of an answer of our own."""


class Local(NamedTuple):
    """A route that Trunkline answers itself. `open` routes need no identity (ruling 13); others need `scope` if it is set.

    `serve` may also answer with a path below /api/proxy that the call goes on to. `recorded`: it hands out or changes what is kept, so
    each call stands in the journal.
    """

    serve: Callable[[Exchange], Told | Awaitable[Told] | bytes]
    open: bool = False
    scope: str = ""
    recorded: bool = False


class Identify(Protocol):
    """Who calls (plugins/policies/access.py)."""

    epoch: object
    """Another one whenever what `identify` says of a request may have changed, save by the passing of time."""

    def identify(self, request: Inbound) -> Caller: ...
    def cors_fields(self, caller: Caller, request: Inbound) -> bytes: ...
    def subject_hash(self, subject: str) -> str: ...


class Locals(Protocol):
    """The routes that the gateway answers itself (gateway/local.py)."""

    def table(self) -> dict[tuple[str, bytes], Local]: ...
    def find(self, method: str, path: bytes, exchange: Exchange) -> Local | None: ...


class Ids:
    """Call ids: unique over restarts, sortable by the second they began in: time, the boot, a counter."""

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._until = 0.0
        self._prefix = ""
        self._n = 0

    def mint(self, wall: float) -> str:
        """Twelve hexadecimal digits of milliseconds, eight of the boot, eight of the counter."""
        if not self._until - 1.0 <= wall < self._until:
            self._until = wall + 1.0
            self._prefix = f"{int(wall * 1e3):012x}{self._boot}"
        self._n += 1
        return f"{self._prefix}{self._n:08x}"


class Gateway:
    """One process's data plane. `world` is swapped by reloads; running calls keep the one they began with."""

    def __init__(
        self,
        world: World,
        access: Identify,
        policies: Sequence[Policy[Exchange]],
        dispatcher: Dispatcher,
        diary: Diary,
        local: Locals,
        ids: Ids,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.world = world
        self.running: set[Exchange] = set()
        self.refused: Counter[str] = Counter()
        """Refusals of unknown callers by code; these are counted, not journaled (ruling 18)."""
        self.draining = False
        self._access = access
        self._policies = tuple(
            (policy, policy.concerns if isinstance(policy, Choosy) else None) for policy in policies
        )
        self._dispatcher = dispatcher
        self._diary = diary
        self._local = local.table()
        self._find_local = local.find
        self._ids = ids
        self._clock = clock
        self._wall = wall
        self._loop = asyncio.get_running_loop()

    def handle(self, request: Inbound, reply: Outbound) -> None:
        """The wire's handler: never raises, never waits."""
        wall = self._wall()
        exchange = Exchange(request, reply, self._ids.mint(wall), self._clock(), wall)
        self.running.add(exchange)
        reply.hangup = partial(self.hung_up, exchange)
        Drive(self._run(exchange), exchange, self._loop).go()

    def hung_up(self, exchange: Exchange) -> None:
        """The caller is gone: the vendor's call is cut at once, unless its answer is awaited under a key."""
        exchange.gone = True
        attempt = exchange.attempt
        response = attempt.response if attempt is not None and attempt.error is None else None
        if exchange.finishes and response is not None and response.sent:
            return
        self.cut(exchange, CallError("cancelled", "the caller hung up before the answer was complete"))

    def cut(self, exchange: Exchange, error: CallError) -> None:
        """Ends a running call from outside: the process stops, or its key was killed. The record says why."""
        attempt = exchange.attempt
        if exchange.race is not None:
            exchange.race.cut(error)
        if attempt is not None and attempt.response is not None and attempt.error is None:
            attempt.response.abort(error)
        elif exchange.task is not None:
            exchange.ending = error
            exchange.task.cancel()

    async def _run(self, exchange: Exchange) -> None:
        admitted = 0
        try:
            waiting = self._prepare(exchange)
            if waiting is not None:
                await waiting
            if exchange.route is None:
                return
            for policy in exchange.policies:
                waiting = policy.admit(exchange)
                if waiting is not None:
                    await in_task()
                    await waiting
                admitted += 1
                if exchange.answer is not None:
                    self._dispatcher.give(exchange, exchange.answer)
                    return
            await self._dispatcher.run(exchange)
        except CallError as error:
            self._refuse(exchange, error)
        except asyncio.CancelledError:
            self._refuse(exchange, exchange.ending or cancelled())
        except Exception as defect:
            self._refuse(exchange, own_defect(defect))
        finally:
            self.running.discard(exchange)
            # What points back at the call: without these it is freed at once and the collector has nothing to do.
            exchange.reply.hangup = exchange.attempt = exchange.task = None
            for policy in reversed(exchange.policies[:admitted]):
                policy.settle(exchange)

    def look(self, exchange: Exchange) -> None:
        """Binds a call to a model's endpoint or through the proxy as if it were to be made. Raises CallError."""
        self._prepare(exchange)

    def _prepare(self, exchange: Exchange) -> Awaitable[None] | None:
        """Who calls and what they name. Answers what Trunkline answers itself; then there is no route afterwards."""
        heading = exchange.request.memo.get("heading")
        if (
            heading is not None
            and heading.world is self.world
            and heading.epoch is self._access.epoch
            and exchange.started_wall < heading.expires_at
        ):
            heading.apply(exchange)
        else:
            heading = self._judge(exchange)
            if not isinstance(heading, Heading):
                return heading
        exchange.heading = heading
        named = heading.named
        if exchange.rest is not None:
            return self._prepare_large(exchange, heading)
        if named is None:
            self._bound(exchange, resolve.proxied(exchange, heading))
        else:
            self._bound(exchange, resolve.modelled(heading.world, exchange, named))
        return None

    def _judge(self, exchange: Exchange) -> Heading | Awaitable[None] | None:
        """Everything that the head decides; None when it was answered here, or what answers it. Raises CallError."""
        request, world = exchange.request, self.world
        fields = request.fields
        if b"x-correlation-id" in fields or b"traceparent" in fields:
            exchange.correlation_id = correlation_id(fields) or exchange.call_id
        path, _, query = request.target.partition(b"?")
        named = dialect_of(path)
        local = None
        if named is not None:
            exchange.ingress = named.dialect
        if named is None or request.method != "POST":
            local = self._local.get((request.method, path)) or self._find_local(
                request.method, path, exchange
            )
            if local is not None and local.open:
                return self._told(exchange, local.serve(exchange))
        caller = exchange.caller = self._access.identify(request)
        self._label(exchange, caller)
        if local is not None:
            if local.scope and not caller.may(local.scope):
                raise CallError("forbidden", f"this key lacks the scope {local.scope!r}", scope="key")
            exchange.config_version = world.version
            told = local.serve(exchange)
            if not isinstance(told, bytes):
                return self._told(exchange, told, recorded=local.recorded)
            path = told
        exchange.config_version = world.version
        exchange.method = METHODS.get(request.method) or request.method.encode()
        if query:
            query = without_key(query, gemini=named is not None and bool(named.gemini_method))
        exchange.query = query
        heading = Heading(exchange, world, self._access.epoch, named)
        if named is None:
            resolve.located(world, exchange, heading, path)
        elif request.method != "POST":
            said = f"{path.decode('latin-1')} takes POST, not {request.method}"
            raise CallError("invalid_request", said, scope="method")
        # A token's own end is not among what is looked at again, a grant holds once, and what is kept may be gone next time.
        if not caller.token_id and not caller.task and local is None:
            request.memo["heading"] = heading
        return heading

    async def _prepare_large(self, exchange: Exchange, heading: Heading) -> None:
        if heading.named is None:
            route = await resolve.proxied_large(exchange, heading)
        else:
            route = await resolve.modelled_large(heading.world, exchange, heading.named)
        self._bound(exchange, route)

    def _label(self, exchange: Exchange, caller: Caller) -> None:
        """Attribution: what is fixed on the key holds, else what the call says (ruling 5)."""
        fields, key = exchange.request.fields, caller.key
        if b"origin" in fields:
            exchange.extra = self._access.cors_fields(caller, exchange.request)
        exchange.feature, exchange.tags, subject = key.feature, key.tags, caller.subject
        exchange.lane = lowered(key.lane, fields.get(b"x-trunkline-priority"))
        style = fields.get(b"x-trunkline-errors")
        exchange.error_style = style.decode("ascii", "replace") if style is not None else key.error_style
        if not exchange.feature and b"x-trunkline-feature" in fields:
            exchange.feature = fields[b"x-trunkline-feature"][:128].decode("utf-8", "replace")
        if b"x-trunkline-tags" in fields:
            tags = fields[b"x-trunkline-tags"][:512].decode("utf-8", "replace")
            exchange.tags = f"{key.tags},{tags}" if key.tags else tags
        if b"x-trunkline-subject" in fields:
            asked = fields[b"x-trunkline-subject"][:256].decode("utf-8", "replace")
            if subject and asked != subject:
                raise CallError(
                    "forbidden",
                    "this key is bound to another subject than x-trunkline-subject names",
                    scope="key",
                )
            subject = asked
        if subject:
            exchange.subject_hash = self._access.subject_hash(subject)
        if style is not None and exchange.error_style not in ("superset", "native", "normalized"):
            exchange.error_style = None
            raise CallError(
                "invalid_request",
                "x-trunkline-errors takes superset, native or normalized",
                param="x-trunkline-errors",
            )

    def _bound(self, exchange: Exchange, route: Route) -> None:
        """Sets the route, the time and attempts of this call, and the policies that have a say in it."""
        exchange.route = route
        heading = exchange.heading
        assert heading is not None
        named = (route, exchange.model)
        bounds = heading.bounds.get(named) or heading.bound(named, exchange)
        exchange.repeat = bounds.repeat
        exchange.timeout_s = bounds.timeout_s
        exchange.deadline = exchange.started + bounds.timeout_s
        exchange.attempts_max = bounds.attempts_max
        if bounds.tighter is not None:
            exchange.tighter = bounds.tighter
        if bounds.idempotency_key:
            exchange.idempotency_key = bounds.idempotency_key
        policies = bounds.policies
        if policies is None:
            policies = bounds.policies = tuple(
                policy for policy, concerns in self._policies if concerns is None or concerns(exchange)
            )
        exchange.policies = policies

    def _told(self, exchange: Exchange, told: Any, *, recorded: bool = False) -> Awaitable[None] | None:
        if not isinstance(told, tuple):
            return self._answer_later(exchange, told)
        self._tell_local(exchange, *told, recorded=recorded)
        return None

    async def _answer_later(self, exchange: Exchange, told: Awaitable[Told]) -> None:
        await in_task()
        self._tell_local(exchange, *await told)

    def _tell_local(
        self, exchange: Exchange, status: int, fields: bytes, body: bytes, *, recorded: bool = False
    ) -> None:
        exchange.status, exchange.state = status, "ok" if status < 400 else "error"
        if recorded:
            exchange.bytes_out, exchange.cost_usd = len(body), 0.0
            self._diary.end(exchange)
        own = b"x-correlation-id: " + exchange.correlation_id.encode() + b"\r\n" + exchange.extra
        exchange.reply.send(status, fields + own, body)

    def _refuse(self, exchange: Exchange, error: CallError) -> None:
        """Tells and records a failed call. Lets nothing out: a defect in here must not leave a caller hanging."""
        try:
            self._fail(exchange, error)
            error.__traceback__ = error.__context__ = None
        except Exception as defect:
            exchange.error = own_defect(defect)
            exchange.reply.abort()
            self._diary.end(exchange)

    def _fail(self, exchange: Exchange, error: CallError) -> None:
        """The one place where a failed call is told, recorded and ended."""
        if exchange.over:
            exchange.reply.abort()
            return
        exchange.error = error
        exchange.state = final_state(exchange, error)
        reply = exchange.reply
        if reply.started:
            self._break_off(exchange, error)
            return
        status, fields, body = shaped(exchange, error, self.world.snapshot.error_style, self._wall())
        exchange.status = 0 if exchange.gone else status
        if exchange.keep:
            exchange.kept = Answer(status, fields, body)
        if exchange.caller is None:
            self.refused[error.code] += 1
        else:
            exchange.bytes_out = len(body)
            self._diary.end(exchange)
        reply.send(status, fields, body)

    def _break_off(self, exchange: Exchange, error: CallError) -> None:
        """After content was sent: an error event where the dialect has one, else a visibly cut transfer."""
        route = exchange.route
        event = b""
        if route is not None and exchange.stream and not exchange.gone:
            event = stream_error(
                error,
                dialect=exchange.dialect,
                correlation_id=exchange.correlation_id,
                attempts=len(exchange.tried),
                spent_usd=spent_usd(exchange),
                runbook=route.live.spec.runbook,
            )
        self._diary.end(exchange)
        if event:
            if exchange.array is not None:
                event = exchange.array.feed(event) + exchange.array.end()
            exchange.reply.write(event)
            exchange.reply.end()
        else:
            exchange.reply.abort()


def cancelled() -> CallError:
    """The end of a call that nobody has given a reason for."""
    return CallError("cancelled", "the call was cancelled before the answer was complete")
