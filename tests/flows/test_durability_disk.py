"""A full disk, a second gateway on one folder, a torn journal (short forms of K4, K10 and K3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.disk import error_of, fill_disk, second_gateway
from tests.battery.served import REGISTRY
from tests.battery.torn import damage_journal
from tests.support.gateway import running_trunkline
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.row("Q2")


def test_a_full_disk_refuses_acts_and_forgets_nothing(tmp_path: Path, simulator: SimulatorProcess) -> None:
    found = fill_disk(
        tmp_path, REGISTRY.format(simulator=simulator.address()), simulator, slow_acts=8, rate=150
    )

    assert found.refused.status == 503
    assert error_of(found.refused)["code"] == "store_unavailable"
    assert found.refused.field("x-correlation-id") not in found.seen
    assert "still-full" not in found.seen
    assert found.meanwhile
    assert set(found.meanwhile) == {200}
    assert {
        name: found.states.get(name) for name in found.acknowledged if found.states.get(name) != ["ok"]
    } == {}
    assert len([name for name in found.acknowledged if name.startswith("slow")]) == 8
    assert found.lost_records > 0  # of calls that are no acts: they go on, and are counted


def test_a_second_gateway_on_one_folder_is_refused_naming_the_first(
    tmp_path: Path, simulator: SimulatorProcess
) -> None:
    with running_trunkline(tmp_path, REGISTRY.format(simulator=simulator.address())) as gateway:
        second = second_gateway(gateway)
        assert second.returncode == 3
        assert f"is being written by process {gateway.pid}" in second.stderr
        assert "Traceback" not in second.stderr
        assert gateway.call("GET", "/v1/models").status == 200


def test_a_torn_journal_opens_and_loses_only_what_was_torn(tmp_path: Path) -> None:
    found = damage_journal(tmp_path, offsets=60, seed=12)
    assert found.wrong == []
    assert found.reported == found.with_loss > 0
