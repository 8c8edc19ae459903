"""A row for each operation whose contract is known: how much was seen, whether it is locked, whether it has changed.

Reads, changes nothing. Not for: the changes themselves (`judge.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts import store
from trunkline.ops.contracts.change import Change, worst
from trunkline.ops.contracts.lock import ERRORS, Lock, LockedIntegration
from trunkline.ops.contracts.watch import LEARNED_UNITS, Operation

State = Literal["learning", "learned", "locked", "changed"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. Units are what one caller got within a minute."""

    integration: str
    operation: str
    """`errors`: those of all its operations."""
    state: State
    learned: int
    """Units that it was learned from."""
    since: int
    """Units seen since."""
    needed: int = LEARNED_UNITS
    """Units from which it is learned where no lock says what holds."""
    changes: int = 0
    harm: str = ""
    """Of the worst change."""
    api_version: str = ""
    """Of which the lock is."""


def rows(state: Path, lock: Lock, names: Iterable[str], wanted: Sequence[str] = ()) -> list[Row]:
    """Everything that was seen or that the lock knows, by name; of the `wanted` integrations, if any are."""
    known = {*names, *lock.integrations, *(name for name, _ in store.books(state))}
    found: list[Row] = []
    for name in sorted(known & set(wanted) if wanted else known):
        book, one = store.read(state, name), lock.integrations.get(name)
        operations = sorted({*book.operations, *_locked(one)})
        found += [_row(name, each, book.operations.get(each), lock) for each in operations]
    return found


def _locked(one: LockedIntegration | None) -> set[str]:
    if one is None:
        return set()
    return {*one.operations, *({ERRORS} if one.errors is not None else ())}


def _row(name: str, operation: str, seen: Operation | None, lock: Lock) -> Row:
    entry = locks.found(lock, name, operation)
    learned = max((part.units for part in entry.parts.values()), default=0) if entry is not None else 0
    if entry is None and seen is not None:
        learned = max((part.units for part in seen.learned.values()), default=0)
    changes = seen.changes() if seen is not None else []
    return Row(
        integration=name,
        operation=operation or "errors",
        state=_state(entry is not None, seen, changes),
        learned=learned,
        since=seen.units() if seen is not None else 0,
        changes=len(changes),
        harm=worst(changes) if changes else "",
        api_version=lock.integrations[name].api_version if entry is not None else "",
    )


def _state(locked: bool, seen: Operation | None, changes: Sequence[Change]) -> State:
    if changes:
        return "changed"
    if locked:
        return "locked"
    return "learning" if seen is not None and seen.learning else "learned"
