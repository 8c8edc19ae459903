"""Reloads under load, right and wrong ones, that no call notices (short form of the battery's K7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.reloads import reload_under_load


@pytest.mark.row("R5", "Q2")
def test_reloads_under_load_fail_no_call(tmp_path: Path) -> None:
    found = reload_under_load(tmp_path, reloads=10, over_s=3.0, rate=60, seed=9)
    assert found.verdict.faults == {}
    assert found.bad == 0
    assert (found.refused, found.refusals_wrong) == (1, [])
    assert len(found.versions) == 10
    assert len(found.recorded) > 1
    assert found.recorded <= found.versions
