"""What calls cost that are no model calls, worked out with decimals: by call, unit, share and step; never rounded before the end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.pricing import FEMTO, UNPRICED
from trunkline.core.tariff import Rate, Rung, Tariff, counted, digits_of

AT_100 = {"unit": "segment", "usd": 0.01, "steps": [Rung(above=100, usd=0.005)]}
AT_2 = {"unit": "u", "usd": 1.0, "steps": [Rung(above=2, usd=0.5)]}
THREE = {"unit": "u", "usd": 1.0, "steps": [Rung(above=2, usd=0.5), Rung(above=4, usd=0.1)]}
MINUTE = {"unit": "second", "usd": 0.0043, "per": 60}
CASES: list[tuple[str, dict[str, Any], str | None, str | None, int, str, list[tuple[str, int, str]]]] = [
    # what, tariff, amount, units, units of the month before, cost, parts with USD each
    ("a call", {"call": 0.1}, None, None, 0, "0.1", [("call", 1, "0.1")]),
    ("a free call", {"call": 0.0}, None, None, 0, "0", [("call", 1, "0")]),
    ("stripe, 20 dollars", {"percent": 2.9, "call": 0.3}, "2000", None, 0, "0.88", [("amount", 2000, "0.00029"), ("call", 1, "0.3")]),
    ("stripe, a cent", {"percent": 2.9, "call": 0.3}, "1", None, 0, "0.30029", [("amount", 1, "0.00029"), ("call", 1, "0.3")]),
    ("yen have no cents", {"percent": 3.6, "currency": "JPY"}, "1000", None, 0, "36", [("amount", 1000, "0.036")]),
    ("dinars have mils", {"percent": 1.0, "currency": "KWD"}, "1000", None, 0, "0.01", [("amount", 1000, "0.00001")]),
    ("told in dollars", {"percent": 1.5, "minor": False}, "12.34", None, 0, "0.1851", [("amount", 1234, "0.00015")]),
    ("capped", {"percent": 0.8, "most": 5.0}, "100000000", None, 0, "5", [("most", 1, "5")]),
    ("not capped", {"percent": 0.8, "most": 5.0}, "1000", None, 0, "0.08", [("amount", 1000, "0.00008")]),
    ("at least", {"percent": 1.5, "least": 0.5}, "100", None, 0, "0.5", [("least", 1, "0.5")]),
    ("pages", {"unit": "page", "usd": 0.05}, None, "7", 0, "0.35", [("page", 7, "0.05")]),
    ("no page", {"unit": "page", "usd": 0.05}, None, "0", 0, "0", []),
    ("part of a second", MINUTE, None, "12.345", 0, "0.000884725", [("second/1000", 12345, "0.000000071666667")]),
    ("minutes begun", {**MINUTE, "started": True}, None, "61", 0, "0.0086", [("60 second", 2, "0.0043")]),
    ("bytes", {"unit": "byte", "usd": 0.09, "per": 1_000_000}, None, "2345678", 0, "0.21111102", [("byte", 2345678, "0.00000009")]),
    ("graduated, below", AT_100, None, "3", 0, "0.03", [("segment", 3, "0.01")]),
    ("graduated, across", AT_100, None, "4", 98, "0.03", [("segment", 2, "0.01"), ("segment", 2, "0.005")]),
    ("graduated, three", THREE, None, "6", 1, "2.3", [("u", 1, "1"), ("u", 2, "0.5"), ("u", 3, "0.1")]),
    ("graduated, above", AT_2, None, "2", 9, "1", [("u", 2, "0.5")]),
    ("the first are free", {**AT_2, "usd": 0.0}, None, "3", 0, "0.5", [("u", 2, "0"), ("u", 1, "0.5")]),
    ("volume, below", {**AT_2, "tiers": "volume"}, None, "1", 1, "1", [("u", 1, "1")]),
    ("volume, reached", {**AT_2, "tiers": "volume"}, None, "2", 1, "1", [("u", 2, "0.5")]),
    ("calls by steps", {"unit": "call", "usd": 1.0, "steps": [Rung(above=1, usd=0.5)]}, None, "1", 1, "0.5", [("call", 1, "0.5")]),
]  # fmt: skip


@pytest.mark.row("A4")
@pytest.mark.parametrize(("what", "tariff", "amount", "units", "before", "cost", "parts"), CASES)
def test_a_tariff_comes_to(
    what: str, tariff: dict[str, Any], amount: str | None, units: str | None, before: int, cost: str, parts: list[Any]
) -> None:  # fmt: skip
    bill = Rate("acme", Tariff(id="t", **tariff)).bill(
        None if amount is None else Decimal(amount), None if units is None else Decimal(units), before
    )
    assert [(name, n, femto) for name, n, femto in bill.parts] == [
        (name, n, int((Decimal(each) * FEMTO).to_integral_value())) for name, n, each in parts
    ]
    assert bill.cost_usd == pytest.approx(float(cost), abs=1e-9)


@pytest.mark.row("A4")
def test_what_cannot_be_read_has_no_price_and_is_never_nothing() -> None:
    share = Rate("acme", Tariff(id="t", percent=2.9, call=0.3)).bill(None, None, 0)
    assert share.parts == [("amount", 1, UNPRICED), ("call", 1, 3 * FEMTO // 10)]
    assert Rate("acme", Tariff(id="t", unit="page", usd=1.0)).bill(None, None, 0).parts == [
        ("page", 1, UNPRICED)
    ]
    sms = Rate("acme", Tariff(id="t", unit="segment", usd=0.01, beside=["carrier_fee"])).bill(
        None, Decimal(2), 0
    )
    assert (sms.cost_usd, sms.parts) == (0.02, [("segment", 2, FEMTO // 100), ("carrier_fee", 1, UNPRICED)])


@given(st.lists(st.integers(0, 40), max_size=12))
def test_graduated_steps_cost_the_same_however_a_month_is_cut_into_calls(calls: list[int]) -> None:
    steps = [Rung(above=10, usd=0.5), Rung(above=50, usd=0.25)]
    rate = Rate("acme", Tariff(id="t", unit="u", usd=1.0, steps=steps))
    before, sum_femto = 0, 0
    for n in calls:
        bill = rate.bill(None, Decimal(n), before)
        assert counted(bill.price_id, bill.parts) == ("acme/t", n)
        before += n
        sum_femto += sum(units * femto for _, units, femto in bill.parts)
    assert sum_femto == sum(n * f for _, n, f in rate.bill(None, Decimal(sum(calls)), 0).parts)


def test_the_id_of_a_price_changes_with_its_figures_and_tells_whether_a_month_is_counted() -> None:
    plain = Rate("acme", Tariff(id="t", call=1.0, date="2026-11-01")).id
    assert plain.startswith("acme/t@2026-11-01#")
    assert (
        Rate("acme", Tariff(id="t", call=1.0, date="2026-11-01", title="other words", source="elsewhere")).id
        == plain
    )
    assert Rate("acme", Tariff(id="t", call=2.0, date="2026-11-01")).id != plain
    assert counted(plain, [("call", 1, FEMTO)]) == ("", 0)
    assert [digits_of(currency) for currency in ("USD", "JPY", "KWD", "ISK")] == [2, 0, 3, 2]
