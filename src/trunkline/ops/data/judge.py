"""Judges what was seen against what is declared: which categories an integration receives that nobody declared, or that are forbidden.

Only requests count, for they are what the vendor receives; what stands in answers it had before. Pure. Not for: seeing
(`looker.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from trunkline.core.alerting import Severity
from trunkline.core.data.categories import CATEGORIES, PROVEN, any_covers
from trunkline.core.service import Service
from trunkline.ops.findings import Finding

UNDECLARED, FORBIDDEN = "data.undeclared", "data.forbidden"
KINDS = (UNDECLARED, FORBIDDEN)
REQUEST, ANSWER = "request", "answer"
SIGHTS = 3
"""Sampled calls that have to show a category which is told by its looks, such as a name; of one with check digits one will do."""
PLACES_TOLD = 20

Row = Any
"""A mapping by column."""


def enough(category: str, samples: int) -> bool:
    """Whether it was seen often enough to be believed."""
    return samples >= (1 if category in PROVEN else SIGHTS)


def received(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """What was seen in requests, by category, as far as it is to be believed."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["side"] == REQUEST:
            found.setdefault(row["category"], []).append(row)
    return {name: its for name, its in found.items() if enough(name, sum(row["samples"] for row in its))}


def verdict(service: Service, category: str) -> str:
    """The kind of finding that this category is for an integration; empty if it may receive it."""
    if any_covers(service.privacy.forbid, category):
        return FORBIDDEN
    return "" if service.privacy.declared and any_covers(service.data, category) else UNDECLARED


def judged(service: Service, rows: Iterable[Row]) -> list[Finding]:
    """The findings about one integration, from its rows of `ledger/data_tables.py`."""
    return [
        _finding(service, kind, category, its)
        for category, its in sorted(received(rows).items())
        if (kind := verdict(service, category))
    ]


def _finding(service: Service, kind: str, category: str, rows: Sequence[Row]) -> Finding:
    name, what = service.name, CATEGORIES.get(category, category)
    if kind == FORBIDDEN:
        title = f"{name} receives {what} ({category}), which it must never receive"
        cure = f"Find the callers below and stop it; `data: {{block: [{category}]}}` or `redact` of {name} keeps it from being sent."
    else:
        title = f"{name} receives {what} ({category}), which nobody declared"
        cure = f"If that is right, add {category} to `data` of {name}; if not, stop it, or `redact: [{category}]`."
    if service.simulated:
        title += " (its calls are played by the simulator now)"
    latest = max(rows, key=lambda row: float(row["last_at"]))
    places = sorted({_place(row) for row in rows})
    return Finding(
        kind=kind,
        integration=name,
        subject=category,
        severity=_severity(service, kind, category),
        title=title,
        detail={
            "places": places[:PLACES_TOLD],
            "samples": sum(row["samples"] for row in rows),
            "declared": list(service.data) if service.privacy.declared else None,
            "cure": cure,
        },
        correlation_ids=list(latest["correlation_ids"]),
    )


def _severity(service: Service, kind: str, category: str) -> Severity:
    if kind == FORBIDDEN:
        return "critical"
    return "info" if category == "prompts" and not service.privacy.declared else "warning"


def _place(row: Row) -> str:
    return f"{row['operation'] or '(undeclared operation)'} {row['path'] or '(whole text)'}"
