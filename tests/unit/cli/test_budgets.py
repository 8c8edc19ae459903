"""`trunkline budgets`."""

import base64
import csv
import json
import os
import time

import pytest

from tests.support.records import begin, end, tried
from tests.support.site import reply, running_site
from trunkline.control import keys, publish
from trunkline.control.state import State
from trunkline.core.codec import to_pack
from trunkline.core.flow import Budget, Notify, Scope
from trunkline.core.service import Snapshot
from trunkline.journal.append import Journal

SECRET = "whsec_" + base64.b64encode(b"a-test-key-that-is-not-a-real-one").decode()


def published(**changes):
    """Publishes a registry into the state folder of the command's place."""
    state = State(".trunkline", os.environ).create()
    publish.snapshot(state, Snapshot(version="", created="", environment="dev", services=[], **changes))
    publish.callers(state)
    return state


def spend(state, *costs, **labels):
    """Calls that cost so much, as the gateway writes them."""
    journal = Journal(state.journal)
    journal.open()
    now_us = time.time_ns() // 1000
    for n, cost in enumerate(costs):
        journal.append(
            to_pack(
                begin(f"c{n}", at_us=now_us, model="tiny", target="acme/tiny", integration="acme", **labels)
            )
        )
        journal.append(to_pack(end(f"c{n}", at_us=now_us, cost_usd=cost, tried=[tried(1, "acme/tiny")])))
    journal.close()


@pytest.mark.row("O2")
def test_budgets_are_shown_without_a_running_trunkline(trunkline):
    state = published(budgets=[Budget(name="all", usd=1.0), Budget(name="spent", usd=0.5, per="day")])
    spend(state, 0.25, 0.5)
    ran = trunkline("budgets", "--json")
    assert ran.code == 0
    all_, spent = ran.json
    assert (all_["budget"], all_["spent_usd"], all_["left_usd"], all_["reserved_usd"]) == (
        "all",
        0.75,
        0.25,
        0.0,
    )
    assert (spent["budget"], spent["per"], spent["left_usd"]) == ("spent", "day", 0.0)
    assert all_["forecast_usd"] >= 0.75
    told = trunkline("budgets")
    assert told.out.splitlines()[0].split() == [
        "budget",
        "of",
        "window",
        "limit",
        "spent",
        "reserved",
        "left",
        "forecast",
        "ends",
    ]
    assert f"spent: used up; calls are refused until {spent['ends_at']}." in told.err


def test_calls_of_unknown_cost_are_said(trunkline):
    spend(published(budgets=[Budget(name="all", usd=1.0)]), -1.0, -1.0)
    assert (
        "all: the cost of 2 calls is unknown, because what they used has no price."
        in trunkline("budgets").err
    )


def test_without_a_budget_the_cure_is_said(trunkline):
    published()
    ran = trunkline("budgets")
    assert (ran.code, ran.out) == (0, "")
    assert "Add one to the registry" in ran.err
    assert trunkline("budgets", "--json").json == []


@pytest.mark.row("O2")
def test_a_test_notice_is_sent_signed_and_logged(trunkline):
    with running_site() as site:
        site.script.append(reply())
        site.script.append(reply(status="500 Broken"))
        state = published(notify=Notify(webhook=f"{site.address}/in", webhook_secret="env:HOOK"))
        publish.sealed(state, {"env:HOOK": SECRET}, {})
        ran = trunkline("budgets", "test-notify", "--json")
        assert (ran.code, ran.json["sent"]) == (
            0,
            [{"channel": "webhook", "where": "127.0.0.1", "ok": True, "detail": ""}],
        )
        assert site.last.json["type"] == "test"
        assert site.last.field("webhook-signature").startswith("v1,")
        failed = trunkline("budgets", "test-notify")
        assert failed.code == 1
        assert failed.out.splitlines()[1].split() == [
            "webhook",
            "127.0.0.1",
            "FAILED",
            "it",
            "answered",
            "500",
        ]
    log = [json.loads(line) for line in (state.path / "notices.jsonl").read_text().splitlines()]
    assert [one["state"] for one in log] == ["waiting", "sent", "waiting", "failed"]
    assert SECRET not in ran.out + ran.err + (state.path / "notices.jsonl").read_text()


def test_a_test_notice_without_anybody_to_tell_says_so(trunkline):
    published()
    ran = trunkline("budgets", "test-notify")
    assert (ran.code, ran.out) == (1, "")
    assert "names nobody to tell" in ran.err


def test_a_missing_signing_secret_is_named(trunkline):
    state = published(notify=Notify(webhook="https://hooks.example.com/in", webhook_secret="env:HOOK"))
    publish.sealed(state, {}, {"env:HOOK": "HOOK is not set"})
    ran = trunkline("budgets", "test-notify", "--json")
    assert (ran.code, ran.json["sent"][0]["detail"]) == (1, "env:HOOK cannot be had: HOOK is not set")


@pytest.mark.row("O2")
def test_keys_are_shown_by_name_those_too_that_were_revoked(trunkline):
    state = published(budgets=[Budget(name="each", usd=1.0, scope=Scope(each="key"))])
    made = keys.create(state, keys.Wish(name="night-jobs", scopes=["*"]))
    spend(state, 0.25, key_id=made.id)
    keys.revoke(state, "night-jobs")
    shown = trunkline("budgets").out.splitlines()[1].split()
    assert shown[:2] == ["each", "night-jobs"]
    (row,) = trunkline("budgets", "--json").json
    assert row["of"] == made.id
    (used,) = trunkline("usage", "--by", "key_id,model", "--json").json
    assert list(used)[:3] == ["key_id", "key_name", "model"]
    assert (used["key_id"], used["key_name"], used["cost_usd"]) == (made.id, "night-jobs", 0.25)
    assert trunkline("usage", "--by", "key_id").out.splitlines()[1].split()[:2] == [made.id, "night-jobs"]
    assert trunkline("usage", "--by", "model", "--csv").out.startswith("model,calls,")
    split = trunkline("usage", "--by", "model", "--parts").out.splitlines()[0].split()
    assert split[:6] == ["model", "calls", "unpriced", "cost_usd", "input_usd", "cached_usd"]


@pytest.mark.row("O2")
def test_small_sums_are_shown(trunkline):
    state = published(budgets=[Budget(name="cents", usd=0.0003)])
    spend(state, 0.00008)
    assert trunkline("budgets").out.splitlines()[1].split()[2:4] == ["0.000300", "0.000080"]


@pytest.mark.row("O2")
def test_a_spreadsheet_takes_no_feature_for_a_formula(trunkline):
    state = published()
    spend(state, 0.25, feature='=HYPERLINK("http://evil.example")')
    (row,) = csv.DictReader(trunkline("usage", "--by", "feature", "--csv").out.splitlines())
    assert (row["feature"], row["cost_usd"]) == ('\'=HYPERLINK("http://evil.example")', "0.25")
