"""No secret that passes stands anywhere afterwards (short form of S7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.canaries import send_canaries
from tests.support.simulator import SimulatorProcess


@pytest.mark.row("S1", "Q2")
def test_no_canary_is_found_anywhere(tmp_path: Path, simulator: SimulatorProcess) -> None:
    leaks = send_canaries(tmp_path, simulator, vendors=12, seed=20)
    assert leaks.found == []
    assert leaks.canaries >= 50
    assert leaks.places > 20
