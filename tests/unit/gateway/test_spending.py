"""A gateway knows at its start what was spent, counts a new budget from the journal while it serves, and never twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.records import NOON_US, begin, end, tried
from trunkline.core.call import Caller, Live, Route
from trunkline.core.codec import to_pack
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.flow import Budget, Scope
from trunkline.core.service import Callers, Snapshot
from trunkline.gateway import spending as module
from trunkline.gateway.spending import Spending
from trunkline.journal.append import Journal
from trunkline.journal.spend import FILE_NAME, SpendBook
from trunkline.testing import FakeClock, Heard, caller_key, request, service

CALLERS = Callers(version="1", keys=[caller_key(name="web")])


class Place:
    """A state folder with a journal that is being written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(folder / "journal")
        self.journal.open()
        self.clock = FakeClock(wall=NOON_US / 1e6)
        self._n = 0

    def call(self, cost: float, **changes: Any) -> None:
        self._n += 1
        labels = {"model": "tiny", "target": "acme/tiny", "integration": "acme", **changes}
        self.journal.append(to_pack(begin(f"c{self._n}", **labels)))
        self.journal.append(to_pack(end(f"c{self._n}", cost_usd=cost, tried=[tried(1, "acme/tiny")])))

    def spending(self, *budgets: Budget) -> Spending:
        made = Spending(self.folder, self.clock, self.clock.wall)
        made.load(self.snapshot(*budgets), CALLERS)
        return made

    @staticmethod
    def snapshot(*budgets: Budget) -> Snapshot:
        return Snapshot(version="1", created="", environment="dev", services=[], budgets=list(budgets))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.journal.close()


def spent(spending: Spending) -> dict[str, float]:
    return {one.budget: one.spent_usd for one in spending.budget.standings()}


@pytest.mark.row("O2", "Q2")
async def test_what_was_spent_is_known_before_the_first_call(place: Place) -> None:
    place.call(0.5)
    book = SpendBook(place.folder / "journal", place.folder / FILE_NAME)
    book.catch_up()
    book.write()
    place.call(0.25)
    spending = place.spending(Budget(name="all", usd=1.0))
    spending.start()
    assert spent(spending) == {"all": 0.75}


@pytest.mark.row("O2")
async def test_a_budget_that_comes_by_a_reload_is_counted_while_calls_go_on(place: Place) -> None:
    place.call(0.5)
    spending = place.spending()
    spending.start()
    await spending.settled()
    spending.load(place.snapshot(Budget(name="all", usd=1.0)), CALLERS)
    assert spent(spending) == {"all": 0.0}, "it holds at once, from nothing"
    place.call(0.25)
    await spending.settled()
    assert spent(spending) == {"all": 0.75}
    spending.load(place.snapshot(Budget(name="all", usd=9.0)), CALLERS)
    assert spending._task is not None
    assert spending._task.done(), "another amount needs no counting"


async def test_a_call_that_began_before_the_budget_came_counts_when_it_has_ended(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    spending = place.spending()
    spending.start()
    exchange = Exchange(request(), Heard(), "c1", 1.0, place.clock.wall())
    spending.running = lambda: [] if exchange.over else [exchange]
    spending.load(place.snapshot(Budget(name="all", usd=1.0)), CALLERS)
    place.call(0.5)
    exchange.over = True
    await spending.settled()
    assert spent(spending) == {"all": 0.5}


async def test_a_browser_token_gets_no_new_money_by_a_restart(place: Place) -> None:
    place.call(0.5, tags="token:t-1")
    spending = place.spending()
    spending.start()
    await spending.settled()
    one = Exchange(request(), Heard(), "call-1", 1.0, place.clock.wall())
    one.caller, one.route, one.model = Caller(CALLERS.keys[0]), Route(Live(service())), "tiny"
    one.caller.token_id, one.caller.spend_usd = "t-1", 0.5
    with pytest.raises(CallError, match="this browser token has spent"):
        spending.budget.admit(one)


async def test_a_checkpoint_that_appears_after_the_start_is_taken(place: Place, tmp_path: Path) -> None:
    """After a restore the console makes it anew from the roll-ups, while the gateway runs already."""
    spending = place.spending(Budget(name="all", usd=1.0))
    watched = spending.watched()
    spending.start()
    other = Place(tmp_path / "other")
    other.call(0.5)
    book = SpendBook(other.folder / "journal", place.folder / FILE_NAME)
    book.catch_up()
    book.write()
    other.journal.close()
    assert watched.look()
    await spending.settled()
    assert spent(spending) == {"all": 0.5}
    book.write()
    assert watched.look()
    assert spending._task is not None
    assert spending._task.done(), "and then no more"


async def test_a_broken_checkpoint_is_said(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.call(0.5)
    (place.folder / FILE_NAME).write_bytes(b"broken")
    spending = place.spending(Budget(name="all", usd=1.0))
    spending.start()
    assert spent(spending) == {"all": 0.5}
    assert "budgets.msgpack cannot be used" in capsys.readouterr().err


@pytest.mark.row("O2")
async def test_a_revoked_keys_money_counts_for_a_budget_of_its_name_after_a_restart(place: Place) -> None:
    """A new key of the same name must not bring new money."""
    place.call(0.5, key_id="key-0")
    mine = Budget(name="mine", usd=1.0, scope=Scope(key="web"))
    spending = Spending(place.folder, place.clock, place.clock.wall)
    former = Callers(version="2", keys=CALLERS.keys, former={"key-0": "web"})
    spending.load(place.snapshot(mine), former)
    spending.start()
    assert spent(spending) == {"mine": 0.5}
