"""Incidents begin and end, findings are noted, alerts are decided, once a second and over restarts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.attended import NOW, Desk
from tests.support.records import JournalInMemory, call
from trunkline.console.attending import Attending
from trunkline.control import kills
from trunkline.core.alerting import Rule
from trunkline.core.flow import Notify
from trunkline.ledger.drain import Drain
from trunkline.ops import findings
from trunkline.ops.alerting.message import of_payload
from trunkline.ops.findings import Finding
from trunkline.ops.incidents import published
from trunkline.ops.incidents.book import find, listed
from trunkline.ops.notify import Delivery, Sent
from trunkline.ops.outbox import GIVEN_UP_S, Outbox

pytestmark = pytest.mark.row("H3", "O3")
ALL = Rule(name="all", severity="info")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "state")
    yield made
    made.ledger.close()


def attending(desk: Desk) -> Attending:
    return Attending(desk)  # type: ignore[arg-type]


def later(desk: Desk, seconds: float) -> None:
    """Time goes by, and the gateway goes on writing its figures."""
    desk.now += seconds
    desk.stats()


def test_an_outage_is_an_incident_is_told_once_and_its_end_as_well(desk: Desk) -> None:
    watched = attending(desk)
    watched.turn()
    assert (desk.told(), published.read(desk.state_dir)) == ([], [])
    desk.broken()
    for _ in range(20):
        watched.turn()
        later(desk, 1)
    title = "stripe is down: the breaker is open, the last with server_error"
    assert desk.told() == [("firing", [title])]
    (incident,) = published.read(desk.state_dir)
    assert published.told([incident]) == [
        {
            "id": incident.id, "integration": "stripe", "cause": "vendor", "severity": "critical", "title": title,
            "opened_at": "2026-11-21T12:00:00Z", "acknowledged_by": None,
        }
    ]  # fmt: skip
    desk.well()
    watched.turn()
    later(desk, 61)
    watched.turn()
    assert desk.told()[1:] == [("resolved", [title])]
    assert published.read(desk.state_dir) == []
    assert [one.state for one in listed(desk.state)] == ["closed"]


def test_the_alert_says_what_to_do_where_and_which_calls(desk: Desk) -> None:
    desk.registry(notify=Notify(console_url="https://c.example.com"))
    failed = {"state": "error", "code": "server_error", "status": 502}
    journal = JournalInMemory(*call("a"), *call("b", ended=failed), *call("c", ended=failed))
    with closing(
        Drain(desk.state_dir / "journal", desk.state_dir / "ledger", read_from=journal.read_from)
    ) as drain:
        while drain.step():
            continue
    desk.broken(stands_in=("target adyen",), has_fallback=True)
    attending(desk).turn()
    (notice,) = Outbox(desk.state_dir).log()
    told = of_payload(notice.payload)
    assert told is not None
    (item,) = told.items
    assert (notice.rule, told.environment, told.severity) == ("on-call", "prod", "warning")
    assert item.correlation_ids == ["corr-b", "corr-c"]
    assert (item.runbook, item.command) == (
        "https://c.example.com/runbooks/stripe",
        "trunkline runbook show stripe",
    )
    assert item.facts == {
        "cause": "the vendor fails or cannot be reached", "served by": "target adyen", "owner": "pay@example.com",
    }  # fmt: skip


def test_a_console_that_starts_again_tells_nothing_twice(desk: Desk) -> None:
    desk.broken()
    attending(desk).turn()
    attending(desk).turn()
    later(desk, 120)
    desk.broken()
    attending(desk).turn()
    assert len(desk.told()) == 1
    (incident,) = published.read(desk.state_dir)
    found = find(desk.state, incident.id)
    assert found is not None
    assert [entry.kind for entry in found[1]] == ["opened", "gap"]


def test_findings_of_anybody_are_told_and_their_ends_too(desk: Desk) -> None:
    watched = attending(desk)
    drift = Finding(
        kind="contract.drift", integration="stripe", subject="charge", severity="critical", title="drifted"
    )
    findings.note(desk.state, drift, NOW)
    small = Finding(
        kind="contract.drift", integration="stripe", subject="refund", severity="info", title="small"
    )
    findings.note(desk.state, small, NOW)
    watched.turn()
    assert desk.told() == [("firing", ["drifted"])]
    findings.resolve(desk.state, "contract.drift", "stripe", "charge", "accepted", NOW + 1)
    later(desk, 10)
    watched.turn()
    later(desk, 31)
    watched.turn()
    assert desk.told()[1:] == [("resolved", ["drifted"])]


def test_shares_of_budgets_are_told_once_per_window(desk: Desk) -> None:
    watched = attending(desk)
    for usd in (4.0, 5.0, 6.0, 10.0, 11.0):
        desk.now += 1
        desk.spent(usd)
        watched.turn()
    assert [event for event, _ in desk.told()] == ["firing", "firing"]
    assert [titles[0].split(":")[0] for _, titles in desk.told()] == [
        "The budget 'all' has reached 50%", "The budget 'all' is used up",
    ]  # fmt: skip
    desk.now += 1
    desk.spent(11.0)
    attending(desk).turn()
    desk.now += 3600
    desk.spent(11.0)
    attending(desk).turn()
    assert len(desk.told()) == 2, "a console that starts again tells nothing twice"
    desk.now += 1
    desk.spent(5.0, "2026-12")
    attending(desk).turn()
    assert len(desk.told()) == 3


def test_figures_of_a_gateway_that_is_gone_say_nothing_of_budgets(desk: Desk) -> None:
    desk.spent(5.0)
    desk.now += 20
    attending(desk).turn()
    assert desk.told() == []


def kinds(desk: Desk) -> list[str]:
    return sorted(row.kind for row in findings.listed(desk.state))


def test_what_the_console_finds_itself_is_noted_and_resolved(desk: Desk) -> None:
    watched = attending(desk)
    desk.reloaded(
        ok=False, findings=[{"severity": "error", "item": "integrations.x", "message": "There is no x."}]
    )
    desk.unknown_calls = 2
    desk.drain.problem = "the disk is full"
    watched.turn()
    assert kinds(desk) == ["ledger.problem", "registry.refused", "unknown.open"]
    (refused,) = findings.listed(desk.state, kind="registry")
    assert (
        refused.title
        == "The changed registry was refused; the one before is live: integrations.x: There is no x."
    )
    watched.turn()
    later(desk, 5)
    watched.turn()
    assert {row.times for row in findings.listed(desk.state)} == {1}, (
        "the same thing is not counted up each second"
    )
    desk.reloaded(ok=True)
    desk.unknown_calls = 0
    desk.drain.problem = ""
    later(desk, 5)
    watched.turn()
    assert kinds(desk) == []
    assert [row.resolved_why for row in findings.listed(desk.state, open_only=False)] == [
        "it is no longer so"
    ] * 3


def test_a_gateway_that_is_silent_is_critical(desk: Desk) -> None:
    watched = attending(desk)
    desk.now += 31
    watched.turn()
    assert kinds(desk) == ["gateway.silent"]
    assert desk.told()[0][0] == "firing"
    later(desk, 5)
    watched.turn()
    assert kinds(desk) == []


def test_an_alert_that_nobody_took_is_a_finding_until_one_arrives(desk: Desk) -> None:
    box = Outbox(desk.state_dir)

    def gave_up(ok: bool) -> None:
        notice = box.put("alert.firing", {"text": "x"}, rule="on-call", now=desk.now)
        assert notice is not None
        sent = [Sent("slack", "hooks.slack.com", ok=ok, detail="" if ok else "it answered 404: no_service")]
        box.note(notice, Delivery(id=notice.id, event="x", at=desk.now, sent=sent), desk.now + GIVEN_UP_S)

    gave_up(ok=False)
    later(desk, 5)
    watched = attending(desk)
    watched.turn()
    (row,) = findings.listed(desk.state)
    assert (row.kind, row.subject, row.title) == (
        "alerts.undelivered", "on-call/slack", "Alerts of 'on-call' do not reach slack: it answered 404: no_service",
    )  # fmt: skip
    later(desk, 5)
    gave_up(ok=True)
    watched.turn()
    assert kinds(desk) == []


def test_changes_of_the_registry_and_restarts_stand_in_the_timeline(desk: Desk) -> None:
    watched = attending(desk)
    desk.broken()
    watched.turn()
    desk.registry("v2")
    watched.turn()
    desk.reloaded(ok=False)
    desk.now += 1
    desk.stats(boot="boot-2")
    watched.turn()
    kills.append(desk.state, "integration", "stripe", why="too much")
    watched.turn()
    (incident,) = published.read(desk.state_dir)
    found = find(desk.state, incident.id)
    assert found is not None
    assert [entry.text for entry in found[1]][1:] == [
        "The registry was changed: version v2 is live.",
        "A changed registry was refused; the one before stays live.",
        "The gateway was restarted.",
        "It was switched off.",
    ]


def test_before_anything_is_published_nothing_happens(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "state")
    (desk.state_dir / "snapshot.msgpack").unlink()
    attending(desk).turn()
    assert desk.told() == []
    desk.ledger.close()
