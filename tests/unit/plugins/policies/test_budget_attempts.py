"""Money of calls with more than one attempt: each is paid where it was made, and set aside before it is made."""

from __future__ import annotations

import pytest

from tests.unit.engine.test_race import in_virtual_time, passes
from trunkline.core.call import Caller
from trunkline.core.flow import Budget as Declared
from trunkline.core.flow import Fallback, Hedge, Retry, Scope
from trunkline.core.price import Price
from trunkline.core.service import Model
from trunkline.core.spend import NANO, Spend
from trunkline.testing import Trial, answers, caller_key, is_silent, service
from trunkline.testing.laws import ANSWER
from trunkline.testing.virtual_time import LoopClock

pytestmark = pytest.mark.row("O2")

PATH = "/v1/chat/completions"
CHAT = b'{"model":"acme/tiny","max_tokens":100,"messages":[]}'
PRICE = Price(input=0.0, output=1000.0)
"""A tenth of a cent for a token of output: a call that asks for 100 may cost 0.1 USD."""
ANSWERED = 2 * 0.001
"""What ANSWER costs."""
NO_JSON = answers(200, b"<html>")
GOOD = answers(200, ANSWER)
EACH = Scope(each="integration")


def budget(usd: float, scope: Scope = EACH) -> Declared:
    return Declared(name="all", usd=usd, scope=scope)


def trial(*plays: object, budgets: list[Declared], attempts: int = 2, chain: tuple[str, ...] = ("zenith/tiny",)) -> Trial:  # fmt: skip
    links = [Fallback(kind="target", target=target) for target in chain]
    models = [Model(id="tiny", price=PRICE)]
    services = [
        service("acme", models=models, fallback=links, retry=Retry(attempts=attempts, backoff=0.0)),
        service("zenith", models=models),
    ]
    return Trial(*plays, services=services, budgets=budgets)  # type: ignore[arg-type]


def stands(trial: Trial) -> dict[str, float]:
    return {one.of: round(one.spent_usd, 9) for one in trial.budget.standings()}


def journal(trial: Trial) -> dict[str, float]:
    """What the records of the calls say, folded."""
    found = Spend()
    for record in trial.journal.records:
        found.note(record)
    month = next(iter(sums for name, sums in found.windows.items() if name.count("-") == 1))
    return {labels.integration: one.spent / NANO for labels, one in month.items()}


async def test_what_was_paid_for_nothing_counts_where_it_was_paid() -> None:
    it = trial(NO_JSON, GOOD, budgets=[budget(1.0)])
    heard = await it.ask("POST", PATH, CHAT)
    assert (heard.status, [one.target for one in it.ends[0].tried]) == (200, ["acme/tiny", "zenith/tiny"])
    assert stands(it) == journal(it) == {"acme": ANSWERED, "zenith": ANSWERED}
    assert it.ends[0].wasted_elsewhere == {"acme/tiny": ANSWERED}
    assert (it.ends[0].cost_usd, it.ends[0].wasted_usd) == (ANSWERED, ANSWERED)
    assert it.budget.held == {}


async def test_what_was_paid_for_nothing_at_the_same_target_counts_there() -> None:
    it = trial(NO_JSON, GOOD, budgets=[budget(1.0)], chain=())
    await it.ask("POST", PATH, CHAT)
    assert stands(it) == journal(it) == {"acme": 2 * ANSWERED}
    assert it.ends[0].wasted_elsewhere == {}


async def test_a_repeat_that_its_budget_has_no_room_for_is_not_made() -> None:
    """The first attempt was paid: with the second the call may cost twice what was set aside for it."""
    it = trial(NO_JSON, GOOD, budgets=[budget(0.15)], chain=())
    heard = await it.ask("POST", PATH, CHAT)
    assert (heard.status, len(it.wire.sent), heard.field(b"x-should-retry")) == (502, 1, b"false")
    assert it.ends[0].notes == "over_budget=acme/tiny;stopped=no budget has room for another attempt"
    assert it.budget.held == {}


async def test_a_repeat_is_made_where_the_budget_has_room_for_both() -> None:
    it = trial(NO_JSON, is_silent, budgets=[budget(0.25)], chain=())
    it.begin("POST", PATH, CHAT)
    await it.turn()
    assert len(it.wire.sent) == 2
    assert it.budget.held == {"all": 0.2 * NANO}


async def test_a_failure_that_cost_nothing_sets_nothing_more_aside() -> None:
    it = trial(answers(503, b"{}"), is_silent, budgets=[budget(0.15)], chain=())
    it.begin("POST", PATH, CHAT)
    await it.turn()
    assert len(it.wire.sent) == 2
    assert it.budget.held == {"all": 0.1 * NANO}


async def test_a_fallback_under_the_same_budget_comes_on_top_of_what_was_paid() -> None:
    shared = budget(0.15, Scope())
    it = trial(NO_JSON, GOOD, budgets=[shared])
    heard = await it.ask("POST", PATH, CHAT)
    assert (heard.status, len(it.wire.sent)) == (502, 1), "0.1 paid and 0.1 more do not fit"
    assert "over_budget=zenith/tiny" in it.ends[0].notes


async def test_what_is_set_aside_for_a_fallback_that_is_not_taken_stays_free() -> None:
    it = trial(is_silent, budgets=[budget(1.0)])
    it.begin("POST", PATH, CHAT)
    await it.turn()
    assert {one.of: one.reserved_usd for one in it.budget.standings()} == {"acme": 0.1}


async def test_a_link_without_money_is_passed_over_and_the_first_target_tried_again() -> None:
    it = trial(answers(503, b"{}"), GOOD, budgets=[budget(1e-6, Scope(integration="zenith"))])
    heard = await it.ask("POST", PATH, CHAT)
    assert (heard.status, [one.target for one in it.ends[0].tried]) == (200, ["acme/tiny", "acme/tiny"])


async def test_money_of_a_browser_token_bounds_all_attempts_together() -> None:
    it = trial(NO_JSON, GOOD, budgets=[budget(9.0)], chain=())
    asked = it.begin("POST", PATH, CHAT)
    (exchange,) = it.gateway.running
    exchange.caller = Caller(caller_key())
    exchange.caller.token_id, exchange.caller.spend_usd = "t-1", 0.15
    await it.until(lambda: asked.closed)
    assert (asked.status, len(it.wire.sent)) == (502, 1)


async def test_a_budget_that_comes_while_a_call_runs_holds_nothing_of_it() -> None:
    """It is not among the call's policies, so nobody would give back what it sets aside."""
    it = trial(NO_JSON, GOOD, budgets=[])
    asked = it.begin("POST", PATH, CHAT)
    it.budget.load([budget(1e-6)], [caller_key()])
    await it.until(lambda: asked.closed)
    assert (asked.status, it.budget.held) == (200, {})


@pytest.mark.row("F5")
@pytest.mark.parametrize(("usd", "requests", "held"), [(0.15, 1, 0.1), (0.25, 2, 0.2)])
def test_a_second_request_goes_out_only_if_the_budget_has_room_for_both(
    usd: float, requests: int, held: float
) -> None:
    @in_virtual_time
    async def story() -> None:
        hedge = Hedge(after=0.5, share=1.0, usd_per_day=9.0)
        spec = service(hedge=hedge, models=[Model(id="tiny", price=PRICE)])
        it = Trial(is_silent, is_silent, services=[spec], budgets=[budget(usd)], clock=LoopClock())
        asked = it.begin("POST", PATH, CHAT)
        await passes(0.6)
        assert (len(it.wire.sent), it.budget.held) == (requests, {"all": held * NANO})
        it.wire.sent[0].reply(200, ANSWER)
        await it.until(lambda: asked.closed and not it.gateway.running)
        assert (asked.status, it.budget.held) == (200, {})
        assert stands(it) == journal(it) == {"acme": requests * ANSWERED}

    story()
