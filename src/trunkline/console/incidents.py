"""Incidents in the admin API: list, one with its timeline, its review, and what people say of it.

Not for: when an incident begins and ends (`ops/incidents`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from starlette.responses import Response

from trunkline.console.declare import Endpoint
from trunkline.console.identity import Identity
from trunkline.control import incidents as control
from trunkline.control import review as reviews
from trunkline.core.errors import CallError
from trunkline.ops.incidents import book, published
from trunkline.ops.incidents.incident import Entry, Incident
from trunkline.ops.incidents.review import Review, markdown
from trunkline.ops.metrics import Metric, Sample

if TYPE_CHECKING:
    from trunkline.console.context import Console

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Note = Annotated[str, msgspec.Meta(max_length=4000)]


class IncidentsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Search for incidents."""

    integration: Text | None = None
    all: bool = False
    """Those that are over as well."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50


class IncidentQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One incident."""

    id: Text


class IncidentNoteQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of an incident."""

    id: Text
    note: Note = ""


class IncidentsReply(msgspec.Struct, frozen=True):
    """Incidents, newest first."""

    incidents: list[Incident]


class IncidentReply(msgspec.Struct, frozen=True):
    """An incident with its timeline."""

    incident: Incident
    timeline: list[Entry]


def metrics(console: Console) -> list[Metric]:
    """How many are open, by integration and severity."""
    open_now = [(one.integration, one.severity) for one in published.read(console.state_dir)]
    samples = [
        Sample({"integration": name, "severity": severity}, open_now.count((name, severity)))
        for name, severity in sorted(set(open_now))
    ]
    return [Metric("trunkline_incidents_open", "gauge", "Incidents that are open.", samples)]


def told(console: Console, body: dict[str, Any]) -> None:
    """Adds those that are open to the details of health."""
    found = published.told(published.read(console.state_dir))
    if found:
        body["incidents"] = found


def incidents(console: Console, query: IncidentsQuery) -> Any:
    """Those that are open."""
    found = book.listed(
        console.state, integration=query.integration, open_only=not query.all, limit=query.limit
    )
    return IncidentsReply(found)


def incident(console: Console, query: IncidentQuery) -> Any:
    """One of them."""
    found = book.find(console.state, query.id)
    if found is None:
        raise CallError("not_found", f"there is no incident {query.id!r}")
    return IncidentReply(*found)


def review(console: Console, query: IncidentQuery) -> Any:
    """Its review as data."""
    return _review(console, query)


def review_page(console: Console, query: IncidentQuery) -> Response:
    """Its review as Markdown."""
    return Response(markdown(_review(console, query)), media_type="text/markdown; charset=utf-8")


def note(console: Console, query: IncidentNoteQuery, who: Identity) -> Any:
    """A line of its timeline."""
    return _said(console, query, who, control.note)


def acknowledge(console: Console, query: IncidentNoteQuery, who: Identity) -> Any:
    """Somebody looks after it."""
    return _said(console, query, who, control.acknowledge)


def close(console: Console, query: IncidentNoteQuery, who: Identity) -> Any:
    """Somebody says that it is over."""
    return _said(console, query, who, control.close)


def _review(console: Console, query: IncidentQuery) -> Review:
    incident(console, query)
    return reviews.made(console.state, query.id, now=console.clock())


def _said(
    console: Console, query: IncidentNoteQuery, who: Identity, say: Callable[..., Incident]
) -> Incident:
    incident(console, IncidentQuery(query.id))
    try:
        return say(console.state, query.id, who.actor, query.note, console.clock())
    except control.IncidentProblem as problem:
        raise CallError("invalid_request", str(problem)) from None


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/incidents", role="viewer", name="incidents", summary="What fails, and since when",
        query=IncidentsQuery, reply=IncidentsReply, handler=incidents,
    ),
    Endpoint(
        method="GET", path="/api/incidents/{id}", role="viewer", name="incident", summary="One incident with its timeline",
        query=IncidentQuery, reply=IncidentReply, handler=incident,
    ),
    Endpoint(
        method="GET", path="/api/incidents/{id}/review", role="viewer", name="incident_review", summary="Its review as data",
        query=IncidentQuery, reply=Review, handler=review,
    ),
    Endpoint(
        method="GET", path="/api/incidents/{id}/review.md", role="viewer", name="incident_review_page",
        summary="Its review as Markdown", query=IncidentQuery, media="text/markdown", handler=review_page,
    ),
    Endpoint(
        method="POST", path="/api/incidents/{id}/note", role="operator", name="note_incident",
        summary="Add a line to its timeline", query=IncidentNoteQuery, reply=Incident, handler=note,
    ),
    Endpoint(
        method="POST", path="/api/incidents/{id}/ack", role="operator", name="ack_incident",
        summary="Say that you look after it", query=IncidentNoteQuery, reply=Incident, handler=acknowledge,
    ),
    Endpoint(
        method="POST", path="/api/incidents/{id}/close", role="operator", name="close_incident",
        summary="Say that it is over", query=IncidentNoteQuery, reply=Incident, handler=close,
    ),
)  # fmt: skip
