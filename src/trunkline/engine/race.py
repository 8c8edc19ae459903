"""Hedging: a second request beside the first when its answer is late; whichever answers first wins, the other is cancelled (spec F5).

For calls that may be repeated freely, where the integration declares it, for whole answers and for streams up to their first content.
Both are attempts like any other: admitted, recorded, settled. Not for: repeats after a failure (`plan.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.engine.costs import like_it
from trunkline.engine.drive import carry, in_task
from trunkline.engine.fallback import Affords
from trunkline.engine.latency import Latency
from trunkline.engine.leash import Leash
from trunkline.engine.refusal import own_defect

LATE = 0.95
"""A first request is late when this share of answers had begun by then."""
_DAY_S = 86400.0
_REMEMBERED = 2000


class Hedges:
    """What was learned of targets and integrations, and how a second attempt is made. It outlives reloads."""

    def __init__(
        self,
        second: Callable[[Attempt], Attempt],
        run: Callable[[Attempt], Coroutine[Any, Any, None]],
        ended: Callable[[Attempt, CallError], None],
        *,
        affords: Affords,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        """`second` makes the attempt beside a first one, `run` carries one out, `ended` records its failure."""
        self.second = second
        self.run = run
        self.ended = ended
        self._affords = affords
        self.clock = clock
        self._wall = wall
        self._latencies: dict[str, Latency] = {}
        self._leashes: dict[str, Leash] = {}

    def arm(self, first: Attempt) -> None:
        """An attempt was sent to an integration that declares hedging."""
        exchange, live = first.exchange, first.target.live
        hedge = live.spec.hedge
        assert hedge is not None
        if (
            first.n > 1
            or exchange.repeat != "always"
            or exchange.rest is not None
            or exchange.attempts_max < 2
        ):
            return
        self.leash(first).call(hedge)
        race = exchange.race = Race(self, first)
        after = hedge.after or self._latency(first).quantile(LATE)
        if after is not None and first.sent_at + after < exchange.deadline:
            race.timer = asyncio.get_running_loop().call_later(after, race.due)

    def learn(self, attempt: Attempt) -> None:
        """An attempt answers now, or has not yet and is given up."""
        self._latency(attempt).note(self.clock() - attempt.sent_at)

    def allows(self, first: Attempt) -> bool:
        """Whether the leash lets a second request go, and its caller's budgets do."""
        hedge, exchange = first.target.live.spec.hedge, first.exchange
        day = int(self._wall() // _DAY_S)
        if hedge is None or not self.leash(first).allows(hedge, exchange.rates is not None, day):
            return False
        assert exchange.route is not None
        return self._affords(exchange, exchange.via or exchange.route, True)

    def leash(self, attempt: Attempt) -> Leash:
        name = attempt.target.live.name
        found = self._leashes.get(name)
        if found is None:
            found = self._leashes[name] = Leash()
        return found

    def _latency(self, attempt: Attempt) -> Latency:
        """Streams are as late as their first content, whole answers as their last token: two histograms."""
        name = attempt.target.name + ("\nstream" if attempt.exchange.stream else "")
        found = self._latencies.get(name)
        if found is None:
            if len(self._latencies) >= _REMEMBERED:
                self._latencies.clear()
            found = self._latencies[name] = Latency()
        return found


class Race:
    """A first attempt, and perhaps a second beside it."""

    __slots__ = ("_exchange", "_hedges", "_waited", "first", "second", "task", "timer", "winner")

    def __init__(self, hedges: Hedges, first: Attempt) -> None:
        self._hedges = hedges
        self._exchange: Exchange = first.exchange
        self._waited = first.exchange.vendor_wait
        self.first = first
        self.second: Attempt | None = None
        self.winner: Attempt | None = None
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        """Whether another attempt than the first may still answer."""
        return self.winner is None and (self.timer is not None or self.task is not None)

    def due(self) -> None:
        """The first is late: a second goes out, if it may."""
        self.timer = None
        first, exchange = self.first, self._exchange
        over = self.winner is not None or first.error is not None or exchange.gone
        # Of a whole answer whose head is here the rest follows; another request would only begin anew.
        if over or (first.first_byte_at and not exchange.stream) or not self._hedges.allows(first):
            return
        self._hedges.leash(first).take()
        self.second = self._hedges.second(first)
        self.task = asyncio.get_running_loop().create_task(self._run(self.second))

    async def _run(self, second: Attempt) -> None:
        try:
            await carry(self._hedges.run(second))
        except CallError as error:
            error.__traceback__ = error.__context__ = None
            if second.response is not None:
                self._hedges.ended(second, error)
        except asyncio.CancelledError:
            # Only `_drop` cancels it, while it waits for a place.
            return
        except Exception as defect:
            second.error = own_defect(defect)
            self._hedges.ended(second, second.error)

    def claim(self, attempt: Attempt) -> bool:
        """Whether this attempt is the one whose answer the caller gets; the other is cancelled."""
        if self.winner is not None:
            return self.winner is attempt
        self.winner = attempt
        self._stop_timer()
        hedges, exchange = self._hedges, self._exchange
        hedges.learn(attempt)
        if self.second is None:
            self._count_wait()
            return True
        exchange.attempt = attempt
        if self.second.response is not None:
            exchange.notes += ("hedge=won" if attempt is self.second else "hedge=lost",)
        loser = self.first if attempt is self.second else self.second
        if loser.error is None:
            self._beat(loser)
        self._count_wait()
        return True

    def _count_wait(self) -> None:
        """Two that wait at once wait no longer than one."""
        self._exchange.vendor_wait = self._waited + self._hedges.clock() - self.first.sent_at

    def _beat(self, loser: Attempt) -> None:
        """The loser stands in the record before the winner's end does."""
        error = CallError("cancelled", "another attempt answered first")
        if loser.response is not None:
            self._hedges.learn(loser)
            loser.error = error
            self._hedges.ended(loser, error)
            if loser.response.sent and self._exchange.rates is not None:
                self._exchange.thrown += ((loser.target.name, self._exchange.rates),)
        self._drop(loser, error)

    def _drop(self, attempt: Attempt, error: CallError) -> None:
        if attempt.response is not None:
            attempt.response.abort(error)
        elif self.task is not None and attempt is self.second:
            self.task.cancel()

    def cut(self, error: CallError) -> None:
        """Ended from outside: the caller is gone, its key was killed, the process stops. `exchange.attempt` is cut by who calls this."""
        self._stop_timer()
        if self.second is not None and self.second.error is None:
            self._drop(self.second, error)

    async def over(self, error: CallError | None) -> CallError | None:
        """The first attempt has ended, in an answer or in `error`: returns when the second has, too. None when either has
        answered; else the failure to go on with, which is that of `exchange.attempt`.
        """
        second = self.second
        await self._second_ended()
        if error is None or second is None or second.response is None:
            return error
        self._exchange.attempt = second
        return second.error

    async def drop(self) -> None:
        """The call is ended by force: returns when nobody runs any more."""
        self.cut(CallError("cancelled", "the call was cancelled before the answer was complete"))
        await self._second_ended()

    async def _second_ended(self) -> None:
        self._stop_timer()
        if self.task is not None:
            await in_task()
            try:
                await asyncio.wait({self.task})
            except asyncio.CancelledError:
                await self.drop()
                raise
            self.task = None
            self._exchange.tried.sort(key=lambda one: one.n)
            if self.winner is None:
                self._count_wait()
            self._hedges.leash(self.first).lost(self._loss())
        self._exchange.race = None

    def _loss(self) -> float:
        """What the loser cost, as far as it is known."""
        exchange = self._exchange
        if exchange.rates is None or not any(one.code == "cancelled" and one.sent for one in exchange.tried):
            return 0.0
        return like_it(exchange, exchange.rates)

    def _stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
