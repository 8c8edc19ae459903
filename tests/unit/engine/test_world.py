"""A snapshot is compiled once: routes, members with their problems, header lines."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.price import Price
from trunkline.core.service import (
    ApiVersion,
    Auth,
    Credential,
    Header,
    Model,
    Sealed,
    Service,
    Snapshot,
)
from trunkline.engine.world import NOBODY, Address, Dead, Makers, World
from trunkline.plugins import auth
from trunkline.testing import SECRET, service


def address(spec: Service, base: str) -> Address:
    if not base.startswith("https://"):
        raise ValueError(f"base_url {base!r} is plain HTTP")
    return Address(base, base[8:].encode(), b"")


def world(
    *services: Service,
    values: dict[str, str] | None = None,
    missing: dict[str, str] | None = None,
    dead: Dead = NOBODY,
    **more: Any,
) -> World:
    known = {"env:ACME_KEY": SECRET} if values is None else values
    snapshot = Snapshot(version="v7", created="", environment="dev", services=list(services), **more)
    sealed = Sealed(version="1", values=known, missing=missing or {})
    return World(snapshot, sealed, Makers(auth.prepare, address), dead)


@pytest.mark.row("P1", "P5")
def test_integrations_and_named_routes_are_reached_by_name() -> None:
    made = world(service("acme"), routes={"payment": "acme", "lost": "nobody"})
    assert set(made.by_path) == {b"acme", b"payment"}
    assert made.by_path[b"payment"].live is made.by_path[b"acme"].live is made.services["acme"]
    assert (made.by_path[b"acme"].name, made.by_path[b"payment"].name) == ("", "payment")
    assert made.version == "v7"


@pytest.mark.row("K6")
def test_what_the_registry_adds_is_ready_made() -> None:
    live = world(
        service(
            headers=[Header("X-One", "1")],
            api_version=ApiVersion(value="2026", header="Acme-Version", query="v", path="/v1/"),
        )
    ).services["acme"]
    assert live.fixed_fields == [(b"x-one", b"x-one: 1\r\n"), (b"acme-version", b"acme-version: 2026\r\n")]
    assert (live.fixed_query, live.path_prefix) == (b"v=2026", b"/v1")
    assert live.answer_fields == b"x-trunkline-integration: acme\r\n"


@pytest.mark.row("S1")
def test_a_missing_secret_is_that_members_problem_and_names_reference_and_cure() -> None:
    pool = service(
        credentials=[Credential(ref="env:ACME_KEY"), Credential(ref="env:B"), Credential(ref="env:C")]
    )
    good, bad, unknown = world(pool, missing={"env:B": "it is not set; set it"}).services["acme"].members
    assert (good.problem, good.signer.fields) == (None, b"authorization: Bearer " + SECRET.encode() + b"\r\n")
    assert bad.problem is not None
    assert unknown.problem is not None
    assert (bad.problem.code, bad.problem.message, bad.problem.scope) == (
        "secret_unavailable", "integration 'acme': secret env:B is missing: it is not set; set it", "integration",
    )  # fmt: skip
    assert unknown.problem.message == "integration 'acme': secret env:C is missing: it does not resolve"


@pytest.mark.row("P4")
def test_an_address_that_may_not_be_used_is_that_members_problem() -> None:
    members = (
        world(
            service(
                credentials=[
                    Credential(ref="env:ACME_KEY"),
                    Credential(ref="env:ACME_KEY", base_url="http://x"),
                ]
            )
        )
        .services["acme"]
        .members
    )
    assert members[0].problem is None
    assert members[1].problem is not None
    assert (members[1].problem.code, members[1].problem.message) == (
        "misconfigured", "integration 'acme': base_url 'http://x' is plain HTTP",
    )  # fmt: skip


@pytest.mark.row("R9")
def test_a_problem_of_the_registry_is_that_integrations_alone() -> None:
    made = world(
        service("acme"),
        service("other", problem="env:X is a live key", credentials=[Credential(ref="env:ACME_KEY")]),
    )
    assert made.services["acme"].members[0].problem is None
    problem = made.services["other"].members[0].problem
    assert problem is not None
    assert (problem.code, problem.message) == ("misconfigured", "integration 'other': env:X is a live key")


@pytest.mark.row("S1")
@pytest.mark.parametrize("secret", [f"{SECRET}\n", f"{SECRET}\r\nx-evil: 1", "sk-tést"])
def test_a_secret_that_no_header_can_carry_is_that_members_problem_alone(secret: str) -> None:
    """A line break at the end of a pasted key must not keep the gateway from starting."""
    live = world(service(), values={"env:ACME_KEY": secret}).services["acme"]
    problem = live.members[0].problem
    assert problem is not None
    assert problem.code in ("misconfigured", "secret_unavailable")
    assert "env:ACME_KEY" in problem.message
    assert secret.strip() not in problem.message


def test_a_simulated_integration_needs_no_secret_and_says_so() -> None:
    live = world(service(simulated=True), values={}).services["acme"]
    assert live.members[0].problem is None
    assert live.members[0].signer.fields == b"authorization: Bearer simulated-credential\r\n"
    assert live.answer_fields == b"x-trunkline-integration: acme\r\nx-trunkline-simulated: true\r\n"


def test_no_credential_at_all_is_one_member_named_none() -> None:
    (member,) = world(service(auth=Auth(kind="none"), credentials=[])).services["acme"].members
    assert (member.name, member.problem, member.signer.fields) == ("none", None, b"")


@pytest.mark.row("R10")
def test_members_may_live_at_other_addresses() -> None:
    pool = service(
        credentials=[
            Credential(ref="env:ACME_KEY", weight=3),
            Credential(ref="env:ACME_KEY", base_url="https://eu.acme.test"),
        ]
    )
    members = world(pool).services["acme"].members
    assert [(m.host, m.weight) for m in members] == [(b"acme.test", 3), (b"eu.acme.test", 1)]


def test_prices_are_by_the_vendors_model_name() -> None:
    price = Price(input=1.0)
    live = world(service(models=[Model(id="a", price=price), Model(id="b")])).services["acme"]
    assert live.prices == {"a": price}


@pytest.mark.row("S4")
def test_what_was_switched_off_is_refused_and_the_rest_of_a_pool_serves_on() -> None:
    pool = [Credential(ref="env:ACME_KEY"), Credential(ref="env:OTHER")]
    values = {"env:ACME_KEY": SECRET, "env:OTHER": SECRET}
    dead = Dead(frozenset({"env:OTHER"}), {"gone": "it lied"})
    made = world(
        service("acme", credentials=pool), service("gone", credentials=pool), values=values, dead=dead
    )
    assert [m.problem and m.problem.code for m in made.services["acme"].members] == [
        None,
        "secret_unavailable",
    ]
    problems = [m.problem for m in made.services["gone"].members]
    assert [(p.code, "(it lied)" in p.message) for p in problems if p is not None] == [("disabled", True)] * 2


def test_an_integration_that_the_registry_switches_off_cannot_be_called() -> None:
    (member,) = world(service(enabled=False, auth=Auth(kind="none"))).services["acme"].members
    assert member.problem is not None
    assert (member.problem.code, "`enabled: false`" in member.problem.message) == ("disabled", True)
