"""The lock as it would be."""

import pytest

from tests.unit.ops.contracts.test_openapi import DOCUMENT
from tests.unit.ops.contracts.test_watch import BODY, after, watch, without
from trunkline.core.service import ApiVersion, Operation, Service
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts import merge_lock
from trunkline.ops.contracts.lock import Lock
from trunkline.ops.contracts.openapi import described, outline
from trunkline.ops.contracts.store import Book

SERVICE = Service(
    name="stripe",
    api_version=ApiVersion(value="2026", path="/v1"),
    operations=[
        Operation(name="update_charge", method="POST", path="/charges/{id}"),
        Operation(name="other", method="GET", path="/x"),
    ],
)


def book() -> Book:
    one = watch()
    after(one, lambda n: without("amount"), 8)
    return Book({"create_charge": one.operation, "GET /things/{id}": watch().operation})


def test_operations_that_are_new_come_into_the_lock_and_then_only_their_changes() -> None:
    steps = list(merge_lock.from_traffic(Lock(), "stripe", book(), ()))
    lock = merge_lock.applied(Lock(), steps, {"stripe": "2026"})
    assert [(step.operation, step.old, len(step.changes)) for step in steps] == [
        ("GET /things/{id}", None, 0),
        ("create_charge", None, 1),
    ]
    assert (
        lock.integrations["stripe"].api_version,
        lock.integrations["stripe"].operations["GET /things/{id}"].call,
    ) == ("2026", "GET /things/{id}")
    assert "/amount" not in lock.integrations["stripe"].operations["create_charge"].parts["reply"].places
    fresh = book()
    for name, operation in fresh.operations.items():
        locked = locks.found(lock, "stripe", name)
        assert locked is not None
        operation.accept(locks.contract_of(locked), "mark")
    assert list(merge_lock.from_traffic(lock, "stripe", fresh, ())) == []


@pytest.mark.row("C2")
@pytest.mark.parametrize(
    ("path", "declared", "stood", "call"),
    [
        ("/orders/ord_1Nv0FGQ9RKHg", "/orders/{order}", "", "POST /orders/{order}"),
        ("/orders/jane@corp.example", "", "", "POST /orders/{id}"),
        ("/v1/orders/jane", "/orders/{order}", "", "POST /v1/orders/{order}"),
        ("/other/ord_1Nv0FGQ9RKHg", "/orders/{order}", "", "POST /other/{id}"),
        ("/orders/ord_1Nv0FGQ9RKHg", "/orders/{order}", "/orders/ord_7Qi8QIK7NMYx", "POST /orders/{order}"),
        ("/orders/ord_1Nv0FGQ9RKHg", "/orders/{order}", "/v1/orders/{no}", "POST /v1/orders/{no}"),
    ],
)
def test_no_id_of_a_call_comes_into_the_lock(path: str, declared: str, stood: str, call: str) -> None:
    """The path of the last call stood there, so that a check of another order found nothing in the lock."""
    one = watch().operation
    one.method, one.path = "POST", path
    version = ApiVersion(value="2026", path="/v1")
    shop = Service(
        name="shop",
        api_version=version,
        operations=[Operation(name="get_order", method="POST", path=declared)],
    )
    old = Lock(
        integrations={
            "shop": locks.LockedIntegration("", {"get_order": locks.LockedOperation(f"POST {stood}")})
        }
    )
    lock = old if stood else Lock()
    steps = merge_lock.from_traffic(lock, "shop", Book({"get_order": one}), (), anew=True, service=shop)
    assert [step.new.call for step in steps] == [call]


def test_only_what_was_asked_for() -> None:
    assert [
        step.operation for step in merge_lock.from_traffic(Lock(), "stripe", book(), ["create_charge"])
    ] == ["create_charge"]


def test_the_difference_is_lines() -> None:
    one = watch()
    steps = list(merge_lock.from_traffic(Lock(), "stripe", Book({"create_charge": one.operation}), ()))
    lock = merge_lock.applied(Lock(), steps, {})
    after(one, lambda n: {**BODY, "amount": "5"}, 6)
    (step,) = merge_lock.from_traffic(lock, "stripe", Book({"create_charge": one.operation}), ())
    assert step.difference.splitlines()[0] == "-      /amount: {seen: 60/60, type: integer}"


@pytest.mark.row("C2")
def test_operations_of_a_description_get_the_names_that_they_have_here() -> None:
    paths = list(outline(DOCUMENT))
    assert merge_lock.named(SERVICE, (), paths) == {"POST /v1/charges/{id}": "update_charge"}
    assert merge_lock.named(SERVICE, ("POST /v1/chat",), paths) == {"POST /v1/chat": "POST /v1/chat"}
    everything = merge_lock.named(SERVICE, (), paths, everything=True)
    assert everything == {"POST /v1/charges/{id}": "update_charge", "POST /v1/chat": "POST /v1/chat"}
    steps = list(merge_lock.from_description(Lock(), SERVICE, described(DOCUMENT), everything))
    lock = merge_lock.applied(Lock(), steps, {"stripe": "2026"})
    assert sorted(lock.integrations["stripe"].operations) == ["POST /v1/chat", "update_charge"]
    assert lock.integrations["stripe"].errors is not None
    assert locks.parse(locks.text(lock)) == lock
    assert list(merge_lock.from_description(lock, SERVICE, described(DOCUMENT), everything)) == []


def test_integrations_that_are_gone_can_be_left_out() -> None:
    steps = list(merge_lock.from_traffic(Lock(), "stripe", book(), ()))
    assert merge_lock.without(merge_lock.applied(Lock(), steps, {}), ["stripe"]) == Lock()
