"""The list of what a person should look at: made, counted up, acknowledged, resolved, opened anew."""

from __future__ import annotations

import msgspec
import pytest

from trunkline.control.state import State
from trunkline.ops import findings
from trunkline.ops.findings import Finding

NOW = 1_790_000_000.0
DRIFT = Finding(
    kind="contract.drift",
    integration="stripe",
    subject="create_charge",
    severity="warning",
    title="stripe create_charge: the field amount is a string now",
    detail={"path": "/amount", "was": "integer", "is": "string"},
    correlation_ids=["corr-1"],
    due="2027-01-31",
)


def changed(**values):
    return msgspec.structs.replace(DRIFT, **values)


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "state", {}).create()


def test_a_finding_is_kept_as_it_was_said(state):
    made = findings.note(state, DRIFT, NOW)
    [row] = findings.listed(state)
    assert msgspec.to_builtins(row) == {
        **msgspec.to_builtins(DRIFT),
        "id": made,
        "state": "open",
        "times": 1,
        "episode": 1,
        "first_at": NOW,
        "opened_at": NOW,
        "last_at": NOW,
        "acknowledged_at": 0.0,
        "acknowledged_by": "",
        "note": "",
        "resolved_at": 0.0,
        "resolved_why": "",
    }


def test_the_same_thing_again_is_counted_and_keeps_its_id(state):
    first = findings.note(state, DRIFT, NOW)
    again = findings.note(state, changed(correlation_ids=["corr-2", "corr-1"], title="other words"), NOW + 60)
    assert again == first
    [row] = findings.listed(state)
    assert (row.times, row.title, row.correlation_ids) == (2, "other words", ["corr-1", "corr-2"])
    assert (row.opened_at, row.last_at) == (NOW, NOW + 60)


def test_another_subject_is_another_finding(state):
    findings.note(state, DRIFT, NOW)
    findings.note(state, changed(subject="refund"), NOW)
    findings.note(state, changed(integration="adyen"), NOW)
    findings.note(state, changed(kind="contract.deprecation"), NOW)
    assert len(findings.listed(state)) == 4


def test_only_the_latest_calls_and_a_bounded_title_are_kept(state):
    for n in range(15):
        findings.note(state, changed(correlation_ids=[f"corr-{n}"], title="x" * 1000), NOW + n)
    [row] = findings.listed(state)
    assert row.correlation_ids == [f"corr-{n}" for n in range(5, 15)]
    assert len(row.title) == findings.TITLE_MAX


def test_who_looks_after_it_is_kept_until_it_becomes_worse(state):
    made = findings.note(state, DRIFT, NOW)
    assert findings.acknowledge(state, made, "jan", "asked the vendor", NOW + 5)
    findings.note(state, DRIFT, NOW + 10)
    row = findings.find(state, made)
    assert (row.state, row.acknowledged_by, row.note) == ("acknowledged", "jan", "asked the vendor")
    findings.note(state, changed(severity="critical"), NOW + 20)
    assert findings.find(state, made).state == "open"


def test_what_was_resolved_is_listed_no_more_and_opens_anew_when_it_is_found_again(state):
    made = findings.note(state, DRIFT, NOW)
    findings.acknowledge(state, made, "jan", "", NOW + 1)
    assert findings.resolve(state, "contract.drift", "stripe", "create_charge", "accepted", NOW + 2)
    assert findings.listed(state) == []
    [row] = findings.listed(state, open_only=False)
    assert (row.state, row.resolved_at, row.resolved_why) == ("resolved", NOW + 2, "accepted")
    assert [one.id for one in findings.resolved_since(state, NOW + 2)] == [made]
    assert findings.resolved_since(state, NOW + 3) == []

    assert findings.note(state, DRIFT, NOW + 100) == made
    [row] = findings.listed(state)
    assert (row.state, row.episode, row.times, row.first_at, row.opened_at) == ("open", 2, 1, NOW, NOW + 100)
    assert (row.acknowledged_by, row.resolved_why) == ("", "")


def test_there_is_nothing_to_resolve_or_acknowledge_that_is_not_open(state):
    assert not findings.resolve(state, "contract.drift", "stripe", "create_charge", "accepted", NOW)
    made = findings.note(state, DRIFT, NOW)
    assert findings.resolve(state, "contract.drift", "stripe", "create_charge", "accepted", NOW)
    assert not findings.resolve(state, "contract.drift", "stripe", "create_charge", "again", NOW)
    assert not findings.acknowledge(state, made, "jan", "", NOW)
    assert not findings.acknowledge(state, "fnd_none", "jan", "", NOW)


def test_the_list_is_narrowed_and_the_worst_stands_first(state):
    findings.note(state, DRIFT, NOW)
    findings.note(state, changed(subject="b", severity="critical"), NOW - 50)
    findings.note(state, changed(kind="contract_x", subject="c"), NOW)
    findings.note(state, changed(kind="rotation.due", integration="openai", severity="info"), NOW + 1)
    assert [one.subject for one in findings.listed(state, kind="contract")] == ["b", "create_charge"]
    assert [one.kind for one in findings.listed(state, kind="rotation.due")] == ["rotation.due"]
    assert [one.kind for one in findings.listed(state, integration="openai")] == ["rotation.due"]
    assert [one.severity for one in findings.listed(state)] == ["critical", "warning", "warning", "info"]
    assert len(findings.listed(state, limit=2)) == 2
