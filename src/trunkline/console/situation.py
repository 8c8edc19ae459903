"""Gathers what is so now with one integration, from published files, ledger and control database; works without a running console.

Not for: how it is shown (`ops/runbooks/facts.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from trunkline.console.published import FRESH_S, Published
from trunkline.control import incidents as people
from trunkline.control import kills
from trunkline.control.state import State
from trunkline.core.service import Service, Snapshot
from trunkline.core.text import rfc3339
from trunkline.ledger.impact import Impact as ImpactReader
from trunkline.ledger.query import CallFilter, Ledger
from trunkline.ops import findings, health, rotation_due
from trunkline.ops.health import Traffic
from trunkline.ops.incidents import book, published
from trunkline.ops.incidents.impact import FAILURES, impact
from trunkline.ops.runbooks import commands
from trunkline.ops.runbooks.facts import (
    FAILURES_MAX,
    CredentialStanding,
    NamedCommand,
    RunbookFacts,
    RunbookText,
    VendorPage,
    failures,
)
from trunkline.ops.runbooks.template import told
from trunkline.registry import runbooks

RECENT_S = 900.0
"""Who is affected is counted over this time where nothing fails."""


class Sources(NamedTuple):
    """Where everything is read."""

    state: State
    published: Published
    snapshot: Snapshot
    traffic: list[Traffic]
    ledger: Ledger
    folder: Path | None
    """Of the registry, to which paths of runbooks are relative; None: not known."""
    commands: runbooks.Commands | None = None
    """Commands that exist, to judge those that a runbook names."""


def facts(sources: Sources, service: Service, now: float) -> RunbookFacts:
    """Everything that a runbook shows."""
    one = next((t for t in sources.traffic if t.name == service.name), Traffic(service.name))
    verdict = health.assess(one, now)
    reader = ImpactReader(sources.state.ledger)
    try:
        failing_us = reader.failing_since(service.name, int(now * 1e6), FAILURES)
        since = failing_us / 1e6 if failing_us is not None else now - RECENT_S
        names = {key.id: key.name for key in sources.published.caller_keys()}
        affected = impact(reader, service.name, since, now + 1, key_names=names)
    finally:
        reader.close()
    open_incidents = book.listed(sources.state, integration=service.name, open_only=True, limit=5)
    return RunbookFacts(
        integration=service.name,
        title=service.title or service.name,
        owner=service.owner,
        criticality=service.criticality,
        environment=sources.snapshot.environment,
        at=rfc3339(now),
        status=verdict.status,
        reason=verdict.reason,
        evidence=_evidence(one, now),
        switched_off=kills.disabled(sources.state).get(service.name),
        incident=published.told(open_incidents)[0] if open_incidents else None,
        failing_since=rfc3339(failing_us / 1e6) if failing_us is not None else "",
        affected_since=rfc3339(since),
        affected=affected,
        failures=_failures(sources, service),
        fallbacks=[told(link) for link in service.fallback],
        serving=list(one.stands_in),
        page=_page(service, one, now),
        credentials=_credentials(sources, service, now),
        api_version=service.api_version.value if service.api_version else "",
        findings=_findings(sources, service),
        breakers=[dict(row) for row in one.circuits],
        queue=_queue(sources.published, service.name, now),
        changelog=service.changelog,
        commands=_commands(service),
        runbook=text(sources.folder, service, now, sources.commands),
        acknowledged=[
            {**row, "at": rfc3339(row["at"])} for row in people.runbook_acks(sources.state, service.name, 5)
        ],
    )


def text(
    folder: Path | None, service: Service, now: float, known: runbooks.Commands | None = None
) -> RunbookText:
    """What people wrote, and what is wrong with it."""
    path = service.runbook
    if not path:
        cure = f"Make one with `trunkline runbook new {service.name}`."
        return RunbookText(path="", reviewed="", problems=[f"There is no runbook. {cure}"], content="")
    if re.match(r"https?://", path):
        return RunbookText(path=path, reviewed="", problems=[], content="")
    try:
        content = ((folder or Path()) / path).read_text("utf-8", "replace")
    except OSError as problem:
        why = f"The file {path} cannot be read ({problem.strerror})."
        return RunbookText(path=path, reviewed="", problems=[why], content="")
    day = runbooks.reviewed(content)
    today = datetime.fromtimestamp(now, UTC).date()
    wrong = [f"{one.message} {one.cure}" for one in runbooks.problems(content, today=today, commands=known)]
    return RunbookText(path=path, reviewed=day.isoformat() if day else "", problems=wrong, content=content)


def traffic_of(state: State, source: Published, snapshot: Snapshot, now: float) -> list[Traffic]:
    """What each integration's status depends on, without the totals that only a running console has."""
    age_s = source.gateway_stats_age_s(now)
    lively = age_s is not None and age_s <= FRESH_S
    table: Any = source.table if lively else lambda name: {}
    return health.traffic(
        snapshot,
        source.figures(now),
        source.breakers() if lively else {},
        outside=source.outside(),
        stale=table("stale_served"),
        problems=table("problems"),
        circuits=table("circuits"),
        now=now,
    )


def _evidence(one: Traffic, now: float) -> list[str]:
    words = {
        "registry": "registry",
        "traffic": "calls",
        "probe": "probe",
        "status_page": "status page",
        "cache": "cache",
    }
    return [f"{words[e.source]}: {e.reason}" for e in health.evidence(one, now)]


def _failures(sources: Sources, service: Service) -> list[Any]:
    wanted = CallFilter(integration=service.name, state="error")
    return failures(sources.ledger.calls(wanted, limit=FAILURES_MAX).calls)


def _page(service: Service, one: Traffic, now: float) -> VendorPage | None:
    if one.page is None:
        return VendorPage(url=service.status_page, says="", age_s=None) if service.status_page else None
    age_s = max(0.0, now - one.page.at) if one.page.at else None
    return VendorPage(url=service.status_page or one.page.url, says=health.page_words(one.page), age_s=age_s)


def _credentials(sources: Sources, service: Service, now: float) -> list[CredentialStanding]:
    known = {one.ref: one for one in rotation_due.read(sources.state.path) if one.integration == service.name}
    found = []
    for credential in service.credentials:
        one = known.get(credential.ref)
        if one is None:  # no console has looked yet: by the registry alone
            last_at = rotation_due.day_start(service.rotation_last)
            state = rotation_due.state_of(service.rotation_every, last_at, now)
            found.append(CredentialStanding(ref=credential.ref, state=state))
        else:
            due = rfc3339(one.due_at)[:10] if one.due_at else ""
            found.append(CredentialStanding(ref=one.ref, state=one.state, due=due, rotating=one.rotating))
    return found


def _findings(sources: Sources, service: Service) -> list[dict[str, Any]]:
    rows = findings.listed(sources.state, integration=service.name, limit=20)
    return [
        {"id": row.id, "kind": row.kind, "severity": row.severity, "title": row.title, "due": row.due}
        for row in rows
    ]


def _queue(source: Published, name: str, now: float) -> dict[str, float]:
    age_s = source.gateway_stats_age_s(now)
    if age_s is None or age_s > FRESH_S:
        return {}
    found: dict[str, float] = {}
    for key in ("waiting", "places", "paused_s"):
        table: Mapping[str, Any] = source.table(f"queue_{key}")
        if name in table:
            found[key] = float(table[name])
    return found


def _commands(service: Service) -> dict[str, list[NamedCommand]]:
    groups = (
        ("Look", commands.triage(service)),
        ("Act", commands.acting(service)),
        ("Fallbacks", commands.fallback(service)),
        ("Recovery", commands.recovery(service)),
    )
    return {name: [NamedCommand(what=one.what, command=one.line) for one in some] for name, some in groups}
