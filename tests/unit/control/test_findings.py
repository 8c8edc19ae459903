"""Decisions of people about findings."""

from __future__ import annotations

import pytest

from trunkline.control import audit, findings
from trunkline.ops import findings as ops
from trunkline.ops.findings import Finding

NOW = 1_790_000_000.0


@pytest.fixture
def made(state):
    finding = Finding(
        kind="rotation.due", integration="stripe", subject="env:KEY", severity="warning", title="rotate"
    )
    return ops.note(state, finding, NOW)


def acts(state):
    return [(e["actor"], e["action"], e["subject"], e["detail"]) for e in audit.entries(state)]


def test_both_decisions_stand_in_the_audit_log(state, made):
    assert findings.acknowledge(state, made, "jan", "on friday", NOW + 1).state == "acknowledged"
    resolved = findings.resolve(state, made, "eva", "rotated by hand", NOW + 2)
    assert (resolved.state, resolved.resolved_why, resolved.resolved_at) == (
        "resolved",
        "eva: rotated by hand",
        NOW + 2,
    )
    assert acts(state) == [
        ("jan", "finding.ack", made, {"note": "on friday"}),
        ("eva", "finding.resolve", made, {"why": "rotated by hand"}),
    ]
    assert audit.verify(state).ok


def test_what_cannot_be_decided_says_why(state, made):
    with pytest.raises(findings.FindingProblem, match=r"no finding 'fnd_x'.*findings list"):
        findings.acknowledge(state, "fnd_x", "jan")
    with pytest.raises(findings.FindingProblem, match="2001 characters"):
        findings.resolve(state, made, "jan", "x" * 2001)
    findings.resolve(state, made, "jan", "", NOW)
    with pytest.raises(findings.FindingProblem, match="resolved already: by jan"):
        findings.acknowledge(state, made, "jan")
    assert len(acts(state)) == 1
