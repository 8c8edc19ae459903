"""Keys and teams over the admin API: made within what one may, seen and changed by the own team alone (S12 of the battery)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trunkline.console.access import COOKIE
from trunkline.console.context import Console
from trunkline.control import audit, kills, publish, sessions, teams, users

Ask = Callable[..., Any]
Person = Callable[..., Any]

pytestmark = pytest.mark.row("W1")


@pytest.fixture
def person(ask: Ask, console: Console) -> Person:
    """`await person("ana", "POST", "/api/keys", {...})`: as ana, with her session and its CSRF token."""

    async def asks(name: str, method: str, target: str, body: Any = None) -> Any:
        user = users.find(console.state, name, now=console.clock())
        opened = sessions.open_session(
            console.state, user.id, "link", address="127.0.0.1", now=console.clock()
        )
        cookie = ("cookie", f"{COOKIE}={opened.cookie}")
        csrf = (await ask("/api/session", cookie, signed=False)).json()["csrf"]
        return await ask(target, cookie, ("x-csrf-token", csrf), method=method, body=body, signed=False)

    return asks


@pytest.fixture(autouse=True)
def people(console: Console) -> None:
    now = console.clock()
    teams.create(console.state, "shop", scopes=["integration:stripe", "model:openai/*"], now=now)
    teams.create(console.state, "ops", now=now)
    users.create(console.state, "ana", role="developer", of=["shop"], now=now)
    users.create(console.state, "bo", role="developer", of=["ops"], now=now)
    users.create(console.state, "vi", role="viewer", of=["shop"], now=now)


NEW = {
    "name": "web",
    "scopes": ["integration:stripe"],
    "expires": "90d",
    "rate": "600/1m",
    "budget_usd": "50/month",
}


async def test_a_developer_makes_a_key_of_the_own_team(ask: Ask, person: Person, console: Console) -> None:
    made = await person("ana", "POST", "/api/keys", NEW)
    told = made.json()
    assert (made.status, told["key"][:3], told["warnings"]) == (200, "tl_", [])
    shown = (await person("vi", "GET", f"/api/keys/{told['id']}")).json()
    assert (shown["team"], shown["created_by"], shown["rate"], shown["budget"], shown["role"]) == (
        "shop", "ana", "600/60s", "50/month", "caller",
    )  # fmt: skip
    assert told["key"] not in str(shown)
    made_row = next(row for row in audit.entries(console.state) if row["action"] == "key.create")
    assert (made_row["actor"], made_row["detail"]["by"][:4]) == ("user:ana", "usr_")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"scopes": ["*"]}, "the team 'shop' may call"),
        ({"scopes": ["integration:stripe", "model:*"]}, "--scope model:*: the team 'shop' may call"),
        ({"team": "ops"}, "ana is not in the team 'ops'"),
        ({"team": "other"}, "ana is not in the team 'other'"),
        ({"role": "operator"}, "ana is developer"),
        ({"role": "root"}, "role"),
        ({"expires": "yesterday"}, "expires: 'yesterday' is no time"),
        ({"rate": "fast"}, "rate: 'fast' must be a number and a period"),
        ({"budget_usd": "-1/month"}, "budget_usd: '-1/month' must be an amount"),
        ({"colour": "red"}, "colour"),
        ({"scopes": "*"}, "scopes"),
        ({"name": 7}, "name"),
    ],
)
async def test_what_is_beyond_the_maker_or_wrong_is_refused(
    person: Person, console: Console, more: dict[str, Any], said: str
) -> None:
    answer = await person("ana", "POST", "/api/keys", {**NEW, **more})
    assert (answer.status, answer.json()["code"]) == (400, "invalid_request")
    assert said in answer.json()["message"]
    assert publish.callers(console.state).keys == []


async def test_a_key_with_a_role_makes_keys_within_its_own_bounds(ask: Ask, console: Console) -> None:
    parent = (
        await ask(
            "/api/keys", method="POST",
            body={**NEW, "name": "ci", "role": "developer", "team": "shop", "ips": ["127.0.0.0/8"]},
        )
    ).json()  # fmt: skip
    console.access._find_key = console.published.find_key
    key = ("authorization", f"Bearer {parent['key']}")
    child = await ask(
        "/api/keys",
        key,
        method="POST",
        body={"name": "child", "scopes": ["integration:stripe"]},
        signed=False,
    )
    assert child.status == 200
    assert child.json()["expires_at"] == parent["expires_at"]
    for more in (
        {"scopes": ["model:openai/*"]},
        {"expires": "never", "rate": "601/1m"},
        {"role": "admin"},
        {"ips": ["0.0.0.0/0"]},
    ):
        refused = await ask(
            "/api/keys",
            key,
            method="POST",
            body={"name": "more", "scopes": ["integration:stripe"], **more},
            signed=False,
        )
        assert (refused.status, "A key cannot exceed its maker" in refused.json()["message"]) == (
            400,
            True,
        ), more
    assert (await ask("/api/keys", key, signed=False, peer="192.0.2.1")).status == 401, (
        "its networks hold here too"
    )
    await ask(f"/api/keys/{parent['id']}/revoke", method="POST")
    assert (await ask("/api/keys", key, signed=False)).status == 401
    shown = (await ask(f"/api/keys/{child.json()['id']}")).json()
    assert (shown["state"], shown["why"]) == (
        "suspended",
        "the key ci that made it does not work any more (it was revoked)",
    )


async def test_another_teams_keys_are_as_good_as_not_there(ask: Ask, person: Person) -> None:
    mine = (await person("ana", "POST", "/api/keys", NEW)).json()["id"]
    for method, path, body in (
        ("GET", f"/api/keys/{mine}", None),
        ("POST", f"/api/keys/{mine}", {"lane": "batch"}),
        ("POST", f"/api/keys/{mine}/rotate", {}),
        ("POST", f"/api/keys/{mine}/revoke", None),
        ("GET", "/api/keys/web", None),
        ("GET", "/api/teams/shop", None),
    ):
        answer = await person("bo", method, path, body)
        assert (answer.status, answer.json()["code"]) == (404, "not_found"), path
    assert (await person("bo", "GET", "/api/keys")).json() == {"keys": []}
    assert (await person("bo", "GET", "/api/keys?team=shop&all=true")).json() == {"keys": []}
    assert [team["name"] for team in (await person("bo", "GET", "/api/teams")).json()["teams"]] == ["ops"]
    assert (await ask(f"/api/keys/{mine}")).json()["state"] == "live"


async def test_a_viewer_looks_and_changes_nothing(person: Person) -> None:
    mine = (await person("ana", "POST", "/api/keys", NEW)).json()["id"]
    assert [key["id"] for key in (await person("vi", "GET", "/api/keys")).json()["keys"]] == [mine]
    for path, body in (
        ("/api/keys", NEW),
        (f"/api/keys/{mine}/rotate", {}),
        (f"/api/keys/{mine}/revoke", None),
    ):
        assert (await person("vi", "POST", path, body)).status == 403


async def test_a_key_is_changed_renewed_with_overlap_and_ended(person: Person, console: Console) -> None:
    first = (await person("ana", "POST", "/api/keys", NEW)).json()
    changed = (await person("ana", "POST", f"/api/keys/{first['id']}", {"lane": "batch"})).json()
    assert (changed["lane"], changed["rate"]) == ("batch", "600/60s")
    second = (await person("ana", "POST", f"/api/keys/{first['id']}/rotate", {"overlap": "2h"})).json()
    assert (second["id"], second["key"] == first["key"]) == (first["id"], False)
    shown = (await person("ana", "GET", f"/api/keys/{first['id']}")).json()
    assert shown["versions"] == 2
    ended = await person("ana", "POST", f"/api/keys/{first['id']}/revoke")
    assert (ended.status, ended.json()["state"]) == (200, "revoked")
    assert kills.killed(console.state, "key") == {first["id"]}
    again = await person("ana", "POST", f"/api/keys/{first['id']}/rotate", {})
    assert (again.status, again.json()["code"]) == (409, "conflict")


async def test_a_key_stronger_than_oneself_is_not_ones_to_renew(ask: Ask, person: Person) -> None:
    strong = (await ask("/api/keys", method="POST", body={**NEW, "team": "shop", "role": "admin"})).json()[
        "id"
    ]
    answer = await person("ana", "POST", f"/api/keys/{strong}/rotate", {})
    assert (answer.status, answer.json()["code"]) == (403, "forbidden")


async def test_teams_are_an_admins(ask: Ask, person: Person) -> None:
    made = await ask("/api/teams", method="POST", body={"name": "new", "title": "New"})
    assert (made.status, made.json()["scopes"]) == (200, ["*"])
    assert (await ask("/api/teams/new", method="POST", body={"scopes": ["integration:stripe"]})).json()[
        "scopes"
    ] == ["integration:stripe"]
    assert (await ask("/api/teams/new/remove", method="POST", body={})).json() == {
        "name": "new",
        "revoked": [],
    }
    assert (await ask("/api/teams/new")).status == 404
    refused = await ask("/api/teams/shop/remove", method="POST", body={})
    assert (refused.status, refused.json()["code"]) == (409, "conflict")
    assert (await person("ana", "POST", "/api/teams", {"name": "mine"})).status == 403
