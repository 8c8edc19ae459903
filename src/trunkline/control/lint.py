"""Everything that `trunkline check` finds: errors, lint, and references that do not resolve here. Changes nothing; that values were
read is audited.

Not for: judging the registry itself (`registry/`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from trunkline.control import audit, signing
from trunkline.control.resolving import sources
from trunkline.control.state import State
from trunkline.core.alerting import references
from trunkline.core.outside import SCHEMES, StoreSettings
from trunkline.ops import rotation_due
from trunkline.plugins.secrets import Outside, SecretUnavailable, Source, StoreDown, resolve
from trunkline.plugins.secrets.outside import open_store
from trunkline.registry import runbooks
from trunkline.registry.catalog import broad_key, key_problem
from trunkline.registry.document import Place
from trunkline.registry.findings import Finding, RegistryInvalid
from trunkline.registry.lint import lint
from trunkline.registry.load import Loaded, load
from trunkline.registry.verify_secrets import settings_of


def findings_of(
    path: Path,
    environment: str,
    environ: Mapping[str, str],
    state: State,
    commands: runbooks.Commands | None = None,
) -> tuple[bool, list[Finding]]:
    """Whether the registry may run, and all findings by place. `commands`: those that exist, for what runbooks name."""
    try:
        loaded = load(path, environment=environment, environ=environ)
    except RegistryInvalid as refusal:
        return False, refusal.findings
    found = [*lint(loaded), *_secrets(loaded, environment, environ, state), *_commands(loaded, commands)]
    replaced = _replaced(state)
    found = [f for f in found if f.code != "rotation-overdue" or f.item.split(".")[1] not in replaced]
    once = {(f.line, f.column, f.code, f.item, f.message): f for f in found}
    return True, sorted(once.values(), key=lambda f: (f.line, f.column))


def _commands(loaded: Loaded, known: runbooks.Commands | None) -> Iterator[Finding]:
    """Commands that a runbook names and that do not exist."""
    for service in loaded.snapshot.services if known is not None else ():
        path = loaded.folder / service.runbook
        if not (service.enabled and service.runbook and path.is_file()):
            continue
        text = path.read_text("utf-8", "replace")
        for one in runbooks.problems(text, today=date.min, commands=known):
            if one.code == "runbook-command":
                place: Place = ("integrations", service.name, "runbook")
                item, said = (
                    ".".join(map(str, place)),
                    f"The runbook ({service.runbook}:{one.line}): {one.message}",
                )
                yield _finding(loaded, place, item, "warning", one.code, service.runbook, said, one.cure)


def _replaced(state: State) -> set[str]:
    """Integrations whose credentials were all replaced in time, as Trunkline saw it itself, whatever day the registry names."""
    by: dict[str, set[str]] = {}
    for one in rotation_due.read(state.path):
        by.setdefault(one.integration, set()).add(one.state)
    return {name for name, states in by.items() if states <= {"fresh", "due"}}


def missing_of(loaded: Loaded, environ: Mapping[str, str], state: State) -> dict[str, str]:
    """Reference -> why it does not resolve here."""
    known = _sources(loaded, environ, state)
    missing, read = {}, []
    for ref in [ref for ref in loaded.refs if ref.partition(":")[0] in known]:
        try:
            resolve(ref, known)
            read.append(ref)
        except SecretUnavailable as problem:
            missing[ref] = f"{problem.why}. {problem.cure}"
    _audit(state, read)
    return missing


def _audit(state: State, read: list[str]) -> None:
    """Notes which values were read; not where there is no installation, or a database that cannot be written now."""
    from sqlalchemy.exc import DBAPIError

    if read and state.control_db.exists():
        with contextlib.suppress(DBAPIError, OSError), state.change() as connection:
            entries = [audit.Entry("check", "secret.fetch", ref) for ref in dict.fromkeys(read)]
            audit.add(connection, state, entries)


def value_now(loaded: Loaded, environ: Mapping[str, str], state: State, ref: str) -> str:
    """What a reference leads to now; outside stores are asked. Raises SecretUnavailable. Whoever calls this audits it."""
    return resolve(ref, _sources(loaded, environ, state))


def _sources(loaded: Loaded, environ: Mapping[str, str], state: State) -> dict[str, Source]:
    known = sources(state, environ, loaded.folder, _Asked(loaded, environ))
    if not state.control_db.exists():  # looking must not create an installation
        known.pop("store")
    return known


class _Asked:
    """Outside stores for one look: asked now, nothing kept; a store that is away is asked once."""

    def __init__(self, loaded: Loaded, environ: Mapping[str, str]) -> None:
        folder = str(loaded.folder)
        self._settings = {name: settings_of(own, folder) for name, own in loaded.registry.stores.items()}
        self._environ = environ
        self._away: dict[str, StoreDown] = {}
        self._stores: dict[str, Outside] = {}

    def sources(self) -> dict[str, Source]:
        return {scheme: _AskedOne(self, scheme) for scheme in SCHEMES}

    def fetch(self, scheme: str, rest: str) -> str:
        if scheme not in self._stores:
            settings = {str(name): one for name, one in self._settings.items()}.get(scheme, StoreSettings())
            self._stores[scheme] = open_store(scheme, settings, self._environ)
        try:
            if scheme in self._away:
                raise self._away[scheme]
            return self._stores[scheme].fetch(rest).value
        except StoreDown as down:
            if down.away:
                self._away[scheme] = down
            raise SecretUnavailable(f"{scheme}:{rest}", down.why, down.cure) from None


class _AskedOne:
    """One kind of store."""

    def __init__(self, asked: _Asked, scheme: str) -> None:
        self._asked, self._scheme = asked, scheme

    def fetch(self, rest: str) -> str:
        return self._asked.fetch(self._scheme, rest)

    def stamp(self, rest: str) -> object:
        return None

    def version(self, rest: str) -> str:
        return ""


def _secrets(loaded: Loaded, environment: str, environ: Mapping[str, str], state: State) -> list[Finding]:
    known = _sources(loaded, environ, state)
    found, read = [], []
    values: dict[str, str] = {}
    for place, item, ref in _used(loaded):
        if ref.partition(":")[0] not in known:
            continue
        try:
            value = resolve(ref, known)
        except SecretUnavailable as problem:
            said = f"{problem.why}."
            found.append(_finding(loaded, place, item, "info", "secret-missing", ref, said, problem.cure))
            continue
        read.append(ref)
        values[ref] = value
        wrong = key_problem(loaded.entries.get(str(place[-1])), environment, value)
        if wrong and item.endswith(".secret"):
            found.append(_finding(loaded, place, item, "error", "wrong-key-kind", ref, wrong, ""))
        instead = broad_key(loaded.entries.get(str(place[-1])), value)
        if instead and item.endswith(".secret"):
            said = "The key may do more than most uses need."
            found.append(_finding(loaded, place, item, "info", "secret-broad", ref, said, f"Use {instead}."))
    _audit(state, read)
    return [*found, *signing.faults(loaded, values, environ)]


def _used(loaded: Loaded) -> Iterator[tuple[Place, str, str]]:
    """(place in the file, item, reference) of each reference."""
    for service in loaded.snapshot.services:
        place: Place = ("integrations", service.name)
        item = f"integrations.{service.name}"
        for credential in service.credentials:
            yield place, f"{item}.secret", credential.ref
        if service.auth.refresh:
            yield place, f"{item}.auth.refresh", service.auth.refresh
    for key in ("webhook_secret", "smtp_secret"):
        ref = getattr(loaded.snapshot.notify, key)
        if ref:
            yield ("notify", key), f"notify.{key}", ref
    for rule in loaded.snapshot.alerts:
        for ref in references([rule]) if rule.name in loaded.registry.alerts else ():
            yield ("alerts", rule.name), f"alerts.{rule.name}", ref


def _finding(
    loaded: Loaded, place: Place, item: str, severity: str, code: str, ref: str, said: str, cure: str
) -> Finding:
    line, column, _ = loaded.source.find(place, key=True)
    return Finding(
        severity=severity,  # type: ignore[arg-type]
        code=code,
        file=loaded.source.file,
        line=line,
        column=column,
        item=item,
        value=ref,
        message=said,
        cure=cure,
    )
