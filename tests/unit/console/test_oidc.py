"""Signing in at a provider, from the button to the session, and everything that may go wrong on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.provider import CLIENT, SECRET, Provider, running_provider
from trunkline.console import oidc
from trunkline.console.context import Console
from trunkline.control import audit, publish, teams, users
from trunkline.core.identity import ClaimMap, Oidc, SignIn
from trunkline.core.service import Snapshot
from trunkline.plugins.policies.grants import address_seal

Ask = Callable[..., Any]

pytestmark = pytest.mark.row("W1")


@pytest.fixture
def provider(console: Console) -> Iterator[Provider]:
    with running_provider() as running:
        running.now = console.clock
        teams.create(console.state, "shop", now=console.clock())
        publish.sealed(console.state, {"env:OIDC": SECRET}, {})
        declare(console, running)
        yield running


def declare(console: Console, provider: Provider, **changes: Any) -> None:
    known = Oidc(
        **{
            "issuer": provider.issuer, "client_id": CLIENT, "client_secret": "env:OIDC", "scopes": ["openid", "email"],
            "algorithms": ["RS256"], "roles": ClaimMap(claim="groups", values={"developer": ["shop-devs"]}),
            "teams": ClaimMap(claim="groups", values={"shop": ["shop-devs"]}), **changes,
        }
    )  # fmt: skip
    snapshot = Snapshot(
        version="", created="", environment="dev", services=[], sign_in=SignIn(oidc=known, session_s=3600.0)
    )
    publish.snapshot(console.state, snapshot)


async def begun(ask: Ask) -> tuple[str, tuple[str, str]]:
    """Where the browser is sent, and the cookie that it got."""
    answer = await ask("/sign-in/oidc", signed=False)
    assert answer.status == 303, answer.body
    return answer.headers["location"], ("cookie", answer.headers["set-cookie"].partition(";")[0])


async def returned(ask: Ask, url: str, *headers: tuple[str, str]) -> Any:
    parts = urlsplit(url)
    return await ask(f"{parts.path}?{parts.query}", *headers, signed=False)


def session_in(answer: Any, ask_headers: str = "set-cookie") -> str:
    return str(answer.headers.get(ask_headers, ""))


async def test_a_person_comes_in_with_role_and_team_of_the_provider(
    ask: Ask, console: Console, provider: Provider
) -> None:
    away, cookie = await begun(ask)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(away).query).items()}
    assert (asked["redirect_uri"], asked["scope"], asked["code_challenge_method"]) == (
        "http://127.0.0.1:4001/sign-in/oidc/return", "openid email", "S256",
    )  # fmt: skip
    answer = await returned(ask, provider.authorize(away), cookie)
    assert answer.status == 200, answer.body.decode()
    assert 'content="0;url=../../"' in answer.body.decode()
    user = users.find(console.state, "ana", now=console.clock())
    assert (user.role, user.teams, user.issuer) == ("developer", ["shop"], provider.issuer)
    rows = audit.entries(console.state)
    assert [row["action"] for row in rows][-1] == "session.open"
    assert rows[-1]["detail"] == {"way": "oidc", "address": "127.0.0.1", "user": "ana"}
    assert SECRET not in str(rows)


async def test_the_question_cookie_is_lax_and_unreadable_and_the_sessions_is_strict(
    ask: Ask, provider: Provider
) -> None:
    answer = await ask("/sign-in/oidc", signed=False)
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "max-age=600"))
    state = parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]
    assert state not in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "broken", ["no cookie", "other cookie", "state", "error", "code", "iss", "late", "twice"]
)
async def test_an_answer_that_does_not_fit_the_question_opens_nothing(
    ask: Ask, console: Console, provider: Provider, broken: str
) -> None:
    away, cookie = await begun(ask)
    url = provider.authorize(away)
    headers = [cookie]
    if broken == "no cookie":
        headers = []
    elif broken == "other cookie":
        headers = [(await begun(ask))[1]]
    elif broken == "state":
        url = url.replace("state=", "state=x")
    elif broken == "error":
        url = url.split("?")[0] + "?" + urlsplit(url).query.replace("code=", "error=access_denied&x=")
    elif broken == "code":
        url = url.replace("code=", "code=x")
    elif broken == "iss":
        url = url.split("&iss=")[0] + "&iss=https%3A%2F%2Fevil.test"
    elif broken == "late":
        later = console.clock() + oidc.LIFE_S
        console.clock = lambda: later
    elif broken == "twice":
        await returned(ask, url, cookie)
    answer = await returned(ask, url, *headers)
    assert answer.status in (403, 503)
    assert "trunkline_session" not in session_in(answer)


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "other"},
        {"aud": "other"},
        {"iss": "https://evil.test"},
        {"exp": 1},
        {"sub": ""},
        {"nonce": ...},
    ],
)
async def test_a_token_that_lies_opens_nothing(
    ask: Ask, console: Console, provider: Provider, lie: dict[str, Any]
) -> None:
    provider.lie = lie
    away, cookie = await begun(ask)
    answer = await returned(ask, provider.authorize(away), cookie)
    assert answer.status == 403
    assert users.list_users(console.state, now=console.clock()) == []
    assert audit.entries(console.state)[-1]["action"] == "auth.failure"


async def test_a_provider_that_has_a_new_key_is_asked_for_it(
    ask: Ask, console: Console, provider: Provider
) -> None:
    await asyncio.to_thread(lambda: console.providers.keys(console.providers.provider(provider.issuer)))
    provider.rotate()
    away, cookie = await begun(ask)
    assert (await returned(ask, provider.authorize(away), cookie)).status == 200
    assert provider.asked.count("/jwks") == 2


async def test_claims_that_are_not_in_the_token_are_asked_for(
    ask: Ask, console: Console, provider: Provider
) -> None:
    provider.claims, provider.more = {"sub": "p9", "preferred_username": "zoe"}, {"groups": ["shop-devs"]}
    away, cookie = await begun(ask)
    assert (await returned(ask, provider.authorize(away), cookie)).status == 200
    assert users.find(console.state, "zoe", now=console.clock()).teams == ["shop"]
    provider.more = {"sub": "somebody-else", "groups": ["shop-devs"]}
    away, cookie = await begun(ask)
    refused = await returned(ask, provider.authorize(away), cookie)
    assert (refused.status, "somebody else" in refused.body.decode()) == (403, True)


async def test_who_has_no_role_there_is_told(ask: Ask, provider: Provider) -> None:
    provider.claims["groups"] = ["else"]
    away, cookie = await begun(ask)
    answer = await returned(ask, provider.authorize(away), cookie)
    assert (answer.status, "gives you no role here" in answer.body.decode()) == (403, True)


async def test_a_refusal_of_the_provider_is_told_and_escaped(ask: Ask, provider: Provider) -> None:
    provider.refuses = "<b>no</b>"
    away, cookie = await begun(ask)
    page = (await returned(ask, provider.authorize(away), cookie)).body.decode()
    assert "&lt;b&gt;no" in page
    assert "<b>no" not in page


async def test_a_public_client_needs_no_secret(ask: Ask, console: Console, provider: Provider) -> None:
    declare(console, provider, client_secret="")
    provider.secret = ""
    away, cookie = await begun(ask)
    assert (await returned(ask, provider.authorize(away), cookie)).status == 200


async def test_a_wrong_client_secret_is_the_installations_trouble(
    ask: Ask, console: Console, provider: Provider
) -> None:
    provider.secret = "another"
    away, cookie = await begun(ask)
    answer = await returned(ask, provider.authorize(away), cookie)
    assert (answer.status, "invalid_client" in answer.body.decode(), SECRET in answer.body.decode()) == (
        503,
        True,
        False,
    )


async def test_without_a_provider_there_is_no_way(ask: Ask) -> None:
    answer = await ask("/sign-in/oidc", signed=False)
    assert (answer.status, "No provider is set up" in answer.body.decode()) == (404, True)


async def test_a_provider_that_is_away_is_said(ask: Ask, console: Console, provider: Provider) -> None:
    declare(console, provider, issuer="http://127.0.0.1:1")
    answer = await ask("/sign-in/oidc", signed=False)
    assert (answer.status, "cannot be used now" in answer.body.decode()) == (503, True)


async def test_behind_the_gateways_port_the_way_back_must_be_told(
    ask: Ask, console: Console, provider: Provider
) -> None:
    handed_on = (
        "x-trunkline-from",
        f"192.0.2.1 {address_seal('192.0.2.1', console.state.keys['token_key'])}",
    )
    answer = await ask("/sign-in/oidc", handed_on, signed=False)
    assert (answer.status, "notify.console_url" in answer.body.decode()) == (500, True)


async def test_the_sign_in_page_leads_to_the_provider(ask: Ask, provider: Provider) -> None:
    page = (await ask("/sign-in", signed=False)).body.decode()
    assert 'href="sign-in/oidc"' in page
    assert provider.issuer.removeprefix("http://") in page
