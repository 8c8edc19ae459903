"""A state folder with a finding and an incident in it. Not for: what becomes of them (`tests/unit/ops`)."""

from __future__ import annotations

from pathlib import Path

from trunkline.control.state import State
from trunkline.ops.findings import Finding, id_of, note
from trunkline.ops.incidents.book import put
from trunkline.ops.incidents.incident import Entry, Incident

FINDING = Finding(
    kind="rotation.due", integration="openai", subject="env:OPENAI_API_KEY", severity="warning", title="Rotate it"
)  # fmt: skip
FINDING_ID = id_of(FINDING.kind, FINDING.integration, FINDING.subject)


INCIDENT = Incident(
    id="inc_20261121_abcdef", integration="stripe", cause="vendor", state="open", severity="critical", status="down",
    title="stripe is down", reason="the breaker is open", began_at=1_795_262_000.0, opened_at=1_795_262_030.0,
)  # fmt: skip


def seed(state: Path, now: float) -> None:
    """Notes the one, keeps the other."""
    there = State(state)
    note(there, FINDING, now)
    with there.change() as connection:
        put(connection, INCIDENT, [Entry(at=INCIDENT.opened_at, kind="opened", text="stripe is down.")])
