"""Users and lockouts over the admin API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trunkline.console.context import Console
from trunkline.control import lockout, passwords, teams
from trunkline.core.lockout import Lock

Ask = Callable[..., Any]

pytestmark = pytest.mark.row("W1")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "LOG_N", 4)


async def test_a_user_is_made_changed_locked_out_and_removed(ask: Ask, console: Console) -> None:
    teams.create(console.state, "shop", now=console.clock())
    made = await ask(
        "/api/users", method="POST",
        body={"name": "ana", "role": "developer", "teams": ["shop"], "password": "correct horse battery"},
    )  # fmt: skip
    told = made.json()
    assert (made.status, told["teams"], told["password"], told["created_by"]) == (
        200,
        ["shop"],
        True,
        "installation",
    )
    assert (await ask("/api/users/ana", method="POST", body={"role": "operator", "teams": ["*"]})).json()[
        "teams"
    ] is None
    assert (await ask("/api/users/ana/password", method="POST", body={"password": ""})).json()[
        "password"
    ] is False
    assert (await ask("/api/users/ana/disable", method="POST")).json()["state"] == "disabled"
    assert (await ask("/api/users/ana/enable", method="POST")).json()["state"] == "live"
    assert [user["name"] for user in (await ask("/api/users")).json()["users"]] == ["ana"]
    assert (await ask("/api/users/ana/remove", method="POST", body={})).json()["state"] == "removed"
    assert (await ask("/api/users")).json()["users"] == []
    assert [user["state"] for user in (await ask("/api/users?all=true")).json()["users"]] == ["removed"]


async def test_a_link_for_a_user_opens_their_session(ask: Ask) -> None:
    await ask("/api/users", method="POST", body={"name": "bo", "role": "admin"})
    told = (await ask("/api/users/bo/link", method="POST")).json()
    opened = await ask(told["link"], signed=False)
    session = ("cookie", opened.headers["set-cookie"].partition(";")[0])
    assert (await ask("/api/session", session, signed=False)).json()["name"] == "bo"


@pytest.mark.parametrize(
    ("target", "body", "status", "said"),
    [
        ("/api/users", {"name": "ana", "role": "viewer"}, 400, "--team is missing"),
        ("/api/users", {"name": "ana", "role": "root"}, 400, "role"),
        ("/api/users", {"name": "ana", "role": "admin", "password": "short"}, 400, "12 to 256 characters"),
        ("/api/users/nobody", {"role": "admin"}, 404, "There is no user 'nobody'"),
        ("/api/users/nobody/link", None, 404, "There is no user 'nobody'"),
    ],
)
async def test_what_cannot_be_is_said(ask: Ask, target: str, body: Any, status: int, said: str) -> None:
    answer = await ask(target, method="POST", body=body)
    assert answer.status == status
    assert said in answer.json()["message"]
    assert "short" not in answer.json()["message"]


async def test_lockouts_are_seen_and_lifted(ask: Ask, console: Console) -> None:
    now = console.clock()
    lockout.noted(console.state, Lock("address:192.0.2.1", 30, now, now + 60), "console")
    assert [one["subject"] for one in (await ask("/api/lockouts")).json()["lockouts"]] == [
        "address:192.0.2.1"
    ]
    assert (await ask("/api/lockouts/unlock", method="POST", body={"who": "192.0.2.1"})).json() == {
        "lifted": ["address:192.0.2.1"]
    }
    assert (await ask("/api/lockouts")).json()["lockouts"][0]["holds"] is False
