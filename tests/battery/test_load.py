"""L1 and L5 at full size, L4 in minutes."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.idle_streams import hold, setting
from tests.battery.load import quantile
from tests.battery.soak import soak
from tests.support.caller import Line, request
from tests.support.gateway import running_trunkline
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.slow
STREAMS = 5000
SAME = 1000


@pytest.mark.row("Q1", "X6")
def test_five_thousand_idle_streams(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with setting(tmp_path, simulator) as gateway:
        found = hold(gateway, simulator, streams=STREAMS, watch_s=30.0)
    lag, health = (1e3 * quantile(times, 0.99) for times in (found.live_s, found.health_s))
    report.tell("L1", "streams opened", f"{STREAMS:,}", f"{found.opened:,}")
    report.tell("L1", "memory of the gateway per stream (KB)", "<= 40", f"{found.per_stream_kb:.1f}")
    report.tell(
        "L1",
        "a call meanwhile, p99 (ms): how late the loop is",
        "<= 20",
        f"{lag:.1f}",
        "callers share its processors",
    )
    report.tell("L1", "/health meanwhile, p99 (ms)", "<= 50", f"{health:.1f}")
    report.tell("L1", "descriptors left over", "0", found.descriptors)
    assert (found.opened, found.failed) == (STREAMS, "")
    assert found.per_stream_kb <= 40
    assert lag <= 20
    assert health <= 50
    assert found.descriptors <= 5


@pytest.mark.row("F11")
def test_a_thousand_equal_calls_are_one_at_the_vendor(tmp_path: Path, simulator: SimulatorProcess) -> None:
    registry = f"""version: 1
integrations:
  crm: {{base_url: "{simulator.address("crm")}", auth: {{kind: bearer, secret: env:CRM_TOKEN}}, cache: {{ttl: 60s}}}}
"""
    simulator.latency("crm", first_ms=2000)
    with running_trunkline(tmp_path, registry) as gateway, ExitStack() as stack:
        asked = request("GET", "/api/proxy/crm/echo?same", {"authorization": f"Bearer {gateway.key}"})
        lines = [stack.enter_context(Line(gateway.port, 30.0)) for _ in range(SAME)]
        for line in lines:
            line.send(asked)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda line: line.answer(), lines))
    seen = len(simulator.ledger(vendor="crm"))
    statuses = Counter(answer.status for answer in answers)
    bodies = {answer.body for answer in answers}
    report.tell("L5", f"{SAME:,} equal calls at once: requests at the vendor", "1", seen)
    report.tell(
        "L5", "answers, all the same", f"{SAME:,} x 200", f"{statuses[200]:,} x 200, {len(bodies)} different"
    )
    assert (seen, statuses, len(bodies)) == (1, Counter({200: SAME}), 1)


@pytest.mark.row("Q3")
def test_minutes_of_mixed_calls_leave_memory_as_it_was(tmp_path: Path, simulator: SimulatorProcess) -> None:
    found = soak(tmp_path, simulator, for_s=240.0, rate=100, every_s=4.0)
    grown, files = found.grown_kb, found.descriptors[len(found.descriptors) // 4 :]
    report.tell(
        "L4", f"calls in {found.over_s:g} s, without a good answer", "0", f"{found.calls:,}, {found.bad}"
    )
    report.tell(
        "L4",
        "memory grown over the warm time (KB)",
        "<= 1,024",
        f"{grown:.0f}",
        f"from {found.warm_kb[0]} KB",
    )
    report.tell("L4", "descriptors, least and most", "flat", f"{min(files)}, {max(files)}")
    assert found.bad == 0
    assert grown <= 1024
