"""`trunkline.yaml` + catalog + environment -> a Snapshot, or every reason why not.

The only file here that reads the clock and chooses files; the decisions lie in the pure modules beside it. Not for:
resolving secrets, watching for changes, or publishing (`control/`, the supervisor).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from trunkline.core.alerting import references
from trunkline.core.codec import to_pack
from trunkline.core.service import Service, Snapshot

from . import catalog, document
from .address import OWN_LISTENERS
from .catalog import Entry
from .document import Document
from .findings import Finding, RegistryInvalid, did_you_mean, one_of
from .layer import Scribe, declared, layer
from .locate import Located, located
from .merge import Around, merged, vendor_of
from .merge_whole import model_names, whole
from .shape import ENVIRONMENTS, Defaults, Integration, Registry
from .verify import verify


class SimulatorAddress(NamedTuple):
    """Where the simulator listens, what it plays, and which references resolve.

    An integration of a catalog vendor is played when not one of its references resolves; one that needs no secret, when
    nobody gave its address.
    """

    base_url: str
    resolves: Callable[[str], bool]
    plays: Collection[str] | None = None
    """Vendors; None: every vendor of the catalog."""


class Loaded(NamedTuple):
    """A registry that may run. `findings` are no errors, save those that stop one integration only (its `problem`)."""

    snapshot: Snapshot
    findings: list[Finding]
    refs: list[str]
    """Every reference in use, once each."""
    registry: Registry
    entries: dict[str, Entry]
    """Catalog entry by integration."""
    source: Document
    folder: Path
    """Folder of the registry: paths in it are relative to this."""


def environment_of(environ: Mapping[str, str]) -> str:
    """The name of the environment; `TRUNKLINE_ENV` unset or empty is `prod`."""
    return environ.get("TRUNKLINE_ENV", "").strip() or "prod"


def load(
    path: Path,
    *,
    environment: str,
    environ: Mapping[str, str],
    simulate: SimulatorAddress | None = None,
    listeners: tuple[str, ...] = OWN_LISTENERS,
) -> Loaded:
    """Reads and checks a registry. `listeners` are Trunkline's own addresses. Raises RegistryInvalid with every error."""
    _known_environment(environment, path)
    source = document.read(path)
    known: dict[str, Entry] = {}
    elsewhere: list[Finding] = []
    for other in declared(source):
        if other != environment:  # a fault in the overlay of prod must not wait for a start in prod
            elsewhere += _errors(source, other, known, listeners)
    try:
        registry, scribe = layer(source, environment)
    except RegistryInvalid as error:
        raise RegistryInvalid(_ordered([*error.findings, *elsewhere])) from None
    entries = _entries(registry, known)
    verify(registry, entries, scribe, listeners)
    places = _places(registry, entries, environ, listeners, scribe)
    if scribe.errors or elsewhere:
        raise RegistryInvalid(_ordered([*scribe.errors, *elsewhere]))
    around = Around(path.resolve().parent, registry.defaults or Defaults(), environ, model_names(registry))
    services, notes = _services(registry, entries, places, around, simulate, scribe)
    snapshot = _dated(whole(registry, environment, services, notes))
    return Loaded(
        snapshot, _ordered(scribe.findings), _refs(snapshot), registry, entries, source, around.folder
    )


def _known_environment(environment: str, path: Path) -> None:
    if environment not in ENVIRONMENTS:
        cure = did_you_mean(environment, ENVIRONMENTS) or one_of(ENVIRONMENTS)
        said = f"The environment `{environment[:40]}` (TRUNKLINE_ENV) is not known."
        raise RegistryInvalid(
            [
                Finding(
                    severity="error",
                    code="unknown-environment",
                    file=str(path),
                    value=environment[:40],
                    message=said,
                    cure=cure,
                )
            ]
        )


def _errors(
    source: Document, environment: str, known: dict[str, Entry], listeners: tuple[str, ...]
) -> list[Finding]:
    """Errors of the registry as it would hold in another environment."""
    try:
        registry, scribe = layer(source, environment)
    except RegistryInvalid as error:
        return error.findings
    verify(registry, _entries(registry, known), scribe, listeners)
    return scribe.errors


def _entries(registry: Registry, known: dict[str, Entry]) -> dict[str, Entry]:
    """The catalog entry of each integration that has one; each file is read once."""
    out = {}
    for name, own in registry.integrations.items():
        vendor = vendor_of(name, own)
        try:
            out[name] = known[vendor] = known.get(vendor) or catalog.entry(vendor)
        except KeyError:
            continue
    return out


def _places(
    registry: Registry,
    entries: dict[str, Entry],
    environ: Mapping[str, str],
    listeners: tuple[str, ...],
    scribe: Scribe,
) -> dict[str, Located]:
    places = {}
    for name, own in registry.integrations.items():
        place = places[name] = located(name, own or Integration(), entries.get(name), environ, listeners)
        if place.missing and name in entries:
            said, _, cure = place.missing.partition(". ")
            scribe.error(("integrations", name), "missing-address", said + ".", cure, at_key=True)
    return places


def _services(
    registry: Registry,
    entries: dict[str, Entry],
    places: dict[str, Located],
    around: Around,
    simulate: SimulatorAddress | None,
    scribe: Scribe,
) -> tuple[list[Service], list[str]]:
    services, notes = [], []
    for name, own in registry.integrations.items():
        place = places[name]
        service = merged(name, own or Integration(), entries.get(name), place, around)
        given = bool(own and own.base_url) or bool(place.variable)
        if simulate is not None and _played(service, simulate, given):
            why = (
                f"{' or '.join(c.ref for c in service.credentials)} is not set"
                if service.credentials
                else "it has no base_url"
            )
            notes.append(f"{name} is played by the simulator: {why}.")
            service = simulated(service, simulate.base_url)
        elif place.problem:
            service = replace(service, problem=place.problem)
            scribe.error(
                ("integrations", name), "refused-variable", place.problem, value=place.base_url, at_key=True
            )
            notes.append(f"{name}: {place.problem}")
        elif place.variable:
            said = f"The address of {name} is {place.base_url}, from {place.variable}."
            scribe.write("info", ("integrations", name), "address-from-variable", said, at_key=True)
            notes.append(said)
        services.append(service)
    return services, notes


def _played(service: Service, simulate: SimulatorAddress, address_given: bool) -> bool:
    if (
        not service.vendor
        or not service.enabled
        or (simulate.plays is not None and service.vendor not in simulate.plays)
    ):
        return False
    if not service.credentials:
        return not address_given
    return not any(simulate.resolves(credential.ref) for credential in service.credentials)


def simulated(service: Service, simulator_url: str) -> Service:
    """The service as the simulator plays it. No real credential goes there; the gateway signs with a made-up one."""
    return replace(
        service,
        base_url=f"{simulator_url.rstrip('/')}/{service.vendor}",
        private=True,
        allow_http=True,
        proxy="",
        ca_file="",
        cert_file="",
        key_file="",
        credentials=[],
        simulated=True,
        problem="",
    )


def _refs(snapshot: Snapshot) -> list[str]:
    """Every reference in use, once each."""
    live = [service for service in snapshot.services if service.enabled]
    used = [ref for s in live for ref in (*(c.ref for c in s.credentials), s.auth.refresh)]
    told = [snapshot.notify.webhook_secret, snapshot.notify.smtp_secret, *references(snapshot.alerts)]
    oidc = snapshot.sign_in.oidc
    return list(dict.fromkeys(filter(None, [*used, *told, oidc.client_secret if oidc is not None else ""])))


def _dated(draft: Snapshot) -> Snapshot:
    version = hashlib.sha256(to_pack(draft)).hexdigest()[:12]
    return replace(draft, version=version, created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _ordered(findings: list[Finding]) -> list[Finding]:
    """By place in the file, each once (an overlay repeats the faults of its base)."""
    once = {(f.line, f.column, f.code, f.message): f for f in findings}
    return sorted(once.values(), key=lambda f: (f.line, f.column))
