"""Models that are in use and that their vendor shuts down, as dated tasks. Pure over the registry and what was called lately.

Not for: what vendors say in header fields (`lifecycle.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from trunkline.core.alerting import Severity
from trunkline.core.service import Model, Service, Snapshot
from trunkline.ops.findings import Finding

KIND = "model.shutdown"
TOLD = timedelta(days=180)
"""So long before a model ends it is told."""
SOON = timedelta(days=60)
NEAR = timedelta(days=14)


def findings(
    snapshot: Snapshot,
    called: Iterable[tuple[str, str]],
    today: date,
    dated: Mapping[tuple[str, str], str] | None = None,
) -> list[Finding]:
    """One for each model in use that ends. `called`: integration and model of the calls of the last weeks; `dated`: days that vendors
    told themselves, which win over those of the catalog.
    """
    lately = set(called)
    found = []
    for service in snapshot.services:
        for model in service.models:
            told = (dated or {}).get((service.name, model.id), "") or model.shutdown
            if service.enabled and told and date.fromisoformat(told) <= today + TOLD:
                uses = list(_uses(snapshot, service, model, lately))
                if uses:
                    found.append(_finding(service, model, told, uses, today))
    return found


def _uses(snapshot: Snapshot, service: Service, model: Model, lately: set[tuple[str, str]]) -> Iterator[str]:
    """What in the registry or in the traffic names a model."""
    name = f"{service.name}/{model.id}"
    for alias in snapshot.aliases:
        if alias.target == name:
            yield f"models.{alias.name}"
        if any(one.target == name for one in alias.fallback):
            yield f"fallback of models.{alias.name}"
    for virtual in snapshot.virtual:
        if any(candidate.target == name for candidate in virtual.candidates):
            yield f"models.{virtual.name}"
        if any(one.target == name for one in virtual.fallback):
            yield f"fallback of models.{virtual.name}"
    for other in snapshot.services:
        if any(one.target == name for one in other.fallback):
            yield f"fallback of integrations.{other.name}"
    for route, chain in snapshot.route_fallback.items():
        if any(one.target == name for one in chain):
            yield f"fallback of routes.{route}"
    if (service.name, model.id) in lately:
        yield "calls of the last 30 days"


def _finding(service: Service, model: Model, told: str, uses: list[str], today: date) -> Finding:
    ends = date.fromisoformat(told)
    verb = "was shut down" if ends <= today else "is shut down"
    instead = f"; the vendor recommends {model.replacement}" if model.replacement else ""
    return Finding(
        kind=KIND,
        integration=service.name,
        subject=model.id,
        severity=_severity(ends, today),
        title=f"{service.name}/{model.id} {verb} on {told}{instead}",
        detail={"model": model.id, "replacement": model.replacement, "used_by": uses},
        due=told,
    )


def _severity(ends: date, today: date) -> Severity:
    if ends <= today + NEAR:
        return "critical"
    return "warning" if ends <= today + SOON else "info"
