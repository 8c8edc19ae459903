"""Many calls at a vendor that takes few, in simulated time: the real engine and queue, a vendor of so many places, offered load.

Each call offered has a lane and a team; what came of it is kept with its times. Not for: limits that a vendor tells or asks for
(`limited.py`), nor wall clock.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.core.flow import Lane, Limit, Queue, Timeouts
from trunkline.testing import Heard, Sent, Trial, caller_key, service
from trunkline.testing.virtual_time import LoopClock, passes

PLACES, HELD_S = 20, (0.1, 0.3)
"""Calls at once, and how long one takes (from, to)."""
CAPACITY = PLACES / (sum(HELD_S) / 2)
"""Calls a second."""
SEED = 20261121


@dataclass
class Offer:
    """Calls of one team and lane, evenly spaced from `begin_s` on."""

    team: str
    lane: Lane
    rate: float
    for_s: float
    begin_s: float = 0.0


@dataclass
class Outcome:
    """One call. Times are seconds since the beginning; `sent_at` is -1 if it never reached the vendor."""

    offer: Offer
    n: int
    begun_at: float
    heard: Heard
    sent_at: float = -1.0
    took_s: float = 0.0

    @property
    def waited_s(self) -> float:
        return self.sent_at - self.begun_at


class Rush:
    """The gateway, its vendor, and all calls that were offered."""

    def __init__(self, *limits: Limit, queue: Queue | None = None) -> None:
        self.calls: list[Outcome] = []
        self.order: list[Outcome] = []
        """Those that reached the vendor, in that order."""
        self._drawn = random.Random(SEED)
        spec = service(limits=list(limits), queue=queue or Queue(), timeout=Timeouts(total=600.0))
        keys = [caller_key(f"tl_{team}", id=team, team=team, concurrency=0) for team in ("red", "blue")]
        self.trial = Trial(services=[spec], keys=keys, clock=LoopClock())
        self.trial.wire.plays.extend([self._play] * 100_000)

    def _play(self, sent: Sent) -> None:
        loop = asyncio.get_running_loop()
        call = self.calls[int(sent.target.strip(b"/"))]
        call.sent_at = loop.time()
        self.order.append(call)
        loop.call_later(self._drawn.uniform(*HELD_S), sent.reply, 200, b"{}")

    def begin(self, offer: Offer) -> Outcome:
        """One call now."""
        n = len(self.calls)
        outcome = Outcome(offer, n, asyncio.get_running_loop().time(), Heard())
        self.calls.append(outcome)
        outcome.heard = self.trial.begin(
            "GET", f"/api/proxy/acme/{n}", b"", ("x-trunkline-priority", offer.lane), key=f"tl_{offer.team}"
        )
        return outcome

    async def offered(self, offers: Sequence[Offer]) -> None:
        """Offers all of it, and returns when everything has ended."""
        times = sorted(
            (offer.begin_s + n / offer.rate, at, offer)
            for at, offer in enumerate(offers)
            for n in range(round(offer.rate * offer.for_s))
        )
        loop = asyncio.get_running_loop()
        for due, _, offer in times:
            if due > loop.time():
                await passes(due - loop.time())
            self.begin(offer)
        await self.over()

    async def over(self) -> None:
        """Returns when every call has ended; then it is known how long each took."""
        while self.trial.gateway.running:
            await passes(0.1)
        numbers = {begin.call_id: int(begin.path.strip("/")) for begin in self.trial.begins}
        for end in self.trial.ends:
            self.calls[numbers[end.call_id]].took_s = end.duration_us / 1e6

    def of(self, lane: Lane = "interactive", team: str = "") -> list[Outcome]:
        """The calls of a lane, or of a team."""
        return [c for c in self.calls if (c.offer.team == team if team else c.offer.lane == lane)]


def good(calls: Sequence[Outcome]) -> list[Outcome]:
    return [call for call in calls if call.heard.status == 200]


def percentile(values: Sequence[float], share: float) -> float:
    """0 for none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0
