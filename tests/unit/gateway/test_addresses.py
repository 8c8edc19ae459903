"""From a base address to what may be reached, and over which proxy."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.gateway.addresses import address, literal, loopback, outgoing_proxy
from trunkline.testing import service
from trunkline.wire.origin import Origin


@pytest.mark.row("P4", "R2")
@pytest.mark.parametrize(
    ("base", "origin", "host", "prefix"),
    [
        ("https://acme.test", Origin("https", "acme.test", 443), b"acme.test", b""),
        ("https://Acme.test/api/v1/", Origin("https", "acme.test", 443), b"acme.test", b"/api/v1"),
        ("https://acme.test:8443/", Origin("https", "acme.test", 8443), b"acme.test:8443", b""),
        ("https://acme.test:443", Origin("https", "acme.test", 443), b"acme.test", b""),
        ("http://127.0.0.1:9100", Origin("http", "127.0.0.1", 9100, private=True), b"127.0.0.1:9100", b""),
        ("http://localhost", Origin("http", "localhost", 80, private=True), b"localhost", b""),
        ("http://[::1]:80/x", Origin("http", "::1", 80, private=True), b"[::1]", b"/x"),
        ("https://10.0.0.7", Origin("https", "10.0.0.7", 443, private=True), b"10.0.0.7", b""),
    ],
)
def test_an_address_is_taken_apart(base: str, origin: Origin, host: bytes, prefix: bytes) -> None:
    assert address(service(), base, {}) == (origin, host, prefix)


@pytest.mark.row("P4")
@pytest.mark.parametrize(
    ("base", "changes", "told"),
    [
        ("http://acme.test", {}, "is plain HTTP; use https, or set `allow_http: true`"),
        ("http://10.0.0.7", {}, "is plain HTTP"),
        ("ftp://acme.test", {}, "is no http\\(s\\) address; set base_url in the registry"),
        ("acme.test", {}, "is no http\\(s\\) address"),
        ("", {}, "is no http\\(s\\) address"),
        ("https://", {}, "is no http\\(s\\) address"),
        ("https://user:password-x@acme.test", {}, "base_url holds a user name or password; use `auth"),
        ("https://acme.test:99999", {}, "(?i)port"),
    ],
)
def test_an_address_that_may_not_be_used_is_refused_with_the_cure(
    base: str, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        address(service(**changes), base, {})
    assert "password-x" not in str(caught.value)


@pytest.mark.row("P4")
@pytest.mark.parametrize(
    ("changes", "private"),
    [({}, False), ({"private": True}, True), ({"simulated": True}, True), ({"allow_http": True}, False)],
)
def test_private_addresses_are_reached_only_where_the_registry_says_so(
    changes: dict[str, Any], private: bool
) -> None:
    assert address(service(**changes), "https://acme.test", {}).origin.private is private


def test_plain_http_is_allowed_where_the_registry_says_so() -> None:
    assert address(service(allow_http=True), "http://acme.test", {}).origin.scheme == "http"


@pytest.mark.row("K4")
def test_files_and_proxies_of_an_integration_are_part_of_its_origin() -> None:
    spec = service(ca_file="ca.pem", cert_file="c.pem", key_file="k.pem", proxy="http://proxy.test:3128")
    origin = address(spec, "https://acme.test", {"HTTPS_PROXY": "http://other.test:1"}).origin
    assert (origin.ca_file, origin.cert_file, origin.key_file, origin.proxy) == (
        "ca.pem",
        "c.pem",
        "k.pem",
        "http://proxy.test:3128",
    )
    assert origin != address(service(), "https://acme.test", {}).origin


@pytest.mark.parametrize(
    ("host", "exempt", "used"),
    [
        ("acme.test", "", True),
        ("acme.test", "*", False),
        ("acme.test", "acme.test", False),
        ("api.acme.test", "acme.test", False),
        ("api.acme.test", ".acme.test", False),
        ("notacme.test", "acme.test", True),
        ("acme.test", " other.test , ACME.test ", False),
        ("127.0.0.1", "", False),
        ("localhost", "", False),
    ],
)
def test_the_environments_proxy_serves_unless_it_is_exempted(host: str, exempt: str, used: bool) -> None:
    environ = {"https_proxy": "http://proxy.test:3128", "no_proxy": exempt}
    assert outgoing_proxy("https", host, environ) == ("http://proxy.test:3128" if used else None)
    assert outgoing_proxy("http", host, environ) is None
    assert outgoing_proxy("https", host, {"HTTPS_PROXY": ""}) is None


def test_what_is_this_machine_and_what_is_a_literal_address() -> None:
    assert [loopback(h) for h in ("localhost", "127.9.9.9", "::1", "10.0.0.1", "acme.test")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [literal(h) for h in ("localhost", "10.0.0.1", "::1", "acme.test", "1.2.3")] == [
        True,
        True,
        True,
        False,
        False,
    ]
