"""Incidents begin, change, end and come back by what health says."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from trunkline.core.alerting import IncidentTimes
from trunkline.ops.incidents.incident import ENTRIES_MAX, Entry, Incident, Seen
from trunkline.ops.incidents.signs import Sign
from trunkline.ops.incidents.watch import Change, Watch

pytestmark = pytest.mark.row("H3", "O7")
NOW = 1_795_262_400.0
TIMES = IncidentTimes(open_after=30, degraded_after=300, close_after=60, merge_within=600)
WELL = Sign("stripe", "healthy", "0 of the last 9 attempts failed")
DOWN = Sign(
    "stripe",
    "down",
    "9 of the last 9 attempts failed, the last with server_error",
    code="server_error",
    severity="critical",
)
BROKEN = DOWN._replace(reason="the breaker is open, the last with server_error", at_once=True, breaker="open")
WORSE_OFF = Sign("stripe", "degraded", "2 of the last 9 attempts failed", code="server_error")
REFUSED = DOWN._replace(cause="access", code="auth_invalid", reason="the last with auth_invalid")


class Story:
    """A watch over time; `at` answers the kinds of entries that were written."""

    def __init__(self, *known: Incident, times: IncidentTimes = TIMES) -> None:
        self.watch, self.times = Watch(known), times
        self.timeline: list[Entry] = []
        self.changes: list[Change] = []

    def at(self, seconds: float, *signs: Sign) -> list[str]:
        changes = self.watch.step(signs, self.times, NOW + seconds, {"stripe": "pay@example.com"})
        self.changes += changes
        entries = [entry for change in changes for entry in change.entries]
        self.timeline += entries
        return [entry.kind for entry in entries]

    @property
    def last(self) -> Incident:
        return self.changes[-1].incident


def test_what_is_down_for_a_while_is_an_incident() -> None:
    story = Story()
    assert [story.at(0, DOWN), story.at(29, DOWN)] == [[], []]
    assert story.at(30, DOWN) == ["opened"]
    incident = story.last
    assert incident == Incident(
        id=incident.id, integration="stripe", cause="vendor", state="open", severity="critical", status="down",
        title="stripe is down: 9 of the last 9 attempts failed, the last with server_error",
        reason=DOWN.reason, code="server_error", owner="pay@example.com", began_at=NOW, opened_at=NOW + 30, entries=1,
        seen=Seen(status="down", breaker="closed"),
    )  # fmt: skip
    assert incident.id.startswith("inc_20261121_")
    assert story.watch.open == [incident]
    assert (
        story.timeline[0].text == f"{incident.title}. Cause: vendor (the vendor fails or cannot be reached)."
    )


def test_an_open_breaker_makes_one_at_once() -> None:
    assert Story().at(0, BROKEN) == ["opened"]


def test_a_hiccup_makes_none_and_trouble_on_and_off_makes_one_in_the_end() -> None:
    story = Story()
    for second in range(0, 290, 20):
        assert story.at(second, DOWN) == []
        assert story.at(second + 10, WELL) == []
    assert story.at(300, DOWN) == ["opened"]
    spaced = Story()
    for second in range(0, 1000, 100):
        assert spaced.at(second, DOWN) == []
        assert spaced.at(second + 10, WELL) == []
        assert spaced.at(second + 80, WELL) == []


def test_what_is_only_degraded_must_last_longer() -> None:
    story = Story()
    assert [story.at(s, WORSE_OFF) for s in range(300)] == [[]] * 300
    assert story.at(300, WORSE_OFF) == ["opened"]
    assert (story.last.severity, story.last.status) == ("warning", "degraded")


def test_it_ends_when_all_has_been_well_for_a_while() -> None:
    story = Story()
    story.at(0, BROKEN)
    assert story.at(40, WELL) == ["status", "breaker"]
    assert [story.at(50, WORSE_OFF), story.at(60, WELL), story.at(119, WELL)] == [["status"], ["status"], []]
    assert story.at(120, WELL) == ["closed"]
    assert (story.last.state, story.last.closed_at, story.last.recovered_at) == (
        "closed",
        NOW + 120,
        NOW + 60,
    )
    assert (
        story.timeline[-1].text
        == "Closed: stripe is well: 0 of the last 9 attempts failed (since 12:01:00 UTC)."
    )
    assert story.watch.open == []


def test_flapping_goes_on_as_the_same_incident() -> None:
    story = Story()
    story.at(0, BROKEN)
    first = story.last.id
    story.at(10, WELL)
    story.at(70, WELL)
    assert story.at(600, BROKEN) == ["reopened"]
    assert (story.last.id, story.last.state, story.last.reopened, story.last.opened_at) == (
        first,
        "open",
        1,
        NOW,
    )
    story.at(700, WELL)
    story.at(760, WELL)
    assert story.at(760 + 601, BROKEN) == ["opened"]
    assert story.last.id != first


def test_failures_and_limits_in_turn_are_one_incident_and_each_is_told_once() -> None:
    story = Story()
    limits = DOWN._replace(cause="limits", code="rate_limited", reason="the last with rate_limited")
    for second in range(0, 300, 2):
        story.at(second, DOWN)
        story.at(second + 1, limits)
    assert len({change.incident.id for change in story.changes}) == 1
    assert [entry.kind for entry in story.timeline] == ["opened", "status"]


def test_a_refused_credential_is_an_incident_of_its_own() -> None:
    story = Story()
    story.at(0, BROKEN)
    kinds = [story.at(10 + second, REFUSED) for second in range(31)]
    assert kinds[-1] == ["opened"]
    assert {one.cause for one in story.watch.open} == {"vendor", "access"}
    story.at(41, REFUSED)
    assert story.at(110, REFUSED) == ["closed"], "nothing of the outage was seen any more"
    assert [one.cause for one in story.watch.open] == ["access"]


def test_one_that_people_close_stays_closed_until_it_was_well_once() -> None:
    story = Story()
    story.at(0, BROKEN)
    story.watch.take(replace(story.last, state="closed", closed_at=NOW + 5, closed_by="jan"))
    assert [story.at(s, BROKEN) for s in (6, 60, 500)] == [[]] * 3
    assert [story.at(510, WELL), story.at(570, WELL)] == [[], []]
    assert story.last.recovered_at == NOW + 510
    assert story.at(580, BROKEN) == ["reopened"]


def test_the_timeline_tells_breaker_vendor_fallback_and_switch() -> None:
    story = Story()
    assert story.at(0, BROKEN._replace(page="major: Elevated errors", served="target adyen")) == [
        "opened",
        "vendor",
        "fallback",
    ]
    assert story.at(1, BROKEN._replace(page="major: Elevated errors", served="")) == ["fallback"]
    assert story.at(2, BROKEN._replace(breaker="returning", status="degraded")) == [
        "status",
        "breaker",
        "vendor",
    ]
    assert story.at(3, BROKEN._replace(off=True, breaker="returning", status="degraded")) == ["switch"]
    assert [entry.text for entry in story.timeline[1:]] == [
        "The vendor reports major: Elevated errors.",
        "Its calls can be served by: target adyen.",
        "No fallback works for its calls.",
        "stripe is degraded: the breaker is open, the last with server_error.",
        "The breaker lets traffic return bit by bit.",
        "The vendor reports nothing any more.",
        "It was switched off.",
    ]


def test_what_is_switched_off_or_removed_is_closed() -> None:
    story = Story()
    story.at(0, BROKEN)
    story.at(1, BROKEN._replace(off=True))
    assert story.at(61, BROKEN._replace(off=True)) == ["closed"]
    assert story.timeline[-1].text == "Closed: it is switched off (since 12:00:01 UTC)."
    gone = Story()
    gone.at(0, BROKEN)
    assert gone.at(1) == ["closed"]
    assert gone.timeline[-1].text == "Closed: it is no longer in the registry."


def test_it_only_becomes_worse() -> None:
    story = Story()
    for second in range(301):
        story.at(second, WORSE_OFF)
    assert (story.last.severity, story.last.status) == ("warning", "degraded")
    story.at(302, DOWN)
    assert (story.last.severity, story.last.status, story.last.reason) == ("critical", "down", DOWN.reason)
    story.at(303, WORSE_OFF)
    assert (story.last.severity, story.last.status) == ("critical", "down")


def test_after_a_restart_it_goes_on() -> None:
    before = Story()
    before.at(0, BROKEN)
    after = Story(before.last)
    assert after.at(500, BROKEN) == [], "it is known already"
    assert after.at(510, WELL) == ["status", "breaker"], "a change is one also where a restart lies between"
    assert after.at(570, WELL) == ["closed"]
    assert after.last.id == before.last.id
    later = Story(after.last)
    assert later.at(700, BROKEN) == ["reopened"]


def test_entries_are_told_to_all_that_are_open_or_to_one() -> None:
    story = Story()
    story.at(0, BROKEN, BROKEN._replace(integration="adyen"))
    entry = Entry(at=NOW + 1, kind="registry", text="The registry was changed.")
    assert [change.incident.integration for change in story.watch.tell(entry)] == ["stripe", "adyen"]
    assert [change.entries for change in story.watch.tell(entry, "adyen")] == [[entry]]


def test_very_many_changes_are_cut_and_the_end_is_told_all_the_same() -> None:
    story = Story()
    story.at(0, BROKEN)
    for second in range(1, 1000):
        story.at(second, BROKEN._replace(page=f"minor: {second}"))
    assert len(story.timeline) == ENTRIES_MAX
    assert story.timeline[-1].text == "Further changes are not listed: there are too many."
    story.at(1001, WELL)
    assert story.at(1061, WELL) == ["closed"]


def test_each_integration_has_its_own() -> None:
    story = Story()
    other: Any = BROKEN._replace(integration="adyen")
    assert story.at(0, BROKEN, other) == ["opened", "opened"]
    assert len({one.id for one in story.watch.open}) == 2


def test_while_only_one_is_open_other_trouble_keeps_it_open() -> None:
    story = Story()
    story.at(0, BROKEN)
    for second in range(1, 200):
        assert "closed" not in story.at(second, REFUSED._replace(status="degraded"))
    assert [one.state for one in story.watch.open] == ["open"]
