"""F1 to F32, L2 and the upload of S15, at the battery's size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.bulk import BY_NAME, hang_up, peak_of, post, slow_reader, swallow, zeros
from tests.battery.faults import (
    CASES,
    DEADLINE_S,
    FORMS,
    SLACK_S,
    pass_once,
    per_fault,
    setting,
    tally,
    try_all,
)
from tests.battery.load import quantile
from tests.battery.served import REGISTRY
from tests.battery.slow_clients import stall
from tests.support.gateway import running_trunkline
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.slow, pytest.mark.row("E1", "F1", "F7", "P1", "P3", "S1", "Q2")]
TIMES = 20
MANY = f"{len(CASES)} faults x {len(FORMS)} forms x {TIMES}"


def test_every_fault_on_every_dialect(tmp_path: Path) -> None:
    with setting(tmp_path) as (gateway, simulator):
        found = try_all(gateway, simulator, times=TIMES)
        noticed = pass_once(gateway, simulator)
    took = sorted(one.took_s for one in found.tried)
    note = f"{len(found.late)} over" if found.late else ""
    report.tell(
        "all faults",
        MANY,
        "all end clearly",
        f"{len(found.tried) - len(found.unclear)} of {len(found.tried)}",
        tally(found),
    )
    for name, some in per_fault(found).items():
        clear = sum(one not in found.unclear for one in some)
        told = f"{clear} of {len(some)}, the slowest in {max(one.took_s for one in some):.2f} s"
        report.tell(name, "calls that ended clearly", "all", told)
    report.tell("all faults", "records that differ from what the caller saw", "0", len(found.misrecorded))
    report.tell("all faults", "more than 4 attempts, or an act sent again", "0", len(found.repeated))
    report.tell(
        "all faults",
        f"longest call, deadline {DEADLINE_S:g} s (s)",
        f"<= {DEADLINE_S + SLACK_S:g}",
        f"{took[-1]:.2f}",
        note,
    )
    report.tell("all faults", "descriptors left over", "0", max(0, found.files_left))
    report.tell("all faults", "a fault that strikes once is noticed by callers", "0", len(noticed))
    assert (found.unclear, found.misrecorded, found.repeated, found.leaking, noticed) == ([], [], [], [], [])
    assert found.files_left <= 0
    assert found.errors == ""
    # The callers share two processors with everything else: a few late ones say something of the machine.
    assert len(found.late) <= len(found.tried) // 200


@pytest.mark.parametrize(
    "fault", ["gzip_bomb", f"huge_body;bytes={1 << 30}", "many_headers", "huge_header", "long_line"]
)
@pytest.mark.parametrize(
    "form", ["chat", "chat stream", "responses stream", "messages stream", "gemini", "proxied read"]
)
def test_too_much_from_a_vendor(tmp_path: Path, simulator: SimulatorProcess, form: str, fault: str) -> None:
    from tests.battery.faults import registry

    with running_trunkline(tmp_path, registry(simulator)) as gateway:
        gateway.call("GET", "/api/proxy/crm/echo")
        with peak_of(gateway.pid) as peak:
            status, size = swallow(gateway, BY_NAME[form], fault, limit_s=60)
    report.tell(
        "F21-F23, F28",
        f"{fault} on {form}: memory (MB)",
        "<= 50",
        f"{peak.grown_mb:.1f}",
        f"{status}, {size >> 20} MB passed",
    )
    assert status in ("200", "502", "cut")
    assert peak.grown_mb < 50


def test_slow_readers_and_callers_who_leave(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with running_trunkline(tmp_path, REGISTRY.format(simulator=simulator.address())) as gateway:
        gateway.call("GET", "/api/proxy/crm/echo")
        with peak_of(gateway.pid) as peak:
            slow_reader(gateway, 1 << 30, read_for_s=10)
        left = [hang_up(gateway, simulator, f"left-{n}") for n in range(50)]
        with peak_of(gateway.pid) as upload:
            answer, took = post(
                gateway, "/v1/chat/completions", {"content-length": str(1 << 30)}, zeros(1 << 30)
            )
    report.tell("F31", "a slow reader of 1 GB: memory (MB)", "<= 1", f"{peak.grown_mb:.2f}")
    report.tell("F32", "caller leaves, vendor's call ends, worst of 50 (s)", "<= 1", f"{max(left):.3f}")
    report.tell(
        "S15",
        "upload of 1 GB",
        "413 in 1 s, <= 50 MB",
        f"{answer and answer.status} in {took:.2f} s, {upload.grown_mb:.1f} MB",
    )
    assert peak.grown_mb < 2
    assert max(left) <= 1.0
    assert answer is not None
    assert answer.status == 413
    assert upload.grown_mb < 50


def test_three_thousand_slow_clients(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with (
        running_trunkline(tmp_path, REGISTRY.format(simulator=simulator.address())) as gateway,
        peak_of(gateway.pid) as peak,
    ):
        found = stall(gateway, clients=3000, rate=100, watch_s=30.0)
    good = sum(one.good for one in found.during)
    before, during = (
        quantile([one.took_s for one in part if one.good], 0.99) for part in (found.before, found.during)
    )
    heads = found.closed_after_s.get("slow_head", [0.0])
    bodies = found.closed_after_s.get("slow_body", [0.0])
    report.tell(
        "L2, 3,000 slow",
        "ordinary calls that went well",
        ">= 99.9 %",
        f"{100 * good / len(found.during):.2f} %",
    )
    report.tell(
        "L2, 3,000 slow",
        "p99 beside them, as a ratio",
        "<= 2",
        f"{during / before:.2f}",
        "the slow clients share its processors",
    )
    report.tell("L2, 3,000 slow", "slow heads closed after, worst (s)", "<= 10 + a look", f"{max(heads):.1f}")
    report.tell("L2, 3,000 slow", "slow bodies closed after, worst (s)", "10 + a look", f"{max(bodies):.1f}")
    report.tell("L2, 3,000 slow", "memory (MB)", "", f"{peak.grown_mb:.0f}")
    assert good >= 0.999 * len(found.during)
    assert found.held == 0
    assert "not let in" not in found.closed_after_s
    assert max(heads) <= 13.0
