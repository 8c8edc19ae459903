"""What was decided outlives the process, and no crash forgets an alert or tells it twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.control.state import State
from trunkline.core.alerting import Rule
from trunkline.ops.alerting.book import KEPT_S, Book, listed
from trunkline.ops.alerting.condition import Condition, Links
from trunkline.ops.alerting.message import Item, of_payload
from trunkline.ops.outbox import Notice, Outbox

pytestmark = pytest.mark.row("O3")
NOW = 1_795_262_400.0
ALL, MONEY = Rule(name="all"), Rule(name="money", kinds=["budget"])


def it(key: str, kind: str = "incident.vendor", **more: Any) -> Condition:
    item = Item(key=key, kind=kind, severity="critical", title=f"{key} fails", integration="stripe")
    return Condition(item, **{"settle_s": 0.0, **more})


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state", {}).create()


def book(state: State) -> Book:
    return Book(state, Outbox(state.path))


def notices(state: State) -> list[Notice]:
    return sorted(Outbox(state.path).log(), key=lambda one: one.at)


def said(state: State) -> list[tuple[str, str, list[str]]]:
    """Rule, event and what is told of each notice."""
    found = []
    for one in notices(state):
        told = of_payload(one.payload)
        assert told is not None
        found.append((one.rule, one.event, [item.key for item in told.items]))
    return found


def test_each_rule_gets_a_notice_of_its_own(state: State) -> None:
    kept = book(state)
    kept.turn(
        [ALL, MONEY],
        [it("a"), it("b", "budget.share")],
        NOW,
        environment="prod",
        links=Links("https://c.example.com"),
    )
    assert sorted(said(state)) == [("all", "alert.firing", ["a", "b"]), ("money", "alert.firing", ["b"])]
    told = of_payload(notices(state)[0].payload)
    assert told is not None
    assert (told.environment, told.console, told.severity) == ("prod", "https://c.example.com", "critical")
    kept.turn([ALL, MONEY], [it("b", "budget.share")], NOW + 1)
    assert said(state)[2:] == [("all", "alert.resolved", ["a"])]


def test_a_restart_tells_nothing_again_and_knows_what_ends(state: State) -> None:
    book(state).turn([ALL], [it("a")], NOW)
    book(state).turn([ALL], [it("a")], NOW + 60)
    assert len(notices(state)) == 1
    book(state).turn([ALL], [], NOW + 120)
    assert [event for _, event, _ in said(state)] == ["alert.firing", "alert.resolved"]


def test_a_crash_before_the_outbox_loses_and_doubles_nothing(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Outbox, *args: Any, **more: Any) -> None:
        raise OSError("no space left")

    kept = book(state)
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "put", full)
        with pytest.raises(OSError, match="no space left"):
            kept.turn([ALL], [it("a")], NOW)
    assert notices(state) == []
    book(state).turn([ALL], [it("a")], NOW + 5)
    book(state).turn([ALL], [it("a")], NOW + 6)
    assert said(state) == [("all", "alert.firing", ["a"])]
    assert notices(state)[0].at == NOW


def test_a_crash_after_the_outbox_doubles_nothing(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    from trunkline.ledger import alert_tables

    with monkeypatch.context() as patch:
        patch.setattr(alert_tables, "taken", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            book(state).turn([ALL], [it("a")], NOW)
    book(state).turn([ALL], [it("a")], NOW + 5)
    assert said(state) == [("all", "alert.firing", ["a"])]


def test_a_rule_that_is_removed_tells_nothing_more(state: State) -> None:
    kept = book(state)
    kept.turn([ALL], [it("a")], NOW)
    kept.turn([MONEY], [it("a")], NOW + 1)
    kept.turn([ALL], [it("a")], NOW + 2)
    assert [event for _, event, _ in said(state)] == ["alert.firing", "alert.firing"]


def test_what_ended_long_ago_is_forgotten(state: State) -> None:
    kept = book(state)
    kept.turn([ALL], [it("a"), it("b")], NOW)
    kept.turn([ALL], [it("b")], NOW + 1)
    kept.turn([ALL], [it("b")], NOW + KEPT_S + 3601)
    assert [one.item.key for one in listed(state)] == ["b"]
