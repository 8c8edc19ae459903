"""A store of another version, and a secret that is rotated under load (short form of K8 and K9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.rotation import rotate, rotate_safely
from tests.battery.upgrades import EARLIER, refused_untouched, upgrade_store
from tests.support.simulator import SimulatorProcess


@pytest.mark.row("X5")
def test_a_store_of_an_earlier_version_is_upgraded_with_a_copy_kept(tmp_path: Path) -> None:
    found = upgrade_store(tmp_path, rows=5_000)
    assert (found.after, found.kept, found.kept_schema) == (5_000, 5_000, EARLIER)
    assert (found.found, found.failed) == (1000, 50)


@pytest.mark.row("X5")
def test_a_store_of_a_later_version_is_refused_untouched(tmp_path: Path) -> None:
    said, untouched = refused_untouched(tmp_path)
    assert "9999" in said
    assert "restore a backup" in said
    assert untouched


@pytest.mark.row("S3", "S4")
def test_a_secret_that_is_rotated_under_load_fails_no_call(
    tmp_path: Path, simulator: SimulatorProcess
) -> None:
    found = rotate(tmp_path, simulator, times=5, apart_s=0.5, rate=40)
    assert found.bad == []
    assert found.leaked == []


@pytest.mark.row("S3", "Q2")
def test_whole_rotations_under_load_fail_no_call(tmp_path: Path, simulator: SimulatorProcess) -> None:
    found = rotate_safely(tmp_path, simulator, times=3, rate=30)
    assert found.bad == []
    assert found.ends == {"done": 3}
    assert found.leaked == []
