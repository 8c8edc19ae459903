"""`trunkline audit`, as a person types it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3

import pytest

from trunkline.cli import exits
from trunkline.control import audit, publish
from trunkline.control.state import State
from trunkline.core.service import Snapshot

pytestmark = pytest.mark.row("G1")


@pytest.fixture
def state(trunkline, tmp_path):
    trunkline("teams", "create", "shop", "--by", "ana")
    trunkline("keys", "create", "--name", "web", "--scope", "*", "--team", "shop", "--by", "ana", "--json")
    made = State(tmp_path / ".trunkline", {})
    publish.snapshot(made, Snapshot(version="", created="", environment="dev", services=[]))
    return made


def tampered(state, statement):
    with sqlite3.connect(state.control_db) as connection:
        connection.execute("DROP TRIGGER audit_keeps_rows")
        connection.execute("DROP TRIGGER audit_keeps_text")
        connection.execute(statement)


def test_rows_are_searched_and_shown(trunkline, state):
    told = trunkline("audit", "log", "--action", "key", "--json").out.splitlines()
    assert [(json.loads(line)["action"], json.loads(line)["actor"]) for line in told] == [
        ("key.create", "cli:ana")
    ]
    assert "team.create" in trunkline("audit", "log", "--since", "1h").out
    assert trunkline("audit", "log", "--actor", "nobody").err == "No such rows.\n"


def test_a_whole_chain_verifies_and_a_broken_one_names_its_first_bad_row(trunkline, state):
    assert trunkline("audit", "verify").err == "The chain is whole: 2 rows, anchored up to row 2.\n"
    tampered(state, "UPDATE audit SET actor = 'cli:bo' WHERE seq = 2")
    ran = trunkline("audit", "verify", "--json")
    told = {
        "ok": False,
        "rows": 1,
        "problem": "row 2 was changed after it was written",
        "anchored": 0,
        "row": 2,
    }
    assert (ran.code, {name: ran.json[name] for name in told}) == (exits.FAILED, told)
    assert " cli:bo key.create " in ran.json["record"]
    said = trunkline("audit", "verify").err
    for part in ("row 2 was changed", " cli:bo key.create ", "trunkline restore"):
        assert part in said


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE audit SET detail = '{}' WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("UPDATE audit SET seq = 3 - seq", 1),
    ],
    ids=["edited", "deleted", "cut off", "reordered"],
)
def test_whatever_was_done_to_it_the_place_and_the_cure_are_told(trunkline, state, statement, row):
    if "3 - seq" in statement:
        tampered(state, "UPDATE audit SET seq = -seq")
        with sqlite3.connect(state.control_db) as connection:
            connection.execute("UPDATE audit SET seq = 3 + seq")
    else:
        tampered(state, statement)
    ran = trunkline("audit", "verify", "--json")
    assert (ran.code, ran.json["ok"], ran.json["row"]) == (exits.FAILED, False, row)
    assert "trunkline restore" in ran.json["cure"]


def test_an_anchor_that_was_kept_shows_that_the_end_was_taken_off(trunkline, state):
    kept = trunkline("audit", "anchor").out.strip()
    assert trunkline("audit", "verify", "--anchor", kept).code == exits.OK
    tampered(state, "DELETE FROM audit WHERE seq = 2")
    (state.path / "audit.anchor").unlink()
    trunkline("teams", "create", "ops")
    assert trunkline("audit", "verify").code == exits.OK, "who has the files can mend what lies beside them"
    ran = trunkline("audit", "verify", "--anchor", kept)
    assert (ran.code, "row 2 is not the one that was anchored" in ran.err) == (exits.FAILED, True)
    assert trunkline("audit", "verify", "--anchor", "2:ab:cd").code == exits.FAILED


def test_an_export_can_be_checked_by_anyone(trunkline, state):
    rows = [json.loads(line) for line in trunkline("audit", "export").out.splitlines()]
    before = b"\0" * 32
    for row in rows:
        fields = [
            row["seq"],
            repr(row["at"]),
            row["actor"],
            row["action"],
            row["subject"],
            json.dumps(row["detail"], sort_keys=True),
        ]
        before = hashlib.sha256(before + json.dumps(fields, separators=(",", ":")).encode()).digest()
        assert row["hash"] == before.hex()
    assert len(rows) == 2


def test_an_earlier_export_must_still_be_true(trunkline, state, tmp_path):
    file = tmp_path / "then.jsonl"
    assert trunkline("audit", "export", "--output", str(file)).code == exits.OK
    trunkline("teams", "create", "ops")
    assert trunkline("audit", "verify", "--export", str(file)).code == exits.OK
    file.write_text(file.read_text().replace('"hash":"', '"hash":"00'))
    ran = trunkline("audit", "verify", "--export", str(file))
    assert (ran.code, "row 1 is not what it was in then.jsonl" in ran.err) == (exits.FAILED, True)
    file.write_text("no row\n")
    assert trunkline("audit", "verify", "--export", str(file)).code == exits.USAGE


def test_a_table_for_spreadsheets_runs_nothing(trunkline, state):
    audit.append(state, "=cmd|' /C calc'!A0", "x", "@sum", {"a": '\n,"'})
    rows = list(csv.DictReader(io.StringIO(trunkline("audit", "export", "--format", "csv").out)))
    assert len(rows) == 3
    assert (rows[-1]["actor"][:2], rows[-1]["subject"][:2], json.loads(rows[-1]["detail"])) == (
        "'=",
        "'@",
        {"a": '\n,"'},
    )


@pytest.mark.row("G3")
def test_the_review_is_printed_decided_and_signed(trunkline, state, tmp_path):
    ran = trunkline("audit", "baseline", "--no-kill")
    assert (ran.code, ran.out.startswith("# Review of ")) == (exits.FAILED, True)
    assert "Nobody has said whether to keep key web" in ran.out
    assert "not measured: it was not asked for" in ran.out
    decided = trunkline("audit", "baseline", "--keep", "web", "--by", "ana", "--json")
    assert "keep: key web" in decided.err
    told = json.loads(decided.out)
    assert [one["decision"] for one in told["access"]] == ["keep"]
    assert next(check for check in told["checks"] if check["id"] == "identity")["verdict"] == "ok"
    assert next(check for check in told["checks"] if check["id"] == "kill")["evidence"] == [
        "not measured: Trunkline is not running"
    ]
    page = tmp_path / "review.md"
    assert trunkline("audit", "baseline", "--output", str(page)).out == ""
    assert page.read_text().startswith("# Review of ")
    signed = trunkline("audit", "sign-off", "--by", "ana", "--note", "fine", "--json").json
    assert (signed["by"], signed["note"], len(signed["digest"])) == ("ana", "fine", 64)
    assert "ana" in trunkline("audit", "reviews").out
    assert trunkline("audit", "verify").code == exits.OK


@pytest.mark.row("G3", "W1")
def test_every_route_of_both_planes_is_in_the_review(trunkline, state):
    from trunkline.cli.audit import routes
    from trunkline.console.endpoints import ENDPOINTS

    found = routes()
    assert {one.route for one in found if one.plane == "console"} == {
        f"{one.method} {one.path}" for one in ENDPOINTS
    }
    assert {"POST /v1/chat/completions", "any /api/proxy/{integration}/{path}", "GET /health/live"} <= {
        one.route for one in found
    }
    assert all(one.identity for one in found)


@pytest.mark.parametrize("arguments", [("baseline", "--keep", "nobody"), ("sign-off", "--by", " ")])
def test_what_cannot_be_is_said(trunkline, state, arguments):
    ran = trunkline("audit", *arguments)
    assert (ran.code, ran.out) == (exits.FAILED, "")
