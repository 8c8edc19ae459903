"""Clients at a vendor with a limit, in simulated time: Trunkline itself (its real engine and queue), and models of what others do.

tenacity and LiteLLM are modelled after their sources, not run: `wait_exponential_jitter` and `wait_random_exponential` of tenacity
9.2.1 with their defaults (at most a minute apart); of LiteLLM 1.106 the router's cooldown of a deployment (429: for
`Retry-After`, a later 429 replaces an earlier one's end), two retries within the router that sleep `Retry-After` plus up to 0.75 s,
and a caller in front that repeats as the OpenAI SDK does. LiteLLM exempts a deployment without alternatives from its cooldown, so
both are shown: as it is by default, and with the cooldown forced on. A pause is known once any answer has told of it.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from trunkline.core.flow import Queue, Timeouts
from trunkline.simulator.limited import Limited, Pause, Verdict
from trunkline.testing import Sent, Trial, caller_key, service
from trunkline.testing.virtual_time import LoopClock, passes, run

RATE, BURST = 10.0, 20
ONE_PAUSE = (Pause(12.0, 32.0),)
MANY_PAUSES = (Pause(8.0, 14.0), Pause(20.0, 30.0), Pause(36.0, 40.0), Pause(46.0, 56.0))
BACKLOG, STEADY, STEADY_S = 300, 180, 60.0
"""Calls that are there at the beginning, and calls that come in evenly after that."""
GOOD_S, BUSY_S, PAUSED_S = 0.05, (0.02, 0.3), 0.02
"""How long answers take: good ones, refusals for want of rate (from, to), refusals in a pause."""
SEED = 20261121


class Result(NamedTuple):
    """`wasted_known`: refusals of requests that were sent although the client had been told to wait until later."""

    name: str
    done_s: float
    wasted: int
    wasted_known: int

    def beside(self, oracle: Result) -> float:
        """How much longer it took than who knew the bucket."""
        return self.done_s / oracle.done_s - 1.0


@dataclass
class Vendor:
    """The vendor as a client meets it, and the book of what was sent and told."""

    limited: Limited
    drawn: random.Random = field(default_factory=lambda: random.Random(SEED))
    known_until: float = 0.0
    """The latest end of a wait that the client has been told of by now."""
    wasted_known: int = 0
    last_good_at: float = 0.0

    def request(self) -> tuple[Verdict, float]:
        """A request arrives now; its answer and how long that takes."""
        now = asyncio.get_running_loop().time()
        verdict = self.limited.ask(now)
        if verdict.ok:
            took_s = GOOD_S
        elif self.limited.pause_at(now) is not None:
            took_s = PAUSED_S
        else:
            took_s = self.drawn.uniform(*BUSY_S)
        if not verdict.ok and now < self.known_until:
            self.wasted_known += 1
        return verdict, took_s

    def told(self, verdict: Verdict, now: float) -> None:
        """The answer has reached the client."""
        if verdict.ok:
            self.last_good_at = now
        else:
            self.known_until = max(self.known_until, now + verdict.retry_after_s)

    async def ask(self) -> float | None:
        """One request: None when it was taken, else the seconds of its `Retry-After`."""
        verdict, took_s = self.request()
        await passes(took_s)
        now = asyncio.get_running_loop().time()
        self.told(verdict, now)
        return None if verdict.ok else float(math.ceil(verdict.retry_after_s))

    def result(self, name: str) -> Result:
        return Result(name, self.last_good_at, self.limited.refused, self.wasted_known)


def vendor_with(pauses: Sequence[Pause]) -> Vendor:
    return Vendor(Limited(rate=RATE, burst=BURST, pauses=pauses))


Call = Callable[[int], Awaitable[None]]


async def offered(call: Call) -> None:
    """The work: a backlog, then calls at a steady pace; returns when all of it is done."""
    tasks = [asyncio.ensure_future(call(n)) for n in range(BACKLOG)]
    for n in range(STEADY):
        await passes(STEADY_S / STEADY)
        tasks.append(asyncio.ensure_future(call(BACKLOG + n)))
    await asyncio.gather(*tasks)


async def oracle(pauses: Sequence[Pause]) -> Result:
    """Knows the bucket and sends each request at the instant at which it will be taken."""
    vendor, turn = vendor_with(pauses), asyncio.Lock()

    async def call(_: int) -> None:
        async with turn:
            now = asyncio.get_running_loop().time()
            await passes(max(0.0, vendor.limited.opens_at(now) - now))
            verdict, took_s = vendor.request()
        await passes(took_s)
        vendor.told(verdict, asyncio.get_running_loop().time())

    await offered(call)
    return vendor.result("oracle that knows the bucket")


async def tenacity(pauses: Sequence[Pause], *, full_jitter: bool) -> Result:
    """Each call repeats by itself."""
    vendor, drawn = vendor_with(pauses), random.Random(SEED)

    async def call(_: int) -> None:
        n = 1
        while await vendor.ask() is not None:
            step = 2.0 ** min(n - 1, 10)
            wait = (
                drawn.uniform(0.0, min(step, 60.0)) if full_jitter else min(step + drawn.uniform(0, 1), 60.0)
            )
            await passes(wait)
            n += 1

    await offered(call)
    return vendor.result(
        "tenacity, wait_random_exponential" if full_jitter else "tenacity, wait_exponential_jitter"
    )


async def litellm(pauses: Sequence[Pause], *, cools: bool) -> Result:
    """One deployment. `cools`: cooldown as for a group with alternatives, or with `allowed_fails: 0`; by default a lone one has none."""
    vendor, drawn = vendor_with(pauses), random.Random(SEED)
    cooled_until = 0.0

    async def attempt(n: int) -> float | None:
        """None when done; else how long the router sleeps after its n-th try."""
        nonlocal cooled_until
        loop = asyncio.get_running_loop()
        jitter = 0.75 * drawn.random()
        if cools and loop.time() < cooled_until:
            return min(8.0, 0.5 * 2.0**n) + jitter
        told = await vendor.ask()
        if told is None:
            return None
        # The newest answer replaces what stood there, be it shorter or longer.
        cooled_until = loop.time() + told
        return told + jitter

    async def call(_: int) -> None:
        turn = 0
        while True:
            for n in range(3):
                wait = await attempt(n)
                if wait is None:
                    return
                await passes(wait)
            await passes(min(8.0, 0.5 * 2.0**turn) * (1 - 0.25 * drawn.random()))
            turn += 1

    await offered(call)
    return vendor.result(f"LiteLLM, {'cooldown' if cools else 'a lone deployment'}")


async def trunkline(pauses: Sequence[Pause], *, tells: bool) -> Result:
    """The real engine. Its caller, once refused, comes back when it was told to. `tells`: the vendor sends its limit header fields."""
    vendor = vendor_with(pauses)

    def play(sent: Sent) -> None:
        loop = asyncio.get_running_loop()
        verdict, took_s = vendor.request()
        fields = vendor.limited.fields(verdict, tells=tells)

        def answer() -> None:
            vendor.told(verdict, loop.time())
            sent.reply(200 if verdict.ok else 429, b"{}", *fields)

        loop.call_later(took_s, answer)

    spec = service(
        queue=Queue(wait=300.0, size=10_000),
        timeout=Timeouts(total=600.0),
        limit_headers="openai" if tells else "",
    )
    trial = Trial(services=[spec], keys=[caller_key(concurrency=0)], clock=LoopClock())
    trial.wire.plays.extend([play] * 100_000)

    async def call(n: int) -> None:
        while True:
            heard = trial.begin("GET", f"/api/proxy/acme/{n}")
            while not heard.closed:
                await passes(0.1)
            if heard.status == 200:
                return
            await passes(float(heard.field(b"retry-after") or 1))

    await offered(call)
    return vendor.result(f"Trunkline, {'limits told' if tells else 'Retry-After alone'}")


def results(pauses: Sequence[Pause]) -> list[Result]:
    """All of them, the oracle first."""
    stories = (
        oracle(pauses),
        trunkline(pauses, tells=True),
        trunkline(pauses, tells=False),
        tenacity(pauses, full_jitter=False),
        tenacity(pauses, full_jitter=True),
        litellm(pauses, cools=False),
        litellm(pauses, cools=True),
    )
    return [run(story) for story in stories]


def table(rows: list[Result]) -> str:
    """The figures as text."""
    lines = [f"{'':36}{'done (s)':>10}{'beside oracle':>15}{'wasted':>9}{'in a known pause':>18}"]
    for row in rows:
        beside = f"{100 * row.beside(rows[0]):+.1f} %"
        lines.append(f"{row.name:36}{row.done_s:>10.1f}{beside:>15}{row.wasted:>9}{row.wasted_known:>18}")
    return "\n".join(lines)


if __name__ == "__main__":
    for pauses in (ONE_PAUSE, MANY_PAUSES):
        print(f"\nPauses: {', '.join(f'{p.begin:g} to {p.end:g} s' for p in pauses)}")
        print(table(results(pauses)))
