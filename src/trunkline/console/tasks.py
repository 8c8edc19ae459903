"""Deferred calls in the admin API: search, one of them, cancel, run anew; and their numbers for metrics and health.

Never the words of request or answer. Not for: what a wish does (`control/tasks.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from trunkline.console.identity import Identity
from trunkline.control.state import State
from trunkline.control.tasks import TaskProblem, Tasks, What, plain, summary
from trunkline.core.deferral import Shown, TaskState
from trunkline.core.errors import CallError
from trunkline.ops.metrics import Metric, Sample

if TYPE_CHECKING:
    from trunkline.console.context import Console


class TasksQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Search for deferred calls."""

    state: TaskState | None = None
    owner: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    """`team:NAME`, or `key:ID` of a key without a team."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    before: str = ""
    """`next` of the page before."""


class TaskQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One deferred call."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class TaskShape(msgspec.Struct, frozen=True, kw_only=True):
    """A deferred call. Times are RFC 3339; what does not hold is null."""

    id: str
    state: TaskState
    status_url: str
    integration: str
    model: str | None
    correlation_id: str
    reason: str
    """`asked` by header, or the code of the failure that it fell back from."""
    attempts: int
    created_at: str
    updated_at: str
    run_at: str | None
    deadline: str
    ended_at: str | None
    expires_at: str | None
    """When its answer is erased."""
    error: dict[str, str] | None
    notify: str | None
    key: str
    """Id of the caller key."""
    owner: str
    answer_status: int | None = None


class TasksReply(msgspec.Struct, frozen=True):
    """A page of deferred calls, newest first."""

    tasks: list[TaskShape]
    next: str
    """Cursor of the next older page; empty when this is the last."""


def tasks(console: Console, query: TasksQuery, who: Identity) -> Any:
    """Newest first."""
    states = [query.state] if query.state else []
    known, most = _tasks(console), query.limit + 1
    owners = [query.owner or ""]
    if who.teams is not None:
        owners = [f"team:{team}" for team in who.teams if query.owner in (None, f"team:{team}")]
    found = [
        task
        for owner in owners
        for task in known.listed(states=states, owner=owner, before=query.before, limit=most)
    ]
    found = sorted(found, key=lambda task: task.id, reverse=True)[:most]
    page = found[: query.limit]
    return {"tasks": [_row(task) for task in page], "next": page[-1].id if len(found) > query.limit else ""}


def task(console: Console, query: TaskQuery, who: Identity) -> Any:
    """One of them."""
    return _row(_seen(console, query.id, who))


def cancel(console: Console, query: TaskQuery, who: Identity) -> Any:
    """Have one cancelled: the answer is the task as it was when the wish was noted."""
    return _order(console, "cancel", query.id, who)


def retry(console: Console, query: TaskQuery, who: Identity) -> Any:
    """Have one run anew; answered likewise."""
    return _order(console, "retry", query.id, who)


def metrics(console: Console) -> list[Metric]:
    """How many are in each state, and how long the oldest has waited."""
    found = summary(console.state_dir)
    states = [Sample({"state": state}, count) for state, count in found.tasks.items()]
    waited = max(0.0, console.clock() - found.oldest_at) if found.oldest_at else 0.0
    return [
        Metric("trunkline_tasks", "gauge", "Deferred calls that are known, by state.", states),
        Metric(
            "trunkline_task_oldest_age_seconds",
            "gauge",
            "Since the oldest deferred call that has not ended was accepted.",
            [Sample({}, waited)],
        ),
    ]


def standing(console: Console) -> dict[str, Any]:
    """The same for `/api/health?detail=1`."""
    found = summary(console.state_dir)
    waited = round(max(0.0, console.clock() - found.oldest_at), 1) if found.oldest_at else None
    return {**found.tasks, "not_taken_over": found.inbox, "oldest_age_s": waited}


def _tasks(console: Console) -> Tasks:
    return Tasks(State(console.state_dir), console.clock)


def _row(found: Shown) -> dict[str, Any]:
    told = plain(found)
    told.pop("answer")
    return {**told, "answer_status": found.answer.status if found.answer is not None else None}


def _seen(console: Console, task_id: str, who: Identity) -> Shown:
    """The task, if it is somebody's to see; one of another team is as good as none."""
    try:
        found = _tasks(console).find(task_id)
    except TaskProblem as problem:
        raise CallError("not_found", str(problem)) from None
    sort, _, team = found.owner.partition(":")
    if not who.sees(team if sort == "team" else ""):
        raise CallError("not_found", f"there is no deferred call {task_id!r} of your teams")
    return found


def _order(console: Console, what: What, task_id: str, who: Identity) -> Any:
    if who.teams is not None:
        _seen(console, task_id, who)
    try:
        return _row(_tasks(console).order(what, task_id, actor=who.actor))
    except TaskProblem as problem:
        raise CallError("conflict", str(problem), later=False) from None
