"""M1: five hundred calls at once on a key with money for a hundred, with and without kill -9, under the whole of `trunkline serve`."""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.battery import report
from tests.battery.served import REGISTRY, Served, serving
from tests.support.caller import Cut, Line, request
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from trunkline.control import keys
from trunkline.control.state import State

pytestmark = [pytest.mark.slow, pytest.mark.row("O2", "Q2")]

CHAT = "/v1/chat/completions"
BODY = json.dumps(
    {"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "Say hello."}]}
).encode()
MANY = 500
ROUNDS = 6
FIRST_MS = 400


def test_no_crowd_and_no_kill_overspends_a_key(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with serving(tmp_path, REGISTRY.format(simulator=simulator.address())) as served:
        price = cost_of_one(served)
        money = round(100 * price, 9)
        wish = keys.Wish(name="crowd", scopes=["*"], concurrency=0, budget_usd=money, budget_per="month")
        key = keys.create(State(served.state, served.environ), wish).key
        simulator.latency("openai", first_ms=FIRST_MS)
        statuses = [crowd(served, key, kill=turn % 2 == 1) for turn in range(ROUNDS)]
        found = settled(served)
        told = [row for row in served.logs() if row["key_id"] == key_id(served, "crowd")]
    spent = sum((row["cost_usd"] or 0.0) + row["wasted_usd"] for row in told)
    report.tell(
        "M1",
        f"calls of {ROUNDS} crowds of {MANY}: answered / refused / cut",
        "",
        " / ".join(map(str, summed(statuses))),
    )
    report.tell("M1", "overspent (USD)", "0", f"{max(0.0, spent - money):.9f}")
    report.tell("M1", "money of the key that was used", "about all", f"{spent / money:.1%}")
    report.tell("M1", "still set aside after kill -9 (USD)", "0", f"{found['reserved_usd']:.9f}")
    report.tell("M1", "budget and ledger differ by (USD)", "0", f"{abs(found['spent_usd'] - spent):.9f}")
    assert summed(statuses)[2] > 0, "the kills cut something"
    assert spent <= money
    assert spent > 0.5 * money
    assert found["reserved_usd"] == 0
    assert found["spent_usd"] == pytest.approx(spent, abs=1e-7)


def cost_of_one(served: Served) -> float:
    """What the vendor bills for one such call."""
    with Line(served.port, 10.0) as line:
        line.send(asked(served.key))
        return float(line.answer().field("x-trunkline-cost-usd") or 0)


def asked(key: str) -> bytes:
    return request("POST", CHAT, {"authorization": f"Bearer {key}", "content-type": "application/json"}, BODY)


def crowd(served: Served, key: str, *, kill: bool) -> dict[str, int]:
    """Five hundred at once; a kill comes when the first half has been answered or refused."""
    seen = {"answered": 0, "refused": 0, "cut": 0}
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(served.port, 30.0)) for _ in range(MANY)]
        for line in lines:
            line.send(asked(key))
        gone = served.kill("gateway") if kill else 0
        for line in lines:
            seen[fate(line)] += 1
    if gone:
        eventually(
            lambda: served.pid("gateway") not in (0, gone) and served.answers() == 200, "the gateway", 40
        )
    return seen


def fate(line: Line) -> str:
    with suppress(Cut, OSError):
        status = line.answer().status
        assert status in (200, 402), status
        return "answered" if status == 200 else "refused"
    return "cut"


def settled(served: Served) -> dict[str, Any]:
    """How the key's budget stands once nothing runs any more."""

    def look() -> dict[str, Any] | None:
        shown = served.run("budgets", "--json")
        assert shown.returncode == 0, shown.stderr
        found: list[dict[str, Any]] = json.loads(shown.stdout)
        return found[0] if found and not found[0]["reserved_usd"] else None

    found = eventually(look, "nothing to be set aside", 20)
    assert found is not None
    return found


def key_id(served: Served, name: str) -> str:
    return keys.find(State(served.state, served.environ), name).id


def summed(rounds: list[dict[str, int]]) -> list[int]:
    return [sum(one[name] for one in rounds) for name in ("answered", "refused", "cut")]
