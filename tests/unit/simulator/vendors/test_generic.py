"""The plain JSON API, and vendors that it stands in for."""

import hashlib

from tests.unit.simulator.conftest import Ask
from trunkline.simulator import Simulator


async def test_items_are_made_read_changed_and_deleted(call: Ask) -> None:
    made = await call("POST", "/crm/v2/items", {"name": "a"})
    path = f"/crm/items/{made.json()['id']}"
    assert (made.status, made.json()["number"], made.headers["location"]) == (
        201,
        1,
        path.removeprefix("/crm"),
    )
    assert (await call("PATCH", path, {"size": 3})).json()["name"] == "a"
    assert "name" not in (await call("PUT", path, {"size": 4})).json()
    assert [(await call("DELETE", path)).status, (await call("GET", path)).status] == [204, 404]


async def test_a_post_is_never_taken_for_a_repetition(local: Simulator, call: Ask) -> None:
    for _ in range(2):
        await call("POST", "/crm/items", {"name": "a"}, idempotency_key="same")
    assert len((await call("GET", "/crm/items")).json()["data"]) == 2
    assert [entry.acted for entry in local.ledger.read()["entries"]] == [True, True, False]


async def test_the_echo_tells_everything_but_the_credential(call: Ask) -> None:
    answer = await call(
        "PUT", "/crm/echo/a%2Fb?x=1&key=hidden-value", {"n": 1}, x_own="yes", cookie="c=secret-cookie"
    )
    told = answer.json()
    assert (told["method"], told["path"], told["query"], told["json"]) == (
        "PUT",
        "/echo/a%2Fb",
        "x=1&key=(hidden)",
        {"n": 1},
    )
    assert told["headers"]["x-own"] == "yes"
    assert told["body_sha256"] == hashlib.sha256(b'{"n": 1}').hexdigest()
    shown = [secret for secret in (b"sk-test", b"hidden-value", b"secret-cookie") if secret in answer.body]
    assert shown == []


async def test_bodies_that_are_no_json_come_back_as_they_were(call: Ask) -> None:
    assert (await call("POST", "/crm/echo", "grüße".encode())).json()["text"] == "grüße"
    assert (await call("POST", "/crm/echo", b"\xff\x00")).json()["body_base64"] == "/wA="


async def test_paths_for_tests(call: Ask) -> None:
    assert (await call("GET", "/crm/status/418")).status == 418
    assert (await call("GET", "/crm/status/99")).status == 400
    assert (await call("GET", "/crm/delay/1")).status == 200
    many = await call("GET", "/crm/bytes/200000")
    assert (len(many.body), many.headers["content-length"]) == (200_000, "200000")
    events = (await call("GET", "/crm/sse?n=3&ms=0")).events()
    assert [event.get("index") for event in events] == [0, 1, 2, None]


async def test_success_looks_as_at_the_vendor(call: Ask) -> None:
    assert (await call("POST", "/slack/api/chat.postMessage", {})).json()["ok"] is True
    assert (await call("GET", "/qdrant/collections")).json()["status"] == "ok"
    assert (await call("GET", "/infinisynapse/api/x")).json()["code"] == 200
    assert (await call("GET", "/notion/v1/users")).json()["code"] == "missing_version"


async def test_slack_refuses_with_status_200(call: Ask) -> None:
    answer = await call("POST", "/slack/api/chat.postMessage", {}, authorization="")
    assert (answer.status, answer.json()) == (200, {"ok": False, "error": "not_authed"})
