"""Tariffs of the registry and of the catalog: joined by id, lessened by discounts, refused where they say nothing."""

from __future__ import annotations

import pytest

from trunkline.core.tariff import Tariff
from trunkline.registry import catalog
from trunkline.registry.verify_tariffs import faults

from .conftest import Load, Refused

HEAD = "version: 1\nintegrations:\n"


def tariffs(loaded: Load, text: str, name: str) -> dict[str, Tariff]:
    snapshot = loaded(HEAD + text, environ={"K": "x"}).snapshot
    return {one.id: one for service in snapshot.services if service.name == name for one in service.tariffs}


@pytest.mark.row("A4")
def test_the_catalogs_tariffs_hold_with_their_sources(loaded: Load) -> None:
    found = tariffs(loaded, "  stripe: {secret: env:K}\n", "stripe")
    card = found["us-card"]
    assert (card.percent, card.call, card.source, card.date) == (
        2.9,
        0.3,
        "https://stripe.com/pricing",
        "2026-09-20",
    )
    assert tariffs(loaded, "  twilio: {secret: env:K}\n", "twilio") == {}


@pytest.mark.row("A4")
def test_the_registry_chooses_changes_and_adds_tariffs_before_the_catalogs(loaded: Load) -> None:
    found = tariffs(
        loaded,
        "  twilio: {secret: env:K, tariffs: [{id: us-sms, usd: 0.007}, {id: us-mms}, {id: mine, operations: [create_call], call: 0.01}]}\n",
        "twilio",
    )
    assert list(found) == ["us-sms", "us-mms", "mine"]
    sms, mms, mine = found.values()
    assert (sms.usd, sms.unit, sms.beside, sms.source, sms.date) == (
        0.007,
        "segment",
        ["carrier_fee"],
        "registry",
        "",
    )
    assert (mms.usd, mms.source, mms.date) == (
        0.022,
        "https://www.twilio.com/en-us/sms/pricing/us",
        "2026-11-09",
    )
    assert (mine.call, mine.source) == (0.01, "registry")


@pytest.mark.row("A4")
def test_discounts_lessen_the_catalogs_and_not_ones_own(loaded: Load) -> None:
    found = tariffs(
        loaded,
        "  stripe: {secret: env:K, discounts: {us-card: 0.1}, tariffs: [{id: mine, operations: [create_refund], call: 1}]}\n",
        "stripe",
    )
    assert (found["us-card"].percent, found["us-card"].call) == (2.61, 0.27)
    assert found["us-card"].source == "https://stripe.com/pricing, less 10 %"
    assert (found["us-ach"].percent, found["mine"].call) == (0.8, 1.0)


def test_a_discount_that_fits_nothing_is_told(loaded: Load) -> None:
    found = loaded(HEAD + "  stripe: {secret: env:K, discounts: {gpt-*: 0.1}}\n", environ={"K": "x"}).findings
    assert [one.item for one in found if one.code == "unknown-model"] == [
        "integrations.stripe.discounts.gpt-*"
    ]


@pytest.mark.parametrize(
    ("tariff", "item", "words"),
    [
        ("{id: a b, call: 1}", "id", "is no name"),
        ("{id: t}", "id", "has no figure"),
        ("{id: t, unit: page}", "id", "belong together"),
        ("{id: t, usd: 1}", "id", "belong together"),
        ("{id: t, percent: 1}", "percent", "of which amount"),
        ("{id: t, call: 1, units: ['answer:/n']}", "id", "need a `unit`"),
        ("{id: t, unit: u, usd: 1, units: [/n]}", "units", "no place of a call"),
        ("{id: t, percent: 1, amount: ['request:amount']}", "amount", "no place of a call"),
        ("{id: t, call: 1, when: {'answer:/a': '('}}", "when", "no regular expression"),
        ("{id: t, call: 1, operations: [nowhere]}", "operations", "no operation `nowhere`"),
        ("{id: t, call: 1, currency: euro}", "currency", "no currency"),
        ("{id: t, call: 1, least: 2, most: 1}", "most", "less than"),
        ("{id: t, unit: u, usd: 1, steps: [{above: 5, usd: 1}, {above: 5, usd: 0}]}", "steps", "Steps go up"),
        ("{id: t, unit: u, usd: 1, per: 0}", "per", "one unit or more"),
        ("{id: us-card, percent: 2, amount: [nowhere]}", "amount", "no place of a call"),
    ],
)
def test_a_tariff_that_says_nothing_is_refused_with_its_place(
    refused: Refused, tariff: str, item: str, words: str
) -> None:
    found = refused(HEAD + f"  stripe: {{secret: env:K, tariffs: [{tariff}]}}\n", environ={"K": "x"})
    assert [one.item for one in found] == [f"integrations.stripe.tariffs[0].{item}"]
    assert words in found[0].message


def test_two_of_one_name_are_refused(refused: Refused) -> None:
    found = refused(
        HEAD + "  crm: {base_url: https://x.test, tariffs: [{id: t, call: 1}, {id: t, call: 2}]}\n"
    )
    assert [(one.code, one.item) for one in found] == [("duplicate-name", "integrations.crm.tariffs[1].id")]


@pytest.mark.row("A4")
@pytest.mark.parametrize("vendor", ["stripe", "twilio", "pinecone"])
def test_every_tariff_of_the_catalog_is_whole_and_says_where_and_when_it_was_read(vendor: str) -> None:
    entry = catalog.entry(vendor)
    operations = {one.name for one in entry.operations}
    assert entry.tariffs
    for one in entry.tariffs:
        assert list(faults(one)) == []
        assert set(one.operations) <= operations
        assert one.source.startswith("https://")
        assert len(one.date) == 10
        assert one.title
