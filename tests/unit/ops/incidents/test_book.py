"""Incidents outlive the console, gaps are told, and what people say wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.control import audit
from trunkline.control import incidents as people
from trunkline.control.state import State
from trunkline.core.alerting import IncidentTimes
from trunkline.ops.incidents.book import Incidents, find, listed, tell
from trunkline.ops.incidents.incident import Entry
from trunkline.ops.incidents.signs import Sign

pytestmark = pytest.mark.row("H3", "O7")
NOW = 1_795_262_400.0
TIMES = IncidentTimes(close_after=60)
WELL = Sign("stripe", "healthy", "all is well")
BROKEN = Sign("stripe", "down", "the breaker is open", code="server_error", at_once=True, breaker="open")


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state", {}).create()


def watching(state: State) -> Incidents:
    """What a console that was just started works with."""
    return Incidents(state, state.path)


def kinds(state: State, incident_id: str) -> list[str]:
    found = find(state, incident_id)
    assert found is not None
    return [entry.kind for entry in found[1]]


def test_it_is_kept_with_its_timeline(state: State) -> None:
    watched = watching(state)
    watched.turn([BROKEN], TIMES, NOW, owners={"stripe": "pay@example.com"})
    watched.turn([WELL], TIMES, NOW + 10)
    watched.turn([WELL], TIMES, NOW + 70)
    (incident,) = listed(state)
    assert (incident.state, incident.owner, incident.closed_at) == ("closed", "pay@example.com", NOW + 70)
    assert kinds(state, incident.id) == ["opened", "status", "breaker", "closed"]
    assert (listed(state, open_only=True), watched.open) == ([], [])
    assert listed(state, integration="openai") == []


def test_a_restart_goes_on_and_tells_the_gap(state: State) -> None:
    watching(state).turn([BROKEN], TIMES, NOW)
    watched = watching(state)
    watched.turn([BROKEN], TIMES, NOW + 3600)
    (incident,) = watched.open
    found = find(state, incident.id)
    assert found is not None
    assert [entry.text for entry in found[1]][1:] == [
        "Nothing was watched from 2026-11-21 12:00:00 UTC to 2026-11-21 13:00:00 UTC: the console was not running."
    ]
    quick = watching(state)
    quick.turn([BROKEN], TIMES, NOW + 3610)
    assert kinds(state, incident.id) == ["opened", "gap"], "a restart of seconds has missed nothing"


def test_what_people_say_is_seen_by_the_watch(state: State) -> None:
    watched = watching(state)
    watched.turn([BROKEN], TIMES, NOW)
    (incident,) = watched.open
    people.acknowledge(state, incident.id, "jan", "calling them", NOW + 1)
    people.note(state, incident.id, "eva", "their support confirms", NOW + 2)
    watched.turn([BROKEN._replace(breaker="returning", status="degraded", at_once=False)], TIMES, NOW + 3)
    assert [one.acknowledged_by for one in watched.open] == ["jan"]
    people.close(state, incident.id, "jan", "not ours", NOW + 4)
    watched.turn([BROKEN], TIMES, NOW + 5)
    assert watched.open == []
    watched.turn([BROKEN], TIMES, NOW + 600)
    assert [one.state for one in listed(state)] == ["closed"], "still failing, but somebody has closed it"
    found = find(state, incident.id)
    assert found is not None
    assert [(entry.kind, entry.by) for entry in found[1] if entry.by] == [
        ("ack", "jan"), ("note", "eva"), ("closed", "jan"),
    ]  # fmt: skip
    assert [(row["actor"], row["action"], row["subject"]) for row in audit.entries(state)] == [
        ("jan", "incident.ack", incident.id), ("eva", "incident.note", incident.id), ("jan", "incident.close", incident.id),
    ]  # fmt: skip


def test_what_people_say_at_the_same_moment_is_not_lost(state: State) -> None:
    watched = watching(state)
    watched.turn([BROKEN], TIMES, NOW)
    (incident,) = watched.open
    before = watched._fresh(NOW)  # the watch has read, and then somebody speaks
    people.acknowledge(state, incident.id, "jan", "", NOW + 1)
    watched._keep(before, before.step([BROKEN._replace(page="major: x")], TIMES, NOW + 1))
    (kept,) = listed(state)
    assert kept.acknowledged_by == "jan"
    people.close(state, incident.id, "jan", "", NOW + 2)
    watched._keep(before, before.step([BROKEN], TIMES, NOW + 2))
    assert [one.state for one in listed(state)] == ["closed"]


def test_news_stand_in_the_timeline_of_all_that_are_open(state: State) -> None:
    watched = watching(state)
    entry = Entry(at=NOW, kind="registry", text="The registry was changed: abc is live.")
    assert watched.turn([WELL], TIMES, NOW, news=[entry]) == []
    watched.turn([BROKEN, BROKEN._replace(integration="adyen")], TIMES, NOW)
    watched.turn([BROKEN, BROKEN._replace(integration="adyen")], TIMES, NOW + 1, news=[entry])
    assert [kinds(state, one.id)[-1] for one in listed(state)] == ["registry", "registry"]
    (first, _) = watched.open
    tell(state, [first.id, "inc_none"], Entry(at=NOW + 2, kind="alert", text="told on-call"))
    assert kinds(state, first.id)[-1] == "alert"


def test_people_work_by_a_runbook(state: State) -> None:
    assert people.acknowledge_runbook(state, "stripe", "jan", "", NOW) == ""
    watched = watching(state)
    watched.turn([BROKEN], TIMES, NOW + 1)
    (incident,) = watched.open
    assert people.acknowledge_runbook(state, "stripe", "eva", "step 2", NOW + 2) == incident.id
    assert people.runbook_acks(state, "stripe") == [
        {"at": NOW + 2, "by": "eva", "note": "step 2", "incident_id": incident.id},
        {"at": NOW, "by": "jan", "note": "", "incident_id": ""},
    ]
    assert [one.acknowledged_by for one in listed(state)] == ["eva"]


def test_what_cannot_be_said_is_refused_with_the_cure(state: State) -> None:
    watched = watching(state)
    watched.turn([BROKEN], TIMES, NOW)
    (incident,) = watched.open
    with pytest.raises(people.IncidentProblem, match="trunkline incidents list --all"):
        people.note(state, "inc_x", "jan", "words")
    with pytest.raises(people.IncidentProblem, match="needs words"):
        people.note(state, incident.id, "jan", "  ")
    with pytest.raises(people.IncidentProblem, match="4001 characters"):
        people.note(state, incident.id, "jan", "x" * 4001)
    people.close(state, incident.id, "jan")
    with pytest.raises(people.IncidentProblem, match="closed already"):
        people.acknowledge(state, incident.id, "jan")
    assert people.note(state, incident.id, "jan", "afterwards").id == incident.id
