"""A deletion request: every vendor that got a person's data, with ids to quote, and tasks that are worked off. Nobody's name is kept."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.support.records import NOON_US, JournalInMemory, begin, boot, end, tried
from trunkline.control import audit, publish, trace
from trunkline.control.state import State
from trunkline.control.trace import TraceProblem
from trunkline.core.handling import Handling, Privacy
from trunkline.core.persons import hashes, person_hash
from trunkline.core.record import Persons, Record
from trunkline.core.service import Service, Snapshot
from trunkline.ledger.drain import Drain

NOW = NOON_US / 1e6
JANE = "jane@example.com"
STRIPE = Service(
    name="stripe",
    title="Stripe",
    owner="payments@shop.example",
    privacy=Privacy(handling=Handling(region="eu", retention="7 years", dpa="https://dpa.example")),
)
SNAPSHOT = Snapshot(version="v", created="", environment="dev", services=[STRIPE])


class Site:
    """An installation with a ledger that can be added to."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "state", {}).create()
        publish.snapshot(self.state, SNAPSHOT)
        self.jane = person_hash(self.state.keys["subject_salt"], JANE)

    def drain(self, *records: Record) -> None:
        journal = JournalInMemory(boot(), *records)
        drain = Drain(
            self.state.journal, self.state.ledger, read_from=journal.read_from, now_us=lambda: NOON_US
        )
        while drain.step():
            continue
        drain.close()

    def look(self, email: str = JANE) -> trace.Traced:
        return trace.trace(self.state, trace.person(self.state, email=email), actor="ana", now=NOW)

    def open(self, now: float = NOW) -> list[trace.TraceTask]:
        who = trace.person(self.state, email=JANE)
        return trace.open_request(self.state, who, self.look(), actor="ana", now=now)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.drain(
        begin("a", subject_hash=made.jane),
        end("a", tried=[tried(1, status=503, code="overloaded"), tried(2, target="openai/gpt-4o")]),
        begin("b", at_us=NOON_US + 5),
        Persons("b", NOON_US + 5, [made.jane]),
        end("b", tried=[tried(1)]),
        begin("cached", at_us=NOON_US + 6, subject_hash=made.jane),
        end("cached", tried=[]),
        begin("unsent", at_us=NOON_US + 7, subject_hash=made.jane),
        end("unsent", tried=[tried(1, target="slack", sent=False, code="network")]),
        begin("played", at_us=NOON_US + 8, subject_hash=made.jane, simulated=True),
        end("played", tried=[tried(1, target="twilio")]),
        begin("other", at_us=NOON_US + 9, subject_hash="ff" * 16),
        end("other", tried=[tried(1, target="sendgrid")]),
    )
    return made


@pytest.mark.row("G2")
def test_every_vendor_that_got_data_is_named_with_ids_to_quote(site: Site) -> None:
    found = site.look(" Jane@Example.COM ")
    assert (found.calls, found.nowhere, found.since, found.more) == (5, 3, "2026-11-21", False)
    assert [(one.integration, one.calls, one.known_by, one.known) for one in found.vendors] == [
        ("openai", 1, {"subject": 1}, False),
        ("stripe", 2, {"request": 1, "subject": 1}, True),
    ]
    stripe = found.vendors[1]
    assert (stripe.owner, stripe.region, stripe.retention, stripe.dpa) == (
        "payments@shop.example",
        "eu",
        "7 years",
        "https://dpa.example",
    )
    assert [(one.correlation_id, one.vendor_request_id) for one in stripe.ids] == [
        ("corr-b", "req-1"),
        ("corr-a", "req-1"),
    ]


def test_nobody_is_found_under_another_identifier(site: Site) -> None:
    found = site.look("kofi@example.com")
    assert (found.calls, found.vendors, found.tasks) == (0, [], [])


@pytest.mark.row("G2")
def test_a_request_gets_a_task_for_each_vendor_which_are_worked_off(site: Site) -> None:
    openai, stripe = site.open()
    assert (openai.integration, stripe.integration) == ("openai", "stripe")
    assert (stripe.state, stripe.due, stripe.overdue, len(stripe.ids)) == ("open", "2026-12-21", False, 2)
    trace.mark(site.state, stripe.id, "asked", note="ticket 12", actor="ana", now=NOW + 60)
    done = trace.mark(site.state, stripe.id, "confirmed", actor="bo", now=NOW + 3600)
    assert (done.state, done.changed_by, done.note) == ("confirmed", "bo", "ticket 12")
    assert [one.integration for one in trace.listed(site.state, now=NOW)] == ["openai"]
    assert [one.state for one in trace.listed(site.state, everything=True, now=NOW)] == ["open", "confirmed"]
    assert [one.overdue for one in trace.listed(site.state, now=NOW + 40 * 86400)] == [True]


def test_a_vendor_that_was_sent_data_again_is_to_be_asked_again(site: Site) -> None:
    stripe = site.open()[1]
    trace.mark(site.state, stripe.id, "confirmed", actor="ana", now=NOW + 60)
    assert [one.state for one in site.open(NOW + 90)] == ["open", "confirmed"]
    trace.mark(site.state, stripe.id, "confirmed", actor="ana", now=NOW - 60)
    again = site.open(NOW + 90)[1]
    assert (again.id, again.state, again.note) == (
        stripe.id,
        "open",
        "it was sent data again after it had confirmed",
    )


def test_looking_opening_and_marking_are_audited_and_nothing_says_who_it_is(site: Site) -> None:
    trace.mark(site.state, site.open()[0].id, "refused", note="legal hold", actor="ana", now=NOW)
    rows = [row for row in audit.entries(site.state) if row["action"].startswith("trace.")]
    assert [row["action"] for row in rows] == ["trace.look", "trace.open", "trace.mark"]
    assert rows[0]["detail"] == {"by": "email", "calls": 5, "vendors": 2}
    assert audit.verify(site.state).ok
    kept = b"".join(path.read_bytes() for path in site.state.path.rglob("*") if path.is_file())
    assert b"jane" not in kept.lower()


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({}, "either by subject or by e-mail"),
        ({"subject": "u1", "email": JANE}, "either by subject or by e-mail"),
        ({"email": "jane"}, "'jane' is no e-mail address"),
        ({"subject": "x" * 257}, "257 characters"),
    ],
)
def test_a_person_is_named_in_one_way(site: Site, named: dict[str, str], said: str) -> None:
    with pytest.raises(TraceProblem, match=said):
        trace.person(site.state, **named)


def test_wrong_marks_are_refused(site: Site) -> None:
    with pytest.raises(TraceProblem, match="no task"):
        trace.mark(site.state, "del_none", "asked", actor="ana")
    with pytest.raises(TraceProblem, match="no state"):
        trace.mark(site.state, site.open()[0].id, "done", actor="ana")


def test_subjects_that_were_hashed_as_they_were_spelled_are_found_too(site: Site) -> None:
    salt = site.state.keys["subject_salt"]
    assert len(hashes(salt, "Jane@Example.com")) == 2
    assert hashes(salt, "user_17") == [person_hash(salt, "user_17")]


def test_what_is_told_is_plain_json(site: Site) -> None:
    told = msgspec.json.decode(msgspec.json.encode(site.look()))
    assert told["vendors"][0]["ids"][0]["known_by"] == "subject"
