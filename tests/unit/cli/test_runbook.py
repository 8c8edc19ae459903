"""`trunkline runbook`: the facts of now, a first one, lint, acknowledgements."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.support.attended import NOW, Desk
from tests.support.records import SECOND_US, JournalInMemory, call, tried
from trunkline.cli.main import known_commands
from trunkline.console.attending import Attending
from trunkline.control import kills
from trunkline.core.codec import to_pack
from trunkline.core.flow import Breaker, Fallback, Probe
from trunkline.core.service import ApiVersion, Credential, Service
from trunkline.ledger.drain import Drain
from trunkline.ops import findings, outside
from trunkline.ops.findings import Finding
from trunkline.ops.incidents import published
from trunkline.registry import runbooks

pytestmark = pytest.mark.row("H3")
US = int(NOW * 1e6)
FAILED = {
    "state": "error", "code": "server_error", "status": 502, "message": "boom sk-test-not-a-real-key-0123456789",
    "tried": [tried(status=500, code="server_error")],
}  # fmt: skip
SERVICE = Service(
    name="stripe",
    vendor="stripe",
    title="Stripe",
    owner="pay@example.com",
    criticality="load-path",
    credentials=[Credential(ref="env:STRIPE_SECRET_KEY")],
    api_version=ApiVersion(value="2026-09-30", header="Stripe-Version"),
    status_page="https://status.stripe.com",
    changelog="https://docs.stripe.com/changelog",
    probe=Probe(path="/v1/balance"),
    fallback=[Fallback(kind="target", target="adyen"), Fallback(kind="stale", max_age=60)],
    breaker=Breaker(),
    runbook="runbooks/stripe.md",
)

REGISTRY = """version: 1
integrations:
  stripe: {secret: env:STRIPE_SECRET_KEY, owner: pay@example.com, fallback: adyen, runbook: runbooks/stripe.md}
  adyen: {base_url: https://adyen.example.com}
"""


@pytest.fixture
def desk(trunkline, tmp_path, monkeypatch):
    """An outage, with everything that a runbook shows."""
    del trunkline
    monkeypatch.setattr("time.time", lambda: NOW + 1)
    made = Desk(tmp_path / ".trunkline")
    made.registry(services=[SERVICE, Service(name="adyen")])
    journal = JournalInMemory(
        *call("a", US - 60 * SECOND_US),
        *call("b", US - 50 * SECOND_US, ended=FAILED, subject_hash="s1"),
        *call("c", US - 40 * SECOND_US, ended=FAILED, feature="mail", team="lab"),
        *call("d", US - 30 * SECOND_US, ended={"notes": "fallback=target:adyen"}),
    )
    drain = Drain(made.state_dir / "journal", made.state_dir / "ledger", read_from=journal.read_from)
    while drain.step():
        continue
    drain.close()
    page = outside.Page(
        at=NOW - 59,
        every=60,
        url="https://status.stripe.com",
        indicator="major",
        description="Elevated errors",
    )
    outside.write(made.state_dir / outside.FILE, outside.Outside(at=NOW, pages={"stripe": page}))
    stats = {
        "at": NOW, "boot": "b", "budgets": [], "breakers": {"stripe": "open"},
        "traffic": {"stripe": {"window": (2, 2), "last_error_code": "server_error", "last_ok_age_s": 60, "last_error_age_s": 40}},
        "circuits": {"stripe": [{"credential": "env:STRIPE_SECRET_KEY", "model": None, "state": "open", "why": "2 of 2 failed"}]},
        "queue_waiting": {"stripe": 3},
    }  # fmt: skip
    (made.state_dir / "gateway.stats").write_bytes(to_pack(stats))
    import os

    os.utime(made.state_dir / "gateway.stats", (NOW, NOW))
    drift = Finding(
        kind="contract.drift", integration="stripe", subject="x", severity="warning", title="amount is text now", due="2026-12-01"
    )  # fmt: skip
    findings.note(made.state, drift, NOW)
    made.broken()
    Attending(made).turn()
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "trunkline.yaml").write_text(REGISTRY)
    yield made
    made.ledger.close()


def test_the_facts_of_now_stand_before_what_people_wrote(trunkline, desk, tmp_path):
    (tmp_path / "runbooks" / "stripe.md").write_text("# Symptom\nNo payments.\n")
    ran = trunkline("runbook", "show", "stripe")
    assert ran.code == 0
    (incident,) = published.read(desk.state_dir)
    for words in (
        "Stripe (stripe), prod, 2026-11-21T12:00:01Z",
        "down: the breaker is open",
        "failing since 2026-11-21T11:59:10Z",
        f"incident {incident.id} (critical), open since 2026-11-21T12:00:00Z; nobody has acknowledged it",
        "owner: pay@example.com; load-path",
        "2 of 3 calls failed since 2026-11-21T11:59:10Z; 1 people",
        "1 calls were answered by a fallback",
        "features: checkout 1/2, mail 1/1",
        "callers: key-1 2/3",
        "kinds: server_error 2",
        "server_error 500 create_charge: boom ***",
        "correlation corr-c, vendor's id req-1  (trunkline logs show c)",
        "works now: target adyen",
        "declared: an older answer from the cache, at most 60 s old",
        "Elevated errors (60 s ago)",
        "env:STRIPE_SECRET_KEY: rotation unscheduled",
        "API version: 2026-09-30",
        "warning contract.drift: amount is text now, due 2026-12-01",
        "env:STRIPE_SECRET_KEY: open: 2 of 2 failed",
        "3 calls wait for a place",
        "trunkline integrations disable stripe --reason '...'",
        "trunkline call stripe GET /v1/balance",
        "# Symptom\nNo payments.",
    ):
        assert words in ran.out, words
    assert "not-a-real-key" not in ran.out
    assert "It does not answer: triage, fallback, escalation, recovery." in ran.err
    assert "No payments" not in trunkline("runbook", "show", "stripe", "--facts").out


def test_everything_is_there_as_data(trunkline, desk):
    told = trunkline("runbook", "show", "stripe", "--json").json
    assert (told["status"], told["failing_since"], told["affected"]["failed"]) == (
        "down",
        "2026-11-21T11:59:10Z",
        2,
    )
    assert [one["correlation_id"] for one in told["failures"]] == ["corr-c", "corr-b"]
    assert told["page"]["says"] == "Elevated errors"
    assert (told["queue"], told["serving"], told["switched_off"]) == (
        {"waiting": 3.0},
        ["target adyen"],
        None,
    )
    kills.append(desk.state, "integration", "stripe", why="too much")
    assert trunkline("runbook", "show", "stripe", "--json").json["switched_off"] == "too much"


def test_an_integration_without_one_gets_the_facts_and_the_cure(trunkline, desk):
    ran = trunkline("runbook", "show", "adyen")
    assert (ran.code, "no call failed since" in ran.out) == (1, True)
    assert "Make one with `trunkline runbook new adyen`." in ran.err
    ran = trunkline("runbook", "show", "stripee")
    assert (ran.code, ran.err) == (1, "Error: There is no integration 'stripee'. Did you mean 'stripe'?\n")


def test_a_first_one_is_written_from_what_is_known(trunkline, desk, tmp_path):
    ran = trunkline("runbook", "new", "stripe")
    assert ran.code == 0
    text = (tmp_path / "runbooks" / "stripe.md").read_text()
    assert text.startswith("# Runbook: Stripe\n\nReviewed: never\n")
    assert "Features that call it: checkout, mail." in text
    assert "- another target: `adyen`" in text
    assert "- Owner: pay@example.com" in text
    again = trunkline("runbook", "new", "stripe")
    assert (again.code, "is there already" in again.err) == (1, True)
    ran = trunkline("runbook", "new", "adyen")
    assert "    runbook: runbooks/adyen.md" in ran.err
    assert trunkline("runbook", "new", "adyen", "--out", "-").out.startswith("# Runbook: adyen")


def test_the_template_passes_its_own_lint_once_it_is_filled_in(trunkline, desk):
    text = trunkline("runbook", "new", "stripe", "--out", "-").out
    today = datetime.fromtimestamp(NOW, UTC).date()
    wrong = {one.code for one in runbooks.problems(text, today=today, commands=known_commands())}
    assert wrong == {"runbook-incomplete", "runbook-unreviewed"}
    filled = re.sub(r"(?m)^> Fill in:.*$", "Words of people.", text).replace("never", "2026-11-20")
    assert runbooks.problems(filled, today=today, commands=known_commands()) == []


def test_lint_says_what_is_missing(trunkline, desk, tmp_path):
    trunkline("runbook", "new", "stripe")
    ran = trunkline("runbook", "lint")
    assert ran.code == 1
    assert "There is no runbook. Make one with `trunkline runbook new adyen`." in ran.out
    assert "Nothing says when somebody last read it through." in ran.out
    (told,) = trunkline("runbook", "lint", "stripe", "--json").json
    assert (told["integration"], told["path"], told["reviewed"]) == ("stripe", "runbooks/stripe.md", "")
    path = tmp_path / "runbooks" / "stripe.md"
    text = re.sub(r"(?m)^> Fill in:.*$", "Words.", path.read_text()).replace("never", "2026-11-20")
    path.write_text(text)
    ran = trunkline("runbook", "lint", "stripe")
    assert (ran.code, ran.err) == (0, "Nothing to mend.\n")


def test_who_works_by_it_is_kept_and_stands_in_the_incident(trunkline, desk):
    (incident,) = published.read(desk.state_dir)
    ran = trunkline("runbook", "ack", "stripe", "--by", "jan", "--note", "step 2")
    assert (ran.code, ran.err) == (0, f"jan works by the runbook of stripe ({incident.id}).\n")
    assert "2026-11-21T12:00:01Z jan: step 2" in trunkline("runbook", "show", "stripe").out
    assert "jan works by the runbook: step 2" in trunkline("incidents", "show", incident.id).out
    assert trunkline("runbook", "ack", "adyen", "--json").json["incident_id"] == ""
