"""The lock as it would be: with changes accepted, with new operations taken in, learned anew, or out of a description. Pure.

Not for: writing it (`control/contracts.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from trunkline.core.service import Operation as Declared
from trunkline.core.service import Service
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts import merge, store
from trunkline.ops.contracts.change import Change
from trunkline.ops.contracts.compared import compared
from trunkline.ops.contracts.lock import ERRORS, Lock, LockedIntegration, LockedOperation
from trunkline.ops.contracts.openapi import Described, fits, same_path
from trunkline.ops.contracts.watch import Contract, Operation


class Step(NamedTuple):
    """What becomes of one operation. `changes` are those that were found; none for one that is new to the lock."""

    integration: str
    operation: str
    changes: list[Change]
    old: LockedOperation | None
    new: LockedOperation

    @property
    def difference(self) -> str:
        """Lines that go and come."""
        before = locks.operation_text(self.old) if self.old is not None else ""
        return merge.difference(before, locks.operation_text(self.new), self.operation)


def from_traffic(
    lock: Lock,
    integration: str,
    book: store.Book,
    operations: Iterable[str],
    *,
    anew: bool = False,
    service: Service | None = None,
) -> Iterator[Step]:
    """Operations of an integration with what was seen of them; those that nothing new is known of are left out.

    `anew`: all counts are taken over, too. `service`: the integration, whose operations' paths are written as they are declared.
    """
    wanted = set(operations)
    for name, operation in sorted(book.operations.items()):
        if wanted and (name or "errors") not in wanted:
            continue
        old = locks.found(lock, integration, name)
        changes = operation.changes()
        contract = (
            merge.relearned(operation, changes) if anew or old is None else merge.accepted(operation, changes)
        )
        new = locks.locked_operation(*_call(name, operation, old, service), contract)
        new.deprecated = old.deprecated if old is not None else ""
        if new.parts and (old is None or changes or anew) and new != old:
            yield Step(integration, name, changes, old, new)


def _call(
    name: str, operation: Operation, old: LockedOperation | None, service: Service | None
) -> tuple[str, str]:
    """Method and path as they stand in the lock: as they stood, as they are declared, or as they were called without ids. Never as
    one call had them: that is somebody's order.
    """
    if name == ERRORS:
        return "", ""
    method, _, path = name.partition(" ")
    if path.startswith("/"):
        return method, path
    called = store.called("", operation.method, operation.path).partition(" ")[2]
    stood = old.call.partition(" ")[2] if old is not None else ""
    if stood and stood == store.called("", operation.method, stood).partition(" ")[2]:
        return operation.method, stood
    return operation.method, next(_templates(name, operation.path, service), called)


def _templates(name: str, path: str, service: Service | None) -> Iterator[str]:
    """The path under which an operation is declared, as far as what was called is one of its paths."""
    prefix = service.api_version.path.rstrip("/") if service and service.api_version is not None else ""
    for one in service.operations if service else ():
        if one.name == name:
            yield from (each for each in (one.path, prefix + one.path) if fits(each, path))


def from_description(
    lock: Lock, service: Service, described: Iterable[Described], names: Mapping[str, str]
) -> Iterator[Step]:
    """Operations of a description, under the names that they have here. `names`: `METHOD /path` of a description -> name."""
    errors: Contract = {}
    for one in described:
        name = names.get(f"{one.method} {one.path}", "")
        errors = {**one.errors, **errors}
        if name and one.contract:
            old = locks.found(lock, service.name, name)
            new = locks.locked_operation(one.method, one.path, one.contract)
            new.deprecated = one.ending
            changes = compared(locks.contract_of(old), one.contract) if old is not None else []
            if new != old:
                yield Step(service.name, name, changes, old, new)
    if errors and locks.found(lock, service.name, ERRORS) is None:
        yield Step(service.name, ERRORS, [], None, locks.locked_operation("", "", errors))


def named(
    service: Service, used: Iterable[str], described: Iterable[tuple[str, str]], *, everything: bool = False
) -> dict[str, str]:
    """`METHOD /path` of a description -> the name that the operation has here: as declared, as used without being declared, or
    with `everything` its own. Operations that are declared but were never used count where nothing was used yet.
    """
    known = set(used) - {ERRORS}
    found = {}
    for method, path in described:
        declared = _declared(service, method, path)
        own = f"{method} {path}"
        if declared is not None and (declared.name in known or not known or everything):
            found[own] = declared.name
        elif match := next((name for name in sorted(known) if _same(name, own)), ""):
            found[own] = match
        elif everything:
            found[own] = own
    return found


def _declared(service: Service, method: str, path: str) -> Declared | None:
    prefix = service.api_version.path.rstrip("/") if service.api_version is not None else ""
    for one in service.operations:
        if one.method == method and (same_path(one.path, path) or same_path(prefix + one.path, path)):
            return one
    return None


def _same(name: str, own: str) -> bool:
    method, _, path = name.partition(" ")
    other, _, template = own.partition(" ")
    return method == other and same_path(path, template)


def applied(
    lock: Lock, steps: Iterable[Step], versions: Mapping[str, str], repinned: Iterable[Moved] = ()
) -> Lock:
    """The lock with these operations. `versions`: the pinned API version by integration; `repinned`: those that only move theirs."""
    out = msgspec.convert(msgspec.to_builtins(lock), Lock)
    for one in repinned:
        out.integrations[one.integration].api_version = one.now
    for step in steps:
        into = out.integrations.setdefault(step.integration, LockedIntegration())
        into.api_version = versions.get(step.integration, into.api_version)
        if step.operation == ERRORS:
            into.errors = step.new
        else:
            into.operations[step.operation] = step.new
    return out


class Moved(NamedTuple):
    """An integration that is pinned to another version than its lock is of."""

    integration: str
    was: str
    now: str


def moved(lock: Lock, services: Iterable[Service], wanted: Sequence[str] = ()) -> list[Moved]:
    """The locked integrations whose pinned version is another one by now; of the `wanted`, if any are."""
    found = []
    for service in services:
        locked, now = lock.integrations.get(service.name), pinned(service)
        if locked is not None and locked.api_version != now and (not wanted or service.name in wanted):
            found.append(Moved(service.name, locked.api_version, now))
    return found


def pinned(service: Service) -> str:
    """The version that an integration is pinned to; empty for none."""
    return service.api_version.value if service.api_version is not None else ""


def without(lock: Lock, integrations: Iterable[str]) -> Lock:
    """The lock without integrations that are no longer declared."""
    gone = set(integrations)
    kept = {name: one for name, one in lock.integrations.items() if name not in gone}
    return Lock(lock.version, kept)
