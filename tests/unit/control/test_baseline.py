"""The regular review over an installation: facts, decisions, sign-off, the next one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from trunkline.control import audit, baseline, keys, kills, publish, published, teams, users
from trunkline.control.baseline import ReviewProblem
from trunkline.control.state import State
from trunkline.core.service import Credential, Service, Snapshot
from trunkline.ledger import people_tables as people
from trunkline.ops import findings
from trunkline.ops.baseline.facts import Kill, Review
from trunkline.ops.findings import Finding

NOW = 1_800_000_000.0
DAY = 86_400.0

pytestmark = pytest.mark.row("G3")


@pytest.fixture
def state(state: State) -> State:
    services = [Service(name="stripe", credentials=[Credential(ref="store:STRIPE")])]
    publish.snapshot(
        state, Snapshot(version="", created="", environment="prod", services=services, team_size=12)
    )
    teams.create(state, "shop", now=NOW)
    return state


@pytest.fixture
def key(state: State) -> str:
    return keys.create(state, keys.Wish(name="web", team="shop", scopes=["*"]), now=NOW).id


def made(state: State, now: float = NOW) -> Review:
    return baseline.made(state, [], Kill(seconds=0.2), now=now)


def findings_of(review: Review, name: str) -> list[str]:
    return next(check.findings for check in review.checks if check.id == name)


def test_a_review_needs_something_to_review(tmp_path: Any) -> None:
    with pytest.raises(ReviewProblem, match="start `trunkline serve` once"):
        baseline.made(State(tmp_path / "s", {}).create(), [], Kill())


def test_the_facts_are_the_installations(state: State, key: str) -> None:
    users.create(state, "ana", role="admin", of=[], now=NOW)
    with state.change() as connection:
        row = {
            "id": "jwt_corp_1",
            "name": "corp:svc",
            "team": "shop",
            "first_used_at": NOW,
            "last_used_at": NOW,
        }
        people.add(connection, people.token_callers, row)
    findings.note(
        state,
        Finding(
            kind="scan.literal",
            integration="",
            subject="app.py:3",
            severity="critical",
            title="A key stands there.",
        ),
        NOW,
    )
    review = made(state)
    assert {(one.kind, one.name, one.state) for one in review.access} == {
        ("key", "web", "live"), ("user", "ana", "live"), ("token", "corp:svc", "live"),
    }  # fmt: skip
    assert (review.every, review.environment) == ("monthly", "prod")
    assert len(findings_of(review, "secrets")) == 1
    assert findings_of(review, "audit") == []
    assert findings_of(review, "rotation") == ["store:STRIPE of stripe has no schedule."]


def test_who_is_kept_and_who_not_is_written_down_and_done_at_once(state: State, key: str) -> None:
    ana = users.create(state, "ana", role="admin", of=[], now=NOW).id
    other = keys.create(state, keys.Wish(name="old", scopes=["*"]), now=NOW).id
    lines = baseline.decide(state, keep=["web"], revoke=[ana, other], actor="cli:bo", now=NOW)
    assert lines == [f"keep: key web ({key})", f"revoke: user ana ({ana})", f"revoke: key old ({other})"]
    assert (keys.find(state, other, now=NOW).state, users.find(state, "ana", now=NOW).state) == (
        "revoked",
        "disabled",
    )
    assert other in kills.killed(state, "key")
    review = made(state)
    assert [(one.name, one.decision, one.decided_by) for one in review.access if one.kind == "key"] == [
        ("web", "keep", "cli:bo")
    ]
    rows = [row["action"] for row in audit.entries(state)]
    assert (rows.count("review.keep"), rows.count("review.revoke")) == (1, 2)


@pytest.mark.parametrize(
    ("keep", "revoke", "said"),
    [(["nobody"], [], "nobody 'nobody' to decide about"), (["web"], ["web"], "kept and revoked at once")],
)
def test_nothing_is_done_where_a_decision_cannot_be(
    state: State, key: str, keep: list[str], revoke: list[str], said: str
) -> None:
    with pytest.raises(ReviewProblem, match=said):
        baseline.decide(state, keep=keep, revoke=revoke, now=NOW)
    assert keys.find(state, key, now=NOW).state == "live"


def test_a_sign_off_holds_digest_and_open_findings_and_dates_the_next(state: State, key: str) -> None:
    baseline.decide(state, keep=["web"], now=NOW)
    signed = baseline.sign_off(state, made(state), by="ana", note="stripe next week", now=NOW + 60)
    assert (signed.by, signed.due, len(signed.digest)) == ("ana", "2027-02-14", 64)
    row = audit.entries(state)[-1]
    assert (row["action"], row["detail"]["by"], "rotation" in row["detail"]["open"]) == (
        "review.sign_off",
        "ana",
        True,
    )
    assert baseline.sign_offs(state) == [signed]
    later = made(state, NOW + DAY)
    assert (later.last, later.due) == (signed, "2027-02-14")
    assert findings_of(later, "access") == [], "what was decided holds for the period that was signed off"
    soon = made(state, NOW + 17 * DAY)
    assert [one.decision for one in soon.access] == [""], "each review asks anew"


def test_who_comes_after_a_sign_off_is_asked_about_and_the_others_are_not(state: State, key: str) -> None:
    baseline.decide(state, keep=["web"], now=NOW)
    baseline.sign_off(state, made(state), by="ana", now=NOW + 60)
    keys.create(state, keys.Wish(name="new", team="shop", scopes=["*"]), now=NOW + DAY)
    later = made(state, NOW + DAY)
    assert [(one.name, one.decision) for one in later.access] == [("web", "keep"), ("new", "")]


def test_a_decision_of_the_period_before_is_none_now(state: State, key: str) -> None:
    baseline.decide(state, keep=["web"], now=NOW)
    for month in (0, 1):
        at = NOW + month * 30 * DAY + 60
        baseline.sign_off(state, made(state, at), by="ana", now=at)
    assert [one.decision for one in made(state, NOW + 31 * DAY).access] == [""]


@pytest.mark.parametrize(("size", "expected"), [(12, "2027-02-14"), (4, "2027-04-16")])
def test_a_team_that_grows_or_shrinks_is_due_by_its_size_now(
    state: State, key: str, size: int, expected: str
) -> None:
    there = published.read_snapshot(state)
    assert there is not None
    baseline.sign_off(state, made(state), by="ana", now=NOW)
    publish.snapshot(state, msgspec.structs.replace(there, team_size=size))
    assert made(state).due == expected
    for late, told in ((-1, []), (1, [("warning", expected)])):
        day = datetime.fromisoformat(f"{expected}T12:00:00Z").timestamp()
        assert [one for one in due(state, day + late * DAY) if one[0] == "warning"] == told


@pytest.mark.parametrize(("by", "note"), [("", ""), ("  ", ""), ("ana", "x" * 2001)])
def test_a_sign_off_needs_a_name(state: State, by: str, note: str) -> None:
    with pytest.raises(ReviewProblem, match="needs a name"):
        baseline.sign_off(state, made(state), by=by, note=note, now=NOW)


def due(state: State, now: float) -> list[tuple[str, str]]:
    snapshot = published.read_snapshot(state)
    assert snapshot is not None
    baseline.remind(state, snapshot, now)
    return [(row.severity, row.due) for row in findings.listed(state, kind="review")]


def test_the_next_review_is_a_finding_two_weeks_before_and_until_it_is_signed(state: State, key: str) -> None:
    assert due(state, NOW) == []
    assert due(state, NOW + 20 * DAY) == [("info", "2027-02-14")]
    assert due(state, NOW + 31 * DAY) == [("warning", "2027-02-14")]
    baseline.sign_off(state, made(state, NOW + 31 * DAY), by="ana", now=NOW + 31 * DAY)
    assert due(state, NOW + 31 * DAY) == []
    [row] = findings.listed(state, kind="review", open_only=False)
    assert row.resolved_why == "signed off by ana"


def test_the_reminder_is_noted_once(state: State, key: str) -> None:
    for hour in range(3):
        due(state, NOW + 20 * DAY + hour * 3600)
    assert findings.listed(state, kind="review")[0].times == 1


class Gateway:
    """Lets a key in after a while, and refuses it a while after its kill."""

    def __init__(self, state: State, after: int) -> None:
        self.state, self.after, self.now = state, after, 0.0

    def works(self, key: str) -> bool:
        self.now += 0.1
        dead = kills.killed(self.state, "key")
        if not dead:
            return True
        self.after -= 1
        return self.after >= 0

    def clock(self) -> float:
        return self.now


@pytest.mark.parametrize(("after", "seconds"), [(0, 0.1), (5, 0.6)])
def test_the_kill_is_measured_with_a_key_of_its_own(state: State, after: int, seconds: float) -> None:
    gateway = Gateway(state, after)
    kill = baseline.measured_kill(state, gateway.works, clock=gateway.clock)
    assert kill.seconds == pytest.approx(seconds)
    assert [info.state for info in keys.list_keys(state)] == ["revoked"]


def test_a_gateway_that_lets_no_new_key_in_is_said(state: State) -> None:
    gateway = Gateway(state, 0)
    kill = baseline.measured_kill(state, lambda key: not gateway.works(key) or False, clock=gateway.clock)
    assert (kill.seconds, kill.why) == (None, "the gateway did not let a new key in")
