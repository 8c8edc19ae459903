"""Three times what a vendor takes, and what becomes of it: goodput, order, waits, refusals. All in simulated time, by the real engine."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.battery import report
from tests.battery.waiting import CAPACITY, HELD_S, PLACES, Offer, Outcome, Rush, good, percentile
from trunkline.core.flow import Limit, Queue
from trunkline.core.service import LANES
from trunkline.plugins.policies.fair import Schedule
from trunkline.testing.virtual_time import passes, run

FOR_S = 40.0
ONE_S = 1.0
SHARES = (0.6, 1.2, 1.2)
"""Of the capacity, by lane: three times it in all."""


async def three_lanes(for_s: float, queue: Queue | None = None) -> Rush:
    rush = Rush(Limit(concurrency=PLACES), queue=queue)
    lanes = zip(LANES, SHARES, strict=True)
    await rush.offered([Offer("red", lane, share * CAPACITY, for_s) for lane, share in lanes])
    return rush


def waits(calls: list[Outcome]) -> list[float]:
    return [call.waited_s for call in good(calls)]


@pytest.mark.slow
@pytest.mark.row("F9")
def test_three_lanes_at_three_times_the_capacity() -> None:
    rush = run(three_lanes(FOR_S))
    sent = sorted(call.sent_at for call in good(rush.calls))
    goodput = sum(ONE_S <= at < FOR_S for at in sent) / (FOR_S - ONE_S)
    interactive, pipeline, batch = (rush.of(lane) for lane in LANES)
    refused = [call for call in rush.calls if call.heard.status != 200]
    report.tell(
        "lanes at 3 x", "goodput beside peak", ">= 90 %", f"{goodput / CAPACITY:.1%}", "simulated time"
    )
    for lane in LANES:
        waited = [percentile(waits(rush.of(lane)), share) for share in (0.5, 0.99)]
        told = f"{len(good(rush.of(lane)))} of {len(rush.of(lane))}, p50 {waited[0]:.2f} s, p99 {waited[1]:.2f} s"
        report.tell("lanes at 3 x", f"{lane}: served, wait", "as the lanes say", told, "simulated time")

    assert goodput >= 0.9 * CAPACITY
    assert len(good(interactive)) == len(interactive), "who asks for less than its share gets all of it"
    assert percentile(waits(interactive), 0.99) <= HELD_S[1]
    assert 0 < len(good(batch)) < len(good(pipeline)) < len(pipeline)
    assert max(waits(pipeline + batch)) <= Queue().wait
    assert {json.loads(call.heard.body)["code"] for call in refused} <= {"queue_full", "queue_timeout"}
    assert all(int(call.heard.field(b"retry-after") or 0) >= 1 for call in refused)
    assert all(call.heard.field(b"x-trunkline-queue-position") for call in refused)


@pytest.mark.row("F9")
def test_the_order_at_the_vendor_is_that_of_the_schedule() -> None:
    """The same arrivals given to the schedule alone: whenever a place was free, it names the call that went."""
    rush = run(three_lanes(6.0, Queue(wait=600.0, size=100_000, ageing=5.0)))
    assert len(rush.order) == len(rush.calls)
    schedule, arrivals = Schedule[Waiting](ageing_s=5.0), list(rush.calls)
    for call in rush.order:
        while arrivals and arrivals[0].begun_at <= call.sent_at:
            schedule.join(Waiting(arrivals.pop(0)), call.sent_at)
        first = schedule.first(call.sent_at)
        assert first is not None
        assert first.n == call.n
        schedule.serve(first)


class Waiting:
    """A call as the schedule sees it."""

    gate, level = "", 0

    def __init__(self, call: Outcome) -> None:
        self.team = call.offer.team
        self.lane = LANES.index(call.offer.lane)
        self.since = call.begun_at
        self.n = call.n


async def greedy_and_quiet(greedy: float, quiet: float) -> Rush:
    rush = Rush(Limit(concurrency=PLACES))
    offers = [Offer("blue", "interactive", quiet * CAPACITY, 20.0)]
    if greedy:
        offers.append(Offer("red", "interactive", greedy * CAPACITY, 20.0))
    await rush.offered(offers)
    return rush


@pytest.mark.slow
@pytest.mark.row("F9")
def test_a_quiet_team_hardly_feels_a_greedy_one() -> None:
    """Battery L3."""
    alone = [call.took_s for call in run(greedy_and_quiet(0.0, 0.45)).of(team="blue")]
    rush = run(greedy_and_quiet(2.55, 0.45))
    blue, red = rush.of(team="blue"), rush.of(team="red")
    took, before = percentile([call.took_s for call in blue], 0.99), percentile(alone, 0.99)
    goodput = sum(ONE_S <= call.sent_at < 20.0 for call in good(rush.calls)) / (20.0 - ONE_S)
    at_once = [call.took_s for call in red if call.heard.status != 200]
    report.tell("L3", "goodput beside peak", ">= 90 %", f"{goodput / CAPACITY:.1%}", "simulated time")
    told = f"{1e3 * percentile(at_once, 0.99):.0f} ms"
    report.tell("L3", "refusals take (p99)", "<= 50 ms", told, "simulated time")
    report.tell("L3", "quiet team's p99 beside alone", "<= 1.5 x", f"{took / before:.2f} x", "simulated time")

    assert len(good(blue)) == len(blue)
    assert took <= 1.5 * before
    assert goodput >= 0.9 * CAPACITY
    assert percentile(at_once, 0.99) <= 0.05, "the others gave way to the quiet team's next call"
    assert all(int(call.heard.field(b"retry-after") or 0) >= 1 for call in red if call.heard.status != 200)


async def five_hundred() -> tuple[Rush, int, float]:
    """Ten a second, five hundred at once of two teams; fifty hang up after five seconds. How many left the line by that, and how
    many seconds after.
    """
    rush = Rush(Limit(requests=10, per=1.0), queue=Queue(wait=60.0))
    calls = [rush.begin(Offer(team, "interactive", 0.0, 0.0)) for _ in range(250) for team in ("red", "blue")]
    await passes(5.05)
    (line,) = rush.trial.queue.lines.values()
    before, at = len(line.schedule), asyncio.get_running_loop().time()
    for call in calls[-50:]:
        call.heard.hang_up()
    while len(line.schedule) > before - 50:
        await asyncio.sleep(0)
    left_s = asyncio.get_running_loop().time() - at
    await rush.over()
    return rush, before - len(line.schedule), left_s


@pytest.mark.slow
@pytest.mark.row("F9")
def test_five_hundred_at_ten_a_second() -> None:
    """Battery L6."""
    rush, _, left_s = run(five_hundred())
    stayed = rush.calls[:-50]
    orders = [[call.n for call in rush.order if call.offer.team == team] for team in ("red", "blue")]
    lost = len(stayed) - len(good(stayed))
    kept = all(order == sorted(order) for order in orders)
    report.tell("L6", "lost of 500, 50 of whom hang up", "0", lost, "simulated time")
    report.tell("L6", "order kept per team", "yes", "yes" if kept else "no", "simulated time")
    report.tell(
        "L6", "who hangs up leaves the line after", "<= 100 ms", f"{1e3 * left_s:.0f} ms", "simulated time"
    )

    assert (len(rush.calls), lost, kept) == (500, 0, True)
    assert left_s <= 0.1
    assert 43.9 <= max(call.sent_at for call in stayed) <= 44.5
    assert [call.sent_at for call in rush.calls[-50:]] == [-1.0] * 50
