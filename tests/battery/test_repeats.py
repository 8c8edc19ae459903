"""I2 with callers that repeat, full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.repeats import REGISTRY, kill_under_repeats
from tests.support.gateway import running_trunkline
from tests.support.simulator import running_simulator

pytestmark = [pytest.mark.slow, pytest.mark.row("F2", "Q2")]


def test_over_a_hundred_kills_no_key_acts_twice(tmp_path: Path) -> None:
    with running_simulator(ledger_file=tmp_path / "simulator.jsonl") as simulator:
        registry = REGISTRY.replace("{simulator}", simulator.address()).replace(
            "{site}", "http://127.0.0.1:1"
        )
        with running_trunkline(tmp_path / "state", registry) as trunkline:
            kept = kill_under_repeats(trunkline, simulator, kills=100, callers=16, seed=5)
    report.tell(
        "I2", "keyed acts at a vendor without / with keys", "", f"{len(kept.items)} / {len(kept.charges)}"
    )
    report.tell("I2", "sent or done twice", "0", len(kept.twice))
    report.tell("I2", "told as done and not done", "0", len(kept.untrue))
    report.tell("I2", "of unknown outcome: without keys / with keys", "> 0 / 0", f"{kept.unknown} / 0")
    assert kept.twice == []
    assert kept.untrue == []
    assert set(kept.items.values()) == {(201, ""), (502, "outcome_unknown")}
    assert set(kept.charges.values()) == {(200, "")}
