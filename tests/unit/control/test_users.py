"""Users: roles, teams, passwords, and what becomes of their keys when they go."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.control import audit, keys, passwords, published, teams, users
from trunkline.control.keys import Wish
from trunkline.control.state import State

NOW = 1_800_000_000.0
GOOD = "correct horse battery"

pytestmark = [pytest.mark.row("W1"), pytest.mark.usefixtures("quick")]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "LOG_N", 4)


@pytest.fixture
def state(state: State) -> State:
    for name in ("shop", "ops"):
        teams.create(state, name, now=NOW)
    return state


def test_a_user_is_made_and_shown_without_the_password(state: State) -> None:
    made = users.create(
        state, "ana", role="developer", of=["shop"], email="ana@shop.test", password=GOOD, now=NOW
    )
    assert made == users.UserInfo(
        id=made.id, name="ana", email="ana@shop.test", role="developer", teams=["shop"], state="live", password=True, issuer="",
        created_at="2027-01-15T08:00:00Z", created_by="installation", last_login_at=None, keys=[],
    )  # fmt: skip
    assert made.id.startswith("usr_")
    everything = b"".join(path.read_bytes() for path in state.path.iterdir() if path.is_file())
    assert GOOD.encode() not in everything
    assert GOOD not in str(audit.entries(state))


@pytest.mark.parametrize(
    ("role", "of", "kept"),
    [
        ("viewer", ["shop", "ops", "shop"], ["shop", "ops"]),
        ("developer", ["*"], None),
        ("operator", [], None),
        ("admin", [], None),
        ("caller", ["shop"], ["shop"]),
    ],
)
def test_roles_below_operator_are_bound_to_teams(state: State, role: str, of: list[str], kept: Any) -> None:
    assert users.create(state, "ana", role=role, of=of, now=NOW).teams == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"role": "viewer", "of": []},
            "--team is missing: a viewer sees only the teams that are named; give --all-teams",
        ),
        ({"role": "operator", "of": ["shop"]}, "--team 'shop': the role operator looks after every team"),
        (
            {"role": "root", "of": []},
            "--role 'root': must be one of caller, viewer, developer, operator, admin",
        ),
        ({"role": "viewer", "of": ["shoop"]}, r"no team 'shoop' \(did you mean 'shop'"),
        ({"name": "a b", "role": "admin", "of": []}, "is no name for a user"),
        ({"role": "admin", "of": [], "email": "nowhere"}, "must be a mail address"),
        ({"role": "admin", "of": [], "password": "admin"}, "A password has 12 to 256 characters"),
        ({"role": "admin", "of": [], "password": "ana-ana-ana-ana!"}, "different characters|common word"),
    ],
)
def test_what_cannot_be_is_said(state: State, given: dict[str, Any], said: str) -> None:
    with pytest.raises(users.UserProblem, match=said):
        users.create(state, **{"name": "ana", **given}, now=NOW)
    assert users.list_users(state, now=NOW) == []


def test_names_are_unique_among_the_living(state: State) -> None:
    first = users.create(state, "ana", role="admin", of=[], now=NOW)
    with pytest.raises(users.UserProblem, match="There is a user 'ana' already"):
        users.create(state, "ana", role="admin", of=[], now=NOW)
    users.remove(state, "ana", now=NOW)
    second = users.create(state, "ana", role="viewer", of=["shop"], now=NOW)
    assert users.find(state, "ana", now=NOW).id == second.id
    assert users.find(state, first.id, now=NOW).state == "removed"


def test_a_change_of_role_asks_for_teams_where_they_are_needed(state: State) -> None:
    users.create(state, "bo", role="operator", of=[], now=NOW)
    assert users.update(state, "bo", role="developer", of=["shop"], now=NOW).teams == ["shop"]
    promoted = users.update(state, "bo", role="admin", now=NOW)
    assert (promoted.role, promoted.teams) == ("admin", None)
    row = audit.entries(state)[-1]
    assert (row["action"], row["detail"]["before"]) == (
        "user.update",
        {"role": "developer", "teams": ["shop"]},
    )


def test_who_is_demoted_from_operator_keeps_every_team_unless_they_are_named(state: State) -> None:
    users.create(state, "bo", role="operator", of=[], now=NOW)
    assert users.update(state, "bo", role="viewer", now=NOW).teams is None


def test_a_password_is_replaced_or_taken_away(state: State) -> None:
    users.create(state, "ana", role="admin", of=[], password=GOOD, now=NOW)
    assert users.set_password(state, "ana", "another good sentence", now=NOW).password is True
    assert users.set_password(state, "ana", "", now=NOW).password is False
    assert [row["action"] for row in audit.entries(state)][-2:] == ["user.password"] * 2


@pytest.mark.parametrize("end", [{}, {"hand_over": "bo"}, {"hand_over": "installation"}, {"end_keys": True}])
def test_who_goes_leaves_no_key_without_a_word(state: State, end: dict[str, Any]) -> None:
    ana = users.create(state, "ana", role="developer", of=["shop"], now=NOW).id
    users.create(state, "bo", role="developer", of=["shop"], now=NOW)
    key = keys.create(state, Wish(name="web", scopes=["*"]), by=ana, now=NOW).id
    if not end:
        with pytest.raises(
            users.UserProblem, match=f"ana made 1 keys that would end: {key}. Give --hand-over"
        ):
            users.remove(state, "ana", now=NOW)
        return
    assert users.remove(state, "ana", **end, now=NOW).state == "removed"
    info = keys.find(state, key, now=NOW)
    there = published.read_callers(state)
    assert there is not None
    if end.get("end_keys"):
        assert (info.state, there.keys) == ("revoked", [])
    else:
        assert (info.state, info.created_by, len(there.keys)) == ("live", end["hand_over"], 1)


def test_a_removed_user_cannot_be_changed(state: State) -> None:
    users.create(state, "ana", role="admin", of=[], now=NOW)
    users.remove(state, "ana", now=NOW)
    with pytest.raises(users.UserProblem, match="The user ana was removed"):
        users.set_password(state, "ana", GOOD, now=NOW)


def test_an_unknown_user_is_said_with_who_was_meant(state: State) -> None:
    users.create(state, "ana", role="admin", of=[], now=NOW)
    with pytest.raises(users.UserProblem, match=r"no user .anna.\. Did you mean .ana.\?"):
        users.find(state, "anna", now=NOW)
