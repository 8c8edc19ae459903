"""Whatever a vendor does wrong, on any dialect, ends in time, clearly, recorded and without a trace (short form of F1 to F30)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.faults import pass_once, setting, try_all

pytestmark = pytest.mark.row("E1", "F1", "F7", "Q2")


def test_every_fault_on_every_dialect_ends_clearly(tmp_path: Path) -> None:
    with setting(tmp_path) as (gateway, simulator):
        found = try_all(gateway, simulator, times=1, deadline_s=2.0)
        assert found.unclear == []
        assert found.misrecorded == []
        assert found.repeated == []
        assert found.leaking == []
        assert found.files_left <= 0
        assert found.errors == ""
        assert pass_once(gateway, simulator) == []
        assert gateway.call("GET", "/health/ready", key="").status == 200
