"""C1: the API version of every vendor of the catalog is pinned and reaches the vendor with each call, in its place."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.registry.conftest import Load, Refused
from trunkline.core.service import Service
from trunkline.registry import catalog
from trunkline.registry.lint import lint
from trunkline.testing.script import answers
from trunkline.testing.trial import Trial

pytestmark = pytest.mark.row("C1")

VENDORS = catalog.names()


def spec(loaded: Load, name: str, more: str = "") -> Service:
    base = "" if catalog.entry(name).base_url else ", base_url: 'https://vendor.example.com'"
    text = f"version: 1\nintegrations: {{{name}: {{secret: env:A{base}{more}}}}}\n"
    return loaded(text).snapshot.services[0]


async def sent(service: Service, method: str, path: str) -> tuple[str, dict[bytes, bytes]]:
    """Target and header fields of a call as the vendor got it."""
    trial = Trial(answers(200, b"{}"), services=[service], only=True)
    await trial.ask(method, f"/api/proxy/{service.name}{path}")
    (one,) = trial.wire.sent
    return one.target.decode(), {name.lower(): value for name, value in one.fields}


@pytest.mark.parametrize("name", VENDORS)
async def test_the_pinned_version_reaches_the_vendor(loaded: Load, name: str) -> None:
    service = spec(loaded, name)
    version = service.api_version
    if version is None:
        assert service.unversioned, "a vendor without a version says why"
        return
    assert version.value not in ("", "latest")
    # Some vendors move path by path: of Cohere's, the list of models is still of v1.
    operation = next(
        (one for one in service.operations if version.value in one.path.split("/")), service.operations[0]
    )
    target, fields = await sent(service, operation.method, operation.path.replace("{", "").replace("}", ""))
    if version.header:
        assert fields[version.header.lower().encode()] == version.value.encode()
    elif version.query:
        assert f"{version.query}={version.value}" in target
    else:
        assert version.value in f"{service.base_url}{target}".split("/")


async def test_a_caller_may_ask_for_another_version_and_only_its_call_gets_it(loaded: Load) -> None:
    service = spec(loaded, "stripe", ", api_version: {value: '2026-01-01'}")
    trial = Trial(answers(200, b"{}"), answers(200, b"{}"), services=[service])
    await trial.ask("GET", "/api/proxy/stripe/v1/charges", b"", ("stripe-version", "2024-06-20"))
    await trial.ask("GET", "/api/proxy/stripe/v1/charges")
    versions = [
        [value for name, value in one.fields if name.lower() == b"stripe-version"] for one in trial.wire.sent
    ]
    assert versions == [[b"2024-06-20"], [b"2026-01-01"]]


@pytest.mark.parametrize(
    ("said", "place"), [("header: X-Version", "header"), ("query: v", "query"), ("path: /v7", "path")]
)
async def test_a_version_goes_where_the_registry_says(loaded: Load, said: str, place: str) -> None:
    text = f"""
        version: 1
        integrations:
          crm: {{base_url: 'https://crm.example.com/api', auth: {{kind: none}}, api_version: {{value: v7, {said}}}}}
        """
    target, fields = await sent(loaded(text).snapshot.services[0], "GET", "/items?a=1")
    assert {
        "header": fields.get(b"x-version") == b"v7" and target == "/api/items?a=1",
        "query": target == "/api/items?a=1&v=v7" or target == "/api/items?v=v7&a=1",
        "path": target == "/api/v7/items?a=1",
    }[place]


TWO = """
version: 1
defaults: {contract: {review: 90d}}
integrations:
  stripe: {secret: env:A}
  stripe@2026-08: {secret: env:A, api_version: {value: "2026-08-27"}, contract: {review: 14d, source: spec.json}}
routes: {payment: {split: {stripe: 0.9, stripe@2026-08: 0.1}}}
"""


@pytest.mark.row("C4", "C6")
def test_a_name_with_a_version_is_of_the_same_vendor_with_a_version_of_its_own(loaded: Load) -> None:
    snapshot = loaded(TWO).snapshot
    one, other = snapshot.services
    versions = [each.api_version.value for each in (one, other) if each.api_version]
    assert (versions[1], other.api_version and other.api_version.header) == ("2026-08-27", "Stripe-Version")
    assert versions[0] != versions[1]
    assert [each.review_every for each in (one, other)] == [90 * 86400.0, 14 * 86400.0]
    assert (one.changelog, one.base_url) == (other.changelog, other.base_url)
    assert snapshot.route_split == {"payment": {"stripe": 0.9, "stripe@2026-08": 0.1}}


@pytest.mark.row("C6")
@pytest.mark.parametrize(
    ("route", "code", "place"),
    [
        ("{split: {stripe: 0.9, stripe@2026-08: 0.3}}", "bad-split", "sum up to 1.2"),
        ("{split: {stripe: 1.0}}", "bad-split", "nothing to split"),
        ("{split: {stripe: 0.5, strip: 0.5}}", "unknown-integration", "`strip`"),
        ("{split: {stripe: 0.5, stripe@2026-08: 0.5}, integration: stripe}", "bad-route", "by `split`"),
        ("{}", "bad-route", "by `split`"),
        ("{split: {stripe: 1.5, stripe@2026-08: -0.5}}", "", "-0.5"),
    ],
)
def test_shares_that_make_no_sense_are_refused_with_the_cure(
    refused: Refused, route: str, code: str, place: str
) -> None:
    found = refused(TWO.partition("routes:")[0] + f"routes: {{payment: {route}}}\n")
    assert any((not code or one.code == code) and place in str(one) for one in found), [str(o) for o in found]


@pytest.mark.row("C1", "C4")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("crm: {base_url: 'https://c.example.com', auth: {kind: none}}", "no-api-version"),
        ("stripe@2026-08: {secret: env:A}", "version-in-name"),
        ("stripe: {secret: env:A, api_version: {value: latest}}", "floating-version"),
        ("stripe: {secret: env:A, criticality: load-path}", "no-review"),
    ],
)
def test_what_is_not_pinned_or_not_reviewed_is_pointed_out(loaded: Load, line: str, code: str) -> None:
    found = lint(loaded(f"version: 1\nintegrations:\n  {line}\n"), today=date(2026, 11, 21))
    assert code in {one.code for one in found}
