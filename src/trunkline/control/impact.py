"""Who breaks if a credential is revoked: what the registry says uses it, and who used it lately by the ledger, with counts and last use.

Reads only. Not for: revoking (`kills.py`) or replacing (`rotations.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal

import msgspec

from trunkline.control import processes, published, rotations
from trunkline.control.kills import killed
from trunkline.control.periods import rfc3339
from trunkline.control.secrets import SecretProblem, users
from trunkline.control.state import State
from trunkline.control.tasks import Tasks
from trunkline.core.service import Snapshot
from trunkline.ledger.credentials import Credentials, Use

DAYS = 7.0
WITHIN_S = 10.0
TASKS_MAX = 1000
WAITING = ("queued", "waiting", "running")


class UsedBy(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts with the credential that have a name in common."""

    name: str
    attempts: int
    failed: int
    last_used: str | None


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """An integration that the registry gives the credential to."""

    integration: str
    criticality: str
    owner: str
    alone: bool
    """It has no other credential: without this one its calls fail, or fall back."""
    fallbacks: list[str]


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """Who would break."""

    ref: str
    since: str | None
    partial: bool
    """There was no time to look back as far as asked."""
    verdict: Literal["in use", "declared", "unused"]
    attempts: int
    last_used: str | None
    integrations: list[Affected]
    """By the registry that is live."""
    processes: list[str]
    """Processes of yours that get it (`trunkline run`)."""
    others: list[str]
    """What else the registry uses it for, e.g. `notify`."""
    tasks: int
    """Deferred calls that wait for an integration that uses it."""
    by_integration: list[UsedBy]
    by_key: list[UsedBy]
    by_team: list[UsedBy]
    by_feature: list[UsedBy]
    by_operation: list[UsedBy]
    """Operation or model."""
    by_version: list[UsedBy]
    revoked: bool
    """It is refused by the kill switch now."""
    rotation: str
    """State of its rotation, if one is under way."""


def impact(state: State, name: str, *, days: float = DAYS, now: float | None = None) -> Impact:
    """Raises SecretProblem for a name that nothing and nobody knows."""
    at = time.time() if now is None else now
    ref = name if ":" in name else f"store:{name}"
    snapshot = published.read_snapshot(state)
    affected = _affected(snapshot, ref) if snapshot is not None else []
    credentials = Credentials(state.ledger)
    try:
        found = credentials.uses(ref, int((at - days * 86_400) * 1e6), int(at * 1e6) + 1, within_s=WITHIN_S)
    finally:
        credentials.close()
    used_for = users(snapshot).get(ref, []) if snapshot is not None else []
    others = [one for one in used_for if one not in {a.integration for a in affected}]
    given = [p.name for p in processes.read_specs(state) if ref in p.env.values()]
    _ensure_known(state, snapshot, name, used=bool(affected or others or given or found.uses))
    moving = rotations.running(state, ref.removeprefix("store:"))
    return Impact(
        ref=ref,
        since=rfc3339(found.since_us / 1e6),
        partial=found.partial,
        verdict="in use" if found.uses else "declared" if affected or others or given else "unused",
        attempts=sum(one.attempts for one in found.uses),
        last_used=_last(found.uses),
        integrations=affected,
        processes=given,
        others=others,
        tasks=_tasks(state, {a.integration for a in affected if a.alone}),
        by_integration=_by(found.uses, "integration"),
        by_key=_by_key(state, found.uses),
        by_team=_by(found.uses, "team"),
        by_feature=_by(found.uses, "feature"),
        by_operation=_by(found.uses, "what"),
        by_version=_by(found.uses, "credential"),
        revoked=ref in killed(state, "credential"),
        rotation=moving.state if moving is not None else "",
    )


def _affected(snapshot: Snapshot, ref: str) -> list[Affected]:
    return [
        Affected(
            integration=service.name,
            criticality=service.criticality,
            owner=service.owner,
            alone=all(c.ref == ref for c in service.credentials) or service.auth.refresh == ref,
            fallbacks=[f"{one.kind} {one.target}".strip() for one in service.fallback],
        )
        for service in snapshot.services
        if service.enabled and (service.auth.refresh == ref or any(c.ref == ref for c in service.credentials))
    ]


def _ensure_known(state: State, snapshot: Snapshot | None, name: str, *, used: bool) -> None:
    from trunkline.ledger import control_tables as tables

    if used or (":" in name and not name.startswith("store:")):
        return
    with state.view() as connection:
        if tables.find_secret(connection, name.removeprefix("store:")) is not None:
            return
    for service in snapshot.services if snapshot is not None else ():
        if service.name == name:
            theirs = ", ".join(dict.fromkeys(one.ref for one in service.credentials)) or "none"
            raise SecretProblem(f"{name!r} is an integration; name its credential instead: {theirs}.")
    raise SecretProblem(
        f"Nothing knows {name!r}: no secret of the store, no integration, and no call of that time has this name. "
        f"Give a reference as the registry has it, e.g. env:STRIPE_SECRET_KEY."
    )


def _by(uses: Iterable[Use], name: str) -> list[UsedBy]:
    grouped: dict[str, list[Use]] = {}
    for one in uses:
        grouped.setdefault(getattr(one, name), []).append(one)
    found = [
        UsedBy(
            name=name or "(none)",
            attempts=sum(one.attempts for one in group),
            failed=sum(one.failed for one in group),
            last_used=_last(group),
        )
        for name, group in grouped.items()
    ]
    return sorted(found, key=lambda one: (-one.attempts, one.name))


def _by_key(state: State, uses: list[Use]) -> list[UsedBy]:
    """Keys by name, with their id where they are not known any more."""
    from trunkline.ledger import control_tables as tables

    with state.view() as connection:
        names = {row["id"]: row["name"] for row in tables.all_keys(connection)}
    shown = [one._replace(key_id=names.get(one.key_id, one.key_id)) for one in uses]
    return _by(shown, "key_id")


def _last(uses: Iterable[Use]) -> str | None:
    return rfc3339(max((one.last_us for one in uses), default=0) // 1_000_000)


def _tasks(state: State, integrations: set[str]) -> int:
    """Deferred calls that have not ended."""
    if not integrations:
        return 0
    waiting = Tasks(state).listed(states=list(WAITING), owner="", before="", limit=TASKS_MAX)
    return sum(task.integration in integrations for task in waiting)
