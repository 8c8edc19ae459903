"""The data map and deletion requests over the admin API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.records import NOON_US
from trunkline.console.context import Console
from trunkline.core.persons import person_hash
from trunkline.ledger.persons import Tie, tie

Ask = Callable[..., Any]


@pytest.mark.row("G2")
async def test_the_data_map_in_each_form(ask: Ask) -> None:
    told = (await ask("/api/data-map")).json()
    assert [one["integration"] for one in told["integrations"]] == ["openai", "stripe"]
    text = await ask("/api/data-map?format=markdown")
    assert text.headers["content-type"].startswith("text/markdown")
    assert b"| **stripe** | ops@example.com | not declared |" in text.body
    assert (await ask("/api/data-map?format=csv")).body.startswith(b"integration,title,owner")
    assert (await ask("/api/data-map?format=pdf")).status == 400


@pytest.mark.row("G2")
async def test_a_deletion_request_from_look_to_mark(ask: Ask, console: Console) -> None:
    jane = person_hash(console.state.keys["subject_salt"], "jane@example.com")
    tie(console.state.ledger, [Tie(jane, "a", NOON_US, "request")])
    told = (await ask("/api/trace", method="POST", body={"email": "Jane@example.com"})).json()
    assert [(one["integration"], one["calls"]) for one in told["vendors"]] == [("stripe", 1)]
    assert told["tasks"] == []
    opened = (await ask("/api/trace", method="POST", body={"email": "jane@example.com", "open": True})).json()
    [task] = opened["tasks"]
    target = f"/api/trace/tasks/{task['id']}"
    marked = await ask(target, method="POST", body={"state": "confirmed", "note": "ticket 1"})
    assert (marked.status, marked.json()["state"]) == (200, "confirmed")
    assert (await ask("/api/trace/tasks")).json() == {"tasks": []}
    assert [one["state"] for one in (await ask("/api/trace/tasks?all=true")).json()["tasks"]] == ["confirmed"]


@pytest.mark.row("G2")
async def test_erasing_is_counted_first_and_wants_a_list_of_vendors(ask: Ask, console: Console) -> None:
    jane = person_hash(console.state.keys["subject_salt"], "user_17")
    tie(console.state.ledger, [Tie(jane, "a", NOON_US, "request")])
    body = {"subject": "user_17"}
    told = (await ask("/api/erase", method="POST", body=body)).json()
    assert (told["acted"], {one["store"]: one["found"] for one in told["stores"]}["ledger"]) == (False, 1)
    assert (await ask("/api/erase", method="POST", body={**body, "act": True})).status == 400
    await ask("/api/trace", method="POST", body={**body, "open": True})
    done = (await ask("/api/erase", method="POST", body={**body, "act": True})).json()
    assert {one["store"]: one["erased"] for one in done["stores"]}["ledger"] == 1
    assert (await ask("/api/trace", method="POST", body=body)).json()["calls"] == 0


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        ("/api/trace", {}, 400),
        ("/api/trace", {"subject": "a", "email": "b@c"}, 400),
        ("/api/trace", {"email": "nobody"}, 400),
        ("/api/trace/tasks/del_x", {"state": "asked"}, 404),
        ("/api/trace/tasks/del_x", {"state": "done"}, 400),
    ],
)
async def test_what_cannot_be_is_refused(ask: Ask, target: str, body: dict[str, Any], status: int) -> None:
    assert (await ask(target, method="POST", body=body)).status == status
