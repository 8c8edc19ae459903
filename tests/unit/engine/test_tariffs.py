"""Whole calls that are no model calls, and what they cost: read from forms, JSON, headers and queries; counted by budgets."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.exchange import Exchange
from trunkline.core.flow import Budget, Fallback, Scope
from trunkline.core.pricing import FEMTO, UNPRICED
from trunkline.core.record import End
from trunkline.core.service import Operation
from trunkline.core.spend import Spend
from trunkline.core.tariff import Rung, Tariff
from trunkline.engine.tariffs import Tally, Told, compiled
from trunkline.testing import Heard, Trial, answers, request, service
from trunkline.testing.script import Play

CARD = Tariff(
    id="card", operations=["charge"], percent=2.9, call=0.3,
    amount=["answer:/amount", "request:/amount"], currency_at=["answer:/currency", "request:/currency"],
    date="2026-09-20",
)  # fmt: skip
EURO = Tariff(id="euro", operations=["charge"], percent=1.5, call=0.25, amount=["answer:/amount"], currency="EUR",
              currency_at=["answer:/currency"])  # fmt: skip
FORM = ("content-type", "application/x-www-form-urlencoded")
JSON = ("content-type", "application/json")
PATHS = {"charge": "/v1/charges", "pages": "/v1/pages", "sms": "/v1/sms"}


def shop(*tariffs: Tariff, **more: Any) -> Any:
    operations = [Operation(name=name, method="POST", path=path) for name, path in PATHS.items()]
    return service("acme", dialects=[], models=[], operations=operations, tariffs=list(tariffs), **more)


async def paid(
    tariffs: list[Tariff], play: Play, body: bytes = b"", *headers: tuple[str, str], to: str = "charge", query: str = ""
) -> End:  # fmt: skip
    trial = Trial(play, services=[shop(*tariffs)])
    await trial.ask("POST", f"/api/proxy/acme{PATHS[to]}{query}", body, *headers)
    return trial.ends[0]


@pytest.mark.row("A4")
async def test_a_charge_costs_its_share_and_its_fixed_part() -> None:
    end = await paid(
        [CARD], answers(200, b'{"amount":2000,"currency":"usd"}'), b"amount=2000&currency=usd", FORM
    )
    assert end.cost_usd == 0.88
    assert end.parts == [("amount", 2000, 29 * FEMTO // 100_000), ("call", 1, 3 * FEMTO // 10)]
    assert end.price_id.startswith("acme/card@2026-09-20#")
    assert end.notes == ""


@pytest.mark.row("A4")
@pytest.mark.parametrize(
    ("answer", "body", "header"),
    [
        (b"{}", b"amount=2000&currency=usd", FORM),
        (b"no json", b"currency=usd&amount=2000", FORM),
        (b"{}", b'{"amount":2000,"currency":"USD"}', JSON),
        (b"{}", b'{"amount":"2000","currency":"USD"}', JSON),
        (b'{"amount":2000,"currency":"usd"}', b"", FORM),
        (b'{"amount":2000,"currency":"usd"}', b"amount=9&currency=usd", FORM),
    ],
)
async def test_the_amount_is_read_from_the_answer_or_else_the_request(
    answer: bytes, body: bytes, header: tuple[str, str]
) -> None:
    assert (await paid([CARD], answers(200, answer), body, header)).cost_usd == 0.88


@pytest.mark.row("A4")
async def test_a_failed_charge_costs_nothing() -> None:
    declined = answers(402, b'{"error":{"type":"card_error"}}')
    end = await paid([CARD], declined, b"amount=2000&currency=usd", FORM)
    assert (end.state, end.cost_usd, end.parts, end.price_id) == ("error", 0.0, [], "")


@pytest.mark.row("A4")
async def test_another_currency_is_unpriced_and_never_added() -> None:
    end = await paid(
        [CARD], answers(200, b'{"amount":2000,"currency":"eur"}'), b"amount=2000&currency=eur", FORM
    )
    assert (end.cost_usd, end.parts, end.notes) == (
        -1.0,
        [("call", 1, UNPRICED)],
        "unpriced=acme/charge(EUR)",
    )


@pytest.mark.row("A4")
async def test_a_tariff_in_another_currency_is_told_as_such() -> None:
    end = await paid([CARD, EURO], answers(200, b'{"amount":2000,"currency":"eur"}'))
    assert (end.cost_usd, end.parts, end.notes) == (
        -1.0,
        [("EUR", 1, UNPRICED)],
        "cost=EUR:0.550000;unpriced=EUR",
    )
    assert end.price_id.startswith("acme/euro@undated#")


@pytest.mark.row("A4")
@pytest.mark.parametrize(
    ("tariff", "play", "body", "query", "cost", "parts"),
    [
        ({"units": ["answer:/usage/pages"]}, answers(200, b'{"usage":{"pages":7}}'), b"{}", "", 0.7, [("page", 7)]),
        ({"units": ["answer:header:X-Pages"]}, answers(200, b"%PDF", (b"x-pages", b"3")), b"{}", "", 0.3, [("page", 3)]),
        ({"units": ["request:/parts/*/pages"]}, answers(200, b"{}"), b'{"parts":[{"pages":1},{"pages":2}]}', "", 0.3, [("page", 3)]),
        ({"units": ["count:request:/to/*"]}, answers(200, b"{}"), b'{"to":["a","b"]}', "", 0.2, [("page", 2)]),
        ({"units": ["request:query:n"]}, answers(200, b"{}"), b"{}", "?n=4", 0.4, [("page", 4)]),
        ({"units": ["request:bytes"]}, answers(200, b"{}"), b"12345", "", 0.5, [("page", 5)]),
        ({"units": ["answer:bytes"]}, answers(200, b"1234"), b"{}", "", 0.4, [("page", 4)]),
        ({}, answers(200, b"{}"), b"{}", "", 0.1, [("page", 1)]),
        ({"units": ["answer:/usage/pages"]}, answers(200, b"{}"), b"{}", "", -1.0, [("page", 1)]),
        ({"units": ["answer:/n"]}, answers(200, b'{"n":-4}'), b"{}", "", -1.0, [("page", 1)]),
        ({"units": ["answer:/n"]}, answers(200, b'{"n":true}'), b"{}", "", -1.0, [("page", 1)]),
        ({"units": ["answer:/n"]}, answers(200, b'{"n":"1e999999999"}'), b"{}", "", -1.0, [("page", 1)]),
        ({"units": ["answer:/n"]}, answers(200, b'{"n":"NaN"}'), b"{}", "", -1.0, [("page", 1)]),
        ({"units": ["answer:/n"]}, answers(200, b'{"n":99999999999999999999999999}'), b"{}", "", -1.0, [("page", 1)]),
    ],
)  # fmt: skip
async def test_units_are_read_where_a_call_tells_them(
    tariff: dict[str, Any], play: Play, body: bytes, query: str, cost: float, parts: list[tuple[str, int]]
) -> None:
    made = Tariff(id="t", unit="page", usd=0.1, **tariff)
    end = await paid([made], play, body, JSON, to="pages", query=query)
    assert (end.cost_usd, [(name, n) for name, n, _ in end.parts]) == (cost, parts)
    assert (end.notes == "unpriced=page") == (cost < 0)


@pytest.mark.row("A4")
async def test_the_first_tariff_that_fits_holds_and_one_without_figures_of_its_own_operation_costs_as_before() -> (
    None
):
    replayed = Tariff(id="replayed", when={"answer:header:idempotent-replayed": "true"}, call=0.0)
    again = answers(200, b'{"amount":2000,"currency":"usd"}', (b"idempotent-replayed", b"true"))
    end = await paid([replayed, CARD], again)
    assert (end.cost_usd, end.price_id.partition("@")[0]) == (0.0, "acme/replayed")
    end = await paid([replayed, CARD], answers(200, b'{"amount":2000,"currency":"usd"}'))
    assert end.cost_usd == 0.88
    end = await paid([CARD], answers(200, b"{}"), to="pages")
    assert (end.cost_usd, end.parts, end.notes) == (-1.0, [], "")


SMS = Tariff(
    id="sms",
    operations=["sms"],
    unit="segment",
    units=["answer:/segments"],
    usd=0.01,
    steps=[Rung(above=5, usd=0.005)],
)


@pytest.mark.row("A4")
async def test_a_month_is_counted_and_is_the_same_after_a_restart() -> None:
    plays = [answers(200, b'{"segments":3}') for _ in range(3)]
    trial = Trial(*plays, services=[shop(SMS)])
    for _ in plays:
        await trial.ask("POST", "/api/proxy/acme/v1/sms", b"{}", JSON)
    assert [end.cost_usd for end in trial.ends] == [0.03, 0.025, 0.015]
    booked = Spend()
    for record in trial.journal.records:
        booked.note(record)
    tally = Tally()
    tally.take_over(booked.units)
    at_us = int(trial.clock.wall() * 1e6)
    assert tally.before("acme/sms", at_us) == 9
    assert tally.before("acme/sms", at_us + 40 * 86_400_000_000) == 0


@pytest.mark.row("A4")
@pytest.mark.row("O2")
async def test_budgets_set_aside_what_a_charge_may_cost_and_count_what_it_did() -> None:
    budget = Budget(name="shop", usd=1.0, per="month", scope=Scope(integration="acme"))
    trial = Trial(answers(200, b'{"amount":1000,"currency":"usd"}'), services=[shop(CARD)], budgets=[budget])
    refused = await trial.ask("POST", "/api/proxy/acme/v1/charges", b"amount=5000&currency=usd", FORM)
    assert refused.status == 402
    assert b"over_budget" in refused.body
    assert (
        await trial.ask("POST", "/api/proxy/acme/v1/charges", b"amount=1000&currency=usd", FORM)
    ).status == 200
    standing = trial.budget.standings()[0]
    assert (standing.spent_usd, standing.reserved_usd, standing.unpriced) == (0.59, 0.0, 0)


@pytest.mark.row("A4")
@pytest.mark.parametrize(("unpriced", "status", "counted"), [("warn", 200, 1), ("block", 402, 0)])
async def test_a_call_that_no_tariff_fits_is_counted_as_unpriced_or_blocked(
    unpriced: Any, status: int, counted: int
) -> None:
    budget = Budget(name="shop", usd=1.0, unpriced=unpriced)
    trial = Trial(answers(200, b'{"amount":1000,"currency":"eur"}'), services=[shop(CARD)], budgets=[budget])
    heard = await trial.ask("POST", "/api/proxy/acme/v1/charges", b"amount=1000&currency=eur", FORM)
    assert heard.status == status
    assert trial.budget.standings()[0].unpriced == counted


@pytest.mark.row("A4")
async def test_a_call_led_elsewhere_costs_what_it_costs_there() -> None:
    there = Tariff(id="there", call=0.07)
    zenith = service("zenith", dialects=[], models=[], tariffs=[there])
    acme = shop(CARD, fallback=[Fallback(kind="target", target="zenith")])
    trial = Trial(*[answers(500, b"{}")] * 3, answers(200, b"{}"), services=[acme, zenith])
    await trial.ask("GET", "/api/proxy/acme/v1/charges")
    assert [(end.cost_usd, end.price_id.partition("@")[0]) for end in trial.ends] == [(0.07, "zenith/there")]


def breaks_off(sent: Any) -> None:
    """A whole answer was announced, and half of it came."""
    sent.begin(200, (b"content-type", b"application/json"), (b"content-length", b"20"))
    sent.piece(b'{"ok":')
    sent.cut()


@pytest.mark.row("A4")
async def test_a_read_that_was_paid_and_thrown_away_is_counted_beside() -> None:
    acme = shop(Tariff(id="any", call=0.02))
    trial = Trial(breaks_off, answers(500, b"{}"), answers(200, b"{}"), services=[acme])
    await trial.ask("GET", "/api/proxy/acme/v1/pages")
    end = trial.ends[0]
    assert [one.code for one in end.tried] == ["network", "server_error", ""]
    assert (end.cost_usd, end.wasted_usd) == (0.02, 0.02)


def test_an_integration_without_tariffs_has_nothing_compiled() -> None:
    assert compiled(service(), Tally()) is None


def test_forms_are_trees() -> None:
    asked = request("POST", "/", b"a=1&card[number]=4242&items[0][price]=x&tags[]=u&tags[]=v&a[b]=2", FORM)
    told = Told(Exchange(asked, Heard(), "call-1", 0.0, 0.0), None)
    places = (
        "request:/a",
        "request:/card/number",
        "request:/items/0/price",
        "count:request:/tags/*",
        "request:/no",
    )
    assert [told.text((place,)) for place in places] == ["1", "4242", "x", "2", ""]
