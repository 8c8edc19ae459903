"""What is known of models, joined from catalog, table and registry; and who fits what somebody looks for."""

from __future__ import annotations

from datetime import date

import pytest

from trunkline.registry import catalog, model_list
from trunkline.registry.model_list import Known, Wanted, price_age, shipped

from .conftest import Load

WITHOUT = {"jina", "nscale", "nvidia"}
OWN = """\
version: 1
integrations:
  openai:
    secret: env:A
    models: [{id: gpt-5, price: {input: 1, output: 2}}, {id: mine, context: 100}]
    discounts: {"gpt-4o*": 0.5}
  llm: {base_url: "https://llm.example.com", auth: {kind: none}, dialects: [{name: openai-chat, path: /v1}], models: [{id: large}]}
"""


@pytest.fixture
def known(loaded: Load) -> dict[str, Known]:
    return {one.id: one for one in model_list.known(loaded(OWN).snapshot.services)}


@pytest.mark.row("A4")
def test_a_figure_of_the_catalog_says_where_and_when_it_was_read(known: dict[str, Known]) -> None:
    told = known["openai/gpt-5-mini"]
    assert (told.origin, told.overridden, told.vendor) == ("catalog", [], "openai")
    assert {"context", "max_output", "price", "features", "shutdown"} <= set(told.sources)
    for source in told.sources.values():
        assert source.name
        assert date.fromisoformat(source.date) <= date(2026, 11, 21)
    assert told.sources["shutdown"].name == catalog.entry("openai").shutdowns.source  # type: ignore[union-attr]


@pytest.mark.row("A4")
def test_what_the_registry_says_otherwise_is_told_and_has_no_source_of_the_catalog(
    known: dict[str, Known],
) -> None:
    told = known["openai/gpt-5"]
    assert (told.origin, told.overridden, told.price and told.price.source) == (
        "catalog",
        ["price"],
        "registry",
    )
    assert "price" not in told.sources
    assert "context" in told.sources
    mine, large = known["openai/mine"], known["llm/large"]
    assert (mine.origin, mine.context, mine.sources) == ("registry", 100, {})
    assert (large.origin, large.vendor) == ("registry", "")


@pytest.mark.row("A4")
def test_a_discount_is_an_override_that_tells_both(known: dict[str, Known]) -> None:
    price = known["openai/gpt-4o"].price
    assert price is not None
    assert (price.input, price.output, price.source) == (1.25, 5.0, "genai-prices 0.2.3 (PyPI), less 50 %")
    assert known["openai/gpt-4o"].overridden == ["price"]


def test_a_dated_name_is_another_name_of_its_model(known: dict[str, Known]) -> None:
    dated, main = known["openai/gpt-4o-2024-08-06"], known["openai/gpt-4o"]
    assert (dated.alias_of, main.alias_of) == ("openai/gpt-4o", "")
    assert "gpt-4o-2024-08-06" in main.aliases
    assert (dated.features, dated.context) == (main.features, main.context)


SEEN = Known(
    id="a/small-1", integration="a", vendor="v", model="small-1", kind="chat", aliases=["mini"], context=1000, max_output=100,
    features=["tools", "vision"], input=["text", "image"], shutdown="2027-01-01", origin="catalog",
)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(text="SMALL a/"), True),
        (Wanted(text="mini"), True),
        (Wanted(text="small large"), False),
        (Wanted(integration="b"), False),
        (Wanted(vendor="v", kind="chat"), True),
        (Wanted(kind="embedding"), False),
        (Wanted(features=("tools", "vision")), True),
        (Wanted(features=("tools", "audio")), False),
        (Wanted(takes=("image",)), True),
        (Wanted(takes=("pdf",)), False),
        (Wanted(context=1000, output=100), True),
        (Wanted(context=1001), False),
        (Wanted(output=101), False),
        (Wanted(under=100.0), False),
        (Wanted(ends_before="2027-01-02"), True),
        (Wanted(ends_before="2027-01-01"), False),
    ],
)
def test_who_fits(wanted: Wanted, fits: bool) -> None:
    assert wanted.fits(SEEN) is fits


def test_the_whole_catalog_can_be_read_and_the_age_is_that_of_the_oldest_price() -> None:
    told = model_list.shipped()
    assert {one.vendor for one in told} >= {"openai", "dashscope", "zai"}
    assert price_age(told, date(2026, 11, 21)) == 95
    assert price_age([SEEN], date(2026, 11, 21)) is None


@pytest.mark.row("A4")
def test_priced_models_name_their_vendors_own_page_of_prices() -> None:
    """Of those that are left none was found that could be believed."""
    without = {
        one.vendor for one in shipped() if one.price is not None and not one.pricing.startswith("https://")
    }
    assert without == WITHOUT
