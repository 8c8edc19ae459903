"""Findings in the admin API."""

from __future__ import annotations

from tests.support.records import NOON_US
from trunkline.ops import findings
from trunkline.ops.findings import Finding

NOW = NOON_US / 1e6


def note(console, **values):
    plain = {"integration": "stripe", "subject": "create_charge", "severity": "warning", "title": "look"}
    return findings.note(console.state, Finding(kind="contract.drift", **{**plain, **values}), NOW)


async def test_they_are_listed_and_shown(console, ask):
    first, second = note(console), note(console, subject="refund", severity="critical")
    listed = (await ask("/api/findings?kind=contract&limit=5")).json()
    assert [one["id"] for one in listed["findings"]] == [second, first]
    assert (await ask("/api/findings?integration=nobody")).json() == {"findings": []}
    shown = (await ask(f"/api/findings/{first}")).json()
    assert (shown["title"], shown["state"]) == ("look", "open")
    assert (await ask("/api/findings/fnd_x")).status == 404


async def test_one_is_acknowledged_and_resolved(console, ask):
    made = note(console)
    acknowledged = (await ask(f"/api/findings/{made}/ack?note=mine", method="POST")).json()
    assert (acknowledged["state"], acknowledged["note"]) == ("acknowledged", "mine")
    resolved = (await ask(f"/api/findings/{made}/resolve?note=done", method="POST")).json()
    assert (resolved["state"], resolved["resolved_why"]) == ("resolved", "admin.token: done")
    refused = await ask(f"/api/findings/{made}/resolve", method="POST")
    assert (refused.status, "resolved already" in refused.json()["message"]) == (400, True)
    assert (await ask("/api/findings/fnd_x/ack", method="POST")).status == 404
