"""Credentials in the admin API: stored secrets and outside stores, who uses one, rotations, and the secrets of processes.

Values leave by one endpoint alone, for the process that they are declared for; each reading is audited. Not for: moving rotations on
(`rotating.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from trunkline.console.declare import Endpoint, Nothing
from trunkline.console.identity import Identity
from trunkline.control import impact, processes, rotation, rotations, secrets
from trunkline.control.impact import Impact
from trunkline.control.periods import rfc3339
from trunkline.control.processes import Handed, ProcessProblem, ProcessSpec
from trunkline.control.rotation import Rotation
from trunkline.control.secrets import SecretInfo, SecretProblem
from trunkline.core.errors import CallError
from trunkline.ops import rotation_due, stores

if TYPE_CHECKING:
    from trunkline.console.context import Console


class RefQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One credential."""

    ref: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    """Its reference, e.g. `store:STRIPE`."""
    days: Annotated[float, msgspec.Meta(gt=0, le=400)] = impact.DAYS


class RotationQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rotation of one stored secret."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    """Name of the secret, or id of the rotation."""


class ProcessQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One process of the registry."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    """Its name."""


class OutsideShape(msgspec.Struct, frozen=True, kw_only=True):
    """A secret of an outside store. Times are RFC 3339."""

    ref: str
    version: str | None
    state: Literal["fresh", "last_known", "missing"]
    age_s: float | None
    fetched_at: str | None
    checked_at: str | None
    problem: str | None
    used_by: list[str]


class SecretsReply(msgspec.Struct, frozen=True):
    """All that is known of credentials, without one of them."""

    stored: list[SecretInfo]
    outside: list[OutsideShape]


class RotationShape(msgspec.Struct, frozen=True, kw_only=True):
    """A rotation. Times are RFC 3339."""

    id: str
    name: str
    state: rotation.RotationState
    stuck: bool
    from_version: str
    to_version: str
    said: str
    created_at: str | None
    promoted_at: str | None
    ended_at: str | None
    old_attempts: int
    new_attempts: int
    new_refused: int


class RotationsReply(msgspec.Struct, frozen=True):
    """Rotations, the newest first, and when each credential is due."""

    rotations: list[RotationShape]
    schedules: list[dict[str, Any]]


class ProcessShape(msgspec.Struct, frozen=True, kw_only=True):
    """A process: which variables it gets, and a version that changes when a value does."""

    name: str
    version: str
    on_rotate: str
    env: dict[str, str]
    """Variable -> reference."""


def told(console: Console, body: dict[str, Any], now: float) -> None:
    """Adds to the detail of health what is known of outside stores and schedules."""
    seen, due = stores.read(console.state_dir), rotation_due.read(console.state_dir)
    if seen:
        body["stores"] = stores.told(seen, now)
    if rotations_told := rotation_due.told(due):
        body["rotations"] = rotations_told
    body["findings"] += [*stores.findings(seen, now), *rotation_due.findings(due)]


def secrets_known(console: Console, query: Nothing) -> Any:
    """Stored secrets and those of outside stores."""
    users, now, seen = secrets.used_by(console.state), console.clock(), stores.read(console.state_dir)
    ages = {one["ref"]: one for one in stores.told(seen, now)}
    outside = [
        OutsideShape(
            ref=one.ref,
            version=one.version or None,
            state=ages[one.ref]["state"],
            age_s=ages[one.ref]["age_s"],
            fetched_at=rfc3339(one.fetched_at),
            checked_at=rfc3339(one.checked_at),
            problem=one.problem or None,
            used_by=users.get(one.ref, []),
        )
        for one in seen
    ]
    return SecretsReply(secrets.list_secrets(console.state), outside)


def impact_of(console: Console, query: RefQuery) -> Any:
    """Who would break."""
    try:
        return impact.impact(console.state, query.ref, days=query.days, now=console.clock())
    except SecretProblem as problem:
        raise CallError("not_found", str(problem)) from None


def rotations_known(console: Console, query: Nothing) -> Any:
    """All rotations."""
    now = console.clock()
    found = [_shape(one, now) for one in rotations.listed(console.state)]
    return RotationsReply(found, rotation_due.told(rotation_due.read(console.state_dir)))


def promote(console: Console, query: RotationQuery, who: Identity) -> Any:
    """The new version serves now."""
    return _acted(
        console, query, lambda one, now: rotations.promote(console.state, one, 0, actor=who.actor, now=now)
    )


def undo(console: Console, query: RotationQuery, who: Identity) -> Any:
    """The old version serves again."""
    why = "asked by a person"
    return _acted(
        console, query, lambda one, now: rotations.undo(console.state, one, why, actor=who.actor, now=now)
    )


def finish(console: Console, query: RotationQuery, who: Identity) -> Any:
    """The old version is given up."""
    why = "asked by a person"
    return _acted(
        console, query, lambda one, now: rotations.finish(console.state, one, why, actor=who.actor, now=now)
    )


def _acted(
    console: Console, query: RotationQuery, act: Callable[[Rotation, float], Rotation]
) -> RotationShape:
    now = console.clock()
    running = rotations.listed(console.state, running=True)
    one = next((found for found in running if query.id in (found.name, found.id)), None)
    if one is None:
        raise CallError("not_found", f"there is no rotation of {query.id!r} under way")
    try:
        return _shape(act(one, now), now)
    except SecretProblem as problem:
        raise CallError("conflict", str(problem), later=False) from None


def process(console: Console, query: ProcessQuery) -> Any:
    """What a process may have, without values."""
    spec = _spec(console, query.id)
    told = processes.version(console.state, spec)
    return ProcessShape(name=spec.name, version=told, on_rotate=spec.on_rotate, env=spec.env)


def process_secrets(console: Console, query: ProcessQuery, who: Identity) -> Any:
    """The values, for the process itself."""
    spec = _spec(console, query.id)
    actor = who.actor if who.kind != "nobody" else f"key with secrets:{spec.name}"
    try:
        return processes.handed(console.state, spec, actor=actor)
    except ProcessProblem as problem:
        raise CallError("secret_unavailable", str(problem)) from None


def _spec(console: Console, name: str) -> ProcessSpec:
    try:
        return processes.find(console.state, name)
    except ProcessProblem as problem:
        raise CallError("not_found", str(problem)) from None


def _shape(one: rotation.Rotation, now: float) -> RotationShape:
    return RotationShape(
        id=one.id,
        name=one.name,
        state=one.state,
        stuck=one.stuck,
        from_version=one.from_version,
        to_version=one.to_version,
        said=rotation.words(one, now),
        created_at=rfc3339(one.created_at),
        promoted_at=rfc3339(one.promoted_at),
        ended_at=rfc3339(one.ended_at),
        old_attempts=one.old_attempts,
        new_attempts=one.new_attempts,
        new_refused=one.new_refused,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/secrets", role="operator", name="secrets", summary="Credentials: versions, ages, use; never values",
        reply=SecretsReply, handler=secrets_known,
    ),
    Endpoint(
        method="GET", path="/api/secrets/impact", role="operator", name="secret_impact", summary="Who would break without a credential",
        query=RefQuery, reply=Impact, handler=impact_of,
    ),
    Endpoint(
        method="GET", path="/api/rotations", role="operator", name="rotations", summary="Rotations, and when each credential is due",
        reply=RotationsReply, handler=rotations_known,
    ),
    Endpoint(
        method="POST", path="/api/rotations/{id}/promote", role="admin", name="promote_rotation",
        summary="Let the new version of a secret serve", query=RotationQuery, reply=RotationShape, handler=promote,
    ),
    Endpoint(
        method="POST", path="/api/rotations/{id}/undo", role="admin", name="undo_rotation",
        summary="Let the old version of a secret serve again", query=RotationQuery, reply=RotationShape, handler=undo,
    ),
    Endpoint(
        method="POST", path="/api/rotations/{id}/finish", role="admin", name="finish_rotation",
        summary="Give the old version of a secret up", query=RotationQuery, reply=RotationShape, handler=finish,
    ),
    Endpoint(
        method="GET", path="/api/processes/{id}", role="operator", scope="secrets:{id}", name="process",
        summary="What a process may have, without values", query=ProcessQuery, reply=ProcessShape, handler=process,
    ),
    Endpoint(
        method="GET", path="/api/processes/{id}/secrets", role="admin", scope="secrets:{id}", name="process_secrets",
        summary="The secrets of a process, each reading audited", query=ProcessQuery, reply=Handed, handler=process_secrets,
    ),
)  # fmt: skip
