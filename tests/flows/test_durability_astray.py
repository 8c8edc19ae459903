"""Nothing that a caller or a vendor says leads Trunkline, or a credential, anywhere else (S3, S4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.astray import lead_astray
from tests.support.simulator import SimulatorProcess


@pytest.mark.row("P1", "S1", "Q2")
def test_no_form_leads_elsewhere(tmp_path: Path, simulator: SimulatorProcess) -> None:
    found = lead_astray(tmp_path, simulator)
    assert found.visits == []
    assert found.swapped == []
    assert found.accepted == []
    assert found.tries >= 250
    assert found.reached > 0
    assert set(found.denied.values()) <= {
        "502 network",
        "502 misconfigured",
        "500 misconfigured",
        "503 misconfigured",
    }
