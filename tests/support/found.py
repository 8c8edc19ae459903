"""A state folder with a finding in it. Not for: what the list does (`tests/unit/ops/test_findings.py`)."""

from __future__ import annotations

from pathlib import Path

from trunkline.control.state import State
from trunkline.ops.findings import Finding, id_of, note

FINDING = Finding(
    kind="rotation.due", integration="openai", subject="env:OPENAI_API_KEY", severity="warning", title="Rotate it"
)  # fmt: skip
FINDING_ID = id_of(FINDING.kind, FINDING.integration, FINDING.subject)


def seed(state: Path, now: float) -> None:
    """Notes it."""
    note(State(state), FINDING, now)
