"""Two versions side by side."""

from typing import Any

import pytest

from tests.unit.ops.contracts.test_watch import BODY, watch
from trunkline.ops.contracts.beside import Compared, compared, shapes
from trunkline.ops.contracts.store import Book

OLD, NEW = "stripe@2025-11", "stripe@2026-08"


def row(
    integration: str, calls: int = 1000, errors: int = 10, p50: float | None = 100.0, **more: Any
) -> dict[str, Any]:
    rate = errors / calls if calls else 0.0
    return {
        "integration": integration, "calls": calls, "errors": errors, "error_rate": rate, "p50_ms": p50, "p95_ms": p50, "p99_ms": p50,
        "cost_usd": 0.0, **more,
    }  # fmt: skip


def whole(**other: Any) -> Compared:
    return compared([row(OLD), row(NEW, **other), row("openai")], [], [], OLD, NEW)[0]


@pytest.mark.row("C6")
@pytest.mark.parametrize(
    ("other", "verdict", "why"),
    [
        ({}, "alike", []),
        ({"errors": 16}, "alike", []),
        ({"errors": 40}, "worse", ["errors 1.00% -> 4.00%"]),
        ({"errors": 0}, "better", ["errors 1.00% -> 0.00%"]),
        ({"p50": 120.0}, "alike", []),
        ({"p50": 300.0}, "worse", ["p50 100 -> 300 ms", "p95 100 -> 300 ms"]),
        ({"p50": 50.0}, "better", ["p50 100 -> 50 ms", "p95 100 -> 50 ms"]),
        ({"p50": None}, "alike", []),
        (
            {"calls": 29, "errors": 29},
            "too few calls",
            ["1000 and 29 calls; at least 30 of each are needed to tell"],
        ),
    ],
)
def test_the_verdict_needs_more_than_chance(other: dict[str, Any], verdict: str, why: list[str]) -> None:
    found = whole(**other)
    assert (found.operation, found.verdict, found.why) == ("", verdict, why)


def test_each_operation_stands_beside_itself_with_its_codes() -> None:
    operations = [row(OLD, operation="charge"), row(NEW, operation="charge"), row(NEW, operation="")]
    codes = [
        row(NEW, calls=7, operation="charge", code="upstream_error"),
        row(NEW, calls=993, operation="charge", code=""),
    ]
    found = compared([row(OLD), row(NEW)], operations, codes, OLD, NEW)
    assert [one.operation for one in found] == ["", "(undeclared)", "charge"]
    assert found[2].other.codes == {"upstream_error": 7} == found[0].other.codes
    assert found[1].verdict == "too few calls"
    assert compared([], [], [], OLD, NEW) == []


@pytest.mark.row("C6")
def test_what_differs_in_shape() -> None:
    old, new = watch(), watch({**BODY, "amount": "5"})
    (found,) = shapes(Book({"charge": old.operation, "only": old.operation}), Book({"charge": new.operation}))
    assert (found.operation, found.units) == ("charge", (60, 60))
    assert [(one.place, one.kind, one.now) for one in found.changes] == [("/amount", "retyped", "string")]
    (alike,) = shapes(Book({"charge": old.operation}), Book({"charge": watch().operation}))
    assert alike.changes == []
