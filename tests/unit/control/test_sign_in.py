"""Whom a provider's word makes of somebody: ID tokens, roles and teams by claims, users made, bound and brought up to date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.provider import CLIENT, Provider, running_provider
from trunkline.control import audit, sign_in, teams, users
from trunkline.control.sign_in import TurnedAway
from trunkline.control.state import State
from trunkline.core.identity import ClaimMap, Oidc
from trunkline.ops import oidc as asking

NOW = 1_800_000_000.0

pytestmark = pytest.mark.row("W1")


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


def oidc(provider: Provider | None = None, **changes: Any) -> Oidc:
    values: dict[str, Any] = {
        "issuer": provider.issuer if provider else "https://x.test", "client_id": CLIENT, "scopes": ["openid"],
        "algorithms": ["RS256"], "roles": ClaimMap(claim="groups", values={"admin": ["platform"], "developer": ["shop-devs", "ops-devs"]}),
        "teams": ClaimMap(claim="groups", values={"shop": ["shop-devs"], "ops": ["ops-devs"]}),
    }  # fmt: skip
    return Oidc(**{**values, **changes})


def claims(provider: Provider, **changes: Any) -> dict[str, Any]:
    told = {
        "iss": provider.issuer,
        "aud": CLIENT,
        "iat": NOW,
        "exp": NOW + 300,
        "nonce": "n",
        "sub": "p1",
        **changes,
    }
    return {name: value for name, value in told.items() if value is not ...}


def checked(provider: Provider, **changes: Any) -> dict[str, Any]:
    keys = asking.keys_of(provider.jwks())
    return sign_in.claims_of(
        provider.token(claims(provider, **changes)), keys, oidc(provider), nonce="n", now=NOW
    )


def test_a_good_token_is_taken(provider: Provider) -> None:
    assert checked(provider)["sub"] == "p1"
    assert checked(provider, aud=[CLIENT, "other"], azp=CLIENT)["sub"] == "p1"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iss": "https://evil.test"}, "of another issuer"),
        ({"aud": "other"}, "not for Trunkline"),
        ({"azp": "other"}, "another client"),
        ({"exp": NOW - 61}, "expired"),
        ({"exp": ...}, "no end"),
        ({"nonce": "m"}, "not the answer to this sign-in"),
        ({"nonce": ...}, "not the answer to this sign-in"),
        ({"sub": ""}, "no `sub`"),
    ],
)
def test_a_token_that_does_not_hold_is_said(provider: Provider, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(TurnedAway, match=said):
        checked(provider, **changes)


def test_a_token_signed_by_somebody_else_is_refused(provider: Provider) -> None:
    keys = asking.keys_of(provider.jwks())
    provider.rotate()
    with pytest.raises(TurnedAway, match="signature"):
        sign_in.claims_of(provider.token(claims(provider)), keys, oidc(provider), nonce="n", now=NOW)


@pytest.mark.parametrize(
    ("told", "role"),
    [
        ({"groups": ["shop-devs"]}, "developer"),
        ({"groups": ["shop-devs", "platform"]}, "admin"),
        ({"groups": "platform"}, "admin"),
        ({"groups": ["else"]}, None),
        ({"groups": 7}, None),
        ({}, None),
    ],
)
def test_the_highest_role_holds(told: dict[str, Any], role: str | None) -> None:
    assert sign_in.role_of(oidc(), told) == role
    assert sign_in.role_of(oidc(default_role="viewer"), told) == (role or "viewer")


def test_a_claim_may_lie_within_objects() -> None:
    known = oidc(roles=ClaimMap(claim="realm_access.roles", values={"admin": ["platform"]}))
    assert sign_in.role_of(known, {"realm_access": {"roles": ["platform"]}}) == "admin"
    assert sign_in.role_of(known, {"realm_access": "platform"}) is None


def test_teams_are_those_that_there_are() -> None:
    assert sign_in.teams_of(oidc(), {"groups": ["shop-devs", "ops-devs"]}, {"shop"}) == ["shop"]
    named = oidc(teams=ClaimMap(claim="groups"))
    assert sign_in.teams_of(named, {"groups": ["shop", "*", "none"]}, {"shop", "ops"}) == ["shop"]


@pytest.fixture
def state(state: State) -> State:
    for name in ("shop", "ops"):
        teams.create(state, name, now=NOW)
    return state


def person(**told: Any) -> dict[str, Any]:
    return {"sub": "p1", "preferred_username": "ana", "groups": ["shop-devs"], **told}


def test_somebody_new_with_a_role_is_made_and_found_again_by_sub_alone(state: State) -> None:
    first = sign_in.user_of(state, oidc(), person(), NOW)
    info = users.find(state, first, now=NOW)
    assert (info.name, info.role, info.teams, info.issuer, info.password) == (
        "ana",
        "developer",
        ["shop"],
        "https://x.test",
        False,
    )
    assert sign_in.user_of(state, oidc(), person(preferred_username="renamed"), NOW) == first
    other = sign_in.user_of(state, oidc(), person(sub="p2"), NOW)
    assert (other == first, users.find(state, other, now=NOW).name) == (False, "ana-2")
    assert sign_in.user_of(state, oidc(issuer="https://y.test"), person(), NOW) not in (first, other)


@pytest.mark.parametrize("name", ["../../x", "<script>", "", "-", "a b", "\x00"])
def test_a_strange_name_becomes_a_plain_one(state: State, name: str) -> None:
    made = users.find(
        state, sign_in.user_of(state, oidc(), person(preferred_username=name), NOW), now=NOW
    ).name
    assert made
    assert not set(made) & set("<>/ \x00")


@pytest.mark.parametrize(
    ("changes", "told", "said"),
    [
        ({}, {"groups": ["else"]}, "gives you no role here"),
        ({"create_users": False}, {}, "You have no user here"),
        ({"roles": ClaimMap()}, {}, "You have no user here"),
        ({"teams": ClaimMap(claim="team")}, {}, "gives you no team here"),
    ],
)
def test_who_may_not_come_in_is_told_why(
    state: State, changes: dict[str, Any], told: dict[str, Any], said: str
) -> None:
    with pytest.raises(TurnedAway, match=said):
        sign_in.user_of(state, oidc(**changes), person(**told), NOW)
    assert users.list_users(state, now=NOW) == []


def test_role_and_teams_follow_the_provider_at_each_sign_in(state: State) -> None:
    ana = sign_in.user_of(state, oidc(), person(), NOW)
    sign_in.user_of(state, oidc(), person(groups=["platform"]), NOW)
    assert (users.find(state, ana, now=NOW).role, users.find(state, ana, now=NOW).teams) == ("admin", None)
    sign_in.user_of(state, oidc(), person(groups=["ops-devs"]), NOW)
    assert (users.find(state, ana, now=NOW).role, users.find(state, ana, now=NOW).teams) == (
        "developer",
        ["ops"],
    )
    with pytest.raises(TurnedAway, match="no role"):
        sign_in.user_of(state, oidc(), person(groups=[]), NOW)


def test_a_user_made_by_an_admin_is_bound_once_by_a_verified_address(state: State) -> None:
    known = oidc(roles=ClaimMap(), teams=ClaimMap())
    made = users.create(state, "ana", role="operator", of=[], email="Ana@shop.test", now=NOW).id
    for told in (
        {"email": "ana@shop.test"},
        {"email": "ana@shop.test", "email_verified": "true"},
        {"email": "b@shop.test", "email_verified": True},
    ):
        with pytest.raises(TurnedAway, match="You have no user here"):
            sign_in.user_of(state, known, person(**told), NOW)
    verified = {"email": "ana@shop.test", "email_verified": True}
    assert sign_in.user_of(state, known, person(**verified), NOW) == made
    assert users.find(state, made, now=NOW).role == "operator", "what the provider does not decide stays"
    assert audit.entries(state)[-1]["action"] == "user.bind"
    with pytest.raises(TurnedAway):
        sign_in.user_of(state, known, person(sub="p2", **verified), NOW)


def test_a_local_name_alone_is_nobodys_to_claim(state: State) -> None:
    users.create(state, "ana", role="admin", of=[], now=NOW)
    made = sign_in.user_of(state, oidc(), person(), NOW)
    assert users.find(state, made, now=NOW).name == "ana-2"


def test_a_disabled_user_stays_out(state: State) -> None:
    ana = sign_in.user_of(state, oidc(), person(), NOW)
    users.disable(state, ana, now=NOW)
    with pytest.raises(TurnedAway, match="disabled"):
        sign_in.user_of(state, oidc(), person(), NOW)
