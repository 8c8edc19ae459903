"""The vendors that the scanner knows, and what can be asked of them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from trunkline.ops.scan import clients, vendors
from trunkline.registry import catalog


@pytest.fixture(scope="module")
def known() -> vendors.Vendors:
    return vendors.load()


def test_the_whole_catalog_and_the_whole_table_are_known(known: vendors.Vendors) -> None:
    assert set(catalog.names()) <= set(known.known)
    assert len(known.known) >= 150


def test_the_table_is_well_formed(known: vendors.Vendors) -> None:
    wrong = []
    for vendor in known.known.values():
        parts = urlsplit(vendor.base_url)
        ok = not vendor.base_url or (parts.scheme in ("http", "https") and parts.hostname and not parts.query)
        hosts = all(re.fullmatch(r"[a-z0-9*.-]+", host) for host in vendor.row.hosts)
        words = all(re.fullmatch(r"[A-Z0-9_-]+", word) for word in vendor.row.words)
        named = bool(re.fullmatch(r"[a-z0-9][a-z0-9-]*", vendor.name)) and bool(vendor.title)
        if not (ok and hosts and words and named and (vendor.base_url or vendor.row.hosts or vendor.row.sdk)):
            wrong.append(vendor.name)
    assert wrong == []


def test_no_two_vendors_have_the_same_word_host_or_package(known: vendors.Vendors) -> None:
    seen: dict[tuple[str, str], str] = {}
    twice = []
    for vendor in known.known.values():
        claims = [("host", host) for host in vendor.row.hosts] + [("word", word) for word in vendor.row.words]
        claims += [(language, module) for language, modules in vendor.row.sdk.items() for module in modules]
        claims += [
            (manager, package) for manager, packages in vendor.row.packages.items() for package in packages
        ]
        twice += [claim for claim in claims if seen.setdefault(claim, vendor.name) != vendor.name]
    assert twice == []


def test_every_form_of_keys_says_whose_it_is(known: vendors.Vendors) -> None:
    """A form that fits anybody's random id would call every hash a credential."""
    for form, name in known.forms:
        assert not re.fullmatch(form.pattern, "0f" * 20), name
        assert form.weak or all(len(start) >= 3 for start in form.starts), name


def test_clients_name_vendors_that_are_known(known: vendors.Vendors) -> None:
    rows = [row for rows in clients._rows().values() for row in rows]
    assert {row.vendor for row in rows} <= set(known.known)
    assert [row for row in rows if row.style and not (row.base and row.key)] == []


@pytest.mark.parametrize(
    ("language", "module", "vendor"),
    [
        ("python", "openai.types", "openai"),
        ("python", "openai_helpers", ""),
        ("python", "google.generativeai", "gemini"),
        ("python", "google.cloud.storage", "google"),
        ("javascript", "@aws-sdk/client-s3", "aws"),
        ("javascript", "openai/resources", "openai"),
        ("javascript", "openai-edge", ""),
        ("go", "github.com/stripe/stripe-go/v82", "stripe"),
        ("java", "com.stripe.model.Event", "stripe"),
        ("php", "Stripe\\StripeClient", "stripe"),
    ],
)
def test_imports_belong_to_the_longest_prefix_at_a_boundary(
    language: str, module: str, vendor: str, known: vendors.Vendors
) -> None:
    assert known.of_module(language, module) == vendor


@pytest.mark.parametrize(
    ("host", "port", "vendor"),
    [
        ("api.openai.com", 0, "openai"),
        ("myco.openai.azure.com", 0, "azure-openai"),
        ("s3.eu-west-1.amazonaws.com", 0, "aws"),
        ("openai.com", 0, ""),
        ("localhost", 11434, "ollama"),
        ("localhost", 8080, ""),
        ("evil-api.openai.com", 0, ""),
    ],
)
def test_hosts_belong_to_vendors(host: str, port: int, vendor: str, known: vendors.Vendors) -> None:
    assert known.of_host(host, port) == vendor


def test_a_key_that_fits_several_forms_is_the_surest_ones_or_its_variables(known: vendors.Vendors) -> None:
    key = "sk-ant-" + "a1" * 20
    assert (known.of_key(key)[0], known.of_key(key, "openai")[0]) == ("anthropic", "openai")
    assert known.of_key("sk-" + "0f" * 16)[0] == "deepseek"
    assert known.of_key("test_" + "0f" * 16)[0] == ""
    assert known.of_key("test_" + "0f" * 16, "mollie")[0] == "mollie"
