"""After a failure: does what `plan.py` decides, up to the next attempt or the answer that stands for one.

Not for: making attempts (`dispatch.py`), nor for deciding. Only calls that have failed come here.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from trunkline.core.call import Live, Route, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Attempt, Exchange
from trunkline.core.ports import Renewal
from trunkline.engine.drive import in_task
from trunkline.engine.fallback import Fallbacks, bound, lead, told
from trunkline.engine.plan import Situation, Step, next_step
from trunkline.engine.pool import aim, pick
from trunkline.engine.repair import Mend, mended
from trunkline.engine.retry_budget import RetryBudget
from trunkline.engine.trail import Trail

_UNKNOWN_HERE = frozenset(("previous_response_not_found", "invalid_encrypted_content"))
"""Codes by which a vendor says that another account has answered the earlier call."""
_MENDED_ON_LOOP = 256 << 10
"""Longer requests are mended in a thread."""


class Mended(NamedTuple):
    """A request that can be sent again, mended; where to, if not to the same target."""

    how: Mend
    route: Route | None = None
    attempt: Attempt | None = None


class Onward:
    """Budgets of repeats by integration; they outlive reloads."""

    def __init__(
        self,
        fallbacks: Fallbacks,
        give: Callable[[Exchange, Answer], None],
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._fallbacks = fallbacks
        self._give = give
        self._clock = clock
        self._wall = wall
        self._budgets: dict[str, RetryBudget] = {}

    def trail(self, exchange: Exchange) -> Trail:
        """A call has failed for the first time."""
        self._fallbacks.chain(exchange)
        return Trail(exchange)

    async def after(self, trail: Trail, attempt: Attempt, error: CallError) -> Attempt | None:
        """The next attempt; None when the call was answered without one. Raises what the caller is to be told."""
        renewal = attempt.target.member.renewal
        if renewal is not None and error.code == "auth_invalid" and error.again:
            await self._another(renewal, trail, attempt, error)
        trail.failed(attempt, error)
        mend = await self._mend(trail, attempt, error)
        while True:
            step = self._step(trail, attempt, error, mend is not None)
            if step.move == "link":
                following = await self._follow(trail, step.link, attempt, error)
                if following is not False:
                    return following if isinstance(following, Attempt) else None
            elif step.move == "mend" and mend is not None:
                return self._send_mended(trail, attempt, mend)
            elif step.move == "stop":
                trail.exchange.spent = step.spent
                if step.spent and step.why != "no attempts left":
                    trail.exchange.notes += (f"stopped={step.why}",)
                raise trail.final(error)
            else:
                return await self._repeat(trail, attempt, error, step)

    async def _another(self, renewal: Renewal, trail: Trail, attempt: Attempt, error: CallError) -> None:
        """Waits for another credential; without one the attempt is not made again. A pool goes on with its next member meanwhile, a
        call with a fallback has little patience, and none waits so long that no time is left for what comes then.
        """
        live = attempt.target.live
        within_s = (attempt.exchange.deadline - self._clock()) / 2 if len(live.members) == 1 else 0.0
        if any(link.holds(error) for link in trail.chain):
            within_s = min(within_s, live.spec.queue.patience)
        await in_task()
        if not await renewal.renewed(attempt, within_s):
            error.again, error.retry_at = False, None

    def _step(self, trail: Trail, attempt: Attempt, error: CallError, mendable: bool) -> Step:
        exchange, target, now = trail.exchange, attempt.target, self._clock()
        live, spec = target.live, target.live.spec
        homeless = error.vendor_code in _UNKNOWN_HERE and bound(exchange)
        others = set(live.members) - trail.members_left(live, target.model) - {target.member}
        at = Situation(
            repeat=exchange.repeat,
            retry=spec.retry,
            wall=self._wall(),
            remaining_s=exchange.deadline - now,
            total_s=exchange.timeout_s,
            jitter=random.random(),
            attempts_left=trail.attempts_left,
            here=trail.here,
            took_s=now - attempt.started,
            has_key=bool(exchange.idempotency_key),
            acted_before=trail.acted is not None,
            malformed_before=trail.malformed > 1,
            mendable=mendable,
            members_left=any(member.weight > 0 for member in others) and (homeless or not bound(exchange)),
            budget_left=self._budget(live).allows(spec.retry, live.calls, now),
            patience_s=spec.queue.patience,
            homeless=homeless,
            affordable=self._affordable(exchange),
            chain=trail.chain,
        )
        return next_step(error, at)

    def _affordable(self, exchange: Exchange) -> bool:
        """Whether the call can pay for one more attempt like the last. What it may cost was set aside, but not for a second time."""
        if not exchange.wasted_at and not exchange.thrown:
            return True
        route = exchange.via or exchange.route
        assert route is not None
        return self._fallbacks.affords(exchange, route, False)

    def _budget(self, live: Live) -> RetryBudget:
        found = self._budgets.get(live.name)
        if found is None:
            found = self._budgets[live.name] = RetryBudget()
        return found

    async def _repeat(self, trail: Trail, attempt: Attempt, error: CallError, step: Step) -> Attempt:
        """Again here, after a pause, or at another credential."""
        exchange, target = trail.exchange, attempt.target
        if error.kind.trips:
            self._budget(target.live).take()
        if step.move == "member":
            trail.left.add(target)
            return self._pooled(trail, target.live, target.model) or self._at(trail, target)
        if step.delay_s > 0:
            exchange.vendor_wait += step.delay_s
            await asyncio.sleep(step.delay_s)
        return self._at(trail, target)

    def _at(self, trail: Trail, target: Target) -> Attempt:
        # Not the target itself: a credential that was renewed meanwhile has new ones.
        target = aim(target.live, target.member, target.model)
        return Attempt(trail.exchange, target, trail.next_n, self._clock())

    def _pooled(self, trail: Trail, live: Live, model: str) -> Attempt | None:
        """An attempt at a member of a pool that was not left yet."""
        member = pick(live, trail.members_left(live, model), model)
        return None if member is None else self._at(trail, aim(live, member, model))

    async def _follow(self, trail: Trail, index: int, failed: Attempt, error: CallError) -> Attempt | bool:
        """Takes a link of the chain: an attempt elsewhere; True when it has answered the call, False when it leads nowhere."""
        exchange, link = trail.exchange, trail.take(index)
        if link.route is not None:
            if not self._fallbacks.affords(exchange, link.route, False):
                return False
            trail.left.add(failed.target)
            attempt = self._pooled(trail, link.route.live, link.route.model)
            if attempt is None:
                return False
            lead(exchange, link.route, trail.body)
            self._told(trail, told(link))
            return attempt
        given = self._fallbacks.answer(exchange, link, error)
        if isinstance(given, Awaitable):
            await in_task()
            given = await given
        if given is None:
            return False
        self._told(trail, told(link))
        exchange.answer, exchange.kept = given, None
        if exchange.adapter is not None:
            exchange.cost_usd = 0.0
        self._give(exchange, given)
        return True

    @staticmethod
    def _told(trail: Trail, name: str) -> None:
        """A degraded answer is never silent."""
        trail.tell(b"x-trunkline-fallback", name)
        trail.exchange.notes += (f"fallback={name.replace('=', ':')}",)

    async def _mend(self, trail: Trail, attempt: Attempt, error: CallError) -> Mended | None:
        """How the request can be mended, if its integration wants that."""
        exchange, repair = trail.exchange, attempt.target.live.spec.repair
        if repair is None or exchange.rest is not None or trail.attempts_left <= 0:
            return None
        while True:
            # What the vendor complains of stands in what the vendor got.
            body = exchange.body if exchange.translation is None else exchange.translation.body
            if len(body) > _MENDED_ON_LOOP:
                await in_task()
                mend = await asyncio.to_thread(mended, repair, error, body, trail.mended)
            else:
                mend = mended(repair, error, body, trail.mended)
            if mend is None:
                return None
            if not mend.model:
                return Mended(mend) if self._affordable(exchange) else None
            route = self._fallbacks.route(exchange, mend.model)
            following = self._pooled(trail, route.live, route.model) if route is not None else None
            if (
                route is not None
                and following is not None
                and self._fallbacks.affords(exchange, route, False)
            ):
                return Mended(mend, route, following)
            trail.mended.append(mend.name)

    def _send_mended(self, trail: Trail, attempt: Attempt, mend: Mended) -> Attempt:
        exchange = trail.exchange
        trail.mended.append(mend.how.name)
        trail.tell(b"x-trunkline-repair", ", ".join(trail.mended))
        exchange.notes += (f"repair={mend.how.name}",)
        if mend.route is None or mend.attempt is None:
            if exchange.translation is None:
                exchange.body = mend.how.body
            else:
                exchange.translation.body = mend.how.body
            return self._at(trail, attempt.target)
        trail.left.add(attempt.target)
        lead(exchange, mend.route, exchange.body)
        return mend.attempt
