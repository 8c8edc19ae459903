"""A stop lets running streams end, and loses nothing (short form of the battery's K2)."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.battery.served import REGISTRY, serving
from tests.battery.stop import stop_with_streams
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.row("Q2")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_streams_end_before_the_process_does(
    tmp_path: Path, simulator: SimulatorProcess, number: signal.Signals
) -> None:
    with serving(tmp_path, REGISTRY.format(simulator=simulator.address())) as served:
        found = stop_with_streams(served, simulator, number, streams=8, seconds=1.0)
        said, left = served.said, (served.pid("gateway"), served.pid("console"))
    assert found.states == ["ok"] * 8
    assert found.ended_well == 8
    assert found.exit_status == 0
    assert found.late[0] == "refused"
    assert found.late[1] in ("closed", "503 shutting_down")
    assert left == (0, 0)
    assert "Traceback" not in said
