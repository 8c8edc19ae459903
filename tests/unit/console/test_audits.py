"""The audit chain over the admin API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from trunkline.console.context import Console
from trunkline.control import audit, baseline, teams
from trunkline.ops.baseline.facts import Kill

Ask = Callable[..., Any]

pytestmark = pytest.mark.row("G1")


async def test_rows_are_searched_verified_and_exported(ask: Ask, console: Console) -> None:
    for name in ("shop", "ops"):
        teams.create(console.state, name, actor="user:ana", now=console.clock())
    told = (await ask("/api/audit?action=team&limit=1")).json()["rows"]
    assert [(row["actor"], row["action"], row["subject"]) for row in told] == [
        ("user:ana", "team.create", "ops")
    ]
    assert (await ask("/api/audit?actor=nobody")).json() == {"rows": []}
    chain = (await ask("/api/audit/verify")).json()
    assert (chain["ok"], chain["rows"], chain["anchored"]) == (
        True,
        len(audit.entries(console.state)),
        chain["rows"],
    )
    assert (await ask(f"/api/audit/verify?anchor={chain['anchor']}")).json()["ok"] is True
    export = await ask("/api/audit/export")
    assert [json.loads(line)["seq"] for line in export.body.splitlines()] == list(range(1, chain["rows"] + 1))
    assert "attachment" in export.headers["content-disposition"]


@pytest.mark.parametrize(
    "target", ["/api/audit/verify?anchor=1:ab:cd", "/api/audit?since=yesterday", "/api/audit?limit=0"]
)
async def test_what_cannot_be_is_said(ask: Ask, target: str) -> None:
    assert (await ask(target)).json()["code"] == "invalid_request"


@pytest.mark.row("G3")
async def test_reviews_are_listed(ask: Ask, console: Console) -> None:
    review = baseline.made(console.state, [], Kill(), now=console.clock())
    baseline.sign_off(console.state, review, by="ana", now=console.clock())
    assert [one["by"] for one in (await ask("/api/audit/reviews")).json()["reviews"]] == ["ana"]
