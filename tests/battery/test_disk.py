"""K3 and K4, full size; K4 also on a file system that is really full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.disk import Filled, error_of, fill_disk
from tests.battery.load import MIX, Load
from tests.battery.served import REGISTRY, serving
from tests.battery.torn import damage_journal
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.slow, pytest.mark.row("Q2")]


def test_a_thousand_torn_journals_open(tmp_path: Path) -> None:
    found = damage_journal(tmp_path, offsets=1000, seed=13)
    report.tell("K3", "opened after damage at a random place", "1000", found.opened)
    report.tell("K3", "records lost that were not hit", "0", len(found.wrong))
    report.tell("K3", "losses that were reported", str(found.with_loss), found.reported)
    report.tell("K3", "most records lost to one flipped bit", "1", found.most_lost)
    assert found.wrong == []
    assert found.reported == found.with_loss > 0


def test_five_full_disks_forget_nothing(tmp_path: Path, simulator: SimulatorProcess) -> None:
    registry = REGISTRY.format(simulator=simulator.address())
    found: list[Filled] = []
    for number in range(5):
        simulator.reset()
        found.append(fill_disk(tmp_path / str(number), registry, simulator, slow_acts=12, rate=150))
    wrong = sum(one.states.get(name) != ["ok"] for one in found for name in one.acknowledged)
    report.tell(
        "K4 (injected, 5 x)",
        "acts refused as",
        "503 store_unavailable",
        f"{found[0].refused.status} {error_of(found[0].refused)['code']}",
    )
    report.tell(
        "K4 (injected, 5 x)",
        "calls that are no acts, meanwhile",
        "all 200",
        sorted({s for one in found for s in one.meanwhile}),
    )
    report.tell(
        "K4 (injected, 5 x)",
        "acknowledged acts lost",
        "0",
        f"{wrong} of {sum(len(one.acknowledged) for one in found)}",
    )
    report.tell(
        "K4 (injected, 5 x)",
        "served again after room (s)",
        "<= 5",
        f"{max(one.recovered_s for one in found):.2f}",
    )
    assert wrong == 0
    assert {status for one in found for status in one.meanwhile} == {200}
    assert max(one.recovered_s for one in found) <= 5.0


def test_a_file_system_without_room(tmp_path: Path, simulator: SimulatorProcess) -> None:
    """The whole state folder on 64 MB: journal, ledger and all. Needs the right to mount; else it is reported as not run."""
    with small_disk(tmp_path / "disk") as disk:
        if disk is None:
            report.tell("K4 (64 MB disk)", "all", "", "NOT RUN", "needs the right to mount a tmpfs")
            assert not os.environ.get("CI"), "this test must run where CI is set"
            return
        with serving(disk, REGISTRY.format(simulator=simulator.address())) as served:
            with Load(lambda: served.port, served.key, rate=100, seed=14, sorts=MIX) as load:
                eventually(lambda: len(load.asked) > 100, "calls", 20)
                filler = disk / "filler"
                with filler.open("wb", buffering=0) as file:
                    try:
                        while file.write(bytes(1 << 16)):
                            continue
                    except OSError:
                        pass
                full_from = len(load.asked)
                eventually(lambda: len(load.asked) > full_from + 1000, "calls on a full disk", 40)
                filler.unlink()
                freed = len(load.asked)
                eventually(lambda: len(load.asked) > freed + 500, "calls after", 40)
                asked = load.done()
            bad = [one for one in asked if not one.good and one.status != 503]
            acknowledged = [one for one in asked if one.sort.acts and one.good]
            rows = eventually(
                lambda: (found := {r["correlation_id"]: r["state"] for r in served.logs()})
                and all(one.id in found for one in acknowledged) and found, "the ledger to catch up", 20,
            )  # fmt: skip
            wrong = [one.id for one in acknowledged if rows[one.id] != "ok"]
            report.tell(
                "K4 (64 MB disk)",
                "calls, with another end than good or 503",
                "0",
                f"{len(asked)}, {len(bad)}",
            )
            report.tell(
                "K4 (64 MB disk)", "acknowledged acts lost", "0", f"{len(wrong)} of {len(acknowledged)}"
            )
            report.tell(
                "K4 (64 MB disk)", "the last 100 calls, good", "100", sum(one.good for one in asked[-100:])
            )
            assert (bad, wrong) == ([], [])
            assert all(one.good for one in asked[-100:])


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of 64 MB in memory; None where this process may not mount one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
