"""`trunkline teams`, `users` and `console`, as a person types them."""

from __future__ import annotations

import pytest

from trunkline.cli import exits
from trunkline.control import lockout, passwords
from trunkline.control.state import State
from trunkline.core.lockout import Lock

pytestmark = pytest.mark.row("W1")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(passwords, "LOG_N", 4)


def test_from_no_team_to_a_developer_with_a_link(trunkline):
    assert "Make one: trunkline teams create shop" in trunkline("teams", "list").err
    assert trunkline("teams", "create", "shop", "--scope", "integration:stripe").code == exits.OK
    made = trunkline("users", "create", "ana", "--role", "developer", "--team", "shop")
    assert "trunkline console link --user ana" in made.err
    link = trunkline("console", "link", "--user", "ana", "--json")
    assert link.json["link"].startswith("http://127.0.0.1:4001/sign-in?link=tll_")
    assert "not running" in link.err
    assert trunkline("users", "show", "ana", "--json").json["teams"] == ["shop"]
    assert trunkline("teams", "show", "shop", "--json").json["users"] == ["ana"]
    listed = trunkline("users", "list").out
    assert ("ana" in listed, "developer" in listed, "never" in listed) == (True, True, True)


def test_a_password_comes_from_stdin_and_stands_nowhere(trunkline):
    ran = trunkline(
        "users", "create", "bo", "--role", "admin", "--password", "--json", stdin="correct horse battery\n"
    )
    assert (ran.code, ran.json["password"], "correct horse" in ran.out + ran.err) == (exits.OK, True, False)
    weak = trunkline("users", "password", "bo", stdin="password1234\n")
    assert (weak.code, "common word" in weak.err, "password1234" in weak.err) == (exits.FAILED, True, False)
    assert "has no password" in trunkline("users", "password", "bo", "--remove").err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("users", "create", "ana", "--role", "viewer"), exits.FAILED, "--team is missing"),
        (("users", "create", "ana", "--role", "root"), exits.USAGE, "root"),
        (
            ("users", "create", "ana", "--role", "viewer", "--team", "x", "--all-teams"),
            exits.USAGE,
            "not both",
        ),
        (("users", "show", "nobody"), exits.FAILED, "There is no user 'nobody'"),
        (("users", "remove", "nobody", "--hand-over", "x", "--end-keys"), exits.USAGE, "not both"),
        (("users", "unlock", "ana"), exits.FAILED, "Nothing of ana is locked"),
        (("teams", "show", "nobody"), exits.FAILED, "There is no team 'nobody'"),
        (("teams", "create", "*"), exits.FAILED, "is no name for a team"),
        (("console", "link", "--life", "2d"), exits.USAGE, "at most 24h"),
        (("console", "link", "--user", "nobody"), exits.FAILED, "There is no user 'nobody'"),
        (("console", "revoke"), exits.USAGE, "Give the id of a session"),
        (("console", "revoke", "ses_x"), exits.FAILED, "There is no session 'ses_x'"),
        (("keys", "hand-over", "nobody", "--to", "installation"), exits.FAILED, "There is no key 'nobody'"),
    ],
)
def test_what_cannot_be_is_said_with_the_cure(trunkline, arguments, code, said):
    ran = trunkline(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_who_loses_a_role_is_told_which_keys_rest(trunkline):
    trunkline("users", "create", "ana", "--role", "operator")
    key = trunkline("keys", "create", "--name", "web", "--scope", "*", "--team", "shop", "--json").json["id"]
    assert trunkline("keys", "hand-over", key, "--to", "ana").code == exits.OK
    ran = trunkline("users", "update", "ana", "--role", "viewer", "--team", "shop")
    assert f"the key {key} does not work any more: its maker ana is viewer now" in ran.err
    listed = trunkline("keys", "list")
    assert ("suspended" in listed.out, "its maker ana is viewer now" in listed.err) == (True, True)
    stuck = trunkline("users", "remove", "ana")
    assert (stuck.code, "Give --hand-over" in stuck.err) == (exits.FAILED, True)
    assert trunkline("users", "remove", "ana", "--hand-over", "installation").code == exits.OK
    assert trunkline("keys", "show", key, "--json").json["state"] == "live"


def test_sessions_are_listed_and_ended(trunkline):
    assert "Nobody is signed in" in trunkline("console", "sessions").err
    assert trunkline("console", "revoke", "--all").err == "0 sessions ended.\n"


def test_lockouts_are_listed_and_lifted(trunkline, tmp_path):
    assert "Nobody is locked out." in trunkline("users", "locked").err
    lockout.noted(State(tmp_path / ".trunkline", {}), Lock("account:ana", 10, 1e9, 9e9), "console")
    [one] = trunkline("users", "locked", "--json").json
    assert (one["subject"], one["plane"], one["failures"], one["holds"]) == (
        "account:ana",
        "console",
        10,
        True,
    )
    assert trunkline("users", "unlock", "ana").err == "Lifted: account:ana.\n"
    assert trunkline("users", "locked", "--json").json[0]["holds"] is False


def test_unused_keys_are_found(trunkline):
    trunkline("keys", "create", "--name", "web", "--scope", "*", "--json")
    assert trunkline("keys", "list", "--unused", "90d", "--json").json == []
    [one] = trunkline("keys", "list", "--unused", "0s", "--json").json
    assert (one["name"], one["last_used_at"]) == ("web", None)
