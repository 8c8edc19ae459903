"""Encrypted on the way: verified TLS toward vendors, no plain HTTP beyond this machine, TLS toward callers."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.simulator import SimulatorProcess, running_simulator
from tests.support.site import Site

pytestmark = pytest.mark.row("P4")
KINDS = "valid,expired,wrong_host,self_signed"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """A simulator that also speaks TLS, well and badly."""
    folder = tmp_path_factory.mktemp("tls")
    with running_simulator(tls=KINDS, tls_dir=folder) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, secured: SimulatorProcess) -> Iterator[Trunkline]:
    rows = [
        f"  {kind.replace('_', '-')}: {{base_url: 'https://localhost:{port}/crm', auth: {{kind: none}}, "
        f"tls: {{ca_file: '{secured.ca_file}'}}, retry: {{attempts: 1}}}}"
        for kind, port in secured.tls_ports.items()
    ]
    rows.append(
        f"  unknown-ca: {{base_url: 'https://localhost:{secured.tls_ports['valid']}/crm', auth: {{kind: none}}, retry: {{attempts: 1}}}}"
    )
    with running_trunkline(
        tmp_path_factory.mktemp("gateway"), "version: 1\nintegrations:\n" + "\n".join(rows)
    ) as running:
        yield running


def test_a_vendor_with_a_private_authority_is_reached(gateway: Trunkline, secured: SimulatorProcess) -> None:
    answer = gateway.call("GET", "/api/proxy/valid/echo")

    assert (answer.status, answer.json["vendor"]) == (200, "crm")


@pytest.mark.parametrize("kind", ["expired", "wrong-host", "self-signed", "unknown-ca"])
def test_a_certificate_that_does_not_hold_is_refused_before_anything_is_sent(
    gateway: Trunkline, secured: SimulatorProcess, kind: str
) -> None:
    seen = len(secured.ledger())
    answer = gateway.call("POST", f"/api/proxy/{kind}/items", {"secret": "thing"})
    call = gateway.recorded(answer)

    assert (answer.status, answer.json["code"], answer.json["source"]) == (502, "network", kind)
    assert "certificate" in answer.json["message"].lower()
    assert {tried.sent for tried in call.end.tried} == {False}
    assert len(secured.ledger()) == seen


PLAIN = """
version: 1
integrations:
  {name}: {{base_url: "{address}", auth: {{kind: none}}{more}}}
  site: {{base_url: "{{site}}", auth: {{kind: none}}}}
"""


def test_plain_http_to_another_machine_is_refused_when_the_registry_is_read(
    start: Callable[..., Trunkline], site: Site
) -> None:
    trunkline = start(PLAIN.format(name="far", address="https://far.example.com", more=""))
    far = PLAIN.format(name="far", address="http://far.example.com", more="").replace("{site}", site.address)
    refused = trunkline.reload(far)
    allowed = trunkline.reload(far.replace("auth: {kind: none}}", "auth: {kind: none}, allow_http: true}", 1))

    assert [refused.ok, allowed.ok] == [False, True], [str(finding) for finding in allowed.findings]
    assert "allow_http" in str(refused.errors[0])


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest",
        "https://169.254.169.254",
        "https://metadata.google.internal",
        "http://[fe80::1]",
        "http://0.0.0.0:80",
        "ftp://files.example.com",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_must_never_be_reached_is_refused(
    start: Callable[..., Trunkline], site: Site, address: str
) -> None:
    trunkline = start("version: 1\nintegrations:\n  site: {base_url: '{site}', auth: {kind: none}}\n")
    outcome = trunkline.reload(
        PLAIN.format(name="bad", address=address, more=", allow_http: true").replace("{site}", site.address)
    )

    assert outcome.ok is False, [str(finding) for finding in outcome.findings]


def test_a_name_that_leads_to_this_machine_is_not_reached_unless_meant(
    start: Callable[..., Trunkline], site: Site
) -> None:
    inside = f"https://localhost.localdomain:{site.port}"
    trunkline = start(
        "version: 1\nintegrations:\n  sly: {base_url: '"
        + inside
        + "', auth: {kind: none}, retry: {attempts: 1}}\n"
    )
    answer = trunkline.call("GET", "/api/proxy/sly/x")

    assert answer.status in (502, 503)
    assert answer.json["source"] in ("sly", "trunkline")
    assert site.seen == []


def test_callers_reach_the_gateway_by_tls(
    start: Callable[..., Trunkline], tmp_path: Path, site: Site
) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("localhost")
    trunkline = start(
        "version: 1\nintegrations:\n  site: {base_url: '{site}', auth: {kind: none}}\n",
        tls_cert=str(cert),
        tls_key=str(key),
    )
    trust = ssl.create_default_context(cafile=str(authority.file))
    request = urllib.request.Request(
        f"https://localhost:{trunkline.port}/api/proxy/site/x", headers={"x-api-key": trunkline.key}
    )
    with urllib.request.urlopen(request, context=trust, timeout=60) as answer:
        assert (answer.status, answer.read()) == (200, b'{"ok":true}')
