"""Findings that are kept as things are now."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from trunkline.control.state import State
from trunkline.ops import findings
from trunkline.ops.contracts.dated import settle
from trunkline.ops.findings import Finding

KINDS = ("model.shutdown", "review.due")
ONE = Finding(
    kind="model.shutdown",
    integration="openai",
    subject="old",
    severity="info",
    title="it ends",
    due="2026-12-31",
)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state", {}).create()


def changed(**values: Any) -> Finding:
    return msgspec.structs.replace(ONE, **values)


def test_what_is_so_is_noted_once_and_again_when_it_says_something_else(state: State) -> None:
    assert settle(state, KINDS, [ONE], "over", 10.0)
    assert not settle(state, KINDS, [ONE], "over", 20.0)
    assert settle(state, KINDS, [changed(severity="critical", title="it ends soon")], "over", 30.0)
    [row] = findings.listed(state)
    assert (row.severity, row.title, row.times, row.last_at) == ("critical", "it ends soon", 2, 30.0)


def test_what_is_no_longer_so_is_resolved(state: State) -> None:
    settle(state, KINDS, [ONE, changed(subject="older")], "over", 10.0)
    assert settle(state, KINDS, [ONE], "it is no longer so", 20.0)
    assert [row.subject for row in findings.listed(state)] == ["old"]
    assert not settle(state, KINDS, [ONE], "it is no longer so", 30.0)


def test_findings_of_other_kinds_are_left_alone(state: State) -> None:
    findings.note(state, changed(kind="review.due.else"), 5.0)
    findings.note(state, changed(kind="contract.drift"), 5.0)
    settle(state, KINDS, [], "over", 10.0)
    assert len(findings.listed(state)) == 2


def test_what_was_resolved_by_hand_comes_back_as_long_as_it_is_so(state: State) -> None:
    settle(state, KINDS, [ONE], "over", 10.0)
    findings.resolve(state, ONE.kind, ONE.integration, ONE.subject, "I know", 20.0)
    assert settle(state, KINDS, [ONE], "over", 30.0)
    [row] = findings.listed(state)
    assert row.episode == 2
