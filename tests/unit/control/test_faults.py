from __future__ import annotations

import pytest

from trunkline.control import audit, faults
from trunkline.control.state import State
from trunkline.core.faults import Fault

pytestmark = pytest.mark.row("F12", "G1")


def fault(integration: str, name: str = "refused", until: float = 0.0) -> Fault:
    return Fault(integration=integration, fault=name, play="refused", until=until)


def test_faults_are_put_beside_each_other_and_passed_ones_fall_away(state: State) -> None:
    faults.put(state, fault("a", until=50.0), now=10.0)
    faults.put(state, fault("b"), now=20.0)
    assert [one.integration for one in faults.listed(state, 49.0)] == ["a", "b"]
    assert [one.integration for one in faults.listed(state, 51.0)] == ["b"]
    faults.put(state, fault("b", "never"), now=60.0)
    assert [(one.integration, one.fault) for one in faults.listed(state, 0.0)] == [
        ("b", "refused"),
        ("b", "never"),
    ]


def test_clearing_leaves_a_file_that_says_that_there_is_none(state: State) -> None:
    faults.put(state, fault("a"), now=0.0)
    assert faults.clear(state, "other", 1.0) == 0
    assert faults.clear(state, "", 1.0) == 1
    assert faults.path(state).exists()
    assert faults.listed(state, 1.0) == []


def test_each_change_has_its_audit_row(state: State) -> None:
    faults.put(state, fault("a"), now=0.0, actor="someone")
    faults.clear(state, "a", 1.0)
    rows = [(row["actor"], row["action"], row["subject"]) for row in audit.entries(state)]
    assert ("someone", "fault.set", "a") in rows
    assert ("cli", "fault.clear", "a") in rows
