"""Money: set aside before a call, counted after it, never overspent, the same after a restart, whatever the clock does."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.records import begin, end, tried
from trunkline.core.call import Caller, Live, Route
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.flow import Budget as Declared
from trunkline.core.flow import Fallback, Retry, Scope
from trunkline.core.price import Price, Tier
from trunkline.core.pricing import Rates
from trunkline.core.record import Tried
from trunkline.core.service import Model
from trunkline.core.spend import NANO, Spend, token_of
from trunkline.plugins.policies import account
from trunkline.plugins.policies.budget import Budget
from trunkline.testing import FakeClock, Heard, Trial, answers, caller_key, request, service
from trunkline.testing.laws import ANSWER, CHAT

RATES = Rates("acme/tiny", Price(input=1000.0, output=10_000.0))
"""A tenth of a cent per token in, a cent per token out."""
BODY = b'{"model":"acme/tiny","max_tokens":%d,"messages":[]}'
IN_USD = 0.025
"""What the input of such a body is thought to cost: (51 // 3 + 8) tokens."""
NOON = 1_795_262_400.0
DAY = 86_400.0


def route(name: str = "acme", model: str = "tiny") -> Route:
    made = Route(Live(service(name)), "openai-chat" if model else "")
    made.model = model
    return made


ACME, ZENITH, STRIPE = route(), route("zenith"), route("stripe", "")


def policy(clock: FakeClock, *budgets: Declared, **key: Any) -> Budget:
    made = Budget(clock.wall)
    made.load(budgets, [caller_key(**key)])
    return made


def call(
    clock: FakeClock, *, most: int = 10, to: Route = ACME, feature: str = "", spend_usd: float = 0.0, **key: Any
) -> Exchange:  # fmt: skip
    """A call that asks for at most so many tokens: 0.125 USD for 10 of them."""
    exchange = Exchange(request(body=BODY % most), Heard(), "call-1", clock(), clock.wall())
    exchange.caller, exchange.route, exchange.feature = Caller(caller_key(**key)), to, feature
    exchange.model, exchange.rates, exchange.method = to.model, RATES if to.model else None, b"POST"
    if spend_usd:
        exchange.caller.token_id, exchange.caller.spend_usd = "t-1", spend_usd
    return exchange


def sent(target: str = "acme/tiny") -> Tried:
    return tried(1, target)


def ended(
    budget: Budget, exchange: Exchange, cost: float, *, wasted: float = 0.0, target: str = "acme/tiny"
) -> None:
    exchange.state, exchange.cost_usd, exchange.wasted_usd = "ok", cost, wasted
    exchange.tried = [sent(target)]
    budget.settle(exchange)


def admitted(budget: Budget, exchange: Exchange) -> Exchange:
    budget.admit(exchange)
    return exchange


def refusal(budget: Budget, exchange: Exchange) -> CallError:
    with pytest.raises(CallError) as caught:
        budget.admit(exchange)
    return caught.value


def spent(budget: Budget) -> dict[tuple[str, str], tuple[float, float]]:
    return {(one.budget, one.of): (one.spent_usd, one.reserved_usd) for one in budget.standings()}


def month(usd: float = 1.0, name: str = "all", **changes: Any) -> Declared:
    return Declared(name=name, usd=usd, **changes)


@pytest.mark.row("O2")
def test_money_is_set_aside_given_back_and_counted() -> None:
    clock = FakeClock()
    budget = policy(clock, month())
    one = admitted(budget, call(clock))
    assert spent(budget) == {("all", ""): (0.0, 0.125)}
    assert one.billed
    ended(budget, one, 0.05, wasted=0.01)
    assert spent(budget) == {("all", ""): (0.06, 0.0)}
    assert repr(budget) == "Budget({})"


@pytest.mark.row("O2")
def test_a_budget_that_is_spent_refuses_until_its_window_ends() -> None:
    clock = FakeClock()
    budget = policy(clock, month(0.2, per="day"))
    ended(budget, admitted(budget, call(clock)), 0.1)
    error = refusal(budget, call(clock))
    assert (error.code, error.message, error.scope, error.retryable) == (
        "over_budget", "the budget 'all' has spent 0.1 of 0.2 USD this day, and this call may cost 0.125", "budget", False,
    )  # fmt: skip
    assert error.retry_at == NOON + DAY / 2
    ended(budget, admitted(budget, call(clock, most=5)), 0.1)
    assert (
        refusal(budget, call(clock, most=1)).message == "the budget 'all' has spent 0.2 of 0.2 USD this day"
    )
    clock.advance(DAY / 2)
    admitted(budget, call(clock))
    assert spent(budget) == {("all", ""): (0.0, 0.125)}


@pytest.mark.row("O2")
def test_where_only_running_calls_stand_in_the_way_the_caller_may_soon_try_again() -> None:
    clock = FakeClock()
    budget = policy(clock, month(0.2))
    running = admitted(budget, call(clock))
    error = refusal(budget, call(clock))
    assert (error.code, error.retryable, error.retry_at) == ("over_budget", True, clock.wall() + 1)
    assert error.message == (
        "the budget 'all' has spent 0 of 0.2 USD this month; running calls may cost 0.125, so the 0.125 of this one do not fit "
        "until they have ended"
    )
    ended(budget, running, 0.02)
    admitted(budget, call(clock))


@pytest.mark.row("O2")
@pytest.mark.parametrize(
    ("scope", "counted", "free"),
    [
        ({"team": "shop"}, {}, {"id": "key-2", "team": "ops"}),
        ({"feature": "chat"}, {"feature": "chat"}, {"feature": "search"}),
        ({"key": "tests"}, {}, {"id": "key-2", "name": "other"}),
        ({"integration": "acme"}, {}, {"to": ZENITH}),
        ({"model": "acme/t*"}, {}, {"to": ZENITH}),
        ({"team": "shop", "integration": "acme"}, {}, {"to": ZENITH}),
        ({"each": "team"}, {}, {"id": "key-2", "team": "ops"}),
        ({"each": "feature"}, {"feature": "chat"}, {"feature": "search"}),
        ({"each": "key"}, {}, {"id": "key-2"}),
        ({"each": "integration"}, {}, {"to": ZENITH}),
        ({"each": "model"}, {}, {"to": ZENITH}),
    ],
    ids=str,
)
def test_whose_calls_a_budget_counts(
    scope: dict[str, Any], counted: dict[str, Any], free: dict[str, Any]
) -> None:
    clock = FakeClock()
    budget = policy(clock, month(0.2, scope=Scope(**scope)))
    ended(budget, admitted(budget, call(clock, **counted)), 0.2)
    refusal(budget, call(clock, **counted))
    admitted(budget, call(clock, **free))


@pytest.mark.row("O2")
def test_a_key_has_a_budget_of_its_own() -> None:
    clock = FakeClock()
    budget = policy(clock, budget_usd=0.2, budget_per="day")
    ended(budget, admitted(budget, call(clock)), 0.2)
    assert (
        refusal(budget, call(clock)).message
        == "the budget 'key tests (key-1)' has spent 0.2 of 0.2 USD this day"
    )
    assert admitted(budget, call(clock, id="key-2")).reserved is None


def test_a_call_that_one_budget_refuses_takes_nothing_from_the_others() -> None:
    clock = FakeClock()
    budget = policy(clock, month(9.0, "wide"), month(0.1, "narrow"))
    refusal(budget, call(clock))
    assert spent(budget) == {("wide", ""): (0.0, 0.0), ("narrow", ""): (0.0, 0.0)}


def test_a_soft_budget_counts_and_refuses_nobody() -> None:
    clock = FakeClock()
    budget = policy(clock, month(0.1, hard=False))
    for _ in range(3):
        one = admitted(budget, call(clock))
        ended(budget, one, 0.1)
        assert not one.billed
    assert spent(budget) == {("all", ""): (0.3, 0.0)}


def test_what_is_no_model_call_costs_nothing_and_passes_a_spent_budget() -> None:
    clock = FakeClock()
    budget = policy(clock, month(0.1, unpriced="block"))
    ended(budget, admitted(budget, call(clock, most=5)), 0.1)
    one = admitted(budget, call(clock, to=STRIPE))
    one.state = "ok"
    budget.settle(one)
    counting = call(clock)
    counting.dialect = "anthropic-count-tokens"
    assert (one.reserved, one.notes, admitted(budget, counting).reserved) == (None, (), None)


@pytest.mark.row("O2")
def test_calls_without_a_price_are_noted_or_refused_as_the_budget_says() -> None:
    clock = FakeClock()
    budget = policy(clock, month(unpriced="warn"))
    unknown = call(clock)
    unknown.rates = None
    ended(budget, admitted(budget, unknown), -1.0)
    assert (unknown.notes, [one.unpriced for one in budget.standings()]) == (("unpriced=acme/tiny",), [1])
    budget.load([month(unpriced="block")], [caller_key()])
    error = refusal(budget, unknown)
    assert (error.code, error.message) == (
        "unpriced", "acme/tiny has no price, and the budget 'all' lets no call pass whose cost is unknown",
    )  # fmt: skip


@pytest.mark.row("O2")
def test_a_tool_of_the_vendor_without_a_price_is_an_unknown_cost() -> None:
    clock = FakeClock()
    budget = policy(clock, month(unpriced="block"))
    searching = call(clock)
    searching.body = (
        b'{"model":"acme/tiny","max_tokens":10,"tools":[{"type": "web_search_20250305"}],"messages":[]}'
    )
    assert refusal(budget, searching).message.startswith(
        "web_search of acme/tiny has no price, and the budget"
    )
    assert budget.look(searching)[0]["refuses"] is True
    searching.rates = Rates("acme/tiny", Price(input=1.0, fees={"web_search": 0.01}))
    assert admitted(budget, searching).reserved is not None
    used = call(clock)
    used.parts = [("input", 9, 1), ("web_search", 1, -1)]
    ended(budget, admitted(budget, used), 0.1)
    assert [one.unpriced for one in budget.standings()] == [1], "counted beside what of it is known"


def test_a_body_too_long_to_be_read_is_no_way_around_a_budget() -> None:
    clock = FakeClock()
    budget = policy(clock, month(unpriced="block"))
    proxied = call(clock, to=Route(Live(service("acme"))))
    proxied.path, proxied.route.live.dialects = (
        b"/v1/chat/completions",
        {b"/v1/chat/completions": "openai-chat"},
    )  # type: ignore[union-attr]
    assert refusal(budget, proxied).message.startswith("acme/(unread) has no price")


def test_what_answered_in_the_end_is_charged() -> None:
    clock = FakeClock()
    budget = policy(clock, month(name="each", scope=Scope(each="integration")))
    ended(budget, admitted(budget, call(clock)), 0.3, target="zenith/big")
    assert spent(budget) == {("each", "acme"): (0.0, 0.0), ("each", "zenith"): (0.3, 0.0)}


@pytest.mark.row("W4")
def test_a_browser_token_has_its_money_and_says_so_in_the_record() -> None:
    clock = FakeClock()
    budget = policy(clock)
    one = admitted(budget, call(clock, spend_usd=0.3))
    assert token_of(one.tags) == "t-1"
    two = admitted(budget, call(clock, spend_usd=0.3))
    assert refusal(budget, call(clock, spend_usd=0.3)).message == (
        "this browser token may spend 0.3 USD, too little for one more call"
    )
    ended(budget, one, 0.15)
    ended(budget, two, 0.15)
    error = refusal(budget, call(clock, spend_usd=0.3))
    assert (error.code, error.message) == ("over_budget", "this browser token has spent its 0.3 USD")
    assert admitted(budget, call(clock)).reserved is None


# The clock.


@pytest.mark.row("Q2")
def test_a_clock_that_jumps_neither_doubles_nor_forgets_a_window() -> None:
    clock = FakeClock()
    budget = policy(clock, month(0.5, per="day"))
    ended(budget, admitted(budget, call(clock)), 0.3)
    over_midnight = admitted(budget, call(clock, most=5))
    clock.advance(DAY)
    assert spent(budget) == {("all", ""): (0.0, 0.0)}
    ended(budget, admitted(budget, call(clock)), 0.1)
    ended(budget, over_midnight, 0.05)
    assert spent(budget) == {("all", ""): (0.1, 0.0)}
    clock.advance(-DAY)
    assert spent(budget) == {("all", ""): (0.35, 0.0)}, "yesterday, with the call that began in it"
    clock.advance(300 * DAY)
    assert spent(budget) == {("all", ""): (0.0, 0.0)}
    clock.advance(-300 * DAY)
    assert spent(budget) == {("all", ""): (0.35, 0.0)}


# Reloads and restarts.


def booked(*calls: tuple[str, float]) -> Spend:
    """What a journal with these calls (label of the key, cost) says."""
    found = Spend()
    for n, (key, cost) in enumerate(calls):
        found.note(
            begin(f"c{n}", key_id=key, integration="acme", target="acme/tiny", model="tiny", feature="")
        )
        found.note(end(f"c{n}", cost_usd=cost, tried=[sent()]))
    return found


def test_a_new_budget_holds_at_once_and_is_then_counted_from_the_journal() -> None:
    clock = FakeClock()
    budget = policy(clock)
    unseen = admitted(budget, call(clock))
    assert unseen.reserved is None
    assert budget.load([month(0.5)], [caller_key()]) is True
    running = admitted(budget, call(clock))
    budget.recount(booked(("key-1", 0.2)))
    assert spent(budget) == {("all", ""): (0.2, 0.125)}
    ended(budget, unseen, 0.05)
    ended(budget, running, 0.05)
    assert spent(budget) == {("all", ""): (0.3, 0.0)}, "a call that ran before the budget came counts, too"


def test_counting_again_changes_nothing() -> None:
    clock = FakeClock()
    budget = policy(clock, month(1.0), month(1.0, "mine", scope=Scope(key="tests")), budget_usd=1.0)
    journal = booked(("key-1", 0.2), ("key-2", 0.1))
    for _ in range(3):
        budget.recount(journal)
    assert spent(budget) == {
        ("all", ""): (0.3, 0.0),
        ("mine", ""): (0.2, 0.0),
        ("key tests (key-1)", ""): (0.2, 0.0),
    }


def test_a_call_whose_end_is_in_the_journal_but_which_is_not_settled_is_not_counted_twice() -> None:
    clock = FakeClock()
    budget = policy(clock, month(1.0))
    one = admitted(budget, call(clock))
    one.over = True
    budget.recount(booked(("key-1", 0.2)), [one])
    ended(budget, one, 0.2)
    assert spent(budget) == {("all", ""): (0.2, 0.0)}


def test_a_browser_token_does_not_get_its_money_back_by_a_restart() -> None:
    clock = FakeClock()
    journal = Spend()
    journal.tokens = {"t-1": (NANO // 4, 0)}
    budget = policy(clock)
    budget.recount(journal)
    assert refusal(budget, call(clock, spend_usd=0.25)).code == "over_budget"


def test_a_reload_keeps_what_was_counted_and_takes_new_amounts() -> None:
    clock = FakeClock()
    budget = policy(clock, month(0.2))
    ended(budget, admitted(budget, call(clock)), 0.2)
    refusal(budget, call(clock))
    running_key = caller_key()
    assert budget.load([month(9.0)], [running_key]) is False
    one = admitted(budget, call(clock))
    assert budget.load([month(9.0, scope=Scope(team="shop"))], [running_key]) is True, (
        "another scope is another budget"
    )
    budget.load([], [running_key])
    ended(budget, one, 0.1)
    assert (budget.standings(), budget.held, budget.idle) == ([], {}, True)


def test_a_caller_that_invents_features_shares_one_counter_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "MOST_VALUES", 2)
    clock = FakeClock()
    budget = policy(clock, month(0.3, scope=Scope(each="feature")))
    for name in ("a", "b", "c", "d"):
        ended(budget, admitted(budget, call(clock, feature=name)), 0.15)
    assert spent(budget) == {
        ("all", "a"): (0.15, 0.0),
        ("all", "b"): (0.15, 0.0),
        ("all", "(other)"): (0.3, 0.0),
    }
    refusal(budget, call(clock, feature="e"))
    assert [one.of for one in budget.standings(most=1)] == ["(other)"]


# Never more than there is.


@pytest.mark.row("O2", "Q2")
def test_five_hundred_at_once_with_money_for_a_hundred() -> None:
    clock = FakeClock()
    budget = policy(clock, month(12.5))
    running, refused = [], 0
    for _ in range(500):
        one = call(clock)
        try:
            running.append(admitted(budget, one))
        except CallError:
            refused += 1
    assert (len(running), refused, spent(budget)) == (100, 400, {("all", ""): (0.0, 12.5)})
    for one in running:
        ended(budget, one, 0.125)
    assert spent(budget) == {("all", ""): (12.5, 0.0)}
    refusal(budget, call(clock))


Step = tuple[str, int, int, float]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "end", "wait", "reload"]),
        st.integers(0, 200),
        st.integers(0, 2),
        st.floats(0, 1),
    ),
    max_size=80,
)


@settings(max_examples=150)
@given(STEPS, st.floats(0.05, 5.0))
def test_what_is_spent_and_set_aside_never_exceeds_the_budget(steps: list[Step], usd: float) -> None:
    """Calls of three keys begin and end in any order, days pass, the registry is loaded again: both sums stay within."""
    clock = FakeClock()
    budgets = [month(usd, per="day"), month(usd / 2, "each", scope=Scope(each="key"))]
    budget = policy(clock, *budgets)
    running: list[tuple[Exchange, float]] = []
    paid = 0.0
    for act, most, key, share in steps:
        if act == "begin":
            one = call(clock, most=most + 1, id=f"key-{key}")
            try:
                running.append((admitted(budget, one), share * (IN_USD + 0.001 + (most + 1) * 0.01)))
            except CallError as error:
                assert error.code == "over_budget"  # noqa: PT017
        elif act == "end" and running:
            one, cost = running.pop(most % len(running))
            cost = min(cost, max(one.reserved.amounts.values()) / NANO)
            paid += cost
            ended(budget, one, cost)
        elif act == "wait":
            clock.advance(share * DAY)
        else:
            budget.load(budgets, [caller_key()])
        for each in budget._accounts:
            for counters in each.windows.values():
                for counter in counters.values():
                    assert counter.spent + counter.reserved <= each.limit + 1
                    assert counter.reserved >= 0
    for one, _ in running:
        ended(budget, one, 0.0)
    assert budget.held == {}
    counted = sum(c.spent for cs in budget._accounts[1].windows.values() for c in cs.values()) / NANO
    assert math.isclose(counted, paid, abs_tol=1e-6) or len(budget._accounts[1].windows) > 1


@pytest.mark.row("O2")
async def test_a_call_under_a_hard_budget_is_refused_when_it_cannot_be_recorded() -> None:
    """Ruling 27: on a full disk the rest goes on."""
    for hard, status in ((True, 503), (False, 200)):
        trial = Trial(answers(200, ANSWER), budgets=[month(9.0, hard=hard)])
        trial.journal.full = True
        heard = await trial.ask("POST", "/v1/chat/completions", CHAT)
        assert (heard.status, len(trial.wire.sent), trial.budget.held) == (status, int(not hard), {})
        assert (b"store_unavailable" in heard.body) is hard


# Fallbacks.


def falling(*budgets: Declared, price: float = 2.0) -> Trial:
    """Acme fails; its calls may go on to zenith, and else get a fixed answer."""
    chain = [Fallback(kind="target", target="zenith/tiny"), Fallback(kind="static", body='{"sorry":true}')]
    services = [
        service("acme", fallback=chain, retry=Retry(attempts=2, backoff=0.0)),
        service("zenith", models=[Model(id="tiny", price=Price(input=price, output=price))]),
    ]
    return Trial(answers(503, b"{}"), answers(200, ANSWER), services=services, budgets=list(budgets))


@pytest.mark.row("F4", "O2")
@pytest.mark.parametrize(
    ("budget", "served", "note"),
    [
        (month(1.0, scope=Scope(integration="zenith")), b"x-trunkline-fallback: target=zenith/tiny", ""),
        (
            month(1e-6, scope=Scope(integration="zenith")),
            b"x-trunkline-fallback: static",
            "over_budget=zenith/tiny",
        ),
        (
            month(1e-6, scope=Scope(model="zenith/*"), hard=False),
            b"x-trunkline-fallback: target=zenith/tiny",
            "",
        ),
    ],
    ids=["enough", "too little", "soft"],
)
async def test_a_fallback_that_its_budget_does_not_allow_is_passed_over(
    budget: Declared, served: bytes, note: str
) -> None:
    trial = falling(budget)
    if note:
        trial.wire.plays[1] = answers(503, b"{}")
    heard = await trial.ask("POST", "/v1/chat/completions", CHAT)
    assert (heard.status, note in trial.ends[0].notes) == (200, True)
    assert served in heard.lines
    assert ("over_budget" in trial.ends[0].notes) is bool(note)
    assert trial.budget.held == {}


@pytest.mark.row("F4", "O2")
async def test_what_a_dearer_fallback_may_cost_is_set_aside_before_it_is_called() -> None:
    trial = falling(month(1.0), price=900.0)
    trial.wire.plays.pop()
    trial.begin("POST", "/v1/chat/completions", CHAT)
    await trial.turn()
    assert [sent.fields[0][1] for sent in trial.wire.sent] == [b"acme.test", b"zenith.test"]
    (held,) = trial.budget.held.values()
    assert held / NANO > 0.9, "a thousand tokens of the dear one"


@pytest.mark.row("O2")
@pytest.mark.parametrize(
    ("asked", "reserved"),
    [
        (b'"service_tier":"priority"', 2.0),
        (b'"service_tier": "flex"', 1.0),
        (b'"serviceTier":"SERVICE_TIER_PRIORITY"', 2.0),
        (b'"speed":"fast"', 6.0),
        (b'"content":"\\"service_tier\\":\\"priority\\""', 1.0),
    ],
)
def test_a_dearer_tier_is_set_aside_where_it_is_asked_for(asked: bytes, reserved: float) -> None:
    clock = FakeClock()
    budget = policy(clock, month(1000.0))
    exchange = call(clock)
    exchange.body = b'{"model":"acme/tiny","max_tokens":1000,%b}' % asked
    tiers = {"priority": Tier(factor=2.0), "flex": Tier(factor=0.5), "fast": Tier(factor=6.0)}
    exchange.rates = Rates("acme/tiny", Price(input=0.0, output=1000.0, service=tiers))
    budget.admit(exchange)
    assert spent(budget) == {("all", ""): (0.0, reserved)}
