"""An installation whose vendor's contract was learned from an hour of calls, and after that changed or not.

Not for: how changes are found (`tests/unit/ops/contracts`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.sampled import sample
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts import store
from trunkline.ops.contracts.store import Book
from trunkline.ops.contracts.watch import Operation, Watch

CHARGE = {
    "id": "ch_1",
    "status": "succeeded",
    "amount": 5,
    "created": 1_764_000_000,
    "customer": None,
    "card": {"brand": "visa"},
}
RETYPED = {**CHARGE, "amount": "5"}
NAME = "create_charge"


def seen(*bodies: tuple[Any, int], learned: bool = True) -> Operation:
    """An operation of which these bodies were seen, each so many minutes; the first of them is what it was learned from."""
    watch, minute = Watch(Operation()), 0
    for number, (body, units) in enumerate(bodies):
        for _ in range(units):
            watch.add(sample(body, key="ab"[minute % 2], minute=2 * minute))
            minute += 1
        watch.close(1 << 60)
        if number == 0 and learned:
            watch.operation.accept(watch.operation.recent, "")
            watch.refresh()
    return watch.operation


def keep(
    state: Path, integration: str, *bodies: tuple[Any, int], learned: bool = True, lock: Path | None = None
) -> None:
    """Puts it where the console keeps what it saw. `lock`: what it has taken over from there."""
    operation = seen(*bodies, learned=learned)
    locked = locks.found(locks.read(lock), integration, NAME) if lock is not None else None
    if locked is not None:
        operation.accepted = locks.mark_of(locked)
    store.write(state, integration, Book({NAME: operation}))
