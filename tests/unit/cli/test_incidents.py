"""`trunkline incidents`: list, show, note, ack, close, export."""

from __future__ import annotations

import json

import pytest

from tests.support.attended import NOW, Desk
from tests.support.records import SECOND_US, JournalInMemory, call
from trunkline.console.attending import Attending
from trunkline.ledger.drain import Drain
from trunkline.ops.incidents import published

pytestmark = pytest.mark.row("H3", "O7")
US = int(NOW * 1e6)
FAILED = {"state": "error", "code": "server_error", "status": 502, "wasted_usd": 0.25}


@pytest.fixture
def desk(trunkline, tmp_path, monkeypatch):
    """An outage of two minutes: calls that failed, one that a fallback answered, an incident that is over."""
    del trunkline
    monkeypatch.setattr("time.time", lambda: NOW + 1)
    (tmp_path / "trunkline.yaml").write_text("version: 1\nintegrations: {}\n")
    made = Desk(tmp_path / ".trunkline")
    records = [
        *call("a", US - 60 * SECOND_US),
        *call("b", US - 50 * SECOND_US, ended=FAILED, subject_hash="s1"),
        *call("c", US - 40 * SECOND_US, ended=FAILED, subject_hash="s2"),
        *call("d", US, ended={"notes": "fallback=target:adyen", "cost_usd": 0.5}),
        *call("e", US + 100 * SECOND_US),
    ]
    journal = JournalInMemory(*records)
    drain = Drain(made.state_dir / "journal", made.state_dir / "ledger", read_from=journal.read_from)
    while drain.step():
        continue
    drain.close()
    watched = Attending(made)
    made.broken()
    watched.turn()
    yield made
    made.ledger.close()


@pytest.fixture
def incident(desk):
    (one,) = published.read(desk.state_dir)
    return one.id


def recovered(desk):
    """It is well again, and the incident ends."""
    watched = Attending(desk)
    desk.well()
    watched.turn()
    desk.now += 61
    desk.stats()
    watched.turn()


def test_the_open_ones_are_listed(trunkline, desk, incident):
    out = trunkline("incidents").out
    assert incident in out
    assert "critical  stripe       vendor" in out
    (line,) = trunkline("incidents", "list", "--json").out.splitlines()
    assert json.loads(line)["id"] == incident
    recovered(desk)
    ran = trunkline("incidents", "list")
    assert (ran.out, ran.err) == ("", "No incident is open.\n")
    assert incident in trunkline("incidents", "list", "--all", "--integration", "stripe").out
    assert trunkline("incidents", "list", "--all", "--integration", "openai", "--json").out == ""


def test_people_write_into_its_timeline(trunkline, desk, incident):
    assert trunkline("incidents", "note", incident, "their", "support", "confirms", "--by", "eva").code == 0
    assert trunkline("incidents", "ack", incident, "--note", "on it", "--by", "jan").code == 0
    out = trunkline("incidents", "show", incident).out
    assert "their support confirms  (eva)" in out
    assert "jan looks after it: on it  (jan)" in out
    assert "acknowledged" in out
    assert trunkline("incidents", "close", incident, "--by", "jan", "--note", "done").code == 0
    told = trunkline("incidents", "show", incident, "--json").json
    assert (told["incident"]["state"], told["timeline"][-1]["kind"]) == ("closed", "closed")
    ran = trunkline("incidents", "ack", incident)
    assert (ran.code, "closed already" in ran.err) == (1, True)
    assert trunkline("incidents", "show", "inc_none").code == 1
    assert trunkline("incidents", "note", incident).code == 2


def test_the_review_is_written_with_what_is_known(trunkline, desk, incident, tmp_path):
    trunkline("incidents", "ack", incident, "--by", "jan")
    recovered(desk)
    ran = trunkline("incidents", "export", incident)
    assert (ran.code, ran.err) == (0, f"Written: incidents/{incident}.md\n")
    text = (tmp_path / "incidents" / f"{incident}.md").read_text()
    assert text.startswith(f"# Review of {incident}: stripe\n")
    for words in (
        "It names no culprits",
        "| failed for their callers | 2 |",
        "| answered by a fallback | 1 |",
        "| people hit (where calls name a subject) | 2 |",
        "| paid for nothing, USD | 0.5000 |",
        "| cost of answers by fallbacks, USD | 0.5000 |",
        "Kinds of failure: server_error 2.",
        "| checkout | 2 |",
        "| first failure | 2026-11-21 11:59:10 UTC |",
        "| detected | 2026-11-21 12:00:00 UTC | 50 s |",
        "- Fallbacks answered 1 calls.",
        "- No alert reached anybody",
        "- The runbook: The file runbooks/stripe.md cannot be read",
        "| action | owner | due |",
    ):
        assert words in text, words
    again = trunkline("incidents", "export", incident)
    assert (again.code, "is there already" in again.err) == (1, True)
    assert trunkline("incidents", "export", incident, "--force").code == 0
    assert trunkline("incidents", "export", incident, "--out", "-").out.startswith("# Review of")
    told = trunkline("incidents", "export", incident, "--json").json
    assert (told["impact"]["failed"], told["times"]["detected"], told["impact"]["codes"]) == (
        2,
        50.0,
        {"server_error": 2},
    )


def test_changes_that_people_made_meanwhile_stand_in_the_review(trunkline, desk, incident, monkeypatch):
    from trunkline.control import audit

    with desk.state.change() as connection:
        audit.add(connection, desk.state, [audit.Entry("jan", "key.create", "web")], NOW - 30)
        audit.add(connection, desk.state, [audit.Entry("console", "secret.open", "x")], NOW - 20)
        audit.add(connection, desk.state, [audit.Entry("eva", "key.revoke", "old")], NOW - 7200)
    recovered(desk)
    told = trunkline("incidents", "export", incident, "--json").json
    assert [(e["text"], e["by"]) for e in told["timeline"] if e["kind"] == "change"] == [
        ("key.create web", "jan")
    ]
