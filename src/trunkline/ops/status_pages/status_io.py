"""status.io's public API: `https://api.status.io/1.0/status/{page}`."""

from __future__ import annotations

from typing import Any

from trunkline.ops.outside import Incident, Indicator, Page
from trunkline.ops.status_pages.words import LISTED_MAX, many, rows, text, worst

_CODES: tuple[tuple[int, Indicator], ...] = (
    (500, "critical"),
    (400, "major"),
    (300, "minor"),
    (200, "maintenance"),
)
"""100 operational, 200 planned maintenance, 300 degraded, 400 partial and 500 full disruption, 600 security event."""


def read(told: dict[str, Any]) -> Page | None:
    """None if it is of another form."""
    result = told.get("result")
    overall = result.get("status_overall") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(overall, dict):
        return None
    incidents = [_incident(one) for one in rows(result.get("incidents"))]
    planned = result.get("maintenance")
    active = rows(planned.get("active")) if isinstance(planned, dict) else []
    incidents += [
        Incident(name=text(one.get("name")), status="in progress", impact="maintenance") for one in active
    ]
    unwell = [
        f"{text(one.get('name'))}: {text(one.get('status')).lower()}"
        for one in many(result.get("status"))
        if _indicator(one) != "none"
    ]
    return Page(
        indicator=worst(_indicator(overall), *(one.impact for one in incidents)),
        description=text(overall.get("status")),
        incidents=incidents,
        components=unwell[:LISTED_MAX],
    )


def _indicator(one: dict[str, Any]) -> Indicator:
    code = one.get("status_code")
    return next((word for least, word in _CODES if isinstance(code, int) and code >= least), "none")


def _incident(one: dict[str, Any]) -> Incident:
    messages = rows(one.get("messages"))
    # The newest message tells the state that holds.
    latest = max(messages, key=lambda message: str(message.get("datetime")), default={})
    indicator = _indicator({"status_code": latest.get("status")}) if latest else "minor"
    state = _STATES.get(latest.get("state", 0), "")
    return Incident(
        name=text(one.get("name")),
        status=state,
        impact="minor" if indicator == "none" else indicator,
        updated=text(latest.get("datetime") or one.get("datetime_open")),
    )


_STATES = {100: "investigating", 200: "identified", 300: "monitoring"}
