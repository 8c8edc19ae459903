"""One-time links and the sessions that they open."""

from __future__ import annotations

import pytest

from trunkline.control import audit, sessions, teams, users
from trunkline.control.sessions import ADMIN, LINK_S, SESSION_S, Signed
from trunkline.control.state import State

NOW = 1_800_000_000.0
HERE = "203.0.113.7"

pytestmark = pytest.mark.row("W1")


@pytest.fixture
def ana(state: State) -> str:
    teams.create(state, "shop", now=NOW)
    return users.create(state, "ana", role="developer", of=["shop"], now=NOW).id


def opened(state: State, user: str = ADMIN, now: float = NOW) -> sessions.Opened:
    found = sessions.take_link(state, sessions.make_link(state, user, now=now), address=HERE, now=now)
    assert found is not None
    return found


def test_a_link_opens_one_session_for_its_person(state: State, ana: str) -> None:
    link = sessions.make_link(state, "ana", now=NOW)
    first = sessions.take_link(state, link, address=HERE, agent="Browser", now=NOW + 1)
    assert first is not None
    assert sessions.who(state, first.cookie, now=NOW + 2) == Signed(
        first.id, ana, "ana", "developer", ("shop",)
    )
    assert sessions.take_link(state, link, address=HERE, now=NOW + 2) is None
    assert sessions.take_link(State(state.path, {}), link, address=HERE, now=NOW + 2) is None, (
        "over restarts too"
    )


def test_a_link_without_a_name_is_the_admins(state: State) -> None:
    found = opened(state)
    assert sessions.who(state, found.cookie, now=NOW) == Signed(found.id, "", "admin", "admin", None)


@pytest.mark.parametrize(("after", "opens"), [(0.0, True), (LINK_S - 1, True), (LINK_S, False)])
def test_a_link_holds_for_ten_minutes(state: State, after: float, opens: bool) -> None:
    link = sessions.make_link(state, now=NOW)
    assert (sessions.take_link(state, link, address=HERE, now=NOW + after) is not None) is opens


def test_a_session_holds_for_twelve_hours(state: State) -> None:
    found = opened(state)
    assert sessions.who(state, found.cookie, now=NOW + SESSION_S - 1) is not None
    assert sessions.who(state, found.cookie, now=NOW + SESSION_S) is None


@pytest.mark.parametrize("text", ["", "tll_", "tll_x", "tls_x", "x" * 1000, "tll_é"])
def test_what_is_no_link_or_cookie_opens_nothing(state: State, text: str) -> None:
    sessions.make_link(state, now=NOW)
    assert sessions.take_link(state, text, address=HERE, now=NOW) is None
    assert sessions.who(state, text, now=NOW) is None


def test_a_link_is_no_cookie_and_a_cookie_no_link(state: State) -> None:
    link = sessions.make_link(state, now=NOW)
    assert sessions.who(state, link, now=NOW) is None
    assert sessions.take_link(state, opened(state).cookie, address=HERE, now=NOW) is None


def test_neither_link_nor_cookie_is_kept(state: State) -> None:
    link = sessions.make_link(state, now=NOW)
    found = sessions.take_link(state, link, address=HERE, now=NOW)
    assert found is not None
    everything = b"".join(path.read_bytes() for path in state.path.iterdir() if path.is_file())
    assert (link.encode() in everything, found.cookie.encode() in everything) == (False, False)
    assert found.cookie not in repr(found)


def test_a_change_of_role_or_team_holds_for_open_sessions_at_once(state: State, ana: str) -> None:
    found = opened(state, "ana")
    users.update(state, "ana", role="operator", of=["*"], now=NOW)
    assert sessions.who(state, found.cookie, now=NOW) == Signed(found.id, ana, "ana", "operator", None)


@pytest.mark.parametrize("loss", ["disable", "remove", "password"])
def test_who_may_not_come_in_any_more_is_out_at_once(state: State, ana: str, loss: str) -> None:
    link, found = sessions.make_link(state, "ana", now=NOW), opened(state, "ana")
    if loss == "disable":
        users.disable(state, "ana", now=NOW)
    elif loss == "remove":
        users.remove(state, "ana", now=NOW)
    else:
        users.set_password(state, "ana", "", now=NOW)
    assert sessions.who(state, found.cookie, now=NOW) is None
    assert (sessions.take_link(state, link, address=HERE, now=NOW) is not None) is (loss == "password")


def test_a_caller_has_no_page_to_open(state: State, ana: str) -> None:
    users.create(state, "bot", role="caller", of=["shop"], now=NOW)
    with pytest.raises(sessions.SessionProblem, match="has the role caller, which opens no page"):
        sessions.make_link(state, "bot", now=NOW)
    found = opened(state, "ana")
    users.update(state, "ana", role="caller", now=NOW)
    signed = sessions.who(state, found.cookie, now=NOW)
    assert signed is not None
    assert signed.role == "caller", "which may nothing in the console"


def test_sessions_are_listed_and_ended_one_or_all_of_a_user_or_every_one(state: State, ana: str) -> None:
    first, second, third = opened(state, "ana"), opened(state, "ana"), opened(state)
    listed = {one.id: one for one in sessions.list_sessions(state, now=NOW)}
    assert {(one.user, one.way, one.address, one.state) for one in listed.values()} == {
        ("ana", "link", HERE, "open"), ("admin", "link", HERE, "open"),
    }  # fmt: skip
    assert sessions.revoke(state, session=first.id, now=NOW) == 1
    assert sessions.revoke(state, user=ana, now=NOW) == 1
    assert sessions.revoke(state, everybody=True, now=NOW) == 1
    assert [sessions.who(state, one.cookie, now=NOW) for one in (first, second, third)] == [None] * 3
    assert {one.state for one in sessions.list_sessions(state, user=ana, now=NOW)} == {"ended"}
    with pytest.raises(sessions.SessionProblem, match="There is no session 'ses_x'"):
        sessions.revoke(state, session="ses_x", now=NOW)
    with pytest.raises(sessions.SessionProblem, match="Say whose session"):
        sessions.revoke(state, now=NOW)


@pytest.mark.row("G1")
def test_links_logins_and_ends_have_their_audit_rows(state: State, ana: str) -> None:
    found = opened(state, "ana")
    sessions.revoke(state, session=found.id, now=NOW)
    rows = audit.entries(state)[-3:]
    assert [(row["actor"], row["action"]) for row in rows] == [
        ("cli", "link.create"), ("user:ana", "session.open"), ("cli", "session.revoke"),
    ]  # fmt: skip
    assert rows[1]["detail"] == {"way": "link", "address": HERE, "user": "ana"}
