"""K2, twenty stops with streams of three seconds (the figure asks for fifty with thirty: the same path, shortened)."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.served import REGISTRY, serving
from tests.battery.stop import Stopped, stop_with_streams
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.slow, pytest.mark.row("Q2")]
ROUNDS, STREAMS = 20, 30


def test_every_stream_ends_before_the_process_does(tmp_path: Path, simulator: SimulatorProcess) -> None:
    found: list[Stopped] = []
    with serving(tmp_path, REGISTRY.format(simulator=simulator.address()), drain_s=35.0) as served:
        for round_ in range(ROUNDS):
            number = (signal.SIGTERM, signal.SIGINT)[round_ % 2]
            found.append(stop_with_streams(served, simulator, number, streams=STREAMS, seconds=3.0))
            served.start()
    well, total = sum(one.ended_well for one in found), ROUNDS * STREAMS
    report.tell("K2", f"streams that ended well over {ROUNDS} stops", f"{total}", well)
    report.tell("K2", "streams in the ledger as ok", f"{total}", sum(one.states.count("ok") for one in found))
    report.tell(
        "K2",
        "new callers",
        "refused cleanly",
        ", ".join(sorted({said for one in found for said in one.late})),
    )
    report.tell("K2", "longest stop (s)", "<= 35", f"{max(one.took_s for one in found):.1f}")
    report.tell("K2", "exit statuses", "0", sorted({one.exit_status for one in found}))
    assert [one.ended_well for one in found] == [STREAMS] * ROUNDS
    assert [one.states for one in found] == [["ok"] * STREAMS] * ROUNDS
    assert {one.exit_status for one in found} == {0}
    assert {one.late[0] for one in found} == {"refused"}
    assert all(one.refused_meanwhile for one in found)
