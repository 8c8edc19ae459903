"""From the registry on disk to what the gateway serves: load, resolve, judge, publish; or refuse and leave the old one live.

A reload is refused for a wrong registry, for a reference that resolved before and no longer does, for an integration whose
credential was renamed to one that is nowhere, and for a new `env:` name that the process lacks (ruling 22); a start goes on
without the missing ones. The outcome stands in `reload.json`. Not for: when to do it (`supervise.py`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from trunkline.control import processes, publish, published, rotations, signing
from trunkline.control.processes import ProcessSpec
from trunkline.control.resolving import Resolved, Resolver
from trunkline.control.secrets import users
from trunkline.control.state import State
from trunkline.control.stores import Stores
from trunkline.core import codec
from trunkline.core.outside import is_outside
from trunkline.core.service import Service, Snapshot
from trunkline.registry.catalog import key_problem
from trunkline.registry.findings import Finding, RegistryInvalid
from trunkline.registry.load import Loaded, SimulatorAddress, load
from trunkline.registry.verify_secrets import settings_of
from trunkline.settings import Settings


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a (re)load; the content of `reload.json`. `version` is the one that is live now."""

    started: float
    at: float
    ok: bool
    version: str
    findings: list[Finding] = []

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]


class Compiler:
    """Compiles and publishes one registry, again and again. Keeps resolved values between runs."""

    def __init__(
        self, state: State, settings: Settings, environ: Mapping[str, str], *, simulator_url: str = ""
    ) -> None:
        self._state = state
        self._settings = settings
        self._environ = environ
        self._simulator_url = simulator_url
        self.stores = Stores(state, environ, orders=lambda: rotations.orders(state))
        self.resolver = Resolver(state, environ, settings.config_path.resolve().parent, self.stores)
        self.refs: list[str] = []
        """The references in use by what is live."""
        self.watched: list[str] = []
        """Those among them, and among those of processes, whose values change by themselves."""
        self._live = Resolved(values={}, missing={})

    def run(self, *, first: bool) -> Outcome:
        """One (re)load. Never raises for what a person wrote; the outcome says it."""
        started = time.time()
        try:
            loaded = self._load()
            declared = processes.specs(loaded.registry)
            others = [ref for one in declared for ref in one.env.values() if ref not in loaded.refs]
            self._adopt(loaded, others)
            resolved = self.resolver.resolve(loaded.refs)
            if weak := signing.faults(loaded, resolved.values, self._environ):
                raise RegistryInvalid(weak)
            if not first:
                _refuse_lost(self._state, loaded, resolved)
                _refuse_stripped(self._state, loaded, resolved)
                _refuse_unset(loaded, resolved, self.refs)
            content = self._publish(loaded, resolved)
            self._hand(declared, others, resolved)
        except RegistryInvalid as refusal:
            if not first:
                self._follow_secrets()
            there = published.read_snapshot(self._state)
            return self._note(started, False, there.version if there else "", refusal.findings)
        self.refs, self._live = loaded.refs, resolved
        self.watched = [ref for ref in (*loaded.refs, *others) if ref.startswith("file:") or is_outside(ref)]
        self.stores.keep(self.watched)
        return self._note(started, True, content.version, loaded.findings)

    def prune(self) -> None:
        """Takes out of the sealed file what only the registry before used; once the gateway has swapped."""
        live = self._live
        publish.sealed(self._state, live.values, live.missing, versions=live.versions)

    def _follow_secrets(self) -> None:
        """A refused registry holds up no new value of what is live; what is lost meanwhile is kept (ruling 22)."""
        live, found = self._live, self.resolver.resolve(self.refs)
        kept = {r: v for r, v in live.values.items() if r not in found.values and r not in found.deliberate}
        self._live = Resolved(
            values={**kept, **found.values},
            missing={ref: why for ref, why in found.missing.items() if ref not in kept},
            deliberate=found.deliberate,
            versions={**{ref: v for ref, v in live.versions.items() if ref in kept}, **found.versions},
        )
        publish.sealed(self._state, self._live.values, self._live.missing, versions=self._live.versions)

    def values(self) -> dict[str, str]:
        """What is published, by reference."""
        return self._live.values

    def _adopt(self, loaded: Loaded, others: list[str]) -> None:
        """Has the outside stores asked that this registry names."""
        folder = str(loaded.folder)
        settings = {name: settings_of(own, folder) for name, own in loaded.registry.stores.items()}
        self.stores.adopt({str(name): one for name, one in settings.items()}, [*loaded.refs, *others])

    def _hand(self, declared: list[ProcessSpec], others: list[str], resolved: Resolved) -> None:
        """Publishes what processes get."""
        more = self.resolver.resolve(others)
        values, missing = {**resolved.values, **more.values}, {**resolved.missing, **more.missing}
        taken = frozenset((*resolved.deliberate, *more.deliberate))
        processes.publish(self._state, declared, values, missing, lost=taken)

    def _load(self) -> Loaded:
        settings = self._settings
        simulate = None
        if self._simulator_url:
            simulate = SimulatorAddress(base_url=self._simulator_url, resolves=self._resolves)
        hosts = ((settings.host, settings.port), (settings.console_host, settings.console_port))
        listeners = tuple(f"{host}:{port}" for host, port in hosts)
        return load(
            settings.config_path,
            environment=settings.env,
            environ=self._environ,
            simulate=simulate,
            listeners=listeners,
        )

    def _resolves(self, ref: str) -> bool:
        if is_outside(ref):
            return True  # whoever names an outside store means the real vendor
        resolved = self.resolver.resolve([ref])
        # One that resolved before, or was killed, is that integration's error and never handed to the simulator (ruling 22).
        return ref in resolved.values or ref in resolved.deliberate or ref in self._resolved_before()

    def _resolved_before(self) -> Mapping[str, str]:
        there = published.read_sealed(self._state, self._state.master_key())
        return there.values if there else {}

    def _publish(self, loaded: Loaded, resolved: Resolved) -> Snapshot:
        services = [self._judged(service, loaded, resolved) for service in loaded.snapshot.services]
        # Credentials first, those of the registry before among them: no call in between finds its own missing.
        before = {ref: value for ref, value in self._live.values.items() if ref not in resolved.missing}
        publish.sealed(
            self._state, {**before, **resolved.values}, resolved.missing, versions=resolved.versions
        )
        return publish.snapshot(self._state, msgspec.structs.replace(loaded.snapshot, services=services))

    def _judged(self, service: Service, loaded: Loaded, resolved: Resolved) -> Service:
        """The service with the problem of a key of the wrong kind, which is that integration's alone (ruling 19)."""
        entry = loaded.entries.get(service.name)
        for credential in service.credentials:
            value = resolved.values.get(credential.ref, "")
            problem = key_problem(entry, loaded.snapshot.environment, value)
            if problem and not service.problem:
                return msgspec.structs.replace(service, problem=f"{credential.ref}: {problem}")
        return service

    def _note(self, started: float, ok: bool, version: str, findings: list[Finding]) -> Outcome:
        outcome = Outcome(started=started, at=time.time(), ok=ok, version=version, findings=findings)
        self._state.write(self._state.reload, codec.to_json(outcome) + b"\n")
        return outcome


def read_outcome(state: State) -> Outcome | None:
    """What became of the last (re)load; None if there was none."""
    try:
        return msgspec.json.decode(state.reload.read_bytes(), type=Outcome)
    except (OSError, codec.DecodeError):
        return None


def gateway_facts(state: State) -> dict[str, Any]:
    """What the running gateway says of itself (pid, port, version, boot); empty without one."""
    try:
        facts = codec.from_json(state.gateway.read_bytes())
    except (OSError, codec.DecodeError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _refuse_lost(state: State, loaded: Loaded, resolved: Resolved) -> None:
    """Raises RegistryInvalid naming each reference that resolved before and no longer does, unless a person took it away."""
    before = published.read_sealed(state, state.master_key())
    known = before.values if before else {}
    lost = [ref for ref in resolved.missing if ref in known and ref not in resolved.deliberate]
    if lost:
        raise RegistryInvalid([_lost(loaded, ref, resolved.missing[ref]) for ref in lost])


def _refuse_stripped(state: State, loaded: Loaded, resolved: Resolved) -> None:
    """Raises RegistryInvalid for each integration that calls with a credential now and would be left with references to nothing."""
    before, there = published.read_sealed(state, state.master_key()), published.read_snapshot(state)
    known = before.values if before else {}
    had = {
        service.name: [one.ref for one in service.credentials if one.ref in known]
        for service in (there.services if there else ())
        if service.enabled
    }
    stripped = [
        _stripped(loaded, service, had[service.name], resolved)
        for service in loaded.snapshot.services
        if service.enabled
        and had.get(service.name)
        and service.credentials
        and all(one.ref in resolved.missing for one in service.credentials)
        and not any(one.ref in resolved.deliberate for one in service.credentials)
    ]
    if stripped:
        raise RegistryInvalid(stripped)


def _stripped(loaded: Loaded, service: Service, had: list[str], resolved: Resolved) -> Finding:
    ref = service.credentials[0].ref
    line, column, _ = loaded.source.find(("integrations", service.name), key=True)
    said = resolved.missing[ref].partition(". ")[0].rstrip(".")
    return Finding(
        severity="error",
        code="secret-lost",
        file=loaded.source.file,
        line=line,
        column=column,
        item=f"integrations.{service.name}.secret",
        value=ref,
        message=f"{service.name} calls with {', '.join(had)} now, and would be left without a credential: {ref}: {said}.",
        cure="Is the name right? If it is new, store its value first. The registry before stays live.",
    )


def _refuse_unset(loaded: Loaded, resolved: Resolved, live: list[str]) -> None:
    """Raises RegistryInvalid for each new `env:` reference that this process lacks: no later change could bring it (ruling 22)."""
    unset = [
        ref
        for ref in resolved.missing
        if ref.startswith("env:") and ref not in live and ref not in resolved.deliberate
    ]
    if unset:
        raise RegistryInvalid([_unset(loaded, ref, resolved.missing[ref]) for ref in unset])


def _unset(loaded: Loaded, ref: str, why: str) -> Finding:
    name = users(loaded.snapshot)[ref][0]
    place = (name,) if name in ("notify", "alerts") else ("integrations", name)
    line, column, _ = loaded.source.find(place, key=True)
    said, _, cure = why.partition(". ")
    return Finding(
        severity="error",
        code="secret-unset",
        file=loaded.source.file,
        line=line,
        column=column,
        item=name if place == (name,) else f"integrations.{name}.secret",
        value=ref,
        message=f"{said}.",
        cure=cure,
    )


def _lost(loaded: Loaded, ref: str, why: str) -> Finding:
    said = f"The secret {ref} of {', '.join(users(loaded.snapshot)[ref])} resolved before and no longer does: {why}"
    cure = "The registry before stays live with the value before."
    return Finding(
        severity="error", code="secret-lost", file=loaded.source.file, item=ref, message=said, cure=cure
    )


def registry_stamp(path: Path) -> object:
    """Changes when the file may have changed; None while there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return (seen.st_mtime_ns, seen.st_size, seen.st_ino)
