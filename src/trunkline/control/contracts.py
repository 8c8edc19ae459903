"""What people decide about contracts: accept changes, learn, record that a changelog was read. Each is an audit row.

Not for: what has changed (`ops/contracts/`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.control import audit
from trunkline.core.service import Service, Snapshot
from trunkline.ops import findings
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts import merge_lock, store
from trunkline.ops.contracts.lock import Lock
from trunkline.ops.contracts.merge_lock import Moved, Step
from trunkline.ops.contracts.reviews import KIND as REVIEW
from trunkline.ops.contracts.reviews import Review

if TYPE_CHECKING:
    from trunkline.control.state import State

LONGEST_NOTE = 2000


class ContractProblem(Exception):
    """What was asked cannot be done; says why and the cure."""


def lock_path(config: Path) -> Path:
    """Where the lock of a registry lies."""
    return config.parent / locks.NAME


def steps(
    state: Path,
    lock: Lock,
    integrations: Sequence[str] = (),
    operations: Sequence[str] = (),
    *,
    anew: bool = False,
    services: Iterable[Service] = (),
) -> list[Step]:
    """What accepting would do to the lock. `services`: the integrations, for the paths that they declare."""
    found: list[Step] = []
    declared = {service.name: service for service in services}
    for name, book in store.books(state):
        if not integrations or name in integrations:
            found += merge_lock.from_traffic(
                lock, name, book, operations, anew=anew, service=declared.get(name)
            )
    return found


def write(
    state: State,
    path: Path,
    lock: Lock,
    taken: Sequence[Step],
    snapshot: Snapshot | None,
    who: str,
    action: str,
    repinned: Sequence[Moved] = (),
) -> Lock:
    """Puts steps, and versions that are pinned by now, into the lock, with an audit row for each."""
    services = snapshot.services if snapshot is not None else []
    versions = {one.name: merge_lock.pinned(one) for one in services}
    new = merge_lock.applied(lock, taken, versions, repinned)
    _replace(path, locks.text(new))
    rows = [
        audit.Entry(
            who,
            action,
            f"{step.integration} {step.operation or 'errors'}",
            {"changes": [change.title for change in step.changes][:50], "new": step.old is None},
        )
        for step in taken
    ]
    rows += [
        audit.Entry(who, action, one.integration, {"api_version": one.now, "was": one.was})
        for one in repinned
    ]
    if state.path.is_dir():  # a checkout without an installation has no audit log
        with state.change() as connection:
            audit.add(connection, state, rows)
    return new


def resolve(state: State, taken: Iterable[Step], who: str, now: float | None = None) -> None:
    """Has the findings of accepted operations settled at once; the console would do so at its next look."""
    if not state.path.is_dir():
        return
    at = time.time() if now is None else now
    for step in taken:
        findings.resolve(
            state, "contract.drift", step.integration, step.operation or "errors", f"accepted by {who}", at
        )


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(path)
    except OSError as problem:
        raise ContractProblem(
            f"{path} cannot be written ({problem.strerror}). Run this where the registry is checked out, or give --config."
        ) from None


def review(
    state: State, snapshot: Snapshot, integration: str, who: str, note: str, now: float | None = None
) -> Review:
    """Records that a changelog was read. Raises ContractProblem."""
    from trunkline.ledger import review_tables as tables

    at = time.time() if now is None else now
    service = next((one for one in snapshot.services if one.name == integration), None)
    if service is None:
        known = ", ".join(sorted(one.name for one in snapshot.services)) or "none"
        raise ContractProblem(f"There is no integration {integration!r}. Known: {known}.")
    if len(note) > LONGEST_NOTE:
        raise ContractProblem(f"The note has {len(note)} characters; at most {LONGEST_NOTE} are kept.")
    version = service.api_version.value if service.api_version is not None else ""
    made = Review(integration=integration, at=at, who=who, note=note, version=version)
    with state.change() as connection:
        tables.insert(connection, {name: getattr(made, name) for name in Review.__struct_fields__})
        detail = {"note": note, "version": version, "changelog": service.changelog}
        audit.add(connection, state, [audit.Entry(who, "contract.review", integration, detail)], at)
    findings.resolve(state, REVIEW, integration, "changelog", f"read by {who}", at)
    return made


def reviews(state: State, integration: str = "") -> list[Review]:
    """Readings of changelogs, the newest first."""
    from trunkline.ledger import review_tables as tables

    with state.view() as connection:
        return [_review(row) for row in tables.listed(connection, integration=integration)]


def latest(state: State) -> dict[str, Review]:
    """The last reading by integration."""
    from trunkline.ledger import review_tables as tables

    with state.view() as connection:
        return {row["integration"]: _review(row) for row in tables.latest(connection)}


def _review(row: object) -> Review:
    return Review(**{name: row[name] for name in Review.__struct_fields__})  # type: ignore[index]
