"""A call is counted by the price that held when it began, and its record says which and of what parts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.price import Price
from trunkline.core.record import End
from trunkline.core.service import Model
from trunkline.testing import Trial, answers, service
from trunkline.testing.laws import CHAT
from trunkline.testing.trial import world

PATH = "/v1/chat/completions"


def told(**usage: Any) -> bytes:
    return json.dumps({"model": "tiny-1", "choices": [], "usage": usage}).encode()


def priced(**figures: Any) -> list[Any]:
    return [service(models=[Model(id="tiny", price=Price(**figures))])]


@pytest.mark.row("O1", "O2")
async def test_a_price_that_changes_leaves_what_was_counted_and_what_has_begun() -> None:
    """M4 of the battery."""
    body = told(prompt_tokens=1000, completion_tokens=100)
    trial = Trial(*[answers(200, body)] * 3, services=priced(input=3.0, output=15.0, date="2026-11-01"))
    await trial.ask("POST", PATH, CHAT)
    running = trial.begin("POST", PATH, CHAT)
    dearer = Trial(services=priced(input=6.0, output=30.0, date="2026-11-21"))
    trial.gateway.world = world(dearer.snapshot)
    await trial.until(lambda: running.closed)
    await trial.ask("POST", PATH, CHAT)
    before, across, after = trial.ends
    assert [end.cost_usd for end in trial.ends] == [0.0045, 0.0045, 0.009]
    assert before.price_id == across.price_id != after.price_id
    assert before.price_id.startswith("acme/tiny@2026-11-01#")
    assert after.price_id.startswith("acme/tiny@2026-11-21#")


@pytest.mark.row("O2")
async def test_a_tool_without_a_price_is_said_in_the_notes_and_in_the_parts() -> None:
    body = told(prompt_tokens=10, completion_tokens=1, server_side_tool_usage_details={"x_search_calls": 2})
    trial = Trial(answers(200, body), services=priced(input=3.0, output=15.0))
    await trial.ask("POST", PATH, CHAT)
    (end,) = trial.ends
    assert isinstance(end, End)
    assert (end.parts[-1], end.notes, end.cost_usd) == (("x_search", 2, -1), "unpriced=x_search", 0.000045)


async def test_what_the_vendor_says_that_it_cost_is_what_it_cost() -> None:
    trial = Trial(
        answers(200, told(prompt_tokens=10, completion_tokens=1, cost=0.125)), services=priced(input=3.0)
    )
    await trial.ask("POST", PATH, CHAT)
    (end,) = trial.ends
    assert (end.cost_usd, end.price_id, end.parts) == (0.125, "told", [("told", 1, 125 * 10**12)])
