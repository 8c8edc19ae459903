"""`trunkline prices`: what calls cost that are no model calls, with sources."""

import pytest

from trunkline.cli import prices
from trunkline.core.tariff import Rung, Tariff
from trunkline.registry import catalog

REGISTRY = """\
version: 1
integrations:
  stripe: {secret: env:STRIPE_SECRET_KEY}
  crm:
    base_url: https://crm.example.com
    tariffs: [{id: lookup, title: every look-up, call: 0.002}]
"""


@pytest.fixture(autouse=True)
def registry(tmp_path, trunkline):
    (tmp_path / "trunkline.yaml").write_text(REGISTRY)


@pytest.mark.row("A4")
def test_prices_are_listed_with_their_sources(trunkline):
    ran = trunkline("prices")
    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert "2.9 % + 0.3 a call" in lines["stripe/us-card"]
    assert "https://stripe.com/pricing  2026-09-20" in lines["stripe/us-card"]
    assert "0.002 a call" in lines["crm/lookup"]
    assert "registry" in lines["crm/lookup"]


@pytest.mark.row("A4")
def test_json_has_the_id_that_stands_in_records(trunkline):
    found = trunkline("prices", "--integration", "crm", "--json").json
    assert [(one["integration"], one["call"], one["source"]) for one in found] == [("crm", 0.002, "registry")]
    assert found[0]["price_id"].startswith("crm/lookup@undated#")


def test_the_whole_catalog_says_what_must_be_named(trunkline):
    ran = trunkline("prices", "--all", "--integration", "twilio")
    assert "0.0083 / segment, beside it carrier_fee" in ran.out
    assert "holds only where the registry names it" in ran.err


def test_without_any_it_says_what_to_do(trunkline):
    assert "Declare `tariffs`" in trunkline("prices", "--integration", "nobody").err


@pytest.mark.parametrize(
    ("tariff", "text"),
    [
        (Tariff(id="t", call=0.0), "nothing"),
        (Tariff(id="t", percent=0.8, most=5.0), "0.8 %, at most 5"),
        (Tariff(id="t", percent=1.5, least=0.5, currency="EUR"), "EUR 1.5 %, at least 0.5"),
        (Tariff(id="t", unit="second", usd=0.0043, per=60, started=True), "0.0043 / 60 seconds begun"),
        (
            Tariff(id="t", unit="u", usd=1.0, steps=[Rung(above=1000, usd=0.5)], tiers="volume"),
            "1 / u; above 1,000: 0.5 (volume, a month)",
        ),
    ],
)
def test_figures_are_said_as_people_say_them(tariff, text):
    assert prices.costs(tariff) == text


def test_prices_that_are_old_are_warned_of(trunkline, monkeypatch):
    assert "The oldest was read" in trunkline("prices").err
    monkeypatch.setattr(catalog, "PRICES_OLD_DAYS", 0)
    assert "Warning: the oldest of these prices was read" in trunkline("prices").err
