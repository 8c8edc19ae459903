"""K8, K9 and K10 at full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.disk import second_gateway
from tests.battery.load import quantile
from tests.battery.rotation import rotate, rotate_safely
from tests.battery.served import REGISTRY, serving
from tests.battery.upgrades import EARLIER, FAILED_EVERY, refused_untouched, upgrade_store
from tests.support.gateway import running_trunkline
from tests.support.simulator import SimulatorProcess
from trunkline.cli import exits

pytestmark = pytest.mark.slow


@pytest.mark.row("S3", "S4", "Q2")
def test_a_hundred_rotations_fail_no_call(tmp_path: Path, simulator: SimulatorProcess) -> None:
    found = rotate(tmp_path, simulator, times=100, apart_s=0.6, rate=100)
    report.tell(
        "K8", "calls over 100 rotations, without a good answer", "0", f"{found.calls}, {len(found.bad)}"
    )
    told = f"{quantile(found.in_use_s, 0.5):.2f}, {max(found.in_use_s):.2f}"
    report.tell("K8", "new value in use after, median and worst (s)", "<= 1", told)
    report.tell("K8", "killed: calls refused after (s)", "<= 1", f"{found.killed_s:.2f}")
    report.tell("K8", "files that hold a value in the open", "0", len(found.leaked))
    assert found.bad[:3] == []
    assert found.leaked == []
    assert found.killed_s <= 1.0
    assert quantile(found.in_use_s, 0.95) <= 1.0


@pytest.mark.row("S3", "Q2")
def test_a_hundred_whole_rotations_fail_no_call(tmp_path: Path, simulator: SimulatorProcess) -> None:
    found = rotate_safely(tmp_path, simulator, times=100, rate=100)
    report.tell(
        "K8",
        "calls over 100 whole rotations (proved, promoted, watched, given up), without a good answer",
        "0",
        f"{found.calls}, {len(found.bad)}",
    )
    report.tell("K8", "whole rotations that ended well", "100", found.ends["done"])
    told = f"{quantile(found.took_s, 0.5):.1f}, {max(found.took_s):.1f}"
    report.tell("K8", "a whole rotation with a quiet time of 1 s took, median and worst (s)", "told", told)
    assert found.bad[:3] == []
    assert found.ends == {"done": 100}
    assert found.leaked == []


@pytest.mark.row("X5")
def test_a_million_calls_are_upgraded_with_a_copy_kept(tmp_path: Path) -> None:
    found = upgrade_store(tmp_path / "up", rows=1_000_000)
    said, untouched = refused_untouched(tmp_path / "down")
    report.tell("K9", "upgrade of 1,000,000 calls (s)", "<= 30", f"{found.took_s:.1f}")
    report.tell("K9", "calls after, in the copy from before", "all", f"{found.after:,}, {found.kept:,}")
    report.tell(
        "K9",
        "a later version's store",
        "refused, untouched",
        "refused, untouched" if said and untouched else said,
    )
    assert (found.after, found.kept, found.kept_schema) == (found.rows, found.rows, EARLIER)
    assert (found.found, found.failed) == (1000, min(1000, found.rows // FAILED_EVERY))
    assert found.took_s <= 30
    assert "9999" in said
    assert untouched


@pytest.mark.row("X1")
def test_a_second_one_is_refused_with_the_pid_of_the_first(
    tmp_path: Path, simulator: SimulatorProcess
) -> None:
    registry = REGISTRY.format(simulator=simulator.address())
    with serving(tmp_path / "served", registry) as served:
        assert served.process is not None
        second = served.run("serve", "--port", "0", "--console-port", "0")
        names = f"pid {served.process.pid}" in second.stderr
        well = served.answers() == 200
    with running_trunkline(tmp_path / "alone", registry) as gateway:
        other = second_gateway(gateway)
        other_names = str(gateway.pid) in other.stderr
    report.tell(
        "K10",
        "a second `trunkline serve`",
        "refused, names the pid",
        f"exit {second.returncode}, {'names it' if names else 'no'}",
    )
    report.tell(
        "K10",
        "a second gateway process",
        "refused, names the pid",
        f"exit {other.returncode}, {'names it' if other_names else 'no'}",
    )
    assert (second.returncode, names, well) == (exits.FAILED, True, True)
    assert (other.returncode != 0, other_names) == (True, True)
