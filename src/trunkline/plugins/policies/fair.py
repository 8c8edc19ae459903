"""Who goes next of those that wait: lanes, fairness between teams by weight, ageing. Pure: arrivals and `now` in, the next one out.

Three lanes, a higher one first. Within a lane teams share by start-time fair queueing (Goyal, Vin, Cheng 1996): each team has a
virtual start time that grows by 1/weight with each call served, the smallest goes next, and who comes back after a rest starts at
the lane's virtual time, so that rest is no credit. Within a team the longest waiting goes first. Waiting lifts a call lane by
lane; in a lane that is not its own it shares with a quarter of its team's weight for each lane that it was lifted, so that no
backlog below can crowd out a lane, and none starves either. Not for: whether there is room (`line.py`).
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Container, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

LANES = 3
LIFTED_SHARE = 0.25
_FLOWS_KEPT = 64


class Waiter(Protocol):
    """What waits. `lane` 0 is the highest; `gate` names what it must pass besides the common places (a model); `since` is when its wait
    began, `n` its number among all; `level`, the lane that it stands in, is the schedule's to set.
    """

    @property
    def team(self) -> str: ...
    @property
    def lane(self) -> int: ...
    @property
    def gate(self) -> str: ...
    @property
    def since(self) -> float: ...
    @property
    def n(self) -> int: ...

    level: int


W = TypeVar("W", bound=Waiter)


def _order(waiter: Waiter) -> tuple[float, int]:
    return waiter.since, waiter.n


class _Flow(Generic[W]):
    """The calls of one team and one lane of origin that stand in one lane, by gate, each gate in order of arrival."""

    __slots__ = ("gates", "start", "waiting")

    def __init__(self) -> None:
        self.gates: dict[str, list[W]] = {}
        self.start = 0.0
        self.waiting = 0

    def head(self, closed: Container[str]) -> W | None:
        """The first whose gate is open."""
        if len(self.gates) == 1:
            ((gate, waiters),) = self.gates.items()
            return None if gate in closed else waiters[0]
        open_ones = [waiters[0] for gate, waiters in self.gates.items() if gate not in closed]
        return min(open_ones, key=_order, default=None)

    def last(self) -> W:
        """Who came last."""
        return max((waiters[-1] for waiters in self.gates.values()), key=_order)

    def add(self, waiter: W) -> None:
        insort(self.gates.setdefault(waiter.gate, []), waiter, key=_order)
        self.waiting += 1

    def remove(self, waiter: W) -> None:
        waiters = self.gates[waiter.gate]
        del waiters[bisect_left(waiters, _order(waiter), key=_order)]
        self.waiting -= 1
        if not waiters:
            del self.gates[waiter.gate]


class _Lane(Generic[W]):
    """One lane: its flows by team and lane of origin, and its virtual time."""

    __slots__ = ("flows", "virtual", "waiting")

    def __init__(self) -> None:
        self.flows: dict[tuple[str, int], _Flow[W]] = {}
        self.virtual = 0.0
        self.waiting = 0


class Schedule(Generic[W]):
    """All that wait in one line. `weights` are shares by team, 1 where nothing is said; `ageing_s` 0: waiting lifts nobody."""

    __slots__ = ("_lanes", "_lift_at", "ageing_s", "waiting", "weights")

    def __init__(self, ageing_s: float = 10.0, weights: Mapping[str, int] | None = None) -> None:
        self.ageing_s = ageing_s
        self.weights: Mapping[str, int] = weights or {}
        self._lanes: tuple[_Lane[W], ...] = tuple(_Lane() for _ in range(LANES))
        self._lift_at = math.inf
        self.waiting = 0
        """How many wait."""

    def __len__(self) -> int:
        return self.waiting

    def __iter__(self) -> Iterator[W]:
        for lane in self._lanes:
            for flow in lane.flows.values():
                for waiters in flow.gates.values():
                    yield from waiters

    def join(self, waiter: W, now: float) -> None:
        """Takes a waiter in."""
        lifts = int((now - waiter.since) / self.ageing_s) if self.ageing_s > 0 else 0
        waiter.level = max(0, waiter.lane - lifts)
        self._add(waiter)

    def leave(self, waiter: W) -> None:
        """Lets a waiter go that will not be served."""
        self._remove(waiter)

    def first(self, now: float, closed: Container[str] = ()) -> W | None:
        """Who goes next, if its gate is not among the `closed` ones; it stays until `serve`."""
        if now >= self._lift_at:
            self._lift(now)
        for lane in self._lanes:
            if not lane.waiting:
                continue
            best: W | None = None
            rank = (math.inf, 0.0, 0)
            for flow in lane.flows.values():
                head = flow.head(closed) if flow.waiting else None
                if head is not None and (flow.start, head.since, head.n) < rank:
                    best, rank = head, (flow.start, head.since, head.n)
            if best is not None:
                return best
        return None

    def serve(self, waiter: W) -> None:
        """The waiter goes; its team pays for it."""
        lane = self._lanes[waiter.level]
        flow = lane.flows[waiter.team, waiter.lane]
        lane.virtual = max(lane.virtual, flow.start)
        flow.start += 1.0 / self._share(waiter)
        if len(lane.flows) > _FLOWS_KEPT:
            lane.flows = {k: f for k, f in lane.flows.items() if f.waiting or f.start > lane.virtual}
        self._remove(waiter)

    def ahead(self, waiter: W) -> int:
        """How many of those that wait go before this one, if nobody comes or leaves."""
        above = sum(lane.waiting for lane in self._lanes[: waiter.level])
        lane = self._lanes[waiter.level]
        own = lane.flows[waiter.team, waiter.lane]
        before = sum(bisect_left(waiters, _order(waiter), key=_order) for waiters in own.gates.values())
        turn = own.start + before / self._share(waiter)
        for flow in lane.flows.values():
            if flow is own or not flow.waiting:
                continue
            other = next(iter(flow.gates.values()))[0]
            turns = math.floor((turn - flow.start) * self._share(other)) + 1
            above += min(flow.waiting, max(0, turns))
        return above + before

    def gives_way(self, newcomer: W) -> W:
        """Who goes when there is one too many: of the lowest lane the last comer of whoever has most there for its share. May be
        the newcomer, who waits here already.
        """
        lane = next(lane for lane in reversed(self._lanes) if lane.waiting)
        own = lane.flows.get((newcomer.team, newcomer.lane))
        longest = max((flow for flow in lane.flows.values() if flow.waiting), key=self._length)
        if (
            own is not None
            and newcomer.level == longest.last().level
            and self._length(own) >= self._length(longest)
        ):
            longest = own
        return longest.last()

    def _length(self, flow: _Flow[W]) -> float:
        return flow.waiting / self._share(flow.last()) if flow.waiting else 0.0

    def _share(self, waiter: W) -> float:
        lifted = waiter.lane - waiter.level
        return self.weights.get(waiter.team, 1) * LIFTED_SHARE**lifted

    def _add(self, waiter: W) -> None:
        lane = self._lanes[waiter.level]
        key = waiter.team, waiter.lane
        flow = lane.flows.get(key)
        if flow is None:
            flow = lane.flows[key] = _Flow()
        if not flow.waiting:
            flow.start = max(flow.start, lane.virtual)
        flow.add(waiter)
        lane.waiting += 1
        self.waiting += 1
        if waiter.level and self.ageing_s > 0:
            self._lift_at = min(self._lift_at, self._lifted_at(waiter))

    def _remove(self, waiter: W) -> None:
        lane = self._lanes[waiter.level]
        key = waiter.team, waiter.lane
        flow = lane.flows[key]
        flow.remove(waiter)
        lane.waiting -= 1
        self.waiting -= 1
        if not lane.waiting:
            lane.flows.clear()
            lane.virtual = 0.0
        elif not flow.waiting and flow.start <= lane.virtual:
            # Else the flow stays until its time has come: who always has just one call waiting must not go ahead of its share.
            del lane.flows[key]

    def _lifted_at(self, waiter: W) -> float:
        return waiter.since + self.ageing_s * (waiter.lane - waiter.level + 1)

    def _lift(self, now: float) -> None:
        """Lifts whoever has waited long enough, and notes when the next one will have."""
        self._lift_at = math.inf
        if self.ageing_s <= 0:
            return
        for lane in self._lanes[1:]:
            # Whoever has waited longest of a flow stands at its head, so the heads are looked at until none of them is ready.
            while ready := [waiter for waiter in _heads(lane) if self._lifted_at(waiter) <= now]:
                for waiter in ready:
                    self._remove(waiter)
                    lifts = int((now - waiter.since) / self.ageing_s)
                    waiter.level = min(waiter.level - 1, max(0, waiter.lane - lifts))
                    self._add(waiter)
        heads = (waiter for lane in self._lanes[1:] for waiter in _heads(lane))
        self._lift_at = min(map(self._lifted_at, heads), default=math.inf)

    def __repr__(self) -> str:
        return f"Schedule({[lane.waiting for lane in self._lanes]})"


def _heads(lane: _Lane[W]) -> Iterator[W]:
    for flow in lane.flows.values():
        for waiters in flow.gates.values():
            yield waiters[0]
