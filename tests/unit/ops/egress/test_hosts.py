"""Which hosts a registry lets through."""

from __future__ import annotations

import pytest

from trunkline.core.egress import Egress
from trunkline.core.service import Auth, Credential, Service, Snapshot
from trunkline.ops.egress.hosts import Declared, Target


def snapshot(*services: Service, allow: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot(
        version="v", created="", environment="prod", services=list(services), egress=Egress(allow=list(allow))
    )


STRIPE = Service(name="stripe", base_url="https://api.stripe.com")
LOCAL = Service(name="pdf", base_url="http://127.0.0.1:3000", private=True)


@pytest.mark.row("R7")
def test_hosts_of_integrations_are_declared_with_their_ports_and_nothing_else_is() -> None:
    declared = Declared(snapshot(STRIPE, LOCAL))

    assert declared.find("api.stripe.com", 443) == Target("stripe", False)
    assert declared.find("127.0.0.1", 3000) == Target("pdf", True)
    assert [
        declared.find(*place)
        for place in (("api.stripe.com", 80), ("stripe.com", 443), ("evil-api.stripe.com", 443))
    ] == [None] * 3
    assert declared.ports("api.stripe.com") == [443]


def test_pools_and_token_addresses_are_declared_too() -> None:
    pooled = Service(
        name="llm",
        base_url="https://eu.example.net:8443/v1",
        credentials=[Credential(ref="env:A"), Credential(ref="env:B", base_url="https://us.example.net/v1")],
        auth=Auth(kind="oauth2", token_url="https://login.example.net/token"),
    )
    declared = Declared(snapshot(pooled))

    assert [
        declared.find(*place)
        for place in (("eu.example.net", 8443), ("us.example.net", 443), ("login.example.net", 443))
    ] == [Target("llm", False)] * 3


def test_allowed_hosts_belong_to_no_integration_and_globs_cover_what_lies_below() -> None:
    declared = Declared(snapshot(allow=("pypi.org", "*.example.com", "db.example.net:5432")))

    assert (
        declared.find("pypi.org", 443)
        == declared.find("a.b.example.com", 443)
        == declared.find("db.example.net", 5432)
        == Target("", False)
    )
    assert [
        declared.find(*place)
        for place in (
            ("example.com", 443),
            ("badexample.com", 443),
            ("db.example.net", 443),
            ("a.example.com", 80),
        )
    ] == [None] * 4


def test_what_is_switched_off_or_simulated_is_not_declared() -> None:
    off = Service(name="off", base_url="https://off.example.com", enabled=False)
    played = Service(name="played", base_url="http://127.0.0.1:4010/stripe", simulated=True, private=True)
    declared = Declared(snapshot(STRIPE, off, played), disabled={"stripe": "leaked"})

    assert [
        declared.find(*place)
        for place in (("api.stripe.com", 443), ("off.example.com", 443), ("127.0.0.1", 4010))
    ] == [None] * 3
