"""Secrets for processes of yours (`trunkline run`): which variables each gets, and their values in a sealed file of their own.

The gateway never sees that file. Written by the supervisor, read by the console for its API and by `trunkline run`, each reading audited.
Not for: starting the process (`cli/run.py`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from trunkline.control import audit, kills
from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.service import Sealed
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.plugins.secrets.sealed import open_sealed, seal

if TYPE_CHECKING:
    from trunkline.registry.shape import Registry

FILE, SEALED = "processes.json", "processes.sealed"


class ProcessProblem(Exception):
    """A process cannot get its secrets; says which and the cure, never a value."""


class ProcessSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What one process may have."""

    name: str
    env: dict[str, str]
    """Variable -> reference."""
    on_rotate: str = "restart"
    owner: str = ""


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """What a process gets. `version` changes when a value does."""

    name: str
    version: str
    on_rotate: str
    env: dict[str, str]

    def __repr__(self) -> str:
        return f"Handed({self.name!r}, {self.version!r}, {sorted(self.env)})"


def specs(registry: Registry) -> list[ProcessSpec]:
    """What the registry declares."""
    return [
        ProcessSpec(name=name, env=own.env, on_rotate=own.on_rotate, owner=own.owner)
        for name, own in registry.processes.items()
    ]


def publish(
    state: State,
    declared: list[ProcessSpec],
    values: Mapping[str, str],
    missing: Mapping[str, str],
    *,
    lost: frozenset[str] = frozenset(),
) -> None:
    """Writes both files. A value that resolved before and does not now is kept (ruling 22), unless a person took it away (`lost`)."""
    refs = {ref for one in declared for ref in one.env.values()}
    if not refs and not (state.path / FILE).exists():
        return
    before = _read(state, state.master_key())
    kept = {ref: v for ref, v in (before.values if before else {}).items() if ref in refs and ref not in lost}
    content = Sealed(
        version=SEALED,
        values={**kept, **{ref: values[ref] for ref in refs if ref in values}},
        missing={ref: why for ref, why in missing.items() if ref in refs},
    )
    with state.lock("publish.lock"):
        if before is None or (before.values, before.missing) != (content.values, content.missing):
            state.write(state.path / SEALED, seal(content, state.master_key()))
        state.write(state.path / FILE, codec.to_json(declared) + b"\n")


def read_specs(state: State) -> list[ProcessSpec]:
    """What is live; nothing before the first start."""
    try:
        return msgspec.json.decode((state.path / FILE).read_bytes(), type=list[ProcessSpec])
    except (OSError, codec.DecodeError):
        return []


def find(state: State, name: str) -> ProcessSpec:
    """One process; without a name the only one that there is. Raises ProcessProblem."""
    known = read_specs(state)
    found = [one for one in known if one.name == name] if name else known
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.name for one in known)
    if not known:
        raise ProcessProblem(
            "The live registry declares no process. Add e.g. `processes: {web: {env: {STRIPE_KEY: store:STRIPE}}}`, "
            "and start Trunkline (`trunkline serve`), which resolves its secrets."
        )
    if name:
        raise ProcessProblem(f"The registry declares no process {name!r}; there are: {names}.")
    raise ProcessProblem(f"The registry declares several processes; say which with --as: {names}.")


def version(state: State, spec: ProcessSpec) -> str:
    """Tells whether the values of a process have changed, without telling them."""
    return _version(state, spec, _values(state, spec))


def handed(state: State, spec: ProcessSpec, *, actor: str) -> Handed:
    """The values of a process, audited. Raises ProcessProblem naming each variable that has none."""
    values = _values(state, spec)
    there = _read(state, state.master_key())
    lacking = [
        f"{variable} ({ref}): {(there.missing.get(ref) if there else '') or 'it does not resolve'}"
        for variable, ref in spec.env.items()
        if ref not in values
    ]
    if lacking:
        raise ProcessProblem(f"{spec.name} lacks secrets. " + " ".join(lacking))
    told = _version(state, spec, values)
    detail = {"process": spec.name, "version": told}
    with state.change() as connection:
        entries = [
            audit.Entry(actor, "secret.fetch", ref, {**detail, "variable": variable})
            for variable, ref in spec.env.items()
        ]
        audit.add(connection, state, entries)
    env = {variable: values[ref] for variable, ref in spec.env.items()}
    return Handed(name=spec.name, version=told, on_rotate=spec.on_rotate, env=env)


def reseal(state: State, old: bytes, new: bytes) -> None:
    """The master key was replaced."""
    there = _read(state, old)
    if there is not None:
        state.write(state.path / SEALED, seal(there, new))


def _values(state: State, spec: ProcessSpec) -> dict[str, str]:
    there, killed = _read(state, state.master_key()), kills.killed(state, "credential")
    refs = set(spec.env.values()) - killed
    return {ref: value for ref, value in (there.values if there else {}).items() if ref in refs}


def _version(state: State, spec: ProcessSpec, values: Mapping[str, str]) -> str:
    told = msgspec.json.encode(
        [[variable, values.get(ref, "")] for variable, ref in sorted(spec.env.items())]
    )
    return hmac.new(state.keys["audit"], b"process|" + told, hashlib.sha256).hexdigest()[:12]


def _read(state: State, master_key: bytes) -> Sealed | None:
    try:
        return open_sealed(state.path / SEALED, master_key)
    except (OSError, MasterKeyProblem, codec.DecodeError):
        return None
