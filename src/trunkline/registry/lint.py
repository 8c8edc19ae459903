"""Advice about a registry that may run: what is missing for the day on which something fails. Nothing here stops a start.

Each rule is a row of `RULES`, from which the reference page is made. Not for: errors (`verify.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from trunkline.core.service import Service

from . import runbooks
from .catalog import PRICES_OLD_DAYS
from .document import Place
from .findings import Finding, Severity
from .layer import Scribe
from .lint_flow import lint_flow
from .lint_vectors import lint_vectors
from .load import Loaded
from .runbooks import REVIEW_EVERY_DAYS
from .shape import Integration
from .shape_models import ModelAlias

FLOATING = frozenset(("latest", "current", "default", "stable", "newest", "preview", "unstable"))
"""Names of versions that stand for another one tomorrow."""
SOON = timedelta(days=90)
PRICES_OLD = timedelta(days=PRICES_OLD_DAYS)


class Rule(NamedTuple):
    """A row of the table of lint rules."""

    severity: Severity
    about: str


RULES: dict[str, Rule] = {
    "no-owner": Rule("warning", "No `owner`: nobody answers for the credential and the bill."),
    "no-rotation": Rule("warning", "A secret without a `rotation` schedule."),
    "rotation-overdue": Rule("warning", "The credential should have been replaced by now."),
    "rotation-unknown": Rule("info", "A schedule without `last`: nobody can tell when it is due."),
    "no-timeout": Rule("warning", "An API of your own without `timeout`: the defaults may not fit it."),
    "no-data": Rule("warning", "No `data`: nobody can tell which personal data this vendor receives."),
    "no-handling": Rule(
        "info",
        "It may receive personal or payment data, but `handling` does not say what the vendor does with it.",
    ),
    "no-fallback": Rule(
        "warning", "On the load path and without `fallback`: when it is down, the product is down."
    ),
    "no-runbook": Rule("info", "No `runbook` (a warning on the load path)."),
    "runbook-missing": Rule("warning", "The file of the `runbook` is not there."),
    "runbook-incomplete": Rule("warning", "The runbook leaves one of its five questions open."),
    "runbook-contact": Rule("warning", "The runbook's escalation names nobody who can be reached."),
    "runbook-command": Rule("warning", "The runbook names a command of Trunkline that does not exist."),
    "runbook-stale": Rule(
        "warning", f"Nobody has reviewed the runbook for more than {REVIEW_EVERY_DAYS} days."
    ),
    "runbook-unreviewed": Rule("info", "The runbook has no line `Reviewed: YYYY-MM-DD`."),
    "no-api-version": Rule(
        "info", "No pinned `api_version`, and nothing says why (`api_version: {none: ...}`)."
    ),
    "floating-version": Rule("warning", "An `api_version` that the vendor may move, such as `latest`."),
    "version-in-name": Rule(
        "warning", "A version in the name of an integration that pins no `api_version` of its own."
    ),
    "no-review": Rule(
        "info",
        "On the load path and without `contract: {review: ...}`: nobody reads the changelog on a schedule.",
    ),
    "model-shutdown": Rule(
        "warning", "A model alias whose target the vendor shuts down within 90 days, or has shut down."
    ),
    "stale-prices": Rule(
        "warning", f"Prices of the catalog in use were read more than {PRICES_OLD.days} days ago."
    ),
    "no-operations": Rule("info", "An API of your own without `operations`: its POSTs are never repeated."),
    "plain-http": Rule("warning", "`allow_http` lets the credential travel unencrypted."),
    "floating-model": Rule("warning", "A model alias whose target the vendor may move."),
    "stale-without-cache": Rule("warning", "A fallback of kind `stale` where nothing is ever kept."),
    "other-vectors": Rule(
        "warning",
        "An embedding model that stands in for another one: their vectors cannot be compared.",
    ),
    "fallback-disabled": Rule("warning", "A fallback to an integration that is switched off."),
    "defer-without-notify": Rule(
        "info", "A fallback of kind `defer`, but `notify` tells nobody when it ends."
    ),
    "hedge-without-use": Rule("warning", "`hedge` where no declared operation may be repeated at will."),
    "hedge-without-money": Rule("warning", "`hedge` of model calls without `usd_per_day`."),
    "budget-without-effect": Rule("warning", "A budget that neither refuses nor tells."),
    "budget-without-alerts": Rule("info", "A budget whose alerts are off or reach nobody."),
    "drills-not-run": Rule("info", "`drills` in production without `production: true`: none is run there."),
    "no-alerts": Rule("info", "Something is on the load path, and nobody is told when it fails."),
    "no-integrations": Rule("warning", "The registry names no integration."),
}


def lint(loaded: Loaded, *, today: date | None = None) -> list[Finding]:
    """The findings of `load` and of every rule, by place in the file."""
    scribe = Scribe(loaded.source, loaded.snapshot.environment)
    day = today or datetime.now(UTC).date()
    services = {service.name: service for service in loaded.snapshot.services}
    for name, own in loaded.registry.integrations.items():
        service = services[name]
        if not service.enabled:
            continue
        for check in (_people, _rotation, _timing, _data, _runbook, _shape, _versions):
            for code, at, message, cure in check(service, own or Integration(), loaded.folder, day):
                severity = (
                    "warning"
                    if code == "no-runbook" and service.criticality == "load-path"
                    else RULES[code].severity
                )
                scribe.write(severity, ("integrations", name, *at), code, message, cure, at_key=True)
    for alias, target in loaded.registry.models.items():
        for place, model in _places(alias, target):
            _floating(place, model, loaded, scribe)
            _shut_down(place, model, services, day, scribe)
    _prices(loaded, services, day, scribe)
    for code, at, message, cure in (*lint_flow(loaded), *lint_vectors(loaded)):
        scribe.write(RULES[code].severity, at, code, message, cure, at_key=True)
    critical = [one.name for one in services.values() if one.enabled and one.criticality == "load-path"]
    if critical and not loaded.snapshot.alerts:
        said = f"`{critical[0]}` is on the load path, and nobody is told when it fails."
        cure = "Add `notify:` or `alerts:`, e.g. `alerts: {on-call: {to: {kind: slack, secret: store:SLACK_WEBHOOK}}}`."
        scribe.write(RULES["no-alerts"].severity, ("integrations",), "no-alerts", said, cure, at_key=True)
    if not services:
        scribe.write(
            "warning",
            ("integrations",),
            "no-integrations",
            RULES["no-integrations"].about,
            "Add one, e.g. `openai`.",
        )
    return sorted([*loaded.findings, *scribe.findings], key=lambda f: (f.line, f.column))


Said = Iterator[tuple[str, Place, str, str]]
"""(code, place below the integration, message, cure)"""
Check = Callable[[Service, Integration, Path, date], Said]


def _people(service: Service, own: Integration, folder: Path, today: date) -> Said:
    if not service.owner:
        yield "no-owner", (), f"`{service.name}` has no owner.", "Add `owner:` here or under `defaults:`."
    if service.criticality == "load-path" and not own.fallback:
        cure = "Add e.g. `fallback: another-integration` or `fallback: {kind: defer}`."
        yield "no-fallback", (), f"`{service.name}` is on the load path and has no fallback.", cure


def _rotation(service: Service, own: Integration, folder: Path, today: date) -> Said:
    at: Place = ("rotation",) if own.rotation else ()
    if not service.rotation_every:
        if service.credentials:
            yield (
                "no-rotation",
                at,
                f"The credential of `{service.name}` has no schedule.",
                "Add e.g. `rotation: {every: 90d, last: 2026-10-01}`.",
            )
    elif not service.rotation_last:
        yield (
            "rotation-unknown",
            at,
            f"When was the credential of `{service.name}` last replaced?",
            "Add `last:`.",
        )
    else:
        due = _day(service.rotation_last) + timedelta(seconds=service.rotation_every)
        if due < today:
            said = f"The credential of `{service.name}` was due to be replaced on {due.isoformat()}."
            yield "rotation-overdue", at, said, "Replace it, then set `last:`."


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:  # e.g. 2026-02-31: as good as never
        return date.min


def _timing(service: Service, own: Integration, folder: Path, today: date) -> Said:
    if not service.vendor and own.timeout is None:
        yield (
            "no-timeout",
            (),
            f"`{service.name}` has no timeouts of its own.",
            "Add e.g. `timeout: {first_byte: 10s, total: 60s}`.",
        )
    if own.allow_http and service.base_url.startswith("http:"):
        yield (
            "plain-http",
            ("allow_http",),
            f"The credential of `{service.name}` travels unencrypted.",
            "Use https where you can.",
        )


def _data(service: Service, own: Integration, folder: Path, today: date) -> Said:
    if not service.privacy.declared:
        cure = "Add e.g. `data: [prompts]`, or `data: []` for none."
        yield "no-data", (), f"Nothing says which data `{service.name}` may receive.", cure
    sensitive = [category for category in service.data if category.startswith(("pii", "payment", "health"))]
    if sensitive and own.handling is None and not service.vendor:
        said = f"`{service.name}` may receive {', '.join(sensitive)}, but nothing says what it does with it."
        yield (
            "no-handling",
            ("data",),
            said,
            "Add `handling: {retention: ..., trains: ..., region: ..., dpa: ...}`.",
        )


def _runbook(service: Service, own: Integration, folder: Path, today: date) -> Said:
    if not own.runbook:
        yield (
            "no-runbook",
            (),
            f"`{service.name}` has no runbook.",
            f"Make one with `trunkline runbook new {service.name}`, and name it: `runbook: runbooks/{service.name}.md`.",
        )
        return
    if re.match(r"https?://", own.runbook):
        return
    path = folder / own.runbook
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        yield (
            "runbook-missing",
            ("runbook",),
            f"The file {own.runbook} cannot be read.",
            "Write it, or correct the path.",
        )
        return
    for problem in runbooks.problems(text, today=today):
        said = f"The runbook of `{service.name}` ({own.runbook}:{problem.line}): {problem.message}"
        yield problem.code, ("runbook",), said, problem.cure


def _versions(service: Service, own: Integration, folder: Path, today: date) -> Said:
    version = service.api_version
    if version is None and not service.unversioned:
        cure = 'Add e.g. `api_version: {header: X-Api-Version, value: "2026-01-01"}`, or `{none: why}`.'
        yield "no-api-version", (), f"`{service.name}` has no pinned version.", cure
    if version is not None and version.value.lower() in FLOATING:
        said = f"`{service.name}` asks for the version `{version.value}`, which the vendor may move."
        yield "floating-version", ("api_version",), said, "Name a dated or numbered version."
    if "@" in service.name and (own.api_version is None or not own.api_version.value):
        said = f"`{service.name}` names a version, but pins none of its own."
        yield "version-in-name", (), said, "Add `api_version: {value: ...}`."
    if service.criticality == "load-path" and service.changelog and not service.review_every:
        said = f"Nobody reads the changelog of `{service.name}` on a schedule."
        yield "no-review", (), said, "Add `contract: {review: 90d}` here or under `defaults:`."


def _shape(service: Service, own: Integration, folder: Path, today: date) -> Said:
    if service.vendor:
        return
    if not service.operations:
        cure = "Declare those that may be repeated: `operations: [{name: ..., method: POST, path: /..., repeat: always}]`."
        yield "no-operations", (), f"`{service.name}` declares no operations.", cure


def _places(name: str, own: ModelAlias) -> Iterator[tuple[Place, str]]:
    """Where each target of a model name stands."""
    if own.target:
        yield ("models", name, "target"), own.target
    for n, one in enumerate(own.targets):
        here: Place = ("models", name, "targets", n)
        yield (here, one) if isinstance(one, str) else ((*here, "target"), one.target)


def _prices(loaded: Loaded, services: dict[str, Service], today: date, scribe: Scribe) -> None:
    read = {
        name: entry.prices.date
        for name, entry in loaded.entries.items()
        if entry.prices is not None and name in services and services[name].enabled
    }
    old = [name for name, told in read.items() if _day(told) + PRICES_OLD < today]
    if old:
        oldest = min(read[name] for name in old)
        said = f"Prices of {', '.join(f'`{name}`' for name in old)} were read long ago, on {oldest} the first of them."
        cure = "Update Trunkline, or set `price` of the models that you use."
        scribe.write("warning", ("integrations",), "stale-prices", said, cure, at_key=True)


def _shut_down(place: Place, target: str, services: dict[str, Service], today: date, scribe: Scribe) -> None:
    integration, _, name = target.partition("/")
    service = services.get(integration)
    model = next((m for m in service.models if m.id == name), None) if service is not None else None
    if model is None or not model.shutdown or _day(model.shutdown) > today + SOON:
        return
    word = "was shut down" if _day(model.shutdown) <= today else "is shut down"
    cure = f"The vendor recommends `{model.replacement}`." if model.replacement else "Choose another model."
    said = f"`{target}` {word} on {model.shutdown}."
    scribe.write("warning", place, "model-shutdown", said, cure, value=target)


def _floating(place: Place, target: str, loaded: Loaded, scribe: Scribe) -> None:
    integration, _, model = target.partition("/")
    entry = loaded.entries.get(integration)
    own = loaded.registry.integrations.get(integration) or Integration()
    pinned = next(
        (m.pinned for m in (*own.models, *(entry.models if entry else ())) if m.id == model and m.pinned), ""
    )
    said = f"`{model}` is a name that the vendor may move to another version."
    if pinned:
        scribe.write(
            "info", place, "floating-model", said, f"Pin it: `{integration}/{pinned}`.", value=target
        )
    elif re.search(r"[-:](latest|preview|exp|beta)$", model):
        scribe.write("warning", place, "floating-model", said, "Name a dated version.", value=target)
