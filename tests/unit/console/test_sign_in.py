"""Coming in and going: links, passwords, lockout, cookies, and the list of sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trunkline.console import landing, sign_in
from trunkline.console.context import Console
from trunkline.control import audit, passwords, sessions, teams, users
from trunkline.control.lockout import ACCOUNT

Ask = Callable[..., Any]
GOOD = "correct horse battery"

pytestmark = pytest.mark.row("W1")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "LOG_N", 4)


@pytest.fixture
def ana(console: Console) -> str:
    teams.create(console.state, "shop", now=console.clock())
    return users.create(
        console.state, "ana", role="developer", of=["shop"], password=GOOD, now=console.clock()
    ).id


def session_of(answer: Any) -> tuple[str, str]:
    return ("cookie", answer.headers["set-cookie"].partition(";")[0])


def link(console: Console, user: str = "") -> str:
    return sessions.make_link(console.state, user, now=console.clock())


async def test_a_one_time_link_opens_a_session_once(ask: Ask, console: Console, token: str) -> None:
    target = f"/sign-in?link={link(console)}"
    first, second = await ask(target, signed=False), await ask(target, signed=False)
    cookie = first.headers["set-cookie"]
    assert (first.status, first.headers["location"], second.status) == (303, "/", 401)
    assert landing.USED in second.body.decode()
    assert all(word in cookie.lower() for word in ("httponly", "samesite=strict", "path=/", "max-age=43200"))
    page = await ask("/", session_of(first), signed=False)
    assert (page.status, (await ask("/api/calls", session_of(first), signed=False)).status) == (200, 200)
    assert "Signed in as admin (admin)" in page.body.decode()
    assert token not in page.body.decode() + cookie


@pytest.mark.parametrize(
    "header",
    [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-purpose", "prefetch"),
        ("purpose", "prefetch"),
        ("user-agent", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
        ("user-agent", "Mozilla/5.0 (compatible; TelegramBot; like TwitterBot)"),
        ("user-agent", "SkypeUriPreview Preview/0.5"),
    ],
)
async def test_a_link_that_another_page_or_a_prefetch_opens_waits_for_a_person(
    ask: Ask, console: Console, header: tuple[str, str]
) -> None:
    text = link(console)
    asked = await ask(f"/sign-in?link={text}", header, signed=False)
    assert (asked.status, "set-cookie" in asked.headers) == (200, False)
    assert f'value="{text}"' in asked.body.decode()
    done = await ask("/sign-in", method="POST", form={"link": text}, signed=False)
    assert (done.status, "set-cookie" in done.headers) == (303, True)


async def test_who_only_asks_what_is_there_uses_no_link_up(ask: Ask, console: Console) -> None:
    target = f"/sign-in?link={link(console)}"
    looked = await ask(target, method="HEAD", signed=False)

    assert (looked.status, "set-cookie" in looked.headers) == (200, False)
    assert (await ask(target, signed=False)).status == 303


async def test_a_name_and_its_password_open_a_session(ask: Ask, console: Console, ana: str) -> None:
    done = await ask("/sign-in", method="POST", form={"user": "ana", "password": GOOD}, signed=False)
    told = (await ask("/api/session", session_of(done), signed=False)).json()
    assert (done.status, told["name"], told["role"], told["teams"]) == (303, "ana", "developer", ["shop"])
    assert audit.entries(console.state)[-1]["action"] == "session.open"
    assert users.find(console.state, "ana", now=console.clock()).last_login_at is not None


@pytest.mark.parametrize("user", ["ana", "nobody", "off", ""])
async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(
    ask: Ask, console: Console, ana: str, user: str
) -> None:
    users.create(console.state, "off", role="admin", of=[], password=GOOD, now=console.clock())
    users.disable(console.state, "off", now=console.clock())
    password = GOOD if user == "off" else "a wrong password"
    answer = await ask("/sign-in", method="POST", form={"user": user, "password": password}, signed=False)
    assert (answer.status, sign_in.WRONG in answer.body.decode(), "set-cookie" in answer.headers) == (
        401,
        True,
        False,
    )


async def test_who_has_no_password_cannot_come_in_by_an_empty_one(ask: Ask, console: Console) -> None:
    users.create(console.state, "bo", role="admin", of=[], now=console.clock())
    answer = await ask("/sign-in", method="POST", form={"user": "bo", "password": ""}, signed=False)
    assert answer.status == 401


async def test_an_account_is_locked_even_for_the_right_password_and_a_link_still_opens(
    ask: Ask, console: Console, ana: str
) -> None:
    for _ in range(ACCOUNT.failures):
        await ask("/sign-in", method="POST", form={"user": "ana", "password": "wrong"}, signed=False)
    locked = await ask("/sign-in", method="POST", form={"user": "ana", "password": GOOD}, signed=False)
    assert locked.status == 429
    assert "account ana is locked out until" in locked.body.decode()
    assert (await ask(f"/sign-in?link={link(console, 'ana')}", signed=False)).status == 303


async def test_an_older_hash_is_renewed_at_the_next_login(
    ask: Ask, console: Console, ana: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "LOG_N", 5)
    assert (
        await ask("/sign-in", method="POST", form={"user": "ana", "password": GOOD}, signed=False)
    ).status == 303
    assert sign_in._user(console, "ana")["password"].startswith("scrypt$ln=5,")
    assert (
        await ask("/sign-in", method="POST", form={"user": "ana", "password": GOOD}, signed=False)
    ).status == 303


async def test_signing_out_ends_the_session(ask: Ask, console: Console) -> None:
    cookie = session_of(await ask(f"/sign-in?link={link(console)}", signed=False))
    csrf = (await ask("/api/session", cookie, signed=False)).json()["csrf"]
    assert f'name="csrf" value="{csrf}"' in (await ask("/", cookie, signed=False)).body.decode()
    without = await ask("/sign-out", cookie, method="POST", signed=False)
    done = await ask("/sign-out", cookie, method="POST", form={"csrf": csrf}, signed=False)
    assert (without.status, done.status, done.headers["location"]) == (403, 303, "/sign-in")
    assert "Max-Age=0" in done.headers["set-cookie"]
    assert (await ask("/", cookie, signed=False)).status == 401


async def test_a_csrf_token_of_another_session_does_not_do(ask: Ask, console: Console) -> None:
    one, other = [session_of(await ask(f"/sign-in?link={link(console)}", signed=False)) for _ in range(2)]
    csrf = (await ask("/api/session", one, signed=False)).json()["csrf"]
    answer = await ask("/sign-out", other, ("x-csrf-token", csrf), method="POST", signed=False)
    assert (answer.status, "CSRF" in answer.body.decode()) == (403, True)


async def test_one_sees_and_ends_ones_own_sessions_and_an_admin_all(
    ask: Ask, console: Console, ana: str
) -> None:
    theirs = session_of(
        await ask("/sign-in", method="POST", form={"user": "ana", "password": GOOD}, signed=False)
    )
    admins = session_of(await ask(f"/sign-in?link={link(console)}", signed=False))
    told = (await ask("/api/session", theirs, signed=False)).json()
    mine = (await ask("/api/sessions", theirs, signed=False)).json()["sessions"]
    every = (await ask("/api/sessions")).json()["sessions"]
    assert [one["user"] for one in mine] == ["ana"]
    assert {one["user"] for one in every} == {"ana", "admin"}
    other = next(one["id"] for one in every if one["user"] == "admin")
    token = ("x-csrf-token", told["csrf"])
    denied = await ask(f"/api/sessions/{other}/revoke", theirs, token, method="POST", signed=False)
    done = await ask(f"/api/sessions/{told['session']}/revoke", theirs, token, method="POST", signed=False)
    assert (denied.status, done.json()) == (404, {"ended": 1})
    assert (await ask("/", theirs, signed=False)).status == 401
    assert (await ask("/", admins, signed=False)).status == 200


async def test_who_is_not_signed_in_is_told_how_and_nothing_else(ask: Ask) -> None:
    for target in ("/", "/sign-in"):
        answer = await ask(target, signed=False)
        assert (answer.status, answer.headers["content-type"]) == (
            401 if target == "/" else 200,
            "text/html; charset=utf-8",
        )
        told = answer.body.decode()
        assert ("admin.token" in told, "trunkline console open" in told, "stripe" in told) == (
            True,
            True,
            False,
        )


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        (
            (("content-type", "text/plain"),),
            b"user=ana",
            "must be application/json or application/x-www-form-urlencoded",
        ),
        ((("content-type", "application/json"),), b"{", "is no JSON"),
        ((("content-type", "application/json"),), b"[]", "must be a JSON object"),
        (
            (("content-type", "application/json"),),
            b'{"user": 1, "x": 2}',
            "the fields of /sign-in are: user, password, link",
        ),
        ((("content-type", "application/x-www-form-urlencoded"),), b"user=a&user=b", "is given twice"),
        ((("content-type", "application/json"),), b'{"user": "' + b"x" * 300_000 + b'"}', "at most 256 KB"),
    ],
)
async def test_a_body_that_cannot_be_read_is_said(ask: Ask, headers: Any, body: bytes, said: str) -> None:
    answer = await ask("/sign-in", *headers, method="POST", body=body, signed=False)
    assert answer.status in (400, 413)
    assert said in answer.body.decode()


async def test_what_a_person_types_is_escaped(ask: Ask) -> None:
    answer = await ask("/sign-in?link=%22%3E%3Cscript%3E", ("sec-fetch-site", "cross-site"), signed=False)
    assert "<script>" not in answer.body.decode()
