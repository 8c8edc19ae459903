"""Runbooks in the admin API: the facts of now with what people wrote, as data and as a page; acknowledging one.

Not for: gathering the facts (`situation.py`).
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from starlette.responses import Response

from trunkline.console import landing, markdown
from trunkline.console.declare import Endpoint
from trunkline.console.identity import Identity
from trunkline.console.situation import Sources, facts
from trunkline.control import incidents as control
from trunkline.core.errors import CallError
from trunkline.core.service import Service
from trunkline.ops.runbooks.facts import RunbookFacts, lines

if TYPE_CHECKING:
    from trunkline.console.context import Console

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Note = Annotated[str, msgspec.Meta(max_length=4000)]
_TEMPLATE = Path(__file__).parent / "templates" / "runbook.html"


class RunbookQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One integration."""

    name: Text


class RunbookAckQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody works by a runbook."""

    name: Text
    note: Note = ""


class RunbookAck(msgspec.Struct, frozen=True):
    """An acknowledgement."""

    integration: str
    by: str
    note: str
    incident_id: str
    """Of the incident that is open; empty if there is none."""


def runbook(console: Console, query: RunbookQuery) -> Any:
    """The facts of now, and what people wrote."""
    return _facts(console, query.name)


def page(console: Console, query: RunbookQuery) -> Response:
    """The same for people."""
    found = _facts(console, query.name)
    text = found.runbook
    if text.path.startswith(("https://", "http://")):
        content = f"<p>{markdown.inline(text.path)}</p>"
    else:
        content = markdown.html(text.content) if text.content else "<p>Nothing yet.</p>"
    problems = "".join(f"<li>{markdown.inline(problem)}</li>" for problem in text.problems)
    values = {name: getattr(found, name) for name in ("title", "environment", "status", "reason", "at")}
    filled = Template(_TEMPLATE.read_text()).substitute(
        {name: escape(value) for name, value in values.items()},
        name=escape(found.integration),
        facts=_html(lines(found)[2:]),
        problems=f"<ul>{problems}</ul>" if problems else "",
        content=content,
        style=landing.style(),
    )
    return Response(filled, media_type="text/html; charset=utf-8")


def acknowledge(console: Console, query: RunbookAckQuery, who: Identity) -> Any:
    """Somebody works by it."""
    _service(console, query.name)
    try:
        incident = control.acknowledge_runbook(
            console.state, query.name, who.actor, query.note, console.clock()
        )
    except control.IncidentProblem as problem:
        raise CallError("invalid_request", str(problem)) from None
    return RunbookAck(query.name, who.actor, query.note, incident)


def _facts(console: Console, name: str) -> RunbookFacts:
    snapshot, service = console.published.snapshot(), _service(console, name)
    assert snapshot is not None
    sources = Sources(
        console.state,
        console.published,
        snapshot,
        console.traffic(),
        console.ledger,
        console.registry_folder,
    )
    return facts(sources, service, console.clock())


def _service(console: Console, name: str) -> Service:
    snapshot = console.published.snapshot()
    found = next((one for one in snapshot.services if one.name == name), None) if snapshot else None
    if found is None:
        raise CallError("not_found", f"there is no integration {name!r}")
    return found


def _html(rows: list[str]) -> str:
    """The lines for people: what is not indented is a heading."""
    parts: list[str] = []
    body: list[str] = []
    for row in [*rows, "end:"]:
        if row and not row.startswith(" "):
            if body:
                parts.append(f"<pre>{escape(chr(10).join(body))}</pre>")
            body = []
            parts.append(f"<h3>{escape(row.rstrip(':'))}</h3>")
        elif row:
            body.append(row.removeprefix("  "))
    return "\n".join(parts[:-1])


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/runbooks/{name}", role="viewer", name="runbook",
        summary="The runbook of an integration with the facts of now", query=RunbookQuery, reply=RunbookFacts, handler=runbook,
    ),
    Endpoint(
        method="POST", path="/api/runbooks/{name}/ack", role="operator", name="ack_runbook",
        summary="Say that you work by a runbook", query=RunbookAckQuery, reply=RunbookAck, handler=acknowledge,
    ),
    Endpoint(
        method="GET", path="/runbooks/{name}", role="viewer", name="runbook_page", summary="The runbook as a page",
        query=RunbookQuery, media="text/html", handler=page,
    ),
)  # fmt: skip
