"""Every route of the console with every identity: what is not allowed by its declaration is refused (S5 of the battery).

Made from the declarations, so that a new endpoint is in it without a word; a route that is not declared cannot exist.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from tests.support.records import NOON_US
from trunkline.console import app
from trunkline.console.access import COOKIE
from trunkline.console.context import Console
from trunkline.console.declare import ROLES, Endpoint, may
from trunkline.console.endpoints import ENDPOINTS
from trunkline.console.guard import Guard, allowed_hosts
from trunkline.control import sessions, teams, users
from trunkline.control.state import State

Ask = Callable[..., Any]
NOW = NOON_US / 1e6
NOBODY: tuple[tuple[str, str], ...] = ()
WRONG = [
    (),
    (("authorization", "Bearer "),),
    (("authorization", "Bearer tla_not-the-token"),),
    (("authorization", "Basic dGxhOng="),),
    (("authorization", "Bearer tl_expired"),),
    (("authorization", "Bearer tl_unknown"),),
    (("authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),),
    (("cookie", f"{COOKIE}=tls_forged"),),
    (("cookie", "=;;\x01"),),
]
OPEN = {"/health/live", "/health/ready", "/sign-in"}
STREAMS = ("tail",)
WITH_ROLE = ("caller", "viewer", "developer", "operator", "admin")


def named(one: Endpoint) -> str:
    return f"{one.method} {one.path}"


def target(one: Endpoint) -> str:
    return one.path.replace("{id}", "a").replace("{name}", "a")


def code(answer: Any) -> tuple[int, str]:
    if answer.headers.get("content-type", "").startswith("application/json"):
        told = answer.json()
        return answer.status, str(told.get("code", "")) if isinstance(told, dict) else ""
    return answer.status, ""


def refused(answer: Any) -> bool:
    return answer.status in (401, 403)


@pytest.mark.row("W1")
def test_nothing_is_served_that_is_not_declared(console: Console) -> None:
    guard: Any = app.build(console, allowed_hosts("127.0.0.1"))
    assert isinstance(guard, Guard)
    served: Any = guard._app
    assert {(*(route.methods - {"HEAD"}), route.path) for route in served.routes} == {
        (one.method, one.path) for one in ENDPOINTS
    }
    assert all(isinstance(route, Route) for route in served.routes), "no mount that brings routes of its own"


@pytest.mark.row("W1")
def test_only_liveness_readiness_and_coming_in_are_open() -> None:
    assert {one.path for one in ENDPOINTS if one.role == "open"} - {
        "/sign-in/oidc", "/sign-in/oidc/return",
    } == OPEN  # fmt: skip


def test_endpoints_have_a_known_role_and_names_of_their_own() -> None:
    assert {one.role for one in ENDPOINTS} <= set(ROLES)
    assert len({one.name for one in ENDPOINTS}) == len({named(one) for one in ENDPOINTS}) == len(ENDPOINTS)


def test_what_changes_something_is_no_get_and_asks_for_more_than_looking() -> None:
    """But for one's own session, whatever changes something needs a role that may act."""
    changing = [one for one in ENDPOINTS if one.method != "GET" and one.role != "open"]
    own = ("sign_out", "revoke_session")
    assert [named(one) for one in changing if one.role == "viewer" and one.name not in own] == []


@pytest.mark.row("W1")
@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.role != "open"], ids=named)
async def test_nobody_without_identity_gets_anything(ask: Ask, endpoint: Endpoint) -> None:
    for identity in WRONG:
        answer = await ask(target(endpoint), *identity, method=endpoint.method, signed=False)
        assert answer.status == 401, identity
        assert b"stripe" not in answer.body


@pytest.mark.row("W1")
@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.name not in STREAMS], ids=named)
async def test_a_key_of_each_role_may_what_is_declared_and_nothing_else(ask: Ask, endpoint: Endpoint) -> None:
    for role in WITH_ROLE:
        for team in ("", "shop"):
            key = ("authorization", f"Bearer tl_{role}{team}")
            answer = await ask(target(endpoint), key, method=endpoint.method, signed=False)
            bound = bool(team) and endpoint.reach == "refused"
            allowed = endpoint.role == "open" or (may(role, endpoint.role) and not bound)
            if endpoint.role == "open":
                return  # the key has no say: who comes in by it is another test's
            assert refused(answer) is not allowed, (role, team, code(answer))
            if not allowed:
                assert answer.status == 403
                if endpoint.media != "text/html":
                    assert code(answer)[1] == "forbidden"


@pytest.fixture(scope="module")
def peopled(
    model_state: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, tuple[str, str]]]:
    """A state with a session of a person of each role, bound to a team and not; to be copied. And their cookies."""
    there = State(Path(shutil.copytree(model_state, tmp_path_factory.mktemp("people") / "state")))
    teams.create(there, "shop", now=NOW)
    found = {}
    for role in ("viewer", "developer", "operator", "admin"):
        for of in [["shop"], ["*"]] if role in users.BOUND_ROLES else [["*"]]:
            name = f"{role}{'' if of == ['*'] else of[0]}"
            user = users.create(there, name, role=role, of=of, now=NOW)
            opened = sessions.open_session(there, user.id, "link", address="127.0.0.1", now=NOW)
            found[name] = ("cookie", f"{COOKIE}={opened.cookie}")
    return there.path, found


@pytest.fixture
def state(peopled: tuple[Path, dict[str, tuple[str, str]]], tmp_path: Path) -> Path:
    """A state folder of the test's own."""
    return shutil.copytree(peopled[0], tmp_path / "state")


@pytest.fixture
def cookies(peopled: tuple[Path, dict[str, tuple[str, str]]]) -> dict[str, tuple[str, str]]:
    return peopled[1]


@pytest.mark.row("W1")
@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.name not in STREAMS], ids=named)
async def test_a_session_may_what_its_person_may_and_changes_nothing_without_its_csrf_token(
    ask: Ask, console: Console, cookies: dict[str, tuple[str, str]], endpoint: Endpoint
) -> None:
    if endpoint.role == "open":
        return
    for name, cookie in cookies.items():
        role = name.removesuffix("shop")
        allowed = may(role, endpoint.role) and not (name.endswith("shop") and endpoint.reach == "refused")
        bare = await ask(target(endpoint), cookie, method=endpoint.method, signed=False)
        if endpoint.method == "GET":
            assert refused(bare) is not allowed, (name, code(bare))
            continue
        assert bare.status == 403, "no change without the token"
        csrf = (await ask("/api/session", cookie, signed=False)).json()["csrf"]
        answer = await ask(
            target(endpoint), cookie, ("x-csrf-token", csrf), method=endpoint.method, signed=False
        )
        assert refused(answer) is not allowed, (name, code(answer))
        if endpoint.name == "sign_out":
            assert (await ask("/api/session", cookie, signed=False)).status == 401
            return


@pytest.mark.row("W1", "O3")
@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.name not in STREAMS], ids=named)
@pytest.mark.parametrize(("key", "scope"), [("tl_metrics", "metrics:read"), ("tl_health", "health:read")])
async def test_a_caller_key_opens_what_its_scope_names_and_nothing_else(
    ask: Ask, endpoint: Endpoint, key: str, scope: str
) -> None:
    if endpoint.role == "open":
        return
    for identity in (("authorization", f"Bearer {key}"), ("x-trunkline-key", key)):
        answer = await ask(target(endpoint), identity, method=endpoint.method, signed=False)
        assert answer.status == (200 if endpoint.scope == scope else 403)
