"""Attempts wait here for their vendor: for a free place, for its rate, for the end of a pause. One line per (integration, credential).

An attempt at a service that nothing bounds costs one look and a count. Else it goes at once if nobody waits and there is room;
if not it waits in line, or is refused at once when it would wait in vain: the line is full, or the wait expected is longer than
the service's `queue.wait` or the call's own time. Waiting counts as the vendor's time, not as our overhead. Not for: who goes
next (`fair.py`), what there is room for (`line.py`), limits toward callers (`quota.py`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from trunkline.core.call import UNLINED, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt
from trunkline.core.ports import LimitTold
from trunkline.core.service import LANES, Service, Snapshot
from trunkline.plugins.policies.line import HEARD_EVERY_S, PAUSING, Line, Queued

LANE = {name: index for index, name in enumerate(LANES)}
LEEWAY_S = 0.005
"""So long before the end of its time a call that waits in vain is told why."""
_SOONEST_S = 0.001

Elsewhere = Callable[[Attempt, str], bool]
"""Whether another target could take the call of an attempt at once, should its wait fail with this code (engine/fallback.py)."""
Heard = Callable[[str, Sequence[tuple[bytes, bytes]], float], Sequence[LimitTold]]
"""Reads a vendor's limits: dialect, header fields, epoch seconds now (engine/limits_told.py)."""


class Ticket:
    """One attempt's place in a line. `goes`: its turn has come. `over`: it waits no longer, whichever way that ended."""

    __slots__ = (
        "attempt",
        "cost",
        "expiry",
        "future",
        "gate",
        "goes",
        "joined_at",
        "lane",
        "last",
        "level",
        "line",
        "n",
        "over",
        "since",
        "team",
        "until",
    )

    def __init__(self, line: Line, attempt: Attempt, n: int, now: float) -> None:
        exchange, caller = attempt.exchange, attempt.exchange.caller
        self.line = line
        self.attempt = attempt
        self.n = n
        self.gate: str = attempt.target.model
        self.team = (caller.key.team or caller.id) if caller is not None else ""
        self.lane = self.level = LANE[exchange.lane]
        self.joined_at = now
        self.since = now - exchange.queued_s
        """Who has waited before, at an earlier try, does not begin anew."""
        self.last = self.until = min(self.since + line.spec.queue.wait, exchange.deadline - LEEWAY_S)
        self.cost = line.cost(attempt, self.gate)
        self.goes = self.over = False
        self.future: asyncio.Future[None] | None = None
        self.expiry: asyncio.TimerHandle | None = None

    def impatient(self) -> None:
        """It can go elsewhere: it waits no longer than that is worth."""
        self.until = min(self.last, self.since + self.line.spec.queue.patience)

    def go(self, now: float) -> None:
        """Its turn has come, and there is room."""
        self.goes = True
        self.line.take(self.attempt, self.gate, self.cost, now)
        if self.future is not None and not self.future.done():
            self.future.set_result(None)

    def refuse(self, error: CallError) -> None:
        """It has left the line and waits in vain."""
        self.over = True
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)


class Waiting:
    """What the call awaits. Cancelled, or dropped before it was awaited, it gives its ticket up."""

    __slots__ = ("_queue", "_ticket")

    def __init__(self, queue: Queue, ticket: Ticket) -> None:
        self._queue = queue
        self._ticket = ticket

    def __await__(self) -> Generator[Any, None, None]:
        ticket = self._ticket
        assert ticket.future is not None
        try:
            yield from ticket.future
            ticket.over = True
        finally:
            self._queue.ended_wait(ticket)

    def __del__(self) -> None:
        if self._ticket.expiry is not None:
            self._queue.ended_wait(self._ticket)


class Queue:
    """Lines by (integration, credential); they outlive reloads.

    `heard` reads what vendors tell of their limits; `shut` gives the refusal that awaits whoever would go to a target now, if any;
    `elsewhere` tells who need not wait long.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        wall: Callable[[], float],
        heard: Heard = lambda *_: (),
        shut: Callable[[Target], CallError | None] = lambda _: None,
        elsewhere: Elsewhere = lambda *_: False,
    ) -> None:
        self.elsewhere = elsewhere
        self.lines: dict[tuple[str, str], Line] = {}
        self._clock = clock
        self._wall = wall
        self._heard = heard
        self._shut = shut
        self._numbers = count()
        self._wakes: dict[Line, tuple[float, asyncio.TimerHandle]] = {}
        self._specs: dict[str, Service] = {}
        self._weights: Mapping[str, int] = {}

    def load(self, snapshot: Snapshot) -> None:
        """Takes limits and weights of a new version of the registry; who waits goes on waiting under them."""
        self._specs = {service.name: service for service in snapshot.services}
        self._weights = snapshot.team_weights
        now = self._clock()
        for (name, _), line in self.lines.items():
            line.schedule.weights = self._weights
            spec = self._specs.get(name)
            if spec is not None and spec is not line.spec:
                line.configure(spec, now)
                self._turn(line, now)

    def admit(self, attempt: Attempt) -> Waiting | None:
        """Raises `queue_full`, `queue_timeout` or `rate_limited` when waiting would be in vain."""
        line = attempt.target.line
        if line.free:
            line.running += 1
            return None
        return self._enter(attempt)

    def settle(self, attempt: Attempt) -> None:
        line = attempt.target.line
        line.running -= 1
        if line.free and attempt.error is None:
            return
        self._ended(line, attempt)

    def recheck(self, refused: Callable[[Target], CallError | None]) -> None:
        """Sends off who waits for what may not be called any more."""
        for line in self.lines.values():
            for ticket in list(line.schedule):
                error = refused(ticket.attempt.target)
                if error is not None:
                    self._send_off(line, ticket, error)

    def stats(self) -> dict[str, dict[str, float]]:
        """By integration: calls that wait, places where they are bounded, seconds until the last pause ends."""
        now = self._clock()
        waiting: dict[str, float] = {}
        places: dict[str, float] = {}
        pauses: dict[str, float] = {}
        for (name, _), line in self.lines.items():
            waiting[name] = waiting.get(name, 0) + line.schedule.waiting
            pauses[name] = max(pauses.get(name, 0.0), round(line.rates.paused_s(now), 3))
            if line.places is not None:
                places[name] = places.get(name, 0) + line.places
        return {"queue_waiting": waiting, "queue_places": places, "queue_paused_s": pauses}

    def _bind(self, target: Target) -> Line:
        """The line of a target; found once."""
        line = self.lines.get(target.key)
        if line is None:
            spec = self._specs.get(target.live.name, target.live.spec)
            line = self.lines[target.key] = Line(spec, self._clock())
            line.schedule.weights = self._weights
            line.hear = self._hear
            line.roomy = partial(self._roomy, line)
            line.left = partial(self._left, line)
        target.line = line
        return line

    def _roomy(self, line: Line, model: str) -> bool:
        return line.has_room(model, self._clock())

    def _left(self, line: Line, model: str) -> float:
        return line.headroom(model, self._clock())

    def _enter(self, attempt: Attempt) -> Waiting | None:
        """Where something bounds: goes at once, or joins the line."""
        target = attempt.target
        line: Line = self._bind(target) if target.line is UNLINED else target.line
        now = self._clock()
        if not line.pinned:
            line.refresh(now)
            if line.free:
                line.running += 1
                return None
        if not line.schedule.waiting and not line.full():
            cost = line.cost(attempt, target.model)
            if not line.wait(target.model, cost, now):
                line.take(attempt, target.model, cost, now)
                return None
        return self._join(line, attempt, now)

    def _join(self, line: Line, attempt: Attempt, now: float) -> Waiting | None:
        ticket = Ticket(line, attempt, next(self._numbers), now)
        line.schedule.join(ticket, now)
        line.move(now)
        if ticket.goes:
            return None
        try:
            self._judge(line, ticket, now)
        except CallError:
            line.schedule.leave(ticket)
            line.refresh(now)
            raise
        loop = asyncio.get_running_loop()
        ticket.future = loop.create_future()
        ticket.expiry = loop.call_later(ticket.until - now, self._expired, ticket)
        self._turn(line, now)
        return Waiting(self, ticket)

    def _judge(self, line: Line, ticket: Ticket, now: float) -> None:
        """Raises for who would wait in vain. In a full line somebody gives way, who may be another."""
        refused = self._shut(ticket.attempt.target)
        if refused is not None:
            raise refused
        ahead = line.schedule.ahead(ticket)
        by_rate = line.rates.forecast(now, ticket.gate, ticket.cost, ahead)
        by_places = line.places_forecast(ahead)
        wait_s = max(by_rate, by_places)
        code = "rate_limited" if by_rate > 0 and by_rate >= by_places else "queue_timeout"
        if self._elsewhere(ticket, code):
            ticket.impatient()
        if ticket.until <= now or wait_s > ticket.until - now:
            raise self._refusal(code, line, ahead + 1, wait_s)
        if line.schedule.waiting > line.spec.queue.size:
            leaving = line.schedule.gives_way(ticket)
            if leaving is ticket:
                raise self._refusal("queue_full", line, ahead + 1, wait_s)
            self._send_off(line, leaving, self._refusal("queue_full", line, line.schedule.waiting, wait_s))

    def _elsewhere(self, ticket: Ticket, code: str) -> bool:
        attempt = ticket.attempt
        return attempt.beside is None and self.elsewhere(attempt, code)

    def _refusal(self, code: str, line: Line, position: int, wait_s: float) -> CallError:
        before = position - 1
        match code:
            case "queue_full":
                text = f"{line.spec.queue.size} calls already wait for {line.name}"
            case "queue_timeout":
                told = f"about {wait_s:.1f} s" if wait_s else "too long"
                text = f"no place at {line.name} becomes free in time: the wait is {told}, with {before} calls before this one"
            case _:
                text = (
                    f"Trunkline holds calls to {line.name} back for {wait_s:.1f} s "
                    "(limit of the registry, or the vendor asked for a pause)"
                )
        wait_s = max(wait_s, _SOONEST_S)
        at = self._wall() + (wait_s if wait_s > _SOONEST_S else 1.0)
        error = CallError(code, text, scope="integration", retry_at=at, never_acted=True, again=False)
        error.lines = b"x-trunkline-queue-position: %d\r\nx-trunkline-queue-wait: %.3f\r\n" % (
            position,
            wait_s,
        )
        return error

    @staticmethod
    def _send_off(line: Line, ticket: Queued, error: CallError) -> None:
        """One that waits is refused after all."""
        line.schedule.leave(ticket)
        ticket.refuse(error)

    def _expired(self, ticket: Ticket) -> None:
        """It has waited as long as it may."""
        if ticket.over or ticket.goes:
            return
        now, line = self._clock(), ticket.line
        ahead = line.schedule.ahead(ticket)
        wait_s = line.rates.forecast(now, ticket.gate, ticket.cost, ahead)
        code = "rate_limited" if wait_s > 0 and not line.full() else "queue_timeout"
        if ticket.until < ticket.last and not self._elsewhere(ticket, code):
            # Where it could have gone there is no room any more.
            ticket.until = ticket.last
            ticket.expiry = asyncio.get_running_loop().call_later(ticket.until - now, self._expired, ticket)
            return
        self._send_off(
            line, ticket, self._refusal(code, line, ahead + 1, max(wait_s, line.places_forecast(ahead)))
        )
        self._turn(line, now)

    def ended_wait(self, ticket: Ticket) -> None:
        """A wait is over: its turn came, it was refused, or nobody waits for it any more."""
        line, exchange, now = ticket.line, ticket.attempt.exchange, self._clock()
        assert ticket.expiry is not None
        ticket.expiry.cancel()
        ticket.expiry = None
        waited = now - ticket.joined_at
        exchange.queued_s += waited
        exchange.vendor_wait += waited
        if ticket.over:
            return
        ticket.over = True
        if ticket.goes:
            line.give_back(ticket.attempt, now)
        else:
            line.schedule.leave(ticket)
        self._turn(line, now)

    def _ended(self, line: Line, attempt: Attempt) -> None:
        """An attempt has ended that something can be learned from, or for whose place others wait."""
        now, gate, error = self._clock(), attempt.target.model, attempt.error
        wall = self._wall() if error is not None else 0.0
        if error is not None and error.code in PAUSING and error.source != "trunkline":
            self._read(line, attempt, now, wall)
        until = line.ended(attempt, gate, now, wall)
        if line.schedule.waiting:
            if until:
                self._told_of_pause(line, gate, until, now)
            if error is not None and self._shut(attempt.target) is not None:
                self._told_of_closing(line)
            self._turn(line, now)
        elif not line.pinned:
            line.refresh(now)

    def _told_of_pause(self, line: Line, gate: str, until: float, now: float) -> None:
        """Who waits and cannot wait for the end of a pause need not wait at all."""
        for ticket in [t for t in line.schedule if t.gate == gate and t.until < until]:
            ahead = line.schedule.ahead(ticket)
            self._send_off(line, ticket, self._refusal("rate_limited", line, ahead + 1, until - now))

    def _told_of_closing(self, line: Line) -> None:
        """Who waits for a target that is held back now goes elsewhere."""
        for ticket in list(line.schedule):
            refused = self._shut(ticket.attempt.target)
            if refused is not None:
                self._send_off(line, ticket, refused)

    def _hear(self, attempt: Attempt) -> None:
        """An answer has begun, good or bad, and it is time to look at what it tells of limits."""
        line, now = attempt.target.line, attempt.first_byte_at
        line.hears_at = now + HEARD_EVERY_S
        if attempt.status < 300:
            self._read(line, attempt, now, self._wall())
            self._turn(line, now)

    def _read(self, line: Line, attempt: Attempt, now: float, wall: float) -> None:
        response = attempt.response
        if response is not None and response.headers:
            told = self._heard(line.spec.limit_headers, response.headers, wall)
            line.told(attempt.target.model, told, attempt.first_byte_at or now, now, wall)

    def _turn(self, line: Line, now: float) -> None:
        """Lets go whoever may, and looks again when the next one may."""
        soonest_s = line.move(now) if line.schedule.waiting else math.inf
        line.refresh(now)
        if soonest_s == math.inf:
            return
        at = now + max(soonest_s, _SOONEST_S)
        known = self._wakes.get(line)
        if known is not None:
            if known[0] <= at:
                return
            known[1].cancel()
        self._wakes[line] = at, asyncio.get_running_loop().call_later(at - now, self._wake, line)

    def _wake(self, line: Line) -> None:
        del self._wakes[line]
        self._turn(line, self._clock())

    def __repr__(self) -> str:
        held = {key: line for key, line in self.lines.items() if line.running or line.schedule.waiting}
        return f"Queue({held})"
