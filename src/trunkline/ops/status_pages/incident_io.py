"""incident.io's widget API: `/api/v1/summary` with what is going on in three lists."""

from __future__ import annotations

from typing import Any

from trunkline.ops.outside import Incident, Indicator, Page
from trunkline.ops.status_pages.words import LISTED_MAX, rows, text, worst
from trunkline.ops.status_pages.words import link as address

_IMPACTS: dict[str, Indicator] = {
    "degraded_performance": "minor",
    "partial_outage": "major",
    "full_outage": "critical",
    "under_maintenance": "maintenance",
    "operational": "none",
}


def read(told: dict[str, Any]) -> Page | None:
    """None if it is of another form."""
    if not isinstance(told.get("ongoing_incidents"), list):
        return None
    incidents = [_incident(one) for one in rows(told["ongoing_incidents"]) if one.get("status") != "resolved"]
    incidents += [_incident(one, "maintenance") for one in rows(told.get("in_progress_maintenances"))]
    touched = {name: None for one in rows(told["ongoing_incidents"]) for name in _components(one)}
    return Page(
        indicator=worst("none", *(one.impact for one in incidents)),
        description="" if incidents else "no incident",
        incidents=incidents,
        components=list(touched)[:LISTED_MAX],
    )


def _incident(one: dict[str, Any], impact: Indicator | None = None) -> Incident:
    return Incident(
        name=text(one.get("name")),
        status=text(one.get("status")).replace("_", " "),
        impact=impact or _IMPACTS.get(str(one.get("current_worst_impact")), "minor"),
        url=address(one.get("url")),
        updated=text(one.get("last_update_at")),
    )


def _components(one: dict[str, Any]) -> list[str]:
    named = [
        (text(c.get("name")), text(c.get("current_status"))) for c in rows(one.get("affected_components"))
    ]
    return [f"{name}: {state.replace('_', ' ')}" if state else name for name, state in named if name]
