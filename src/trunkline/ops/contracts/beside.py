"""Two integrations side by side, mostly two versions of one API: calls, errors, latency, and what differs in shape. Pure over sums.

Not for: sharing the traffic out (`routes: {name: {split: ...}}`), nor reading the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import sqrt
from typing import Any, Literal

import msgspec

from trunkline.ops.contracts.change import Change
from trunkline.ops.contracts.judge import judged
from trunkline.ops.contracts.merge import relearned
from trunkline.ops.contracts.store import Book
from trunkline.ops.contracts.watch import Operation

Z = 2.58
"""Differences of error rates that chance makes in one case out of a hundred."""
ENOUGH_CALLS = 30
SLOWER = 1.25
"""A latency that differs by less says nothing: percentiles come from buckets."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one integration, or of one operation of it."""

    calls: int = 0
    errors: int = 0
    error_rate: float = 0.0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    cost_usd: float = 0.0
    codes: dict[str, int] = {}


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One operation, or with an empty name everything."""

    operation: str
    one: Side
    other: Side
    verdict: Literal["alike", "better", "worse", "too few calls"]
    why: list[str]


class Shapes(msgspec.Struct, frozen=True, kw_only=True):
    """What differs in the shape of one operation; from the first integration to the second."""

    operation: str
    units: tuple[int, int]
    changes: list[Change]


def compared(
    whole: Iterable[Mapping[str, Any]],
    operations: Iterable[Mapping[str, Any]],
    codes: Iterable[Mapping[str, Any]],
    one: str,
    other: str,
) -> list[Compared]:
    """Everything, then each operation. The rows are those of `Rollups.usage`, by integration, and operation, and code."""
    counted = _codes(codes)
    sides = {(row["integration"], ""): _side(row, counted[row["integration"], ""]) for row in whole}
    for row in operations:
        key = (row["integration"], row["operation"] or "(undeclared)")
        sides[key] = _side(row, counted[key])
    names = sorted({name for integration, name in sides if integration in (one, other)})
    return [
        _compared(name, sides.get((one, name), Side()), sides.get((other, name), Side())) for name in names
    ]


def _codes(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Counter[str]]:
    found: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        for name in ("", row["operation"] or "(undeclared)"):
            counter = found.setdefault((row["integration"], name), Counter())
            if row["code"]:
                counter[row["code"]] += int(row["calls"])
    return _Missing(found)


class _Missing(dict[tuple[str, str], "Counter[str]"]):
    def __missing__(self, key: tuple[str, str]) -> Counter[str]:
        return Counter()


def _side(row: Mapping[str, Any], codes: Counter[str]) -> Side:
    return Side(
        calls=int(row["calls"]),
        errors=int(row["errors"]),
        error_rate=float(row["error_rate"]),
        p50_ms=row["p50_ms"],
        p95_ms=row["p95_ms"],
        p99_ms=row["p99_ms"],
        cost_usd=float(row["cost_usd"]),
        codes=dict(codes.most_common(8)),
    )


def _compared(name: str, one: Side, other: Side) -> Compared:
    if min(one.calls, other.calls) < ENOUGH_CALLS:
        why = [f"{one.calls} and {other.calls} calls; at least {ENOUGH_CALLS} of each are needed to tell"]
        return Compared(operation=name, one=one, other=other, verdict="too few calls", why=why)
    worse: list[str] = []
    better: list[str] = []
    z = _z(one, other)
    if abs(z) > Z:
        (worse if z > 0 else better).append(f"errors {one.error_rate:.2%} -> {other.error_rate:.2%}")
    for at in ("p50_ms", "p95_ms"):
        was, now = getattr(one, at), getattr(other, at)
        if was and now and max(was, now) / min(was, now) > SLOWER:
            (worse if now > was else better).append(f"{at[:3]} {was:.0f} -> {now:.0f} ms")
    verdict: Literal["alike", "better", "worse"] = "worse" if worse else "better" if better else "alike"
    return Compared(operation=name, one=one, other=other, verdict=verdict, why=[*worse, *better])


def _z(one: Side, other: Side) -> float:
    """By how many standard deviations the second error rate is above the first, were both the same."""
    pooled = (one.errors + other.errors) / (one.calls + other.calls)
    spread = sqrt(pooled * (1 - pooled) * (1 / one.calls + 1 / other.calls))
    return (other.error_rate - one.error_rate) / spread if spread else 0.0


def shapes(one: Book, other: Book) -> list[Shapes]:
    """What differs in the operations that both were asked for."""
    found = []
    for name in sorted(set(one.operations) & set(other.operations)):
        first, second = one.operations[name], other.operations[name]
        found.append(
            Shapes(
                operation=name or "errors",
                units=(_units(first), _units(second)),
                changes=_changes(first, second),
            )
        )
    return found


def _changes(first: Operation, second: Operation) -> list[Change]:
    known = relearned(first, [])
    seen = second.recent if second.units() else second.learned
    return [
        change
        for part, recent in seen.items()
        if part in known and part != "request"
        for change in judged(part, known[part], recent)
    ]


def _units(operation: Operation) -> int:
    learned = max((evidence.units for evidence in operation.learned.values()), default=0)
    return learned + operation.units()
