"""Identical calls that run at once: one leads, the others wait for its answer.

Every way in which the leader can end gives those who wait exactly one outcome: its answer, its failure, the lead, or leave to go on
alone. Not for: what is kept afterwards (`cache.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.plugins.policies.cache_rules import same_failure
from trunkline.plugins.policies.cache_store import Kept

Outcome = Kept | CallError | None
"""What a call that waited gets: an answer; a failure that is its own too; None: it leads, or goes on alone."""


class Waiter:
    """A call that waits."""

    __slots__ = ("exchange", "future", "of")

    def __init__(self, exchange: Exchange, future: asyncio.Future[Outcome]) -> None:
        self.exchange = exchange
        self.future = future
        self.of = ""
        """Id of the call that it shares the outcome of."""


class Flight:
    """One question on its way to the vendor. `leader` is None while a refresh of it has not set out yet."""

    __slots__ = ("leader", "refreshing", "waiters")

    def __init__(self, leader: Exchange | None) -> None:
        self.leader = leader
        self.refreshing = leader is None
        self.waiters: deque[Waiter] = deque()


class Flights:
    """All questions on their way, by key."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._flights: dict[bytes, Flight] = {}

    def get(self, key: bytes) -> Flight | None:
        return self._flights.get(key)

    def begin(self, key: bytes, leader: Exchange | None) -> Flight:
        """A new question; without a leader it is a refresh that is about to set out."""
        flight = self._flights[key] = Flight(leader)
        return flight

    async def wait(self, key: bytes, flight: Flight, exchange: Exchange) -> tuple[Outcome, str]:
        """The outcome, and the id of the call it stems from. Raises `deadline_exceeded`."""
        waiter = Waiter(exchange, asyncio.get_running_loop().create_future())
        flight.waiters.append(waiter)
        began = self._clock()
        try:
            async with asyncio.timeout(exchange.deadline - began):
                return await waiter.future, waiter.of
        except BaseException as end:
            if flight.leader is exchange:
                self.hand_over(key, flight)  # it was to lead, and is gone
            elif waiter in flight.waiters:
                flight.waiters.remove(waiter)
            if not isinstance(end, TimeoutError):
                raise
            text = f"the call's time of {exchange.timeout_s:g} s was over while it waited for the answer to an identical call"
            raise CallError("deadline_exceeded", text, scope="call", never_acted=True) from None
        finally:
            exchange.vendor_wait += self._clock() - began

    def landed(self, key: bytes, flight: Flight, leader: Exchange, kept: Kept | None) -> None:
        """The leader has ended: `kept` is what it can share, if anything."""
        error = leader.error
        if kept is not None or (error is None and leader.state == "ok"):
            del self._flights[key]
            flight.leader = None
            _tell(flight.waiters, leader, kept)
            flight.waiters = deque()
            return
        if error is not None:
            told = [(w, same_failure(error, leader, w.exchange)) for w in flight.waiters]
            flight.waiters = deque(w for w, twin in told if twin is None)
            for waiter, twin in told:
                if twin is not None:
                    _tell([waiter], leader, twin)
        self.hand_over(key, flight)

    def hand_over(self, key: bytes, flight: Flight) -> None:
        """The first that still waits leads now; without one the question is over."""
        while flight.waiters:
            waiter = flight.waiters.popleft()
            if not waiter.future.done():
                flight.leader, flight.refreshing = waiter.exchange, False
                waiter.future.set_result(None)
                return
        flight.leader = None
        del self._flights[key]

    def __repr__(self) -> str:
        return f"Flights(leading={len(self._flights)}, waiting={sum(len(f.waiters) for f in self._flights.values())})"


def _tell(waiters: list[Waiter] | deque[Waiter], leader: Exchange, outcome: Outcome) -> None:
    for waiter in waiters:
        if not waiter.future.done():
            waiter.of = leader.call_id
            waiter.future.set_result(outcome)
