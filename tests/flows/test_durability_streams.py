"""Many idle streams cost little and hold nobody up (short form of L1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.idle_streams import hold, setting
from tests.support.simulator import SimulatorProcess


@pytest.mark.row("Q1", "X6")
def test_three_hundred_idle_streams_are_held_and_let_go(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with setting(tmp_path, simulator) as gateway:
        found = hold(gateway, simulator, streams=300, watch_s=1.0)
    assert (found.opened, found.failed) == (300, "")
    assert found.per_stream_kb <= 60
    assert found.descriptors <= 5
