"""Budgets and notices in the admin API, and the budgets' metrics."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trunkline.console.context import Console
from trunkline.core.codec import to_pack
from trunkline.core.flow import Budget, Scope
from trunkline.core.service import Snapshot
from trunkline.ops.outbox import Outbox
from trunkline.plugins.policies.account import Standing

NOW = 1_795_262_400.0
Ask = Any
ALL = Budget(name="all", usd=10.0)
EACH = Budget(name="teams", usd=5.0, per="day", scope=Scope(each="team"))


def standing(**changes: Any) -> Standing:
    given: dict[str, Any] = {
        "budget": "all", "of": "", "per": "month", "window": "2026-11", "ends_us": 1_796_083_200_000_000, "limit_usd": 10.0,
        "spent_usd": 4.0, "reserved_usd": 0.5, "unpriced": 0, "hard": True, "alerts": (1.0,),
    }  # fmt: skip
    return Standing(**{**given, **changes})


@pytest.fixture
def publish(state: Path) -> Any:
    """Publishes budgets and, unless it is not running, what the gateway says of them."""

    def run(*standings: Standing, running: bool = True) -> None:
        snapshot = msgspec.msgpack.decode((state / "snapshot.msgpack").read_bytes(), type=Snapshot)
        changed = msgspec.structs.replace(snapshot, budgets=[ALL, EACH])
        (state / "snapshot.msgpack").write_bytes(to_pack(changed))
        (state / "gateway.stats").write_bytes(to_pack({"at": NOW, "budgets": standings}))
        at = NOW if running else NOW - 60
        os.utime(state / "gateway.stats", (at, at))

    return run


@pytest.mark.row("O2")
async def test_each_budget_is_told_as_the_gateway_has_it(ask: Ask, publish: Any) -> None:
    publish(standing(), standing(budget="teams", of="shop", per="day", window="2026-11-21", limit_usd=5.0))
    answer = await ask("/api/budgets")
    assert answer.status == 200
    first, second = answer.json()["budgets"]
    assert first == {
        "budget": "all", "of": "", "per": "month", "window": "2026-11", "ends_at": "2026-12-01T00:00:00Z", "limit_usd": 10.0,
        "spent_usd": 4.0, "reserved_usd": 0.5, "left_usd": 5.5, "forecast_usd": 4.0, "unpriced": 0, "hard": True,
    }  # fmt: skip
    assert (second["budget"], second["of"], second["left_usd"]) == ("teams", "shop", 0.5)


@pytest.mark.row("O2")
async def test_without_a_gateway_they_are_counted_from_the_journal(ask: Ask, publish: Any) -> None:
    publish(standing(spent_usd=9.0), running=False)
    answer = await ask("/api/budgets")
    assert [(one["budget"], one["spent_usd"]) for one in answer.json()["budgets"]] == [("all", 0.0)]


@pytest.mark.row("O2", "O3")
async def test_they_are_metrics(ask: Ask, publish: Any) -> None:
    publish(standing(), standing(budget="teams", of='a "team"', per="day", limit_usd=5.0))
    lines = (await ask("/metrics")).body.decode().splitlines()
    assert [line for line in lines if line.startswith("trunkline_budget_")] == [
        'trunkline_budget_spent_usd{budget="all",of="",per="month"} 4',
        'trunkline_budget_spent_usd{budget="teams",of="a \\"team\\"",per="day"} 4',
        'trunkline_budget_reserved_usd{budget="all",of="",per="month"} 0.5',
        'trunkline_budget_reserved_usd{budget="teams",of="a \\"team\\"",per="day"} 0.5',
        'trunkline_budget_limit_usd{budget="all",of="",per="month"} 10',
        'trunkline_budget_limit_usd{budget="teams",of="a \\"team\\"",per="day"} 5',
    ]


async def test_a_budget_that_nobody_has_makes_no_empty_metric(ask: Ask, publish: Any) -> None:
    publish()
    assert "trunkline_budget" not in (await ask("/metrics")).body.decode()


@pytest.mark.row("O2")
async def test_what_was_told_can_be_read(ask: Ask, console: Console) -> None:
    box = Outbox(console.state_dir)
    for n in range(3):
        box.put("budget.share", {"text": f"{n}"}, key=f"{n}", now=NOW + n)
    answer = await ask("/api/notices?limit=2")
    assert [(one["event"], one["state"], one["payload"]["text"]) for one in answer.json()["notices"]] == [
        ("budget.share", "waiting", "2"), ("budget.share", "waiting", "1"),
    ]  # fmt: skip
    assert (await ask("/api/notices?limit=0")).status == 400
