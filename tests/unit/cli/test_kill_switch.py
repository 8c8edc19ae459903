"""`keys revoke`, `secrets revoke`, `integrations disable`: the kill switch from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trunkline.control import audit
from trunkline.control.state import State

pytestmark = pytest.mark.row("S4")
REGISTRY = "version: 1\nintegrations:\n  crm: {base_url: 'https://crm.example.com', auth: {kind: none}}\n"


def lines() -> list[dict[str, object]]:
    text = Path(".trunkline/kills").read_text()
    return [{k: v for k, v in json.loads(line).items() if k != "at"} for line in text.splitlines()]


def actions() -> list[tuple[str, str]]:
    return [(row["action"], row["subject"]) for row in audit.entries(State(".trunkline"))]


def test_revoking_a_key_throws_the_switch_and_writes_it_down(trunkline):
    made = trunkline("keys", "create", "--name", "web", "--scope", "*", "--json").json
    ran = trunkline("keys", "revoke", "web", "--by", "ana", "--json")
    assert (ran.code, ran.json["state"]) == (0, "revoked")
    assert lines() == [{"what": "key", "subject": made["id"], "dead": True, "actor": "cli:ana"}]
    assert {("key.revoke", made["id"]), ("key.kill", made["id"])} <= set(actions())


def test_running_calls_of_a_key_may_end_by_themselves_if_that_is_asked_for(trunkline):
    trunkline("keys", "create", "--name", "web", "--scope", "*")
    assert trunkline("keys", "revoke", "web", "--let-finish").code == 0
    assert not Path(".trunkline/kills").exists()


def test_a_key_is_refused_although_the_database_is_broken(trunkline):
    made = trunkline("keys", "create", "--name", "web", "--scope", "*", "--json").json
    for path in Path(".trunkline").glob("control.db*"):
        path.write_bytes(b"no database at all" * 400)
    ran = trunkline("keys", "revoke", "web")
    assert (ran.code, "is refused from now on" in ran.err) == (0, True), ran.err
    assert [line["subject"] for line in lines()] == [made["id"]]
    assert trunkline("keys", "revoke", "nobody").code != 0


def test_revoking_a_credential(trunkline):
    assert trunkline("secrets", "revoke", "env:CRM_TOKEN", "--reason", "leaked").code == 0
    assert trunkline("secrets", "revoke", "store:CRM_TOKEN").code == 0
    assert trunkline("secrets", "kill", "env:OTHER").code == 0
    assert trunkline("secrets", "revive", "env:OTHER").code == 0
    assert [(line["subject"], line["dead"], line.get("why")) for line in lines()] == [
        ("env:CRM_TOKEN", True, "leaked"),
        ("store:CRM_TOKEN", True, None),
        ("env:OTHER", True, None),
        ("env:OTHER", False, None),
    ]
    assert ("credential.kill", "env:CRM_TOKEN") in actions()
    ran = trunkline("secrets", "revoke", "sk-test-not-a-real-key:x")
    assert (ran.code, "must be a reference" in ran.err) == (2, True)


def test_disabling_and_enabling_an_integration(trunkline):
    Path("trunkline.yaml").write_text(REGISTRY)
    assert trunkline("integrations", "disable", "crm", "--reason", "wrong amounts").code == 0
    (row,) = trunkline("integrations", "list", "--json").json
    assert (row["state"], row["problem"]) == ("disabled", "wrong amounts")
    assert trunkline("integrations", "enable", "crm").code == 0
    (row,) = trunkline("integrations", "list", "--json").json
    assert row["state"] == "ready"
    assert actions() == [("integration.kill", "crm"), ("integration.revive", "crm")]


def test_an_integration_that_is_not_there_is_not_disabled(trunkline):
    Path("trunkline.yaml").write_text(REGISTRY)
    ran = trunkline("integrations", "disable", "crn")
    assert (ran.code, ran.err) == (1, "There is no integration 'crn'. Did you mean 'crm'?\n")
    assert not Path(".trunkline/kills").exists()
