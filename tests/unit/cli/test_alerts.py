"""`trunkline alerts`: rules, a test, notices, and sending again."""

from __future__ import annotations

import json

import pytest

from tests.support.alert_shapes import check_slack
from tests.support.attended import NOW, Desk
from tests.support.site import reply, running_site
from trunkline.console.attending import Attending
from trunkline.control import audit, publish
from trunkline.control.state import State
from trunkline.core.alerting import Rule, Target
from trunkline.ops.notify import Delivery, Sent
from trunkline.ops.outbox import GIVEN_UP_S, Outbox

pytestmark = pytest.mark.row("O3")


@pytest.fixture
def site():
    with running_site() as running:
        yield running


@pytest.fixture
def desk(trunkline, tmp_path, site):
    """A state folder whose one rule leads to Slack, played by `site`."""
    del trunkline
    slack = Target(kind="slack", name="slack", secret="store:SLACK")
    mail = Target(
        kind="email",
        name="email",
        email=["ops@example.com"],
        smtp="smtp://127.0.0.1:9",
        sender="t@example.com",
    )
    rules = (
        Rule(
            name="on-call", targets=[slack], kinds=["incident"], severity="critical", integrations=["stripe"]
        ),
        Rule(name="mail", targets=[mail], remind=0.0),
    )
    made = Desk(tmp_path / ".trunkline", rules=rules)
    publish.sealed(State(made.state_dir), {"store:SLACK": f"{site.address}/services/T0/not-a-real-one"}, {})
    yield made
    made.ledger.close()


def test_the_rules_and_what_lasts_are_listed(trunkline, desk):
    desk.broken()
    Attending(desk).turn()
    out = trunkline("alerts").out
    assert "on-call  incident from critical on of stripe  slack (store:SLACK)      every 4h  1" in out
    assert "mail     everything from warning on           email (ops@example.com)  never     1" in out
    assert "stripe is down: the breaker is open" in out
    (first, second) = trunkline("alerts", "list", "--json").json
    assert (first["name"], first["firing"][0]["kind"], second["to"]) == (
        "on-call", "incident.vendor", ["email (ops@example.com)"],
    )  # fmt: skip
    assert "not-a-real-one" not in out + json.dumps(first)


def test_a_test_is_sent_and_told(trunkline, desk, site):
    ran = trunkline("alerts", "test", "on-call", "--by", "jan")
    assert (ran.code, ran.out.split()[-3:]) == (0, ["slack", "127.0.0.1", "sent"])
    (seen,) = site.seen
    assert check_slack(seen.body)["text"] == "Trunkline [prod]: a test of this alert; nothing is wrong."
    (notice,) = Outbox(desk.state_dir).log()
    assert (notice.event, notice.state, notice.rule) == ("alert.test", "sent", "on-call")
    (row,) = [row for row in audit.entries(desk.state) if row["action"] == "alert.test"]
    assert (row["actor"], row["subject"], row["detail"]) == (
        "cli:jan",
        "on-call",
        {"ok": True, "refs": ["store:SLACK"]},
    )


def test_a_test_that_did_not_arrive_fails_and_says_why(trunkline, desk, site):
    site.script.append(reply(b"no_service", status="404 Not Found"))
    ran = trunkline("alerts", "test", "on-call", "--json")
    assert (ran.code, ran.json["sent"][0]["detail"]) == (1, "it answered 404: no_service")
    ran = trunkline("alerts", "test", "mail")
    assert (ran.code, "ConnectionRefusedError" in ran.out) == (1, True)
    ran = trunkline("alerts", "test", "pager")
    assert (ran.code, ran.err) == (
        1,
        "Error: There is no rule 'pager' of alerts. Those that are live: on-call, mail.\n",
    )


def test_what_was_given_up_is_shown_and_sent_again(trunkline, desk):
    box = Outbox(desk.state_dir)
    notice = box.put("alert.firing", {"text": "it fails"}, rule="on-call", now=NOW)
    sent = [Sent("slack", "hooks.slack.com", ok=False, detail="it answered 404: no_service")]
    box.note(notice, Delivery(id=notice.id, event="x", at=NOW, sent=sent), NOW + GIVEN_UP_S)
    ran = trunkline("alerts", "notices", "--failed")
    assert "failed  on-call" in ran.out
    assert ran.err == f"{notice.id} slack hooks.slack.com: it answered 404: no_service\n"
    assert trunkline("alerts", "retry", notice.id).code == 0
    (line,) = trunkline("alerts", "notices", "--json").out.splitlines()
    assert (json.loads(line)["state"], json.loads(line)["tries"]) == ("waiting", 0)
    assert trunkline("alerts", "notices", "--failed").out == ""
    ran = trunkline("alerts", "retry", notice.id)
    assert (ran.code, "is waiting; only what was given up" in ran.err) == (1, True)
    assert trunkline("alerts", "retry", "msg_none").code == 1


def test_without_rules_it_says_how_to_add_one(trunkline, desk):
    desk.registry(alerts=[])
    ran = trunkline("alerts")
    assert (ran.code, "Add `alerts:` or `notify:`" in ran.err) == (0, True)


def test_before_anything_is_published_it_says_so(trunkline, tmp_path):
    State(tmp_path / ".trunkline").create()
    ran = trunkline("alerts")
    assert (ran.code, "Start `trunkline serve`" in ran.err) == (1, True)
