"""Rotations of secrets: begun, moved on, undone and ended, each step one transaction with its audit row.

A step that somebody else has made meanwhile changes nothing, so that steps may be repeated after a crash. Not for: what comes next
(`rotation.py`), nor for the calls that verify (`console/rotating.py`).
"""

from __future__ import annotations

import secrets as random
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from trunkline.control import audit, known, rotation, secrets
from trunkline.control.rotation import ENDED, Order, Rotation
from trunkline.control.secrets import SecretProblem
from trunkline.control.state import State
from trunkline.ops import stores

if TYPE_CHECKING:
    import sqlalchemy as sa


class RotationProblem(SecretProblem):
    """What was asked of a rotation cannot be done; says why and the cure."""


def begin(
    state: State,
    name: str,
    value: str,
    *,
    quiet_s: float = rotation.QUIET_S,
    hold: bool = False,
    unverified: bool = False,
    actor: str = "cli",
    now: float | None = None,
) -> Rotation:
    """Stores the new value beside the one that serves. With a rotation that is stuck it takes the place of the refused value."""
    at = time.time() if now is None else now
    before = _free(state, name, at)
    current = next((one for one in secrets.versions(state, name) if one.current), None)
    if current is None:
        raise RotationProblem(f"{name} has no version that serves. Store one: trunkline secrets set {name}")
    if secrets.same_value(state, name, current.version, value):
        raise RotationProblem(f"This is the value that {name} has already; nothing was stored.")
    if before is not None:
        undo(state, before, "another value was given", actor=actor, now=at)
    version = secrets.set_secret(state, name, value, actor=actor, now=at, current=False)
    made = Rotation(
        id=f"rot_{random.token_hex(6)}",
        name=name,
        from_version=str(current.version),
        to_version=str(version),
        state="added",
        actor=actor,
        created_at=at,
        quiet_s=quiet_s,
        hold=hold,
        unverified=unverified,
    )
    return _begun(state, made)


def begin_outside(
    state: State,
    ref: str,
    *,
    quiet_s: float = rotation.QUIET_S,
    hold: bool = False,
    unverified: bool = False,
    actor: str = "cli",
    now: float | None = None,
) -> Rotation:
    """From now on what an outside store holds for this reference serves only once it is proved; a person puts it there."""
    at = time.time() if now is None else now
    before = _free(state, ref, at)
    there = next((one for one in stores.read(state.path) if one.ref == ref and one.has_value), None)
    if there is None:
        raise RotationProblem(
            f"{ref} has no value that serves. Name a reference as the live registry has it; `trunkline secrets list` shows them."
        )
    if before is not None:
        undo(state, before, "it was begun anew", actor=actor, now=at)
    made = Rotation(
        id=f"rot_{random.token_hex(6)}",
        name=ref,
        from_version=there.version,
        to_version="",
        state="awaiting",
        actor=actor,
        created_at=at,
        quiet_s=quiet_s,
        hold=hold,
        unverified=unverified,
    )
    return _begun(state, made)


def _free(state: State, name: str, at: float) -> Rotation | None:
    """A rotation that is stuck and may be replaced; None where there is none. Raises RotationProblem for one that goes on."""
    before = running(state, name)
    if before is not None and not before.stuck:
        raise RotationProblem(f"A rotation of {name} is under way: {rotation.words(before, at)}")
    return before


def _begun(state: State, made: Rotation) -> Rotation:
    from trunkline.ledger import rotation_tables as tables

    with state.change() as connection:
        tables.insert(connection, _row(made))
        _audit(connection, state, made, "rotation.begin", made.actor, made.created_at)
    return made


def orders(state: State) -> dict[str, list[Order]]:
    """Reference in an outside store -> its rotations, the newest first: what its keeper has to hold back or to serve."""
    found: dict[str, list[Order]] = {}
    # One that runs is its name's newest, and counts however many of other names came after it.
    for one in {one.id: one for one in (*listed(state, running=True), *listed(state))}.values():
        if one.outside:
            found.setdefault(one.name, []).append(Order(one.id, one.state))
    return found


class Values(NamedTuple):
    """Both values of a rotation, for who proves them."""

    old: str
    new: str

    def __repr__(self) -> str:
        return "Values(***)"


def values(state: State, one: Rotation, *, actor: str) -> Values:
    """Audited. Raises SecretProblem when one of them is gone."""
    if not one.outside:
        old, new = (
            secrets.value_of(state, one.name, int(version), actor=actor)
            for version in (one.from_version, one.to_version)
        )
        return Values(old, new)
    serves, held = known.kept(state).get(one.name, ("", known.Held()))
    found = Values(held.before, serves) if one.promoted_at else Values(serves, held.next)
    if not found.old or not found.new:
        raise RotationProblem(f"{one.name}: one of its values is not kept any more.")
    with state.change() as connection:
        detail = {"rotation": one.id}
        audit.add(connection, state, [audit.Entry(actor, "secret.fetch", one.name, detail)])
    return found


def running(state: State, name: str) -> Rotation | None:
    """The rotation of a secret that has not ended."""
    found = listed(state, name=name, running=True)
    return found[0] if found else None


def listed(state: State, *, name: str = "", running: bool = False) -> list[Rotation]:
    """The newest first."""
    from trunkline.ledger import rotation_tables as tables

    with state.view() as connection:
        return [_rotation(row) for row in tables.listed(connection, name=name, running=running)]


def moved(
    state: State, old: Rotation, new: Rotation, *, actor: str = "rotation", now: float | None = None
) -> bool:
    """Keeps what has become of a rotation. A change of state is audited; False when somebody else has changed it meanwhile."""
    from trunkline.ledger import rotation_tables as tables

    if old == new:
        return True
    at = time.time() if now is None else now
    with state.change() as connection:
        if not tables.replace(connection, _row(new), expected=old.state):
            return False
        if new.state != old.state or new.stuck != old.stuck:
            _audit(connection, state, new, f"rotation.{'stuck' if new.stuck else new.state}", actor, at)
    return True


def promote(
    state: State, one: Rotation, place: int, *, actor: str = "rotation", now: float | None = None
) -> Rotation:
    """The new version serves from now on. `place` is where the ledger ends."""
    if one.state not in ("added", "verified"):
        raise RotationProblem(f"{one.name} cannot be promoted: {rotation.words(one, time.time())}")
    at = time.time() if now is None else now
    return _with_current(state, one, rotation.promoted(one, place, at), one.to_version, actor, at)


def undo(state: State, one: Rotation, why: str, *, actor: str = "cli", now: float | None = None) -> Rotation:
    """Back to the old version, from any step at which it is still there."""
    if one.state in ENDED:
        raise RotationProblem(f"There is nothing to undo: {rotation.words(one, time.time())}")
    at = time.time() if now is None else now
    return _with_current(state, one, rotation.undone(one, at, why), one.from_version, actor, at)


def finish(
    state: State, one: Rotation, why: str, *, actor: str = "cli", now: float | None = None
) -> Rotation:
    """Gives the old version up: its value is erased."""
    from trunkline.ledger import rotation_tables as tables

    if one.state not in ("promoted", "idle"):
        raise RotationProblem(f"{one.name} cannot be finished: {rotation.words(one, time.time())}")
    at = time.time() if now is None else now
    new = rotation.finished(one, at, why)
    with state.change() as connection:
        if not tables.replace(connection, _row(new), expected=one.state):
            raise _overtaken(one)
        if not one.outside:
            tables.erase_version(connection, one.name, int(one.from_version))
        _audit(connection, state, new, "rotation.done", actor, at)
    return new


def last_done(state: State) -> dict[str, float]:
    """Reference -> when its last rotation began to serve."""
    from trunkline.ledger import rotation_tables as tables

    with state.view() as connection:
        found = tables.last_done(connection)
    return {name if ":" in name else f"store:{name}": at for name, at in found.items()}


def _with_current(
    state: State, one: Rotation, new: Rotation, version: str, actor: str, at: float
) -> Rotation:
    """Changes the state and the version that serves together."""
    from trunkline.ledger import control_tables
    from trunkline.ledger import rotation_tables as tables

    with state.change() as connection:
        if not tables.replace(connection, _row(new), expected=one.state):
            raise _overtaken(one)
        if not one.outside:
            head = control_tables.find_secret(connection, one.name)
            if head is None or head["removed_at"]:
                raise RotationProblem(f"{one.name} was removed meanwhile; its rotation cannot go on.")
            if str(head["current"]) in (one.from_version, one.to_version):
                control_tables.put_secret(connection, one.name, int(version), at)
            if new.state == "abandoned":
                tables.erase_version(connection, one.name, int(one.to_version))
        _audit(connection, state, new, f"rotation.{new.state}", actor, at)
    return new


def _overtaken(one: Rotation) -> RotationProblem:
    return RotationProblem(
        f"The rotation of {one.name} has moved on meanwhile. Look again: trunkline secrets rotate {one.name} --status"
    )


def _audit(
    connection: sa.Connection, state: State, one: Rotation, action: str, actor: str, at: float
) -> None:
    detail = {"id": one.id, "from": one.from_version, "to": one.to_version}
    if one.problem:
        detail["why"] = one.problem
    audit.add(connection, state, [audit.Entry(actor, action, one.name, detail)], at)


def _row(one: Rotation) -> dict[str, Any]:
    facts = msgspec.to_builtins(one)
    columns = {name: facts.pop(name) for name in ("id", "name", "state", "created_at", "ended_at")}
    return {**columns, "facts": facts}


def _rotation(row: Any) -> Rotation:
    columns = {name: row[name] for name in ("id", "name", "state", "created_at", "ended_at")}
    return msgspec.convert({**row["facts"], **columns}, Rotation)
