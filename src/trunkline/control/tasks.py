"""Deferred calls for people: look at them, cancel one, have one run anew. Shared by commands and the admin API.

Looking reads the database of tasks; a wish goes into the worker's inbox, with an audit row, and is followed within a second while
Trunkline runs, else at its next start. Not for: running tasks (`trunkline/worker.py`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from trunkline.control import audit
from trunkline.control.state import State
from trunkline.core.codec import DecodeError, from_json, pack_decoder, to_pack
from trunkline.core.deferral import (
    ENDED,
    STATES,
    Deferred,
    Order,
    Shown,
    first_shown,
    order_name,
    public,
)
from trunkline.journal.deferrals import Damaged, Inbox, inbox_names
from trunkline.tasks import deferral, parts
from trunkline.tasks.showing import SUMMARY
from trunkline.tasks.store import TaskStore

What = Literal["cancel", "retry"]
_call = pack_decoder(Deferred)


class TaskProblem(Exception):
    """There is no such task, or what is wanted cannot be done to it; says why and the cure."""


class Summary(NamedTuple):
    """How many there are in each state, and since when the oldest that has not ended waits (epoch seconds; 0: none)."""

    tasks: dict[str, int]
    oldest_at: float
    inbox: int


class Tasks:
    """The tasks of one installation."""

    def __init__(self, state: State, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock
        self._opened: TaskStore | None = None

    def _store(self) -> TaskStore | None:
        if self._opened is None:
            self._opened = parts.store_to_look_at(self._state.path, self._state.keys["token_key"])
        return self._opened

    def _inbox(self) -> Inbox:
        return Inbox(parts.folder(self._state.path), self._state.keys["token_key"])

    def listed(
        self, *, states: Sequence[str] = (), owner: str = "", before: str = "", limit: int = 50
    ) -> list[Shown]:
        """Newest first; those that no worker has taken over yet among them."""
        store = self._store()
        found = {}
        if store is not None:
            rows = store.listed(names=[deferral.NAME], states=states, owner=owner, before=before, limit=limit)
            found = {row.id: deferral.shown(row) for row in rows}
        if not states or "queued" in states:
            for shown in self._not_taken_over():
                if (not owner or shown.owner == owner) and (not before or shown.id < before):
                    found.setdefault(shown.id, shown)
        return sorted(found.values(), key=lambda task: task.id, reverse=True)[:limit]

    def _not_taken_over(self) -> list[Shown]:
        inbox, found = self._inbox(), []
        for name in inbox.names():
            try:
                data = inbox.read(name) if name.startswith("tsk_") else None
                if data is not None:
                    found.append(first_shown(_call.decode(data)))
            except (Damaged, DecodeError):
                continue
        return found

    def find(self, task_id: str) -> Shown:
        """One task, with its answer. Raises TaskProblem."""
        store = self._store()
        task = store.get(task_id) if store is not None else None
        if task is not None and task.name == deferral.NAME:
            return deferral.shown(task)
        waiting = next((shown for shown in self._not_taken_over() if shown.id == task_id), None)
        if waiting is None:
            raise TaskProblem(f"There is no task {task_id!r}. `trunkline tasks list` shows them.")
        return waiting

    def order(self, what: What, task_id: str, *, actor: str = "cli") -> Shown:
        """Has a task cancelled or run anew; answers the task as it is now. Raises TaskProblem."""
        task = self.find(task_id)
        if what == "cancel" and task.state in ENDED:
            raise TaskProblem(f"{task_id} has ended already ({task.state}); there is nothing to cancel.")
        if what == "retry" and task.state not in ENDED - {"done"}:
            raise TaskProblem(
                f"{task_id} is {task.state}; only one that failed, was cancelled or timed out can run anew."
            )
        now = self._clock()
        if what == "retry" and now >= task.expires_at:
            raise TaskProblem(f"The request of {task_id} was erased; make the call anew.")
        detail = {"integration": task.integration, "state": task.state}
        audit.append(self._state, actor, f"task.{what}", task_id, detail)
        order = Order(what=what, id=task_id, at=now, actor=actor)
        self._inbox().put(order_name(order), to_pack(order))
        return task

    def settled(self, what: What, task_id: str, before: Shown, patience_s: float = 5.0) -> Shown:
        """The task once a wish was followed; as it is by then if nobody follows it."""
        until = time.monotonic() + patience_s
        while True:
            task = self.find(task_id)
            followed = task.state in ENDED if what == "cancel" else task.updated_at > before.updated_at
            if followed or time.monotonic() >= until:
                return task
            time.sleep(0.1)


def summary(state: Path) -> Summary:
    """From what the worker last wrote; what lies in the inbox counts as queued. Opens no database and needs no key."""
    folder = parts.folder(state)
    told: Any = {}
    with contextlib.suppress(OSError, DecodeError):
        told = from_json((folder / SUMMARY).read_bytes())
    counts: dict[str, int] = dict.fromkeys(STATES, 0)
    oldest = 0.0
    if isinstance(told, dict):
        counts |= {name: int(n) for name, n in told.get("tasks", {}).items() if name in counts}
        oldest = float(told.get("oldest_at", 0.0))
    names = [name for name in inbox_names(folder) if name.startswith("tsk_")]
    counts["queued"] += len(names)
    if names:
        first = int(names[0][4:16], 16) / 1e3
        oldest = min(oldest, first) if oldest else first
    return Summary(counts, oldest, len(names))


def plain(task: Shown, *, answer: bool = False) -> dict[str, Any]:
    """A task as commands and the admin API show it."""
    return {**public(task, answer=answer), "key": task.key, "owner": task.owner}
