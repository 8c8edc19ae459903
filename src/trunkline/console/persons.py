"""Deletion requests in the admin API: who received a person's data, the tasks, how far each is.

The person stands in the body, never in the address. Not for: what is done (`control/trace.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from trunkline.console.declare import Endpoint
from trunkline.console.identity import Identity
from trunkline.control import erase, trace
from trunkline.control.erase import Erasure
from trunkline.control.trace import TaskState, Traced, TraceTask
from trunkline.core.errors import CallError

if TYPE_CHECKING:
    from trunkline.console.context import Console

Text = Annotated[str, msgspec.Meta(max_length=256)]


class TraceForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom it is about: one of the two."""

    subject: Text = ""
    email: Text = ""
    open: bool = False
    """Make a task for each vendor."""


class EraseForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom it is about: one of the two."""

    subject: Text = ""
    email: Text = ""
    act: bool = False
    """Do it; without it only what would be done is told."""
    anyway: bool = False
    """Also if vendors were not put on a list before."""


class TraceTasksQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tasks."""

    all: bool = False
    """Those that are confirmed or refused as well."""


class TraceTaskQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One task."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class TraceTaskForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far it is."""

    state: TaskState
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class TraceTasksReply(msgspec.Struct, frozen=True):
    """Tasks, the oldest request first."""

    tasks: list[TraceTask]


def look(console: Console, query: Any, body: TraceForm, who: Identity) -> Any:
    """Who received a person's data."""
    try:
        person = trace.person(console.state, subject=body.subject, email=body.email)
        found = trace.trace(console.state, person, actor=who.actor, now=console.clock())
        if not body.open:
            return found
        tasks = trace.open_request(console.state, person, found, actor=who.actor, now=console.clock())
    except trace.TraceProblem as problem:
        raise CallError("invalid_request", str(problem)) from None
    return msgspec.structs.replace(found, tasks=tasks)


def take_out(console: Console, query: Any, body: EraseForm, who: Identity) -> Any:
    """What our own stores hold of a person, and taking it out."""
    try:
        person = trace.person(console.state, subject=body.subject, email=body.email)
        return erase.erase(
            console.state, person, identifier=body.subject or body.email, act=body.act, anyway=body.anyway,
            actor=who.actor, now=console.clock(),
        )  # fmt: skip
    except trace.TraceProblem as problem:
        raise CallError("invalid_request", str(problem)) from None


def tasks(console: Console, query: TraceTasksQuery) -> Any:
    """What is to be asked of vendors."""
    return TraceTasksReply(trace.listed(console.state, everything=query.all, now=console.clock()))


def mark(console: Console, query: TraceTaskQuery, body: TraceTaskForm, who: Identity) -> Any:
    """How far a task is."""
    try:
        return trace.mark(
            console.state, query.id, body.state, note=body.note, actor=who.actor, now=console.clock()
        )
    except trace.TraceProblem as problem:
        missing = str(problem).startswith("There is no task")
        raise CallError("not_found" if missing else "invalid_request", str(problem)) from None


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST", path="/api/trace", role="admin", name="trace", summary="Who received a person's data",
        body=TraceForm, reply=Traced, handler=look,
    ),
    Endpoint(
        method="POST", path="/api/erase", role="admin", name="erase", summary="Take a person out of our own stores",
        body=EraseForm, reply=Erasure, handler=take_out,
    ),
    Endpoint(
        method="GET", path="/api/trace/tasks", role="operator", name="trace_tasks",
        summary="What is to be asked of vendors for deletion requests", query=TraceTasksQuery, reply=TraceTasksReply, handler=tasks,
    ),
    Endpoint(
        method="POST", path="/api/trace/tasks/{id}", role="operator", name="mark_trace_task",
        summary="Say how far a task of a deletion request is", query=TraceTaskQuery, body=TraceTaskForm, reply=TraceTask, handler=mark,
    ),
)  # fmt: skip
