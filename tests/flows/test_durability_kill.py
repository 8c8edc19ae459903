"""A gateway that is killed under load loses nothing and does nothing twice (short form of the battery's K1, where times are judged)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.kill import kill_under_load

pytestmark = pytest.mark.row("Q2")


def test_kills_under_load_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    found = kill_under_load(tmp_path, kills=5, rate=80, seed=7, apart_s=(0.1, 0.4))
    verdict = found.verdict
    assert verdict.faults == {}
    assert verdict.cut > 0
    assert found.good > 0
    assert found.retried > 0
    assert len(verdict.late) <= 2
