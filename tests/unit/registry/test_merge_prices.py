"""Discounts: what they lessen, what they leave."""

from __future__ import annotations

import pytest

from trunkline.registry.merge_prices import idle, less
from trunkline.registry.shape_vendor import Model, Price, Step, Tier

MODEL = Model(
    id="big-1",
    price=Price(
        input=0.6,
        output=3.0,
        cached=0.06,
        long=[Step(above=1000, input=1.2)],
        service={"batch": Tier(factor=0.5), "flex": Tier(input=0.3, long=[Step(above=1000, output=1.0)])},
        fees={"web_search": 0.01},
        date="2026-11-21",
    ),
)


@pytest.mark.row("A4")
def test_all_figures_are_less_and_what_follows_another_figure_still_does() -> None:
    assert less(MODEL, "a list", {"big-*": 0.1, "*": 0.5}).price == Price(
        input=0.54,
        output=2.7,
        cached=0.054,
        long=[Step(above=1000, input=1.08)],
        service={"batch": Tier(factor=0.5), "flex": Tier(input=0.27, long=[Step(above=1000, output=0.9)])},
        fees={"web_search": 0.009},
        source="a list, less 10 %",
        date="2026-11-21",
    )


def test_a_model_that_no_line_fits_or_without_a_price_stays() -> None:
    assert less(MODEL, "a list", {"small-*": 0.1}) is MODEL
    bare = Model(id="big-2")
    assert less(bare, "a list", {"*": 0.1}) is bare


def test_lines_that_can_never_hold_are_found() -> None:
    assert idle(["a-1", "b-1"], {"a-*": 0.1, "*-1": 0.2, "b-*": 0.3, "c": 0.4}) == ["b-*", "c"]
