"""Credentials are found in the vendor's own place, kept as hashes, and never shown."""

import pytest

from trunkline.simulator.credentials import ANYWHERE, Credentials, find, without_secrets
from trunkline.simulator.ledger import digest


@pytest.mark.parametrize(
    ("fields", "query", "places", "found"),
    [
        ({"authorization": "Bearer k1"}, "", ("bearer",), ("bearer", "k1")),
        ({"authorization": "bearer k1"}, "", ("basic", "bearer"), ("bearer", "k1")),
        ({"authorization": "Basic c2tfdGVzdDo="}, "", ("bearer", "basic"), ("basic", "sk_test")),
        ({"authorization": "Basic %%%"}, "", ("basic",), ("basic", "")),
        ({"authorization": "Token k2"}, "", ("token",), ("token", "k2")),
        ({"x-api-key": "k3"}, "", ("x-api-key", "bearer"), ("x-api-key", "k3")),
        ({}, "key=k4&alt=sse", ("x-goog-api-key", "?key"), ("?key", "k4")),
        ({"x-api-key": "k5"}, "", ("bearer",), ("", "")),
        ({}, "", ANYWHERE, ("", "")),
    ],
)
def test_a_credential_is_found_in_its_place(
    fields: dict[str, str], query: str, places: tuple[str, ...], found: tuple[str, str]
) -> None:
    assert find(fields, query, places) == found


def test_a_query_is_kept_without_its_credential() -> None:
    assert without_secrets("key=k4&alt=sse") == "key=(hidden)&alt=sse"
    assert without_secrets("alt=sse") == "alt=sse"


def test_any_will_do_until_some_are_named() -> None:
    credentials = Credentials()
    assert credentials.accepts("openai", digest("a"))
    credentials.accept("openai", ["a", "b"])
    assert credentials.accepts("openai", digest("b"))
    assert not credentials.accepts("openai", digest("c"))
    assert credentials.accepts("stripe", digest("c"))
    credentials.accept("openai", [])
    assert not credentials.accepts("openai", digest("a"))
    credentials.accept("openai", None)
    assert credentials.accepts("openai", digest("c"))
