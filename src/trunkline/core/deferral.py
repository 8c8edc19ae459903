"""Deferred calls as plain data: what the gateway hands to the worker, what the worker shows to pollers, and the form that people read.

Both processes know only this. Not for: deciding when a deferred call runs (`tasks/`), nor for files (`journal/deferrals.py`).
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from trunkline.core.codec import DecodeError, from_json

TaskState = Literal["queued", "waiting", "running", "done", "failed", "cancelled", "timed_out"]
"""`queued`: not tried yet; `waiting`: tried, to be tried again; `done`: the answer is a success; `failed`: it is not."""
STATES: tuple[TaskState, ...] = ("queued", "waiting", "running", "done", "failed", "cancelled", "timed_out")
ENDED = frozenset(("done", "failed", "cancelled", "timed_out"))

DEADLINE_S = 86400.0
LONGEST_S = 7 * 86400.0
ANSWER_KEPT_S = 86400.0
"""Bodies are erased so long after the end ..."""
TASK_KEPT_S = 7 * 86400.0
"""... and everything else so long after it."""
BODY_MAX = 16 << 20
"""A longer request cannot be deferred; of a longer answer only status and headers are kept."""

STATUS_PATH = "/v1/tasks/"


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a deferred call runs: what its grant will say (plugins/policies/grants.py)."""

    key: str
    """Id of the caller key."""
    team: str = ""
    token: str = ""
    """Id of the browser token, if it was one."""
    scopes: list[str] = []
    subject: str = ""
    spend_usd: float = 0.0


class Deferred(msgspec.Struct, frozen=True, kw_only=True, tag="call"):
    """An accepted call that is to run later."""

    id: str
    at: float
    """When it was accepted; all times are epoch seconds."""
    run_at: float
    deadline: float
    owner: str
    """Who may see it: `team:NAME`, or `key:ID` of a key without a team."""
    bearer: Bearer
    method: str
    target: str
    headers: list[tuple[str, str]]
    """What is sent again: without credentials, hop-by-hop fields and what asked for the deferral."""
    body: bytes
    correlation_id: str
    integration: str
    model: str = ""
    reason: str = "asked"
    """`asked` by header, or the code of the failure that it fell back from."""
    notify: str = ""
    """URL that the caller wants told at the end."""


class Order(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    """A change of a task that somebody wants."""

    what: Literal["cancel", "retry"]
    id: str
    at: float
    actor: str


Item = Deferred | Order
"""What stands in the inbox."""


class GivenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a deferred call, as its caller would have got it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    omitted: bool = False
    """It was too long to be kept."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A task as its owner may see it."""

    id: str
    state: TaskState
    owner: str
    key: str
    integration: str
    correlation_id: str
    created_at: float
    updated_at: float
    deadline: float
    model: str = ""
    reason: str = ""
    attempts: int = 0
    """Runs that reached the gateway."""
    run_at: float = 0.0
    """When it runs next; 0: it will not, or is running."""
    ended_at: float = 0.0
    expires_at: float = 0.0
    """When the answer is erased; 0: not ended yet."""
    error_code: str = ""
    """Of the last run; empty after a good one."""
    error_message: str = ""
    notify: str = ""
    answer: GivenAnswer | None = None


def first_shown(call: Deferred) -> Shown:
    """How a call is shown that was just accepted."""
    return Shown(
        id=call.id,
        state="queued",
        owner=call.owner,
        key=call.bearer.key,
        integration=call.integration,
        correlation_id=call.correlation_id,
        created_at=call.at,
        updated_at=call.at,
        deadline=call.deadline,
        model=call.model,
        reason=call.reason,
        run_at=call.run_at,
        notify=call.notify,
    )


def order_name(order: Order) -> str:
    """Its name in the inbox: by time, like those of tasks, and different for each wish."""
    return f"ord_{int(order.at * 1e3):012x}_{order.id.removeprefix('tsk_')}_{order.what}"


def public(task: Shown, *, answer: bool = True) -> dict[str, Any]:
    """A task as JSON shows it. Times are RFC 3339; what does not hold is null."""
    return {
        "id": task.id,
        "state": task.state,
        "status_url": STATUS_PATH + task.id,
        "integration": task.integration,
        "model": task.model or None,
        "correlation_id": task.correlation_id,
        "reason": task.reason,
        "attempts": task.attempts,
        "created_at": rfc3339(task.created_at),
        "updated_at": rfc3339(task.updated_at),
        "run_at": rfc3339(task.run_at),
        "deadline": rfc3339(task.deadline),
        "ended_at": rfc3339(task.ended_at),
        "expires_at": rfc3339(task.expires_at),
        "error": {"code": task.error_code, "message": task.error_message} if task.error_code else None,
        "notify": task.notify or None,
        "answer": written(task.answer) if answer and task.answer is not None else None,
    }


def written(answer: GivenAnswer) -> dict[str, Any]:
    """An answer inside JSON: its body as JSON where it is JSON, as text where it is text, else in base64."""
    found: dict[str, Any] = {"status": answer.status, "headers": [list(pair) for pair in answer.headers]}
    if answer.omitted:
        return {**found, "body_omitted": True}
    kind = next((value for name, value in answer.headers if name == "content-type"), "").lower()
    if "json" in kind:
        try:
            from_json(answer.body)
            return {**found, "body": msgspec.Raw(answer.body)}
        except DecodeError:
            pass
    try:
        return {**found, "body": answer.body.decode("utf-8")}
    except UnicodeDecodeError:
        return {**found, "body_base64": base64.b64encode(answer.body).decode()}


def rfc3339(at: float) -> str | None:
    """An instant in UTC, to the millisecond; None for 0."""
    if not at:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
