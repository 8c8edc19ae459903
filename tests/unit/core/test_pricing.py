"""What usage costs: every kind of token and fee, tiers and steps, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from trunkline.core.ports import Reading
from trunkline.core.price import Price, Step, Tier
from trunkline.core.pricing import FEMTO, Bill, Rates, bill, cost_of, lacks_price
from trunkline.registry.model_table import table


def told(price: Price, **counts: Any) -> dict[str, Decimal]:
    """The parts of a bill in microdollars."""
    billed = bill(Rates("acme/tiny", price), Reading(**counts))
    assert billed is not None
    return {name: units * Decimal(femto) / 10**9 for name, units, femto in billed.parts}


@pytest.mark.row("O1")
@pytest.mark.parametrize(
    ("price", "counts", "parts"),
    [
        (Price(input=3.0, output=15.0), {"input": 10, "output": 2}, {"input": 30, "output": 30}),
        (
            Price(input=3.0, output=15.0, cached=0.3),
            {"input": 10, "output": 0, "cached": 9},
            {"input": 3, "cached": Decimal("2.7")},
        ),
        (
            Price(input=3.0, cached=0.3, cache_write=3.75, cache_write_1h=6.0),
            {"input": 100, "output": -1, "cached": 10, "cache_write": 50, "cache_write_1h": 20},
            {"input": 120, "cached": 3, "cache_write": Decimal("112.5"), "cache_write_1h": 120},
        ),
        (
            Price(input=1.0, output=4.0, audio_input=10.0, audio_output=20.0, audio_cached=2.0),
            {
                "input": 100,
                "output": 50,
                "audio_input": 40,
                "audio_output": 30,
                "cached": 20,
                "audio_cached": 10,
            },
            {
                "input": 50,
                "cached": 10,
                "audio_input": 300,
                "audio_cached": 20,
                "output": 80,
                "audio_output": 600,
            },
        ),
        (
            Price(input=1.0, output=4.0, image_input=8.0, image_output=30.0),
            {"input": 100, "output": 50, "image_input": 90, "image_output": 50},
            {"input": 10, "image_input": 720, "image_output": 1500},
        ),
        (
            Price(input=2.0, output=8.0, reasoning=3.0),
            {"input": 1, "output": 10, "reasoning": 6},
            {"input": 2, "output": 32, "reasoning": 18},
        ),
        (
            Price(input=1.0, fees={"web_search": 0.01, "web_fetch": 0.0}),
            {"input": 1, "output": 0, "fees": {"web_search": 3, "web_fetch": 2}},
            {"input": 1, "web_search": 30_000, "web_fetch": 0},
        ),
        (Price(fees={"call": 0.005}), {"input": 0, "output": 0}, {"call": 5000}),
        (Price(), {"input": 5, "output": 5}, {"input": 0, "output": 0}),
    ],
)
def test_every_kind_has_its_own_figure(
    price: Price, counts: dict[str, Any], parts: dict[str, Decimal]
) -> None:
    assert told(price, **counts) == parts


LONG = Price(
    input=2.0, output=10.0, cached=0.2, cache_write=2.5, date="2026-11-21",
    long=[Step(above=200_000, input=4.0, output=15.0)],
    service={"batch": Tier(factor=0.5), "priority": Tier(input=4.0, output=20.0), "us": Tier(factor=1.1)},
)  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "sheet"),
    [
        ({"input": 200_000}, (2, "0.2", "2.5", 10)),
        ({"input": 200_001}, (4, "0.4", 5, 15)),
        ({"input": 10, "tier": "batch"}, (1, "0.1", "1.25", 5)),
        ({"input": 10, "tier": "batch+us"}, ("1.1", "0.11", "1.375", "5.5")),
        ({"input": 300_000, "tier": "batch"}, (2, "0.2", "2.5", "7.5")),
        ({"input": 10, "tier": "priority"}, (4, "0.4", 5, 20)),
        ({"input": 300_000, "tier": "priority"}, (8, "0.8", 10, 30)),
        ({"input": 10, "tier": "default"}, (2, "0.2", "2.5", 10)),
        ({"input": 10, "tier": "on_demand"}, (2, "0.2", "2.5", 10)),
    ],
)
def test_long_inputs_and_service_tiers_change_every_figure(
    counts: dict[str, Any], sheet: tuple[Any, ...]
) -> None:
    found, _ = Rates("a/b", LONG).sheet(counts.get("tier", ""), counts["input"])
    assert tuple(Decimal(found[n]) / 10**9 for n in (0, 1, 2, 8)) == tuple(map(Decimal, sheet))


def test_the_id_of_a_price_names_model_date_figures_tier_and_step() -> None:
    rates = Rates("acme/tiny", LONG)
    usual, long = rates.sheet("", 10)[1], rates.sheet("batch", 300_000)[1]
    assert usual.startswith("acme/tiny@2026-11-21#")
    assert long == f"{usual}+batch>200000"
    assert rates.sheet("turbo", 10)[1] == f"{usual}+turbo?"


def test_other_figures_have_another_id_and_another_source_has_not() -> None:
    one, two = Price(input=2.0, source="here"), Price(input=2.0, source="there")
    assert Rates("a/b", one).id == Rates("a/b", two).id
    assert Rates("a/b", one).id != Rates("a/b", Price(input=2.1)).id


def test_a_fee_that_nobody_knows_is_told_and_not_counted_as_nothing() -> None:
    billed = bill(Rates("a/b", Price(input=1.0)), Reading(input=1, output=0, fees={"web_search": 2}))
    assert billed is not None
    assert (billed.cost_usd, billed.parts[1]) == (1e-6, ("web_search", 2, -1))
    assert cost_of(billed.parts[1]) is None


def test_what_the_vendor_tells_wins_and_needs_no_price() -> None:
    billed = bill(None, Reading(input=9, output=9, told_usd=0.00014575))
    assert billed == Bill(0.00014575, [("told", 1, 145_750_000_000)], "told")


def test_without_a_price_there_is_no_bill() -> None:
    assert bill(None, Reading(input=9, output=9)) is None
    assert bill(Rates("a/b", Price(input=1.0)), Reading()) is None


_COUNT = st.integers(0, 10**7)


@given(
    st.fixed_dictionaries(
        dict.fromkeys(
            ("input", "cached", "cache_write", "cache_write_1h", "audio_input", "audio_cached", "image_input",
             "image_cached", "output", "reasoning", "audio_output", "image_output"),
            _COUNT,
        )
    )
)  # fmt: skip
def test_every_token_is_billed_once_whatever_the_vendor_says_of_its_parts(counts: dict[str, int]) -> None:
    billed = bill(Rates("a/b", Price(input=3.0, output=15.0, cached=0.3)), Reading(**counts))
    assert billed is not None
    into = (
        "input",
        "cached",
        "cache_write",
        "cache_write_1h",
        "audio_input",
        "audio_cached",
        "image_input",
        "image_cached",
    )
    assert sum(n for name, n, _ in billed.parts if name in into) == counts["input"]
    assert sum(n for name, n, _ in billed.parts if name not in into) == counts["output"]
    assert all(n >= 0 for _, n, _ in billed.parts)
    assert billed.cost_usd == sum(n * femto for _, n, femto in billed.parts) / FEMTO


@given(
    st.sampled_from((Price(input=3.0, output=15.0), replace(LONG, fees={"web_search": 0.01}))),
    st.fixed_dictionaries(
        {"input": _COUNT, "cached": _COUNT, "output": st.integers(-1, 10**7), "reasoning": _COUNT}
    ),
    st.sampled_from(("", "default", "batch", "turbo")),
)
def test_tokens_of_text_cost_by_the_short_way_what_they_cost_by_the_long(
    price: Price, counts: dict[str, int], tier: str
) -> None:
    """A fee that is free changes no bill, and has it made the long way."""
    rates = Rates("a/b", price)
    long = bill(rates, Reading(**counts, tier=tier, fees={"web_fetch": 1}))
    assert bill(rates, Reading(**counts, tier=tier)) == long
    assert long is not None


def test_fees_without_a_price_are_named_and_what_is_free_or_counted_twice_is_not() -> None:
    price = Price(input=1.0, fees={"web_search": 0.014})
    used_fees = {"web_search": 2, "grounded": 1, "web_fetch": 3, "container": 1}
    billed = bill(Rates("a/m", price), Reading(input=0, output=0, fees=used_fees))
    assert billed is not None
    assert [part for part in billed.parts if part[0] != "input"] == [
        ("web_search", 2, 14 * FEMTO // 1000), ("container", 1, -1),
    ]  # fmt: skip
    assert (billed.cost_usd, lacks_price(billed.parts)) == (0.028, True)


def test_a_dearer_tier_that_is_asked_for_is_expected_and_a_cheaper_one_is_not_counted_on() -> None:
    rates = Rates(
        "acme/tiny",
        Price(input=1.0, output=2.0, service={"priority": Tier(factor=2.0), "flex": Tier(factor=0.5)}),
    )
    asked = ((), ("priority",), ("flex",), ("auto",), ("never-heard-of",), ("flex", "priority"))
    assert [rates.about_usd(1_000_000, 0, tiers=tiers) for tiers in asked] == [1.0, 2.0, 1.0, 1.0, 1.0, 2.0]


@pytest.mark.row("A4")
@pytest.mark.parametrize(("model", "fee_usd"), [("gemini-2.5-flash", 0.035), ("gemini-3.5-flash", 3 * 0.014)])
def test_gemini_2_bills_a_grounded_answer_and_gemini_3_each_search(model: str, fee_usd: float) -> None:
    """ai.google.dev/gemini-api/docs/google-search: up to 2.5 by the prompt, from 3 on by the query."""
    found = table("gemini")
    assert found is not None
    written = next(row.price for row in found.models if row.id == model)
    assert written is not None
    price = msgspec.convert(msgspec.to_builtins(written), Price)
    billed = bill(
        Rates(f"gemini/{model}", price), Reading(input=0, output=0, fees={"web_search": 3, "grounded": 1})
    )
    assert billed is not None
    assert (billed.cost_usd, lacks_price(billed.parts)) == (pytest.approx(fee_usd), False)
