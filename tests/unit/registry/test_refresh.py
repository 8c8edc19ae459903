"""What the package genai-prices says, as prices of the table. The package itself is not needed: its values are played."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace as Played
from typing import Any

from trunkline.registry import refresh
from trunkline.registry.model_table import Row, Source, Table
from trunkline.registry.shape_vendor import Price, Step, Tier

DAY = date(2026, 11, 21)


def tiered(usual: str, above: int, then: str) -> Any:
    return Played(base=Decimal(usual), tiers=[Played(start=above, price=Decimal(then))])


def model(prices: Any, *variants: Any, window: int | None = None) -> Any:
    return Played(prices=prices, price_variants=list(variants) or None, context_window=window)


def flat(**figures: str) -> Any:
    return Played(**{name: Decimal(figure) for name, figure in figures.items()})


def variant(when: dict[str, str], prices: Any, start: date | None = None) -> Any:
    return Played(when=when, prices=prices, constraint=Played(start_date=start) if start else None)


def priced(told: Any) -> dict[str, Any]:
    return dict(refresh._plain(refresh.price_of(told, DAY)))


def test_figures_and_fees_get_their_names_here() -> None:
    told = model(
        flat(input_mtok="4", output_mtok="20", cache_read_mtok="0.2", cache_write_1h_mtok="8", web_searches_kcount="10")
    )  # fmt: skip
    assert priced(told) == {
        "input": 4.0,
        "output": 20.0,
        "cached": 0.2,
        "cache_write_1h": 8.0,
        "fees": {"web_search": 0.01},
    }


def test_long_inputs_are_steps_and_what_changes_as_input_does_is_not_said() -> None:
    told = model(
        Played(
            input_mtok=tiered("2", 200_000, "4"),
            cache_read_mtok=tiered("0.2", 200_000, "0.4"),
            output_mtok=tiered("12", 200_000, "18"),
        )
    )
    assert priced(told) == {
        "input": 2.0,
        "output": 12.0,
        "cached": 0.2,
        "long": [{"above": 200_000, "input": 4.0, "output": 18.0}],
    }


def test_a_service_tier_is_a_factor_where_all_differ_by_one() -> None:
    usual = flat(input_mtok="2", output_mtok="8", cache_read_mtok="0.5")
    half = variant({"service_tier": "flex"}, flat(input_mtok="1", output_mtok="4", cache_read_mtok="0.25"))
    uneven = variant({"processing": "batch"}, flat(input_mtok="1", output_mtok="4"))
    nothing = variant({"service_tier": "default"}, flat())
    later = variant({"service_tier": "priority"}, flat(input_mtok="9"), start=date(2027, 1, 1))
    assert priced(model(usual, half, uneven, nothing, later))["service"] == {
        "flex": {"factor": 0.5},
        "batch": {"input": 1.0, "output": 4.0, "cached": 0.5},
    }


def test_a_tier_without_steps_costs_the_same_at_all_lengths() -> None:
    usual = Played(input_mtok=tiered("5", 272_000, "10"), output_mtok=tiered("30", 272_000, "45"))
    told = model(usual, variant({"service_tier": "priority"}, flat(input_mtok="12.5", output_mtok="75")))
    assert priced(told)["service"]["priority"] == {
        "input": 12.5,
        "output": 75.0,
        "long": [{"above": 272_000, "input": 12.5, "output": 75.0}],
    }


def test_the_price_that_holds_now_is_taken_and_none_of_certain_hours() -> None:
    told = model(
        [
            Played(constraint=None, prices=flat(input_mtok="1")),
            Played(constraint=Played(start_date=date(2026, 8, 17)), prices=flat(input_mtok="2")),
            Played(constraint=Played(start_date=date(2027, 8, 17)), prices=flat(input_mtok="3")),
            Played(constraint=Played(start_time=1), prices=flat(input_mtok="9")),
        ]
    )
    assert priced(told) == {"input": 2.0}


def test_what_was_read_elsewhere_stays() -> None:
    made = Table(
        vendor="acme",
        built="2026-01-01",
        sources={
            "genai": Source(name="genai-prices 0", date="2026-01-01"),
            "page": Source(name="p", date="2026-01-01"),
        },
        figures={"price": "genai", "context": "page"},
        models=[
            Row(id="a", price=Price(input=1.0)),
            Row(id="b", price=Price(input=1.0), context=5, sources={"price": "page"}),
            Row(id="unknown", price=Price(input=1.0)),
        ],
    )
    known = {
        "a": model(flat(input_mtok="2"), variant({"processing": "batch"}, flat(input_mtok="1")), window=9),
        "b": model(Played(input_mtok=tiered("3", 10, "4")), window=9),
    }
    new = refresh.refreshed(made, Played(find_model=known.get), DAY, "genai-prices 1")
    assert new.models == [
        Row(
            id="a",
            price=Price(input=2.0, service={"batch": Tier(factor=0.5)}),
            context=9,
            sources={"context": "genai"},
        ),
        made.models[1],
        made.models[2],
    ]
    assert (new.built, new.sources["genai"]) == (
        "2026-11-21",
        Source(name="genai-prices 1", date="2026-11-21"),
    )
    assert Step not in {type(step) for row in new.models if row.price for step in row.price.long}


def test_gemini_up_to_2_is_billed_by_the_grounded_answer_and_later_ones_by_the_search() -> None:
    made = Table(
        vendor="gemini",
        built="2026-01-01",
        sources={},
        figures={"price": "genai"},
        models=[Row(id="gemini-2.5-flash"), Row(id="gemini-3.5-flash")],
    )
    told = model(flat(input_mtok="1", web_searches_kcount="35"))
    new = refresh.refreshed(made, Played(find_model=lambda _: told), DAY, "genai-prices 1.0 (PyPI)")
    assert [row.price and row.price.fees for row in new.models] == [
        {"grounded": 0.035},
        {"web_search": 0.035},
    ]
