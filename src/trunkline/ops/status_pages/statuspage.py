"""Statuspage's `/api/v2/summary.json` (Atlassian), which incident.io's and others' pages offer too."""

from __future__ import annotations

from typing import Any

from trunkline.ops.outside import Incident, Indicator, Page
from trunkline.ops.status_pages.words import LISTED_MAX, many, rows, text, worst
from trunkline.ops.status_pages.words import link as address

_INDICATORS: dict[str, Indicator] = {
    "none": "none",
    "maintenance": "maintenance",
    "minor": "minor",
    "major": "major",
    "critical": "critical",
}
_COMPONENTS: dict[str, Indicator] = {
    "under_maintenance": "maintenance",
    "degraded_performance": "minor",
    "partial_outage": "major",
    "major_outage": "critical",
    "full_outage": "critical",
}
_OVER = ("resolved", "postmortem", "completed")


def read(told: dict[str, Any]) -> Page | None:
    """None if it is of another form."""
    status = told.get("status")
    if not isinstance(told.get("page"), dict) or not isinstance(status, dict) or "indicator" not in status:
        return None
    going_on = [one for one in rows(told.get("incidents")) if one.get("status") not in _OVER]
    incidents = [_incident(one) for one in going_on]
    at_work = [
        one
        for one in rows(told.get("scheduled_maintenances"))
        if one.get("status") in ("in_progress", "verifying")
    ]
    incidents += [_incident(one, "maintenance") for one in at_work]
    states = [(text(one.get("name")), str(one.get("status"))) for one in many(told.get("components"))]
    unwell = [f"{name}: {state.replace('_', ' ')}" for name, state in states if state in _COMPONENTS]
    indicator = _INDICATORS.get(str(status.get("indicator")), "minor")
    if indicator == "none":
        # Some pages leave the summary green while an incident is open.
        indicator = worst("none", *(one.impact for one in incidents))
    return Page(
        indicator=indicator,
        description=text(status.get("description")),
        incidents=incidents,
        components=unwell[:LISTED_MAX],
    )


def _incident(one: dict[str, Any], impact: Indicator | None = None) -> Incident:
    return Incident(
        name=text(one.get("name")),
        status=text(one.get("status")).replace("_", " "),
        impact=impact or _INDICATORS.get(str(one.get("impact")), "minor"),
        url=address(one.get("shortlink")),
        updated=text(one.get("updated_at")),
    )
