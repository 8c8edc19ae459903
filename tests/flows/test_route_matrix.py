"""Every route of the gateway with every identity: default deny, made from the tables that the routes are served by (S5 of the battery).

A route without words in the reference is an error there, and a handler that no row leads to is one here, so that none is added in
silence.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.support.gateway import Trunkline
from trunkline.cli import reference_routes
from trunkline.cli.reference_routes import ANY_KEY, OPEN, Row
from trunkline.console.declare import ROLES
from trunkline.gateway.deferrals import Deferrals
from trunkline.gateway.local import LocalRoutes
from trunkline.gateway.responses import Responses

pytestmark = pytest.mark.row("W1")

ROWS = reference_routes.rows()
TASK = "tsk_" + "0" * 32
CALL = "/v1/chat/completions"
CHAT = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
PREFLIGHT = {"origin": "https://app.test", "access-control-request-method": "POST"}
WRONG = ("tl_wrong", "tlb_x.y", "tli_x.y", "eyJhbGciOiJub25lIn0.e30.", "tla_x", "sk-test-not-a-real-key")


def named(row: Row) -> str:
    return f"{row.method} {row.path.strip('`')}"


def asked(trunkline: Trunkline, row: Row, key: str) -> Any:
    path = row.path.strip("`")
    model = (
        "gemini/gemini-embedding-001"
        if "mbed" in path
        else "gemini/gemini-2.5-flash"
        if ":" in path
        else CHAT["model"]
    )
    for part, value in (
        ("{integration}", "crm"),
        ("{path}", "items"),
        ("{model}", str(model)),
        ("{id}", TASK),
        ("any path", "/x"),
    ):
        path = path.replace(part, value)
    method = "GET" if row.method == "any" else row.method
    headers = PREFLIGHT if row.method == "OPTIONS" else {}
    bodies = {
        "/v1/parallel": {"calls": [{"method": "GET", "path": "/api/proxy/crm/items"}]},
        "/v1/explain": {"path": CALL, "body": CHAT},
    }
    body = bodies.get(path, CHAT) if method == "POST" else None
    return trunkline.call(method, path, body, headers, key=key)


@pytest.fixture(scope="module")
def keys(trunkline: Trunkline) -> dict[str, str]:
    """Keys that may call nothing, of every role, of two teams; and one that may call everything."""
    trunkline.new_key("pages", "*", origins=["https://app.test"])
    made = {
        f"{role} {team}": trunkline.new_key(
            f"{role} {team}", "integration:nothing-here", role=role, team=team
        )
        for role in ("caller", *ROLES[1:])
        for team in ("shop", "rival")
    }
    return {
        **made,
        "everything": trunkline.new_key("all", "*"),
        "browser": trunkline.new_key("page", "*", kind="browser"),
    }


def test_every_handler_of_a_route_is_in_the_table() -> None:
    handlers = {
        name
        for owner in (LocalRoutes, Deferrals, Responses)
        for name, of in inspect.getmembers(owner, inspect.isfunction)
        if not name.startswith("_") and list(inspect.signature(of).parameters)[1:] == ["exchange"]
    }
    words = {row.words for row in ROWS}
    unlisted = {name for name in handlers if reference_routes.WORDS.get(name) not in words}
    assert unlisted == set()
    assert set(reference_routes.WORDS) == handlers


def test_only_what_is_open_by_design_needs_no_identity() -> None:
    assert {named(row) for row in ROWS if row.identity == OPEN} == {
        "GET /health/live", "GET /health/ready", "OPTIONS any path",
    }  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_nobody_gets_in_without_identity(trunkline: Trunkline, keys: dict[str, str], row: Row) -> None:
    if row.identity == OPEN:
        assert asked(trunkline, row, "").status in (200, 204)
        return
    for key in ("", *WRONG):
        answer = asked(trunkline, row, key)
        assert (answer.status, answer.json.get("code", answer.json.get("error", {}))) != (200, {}), key
        assert answer.status in (401, 429), (key, answer.status)


@pytest.mark.parametrize("row", [row for row in ROWS if row.identity != OPEN], ids=named)
def test_a_role_of_the_console_lets_nobody_call(trunkline: Trunkline, keys: dict[str, str], row: Row) -> None:
    """What a key may call are its scopes, whatever its role: an admin's key without scopes calls nothing."""
    needs_scope = bool(row.scope)
    for name, key in keys.items():
        if name in ("everything", "browser"):
            continue
        answer = asked(trunkline, row, key)
        assert answer.status != 401, name
        if needs_scope:
            assert answer.status == 403, (name, answer.status, answer.body[:200])


@pytest.mark.parametrize("row", [row for row in ROWS if row.identity != OPEN], ids=named)
def test_who_has_every_scope_is_refused_nowhere_for_lack_of_one(
    trunkline: Trunkline, keys: dict[str, str], row: Row
) -> None:
    answer = asked(trunkline, row, keys["everything"])
    if named(row) == "POST /v1/tokens":
        assert answer.status == 403, "only a key of kind browser mints"
        return
    assert answer.status not in (401, 403), (answer.status, answer.body[:200])


@pytest.mark.parametrize("row", [row for row in ROWS if row.identity.startswith(ANY_KEY)], ids=named)
def test_a_key_that_only_mints_does_nothing_else(
    trunkline: Trunkline, keys: dict[str, str], row: Row
) -> None:
    answer = asked(trunkline, row, keys["browser"])
    if named(row) == "POST /v1/parallel":  # each of its calls is refused as it would be alone
        assert [one["status"] for one in answer.json["results"]] == [403]
    elif named(row) == "POST /v1/explain":
        assert (answer.json["would"], answer.json["refused"]["code"]) == ("be refused", "forbidden")
    elif named(row) in ("POST /v1/tokens", "GET /health"):
        assert answer.status != 401
    else:
        assert answer.status == 403, (answer.status, answer.body[:200])


@pytest.mark.parametrize("path", ["/v1/tasks", f"/v1/tasks/{TASK}", f"/v1/tasks/{TASK}/answer"])
def test_tasks_of_another_team_are_not_there(trunkline: Trunkline, keys: dict[str, str], path: str) -> None:
    for name in ("caller rival", "admin rival"):
        answer = trunkline.call("GET", path, key=keys[name])
        assert (
            (answer.status, answer.json) == (200, {"tasks": [], "next": None})
            if path == "/v1/tasks"
            else answer.status == 404
        )


@pytest.mark.parametrize("path", ["/", "/api/calls", "/metrics", "/v1/unknown", "/admin", "/console/"])
def test_what_is_not_in_the_table_is_not_there(trunkline: Trunkline, keys: dict[str, str], path: str) -> None:
    assert trunkline.call("GET", path, key="").status == 401
    assert trunkline.call("GET", path, key=keys["everything"]).status == 404
