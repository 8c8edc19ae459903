"""Shows tasks to those who may not ask the database: a file per task for the gateway, a summary for all.

What is shown follows the database by a moment and is never ahead of it. Not for: who may see what (`gateway/deferrals.py`).
"""

from __future__ import annotations

import threading
from pathlib import Path

from trunkline.core.codec import to_json, to_pack
from trunkline.core.deferral import ANSWER_KEPT_S, STATES, TASK_KEPT_S
from trunkline.journal.deferrals import Board, put_in_place
from trunkline.tasks.deferral import NAME, shown
from trunkline.tasks.port import Task
from trunkline.tasks.store import TaskStore

BATCH = 200
SUMMARY = "summary.json"


class Showing:
    """One board and one summary. `changed` may be called from any thread, the rest from one."""

    def __init__(self, store: TaskStore, board: Board, folder: Path) -> None:
        self._store = store
        self._board = board
        self._summary = folder / SUMMARY
        self._written = b""
        self._lock = threading.Lock()
        self._changed: set[str] = set()
        self._seen = 0
        """Changes that were shown so far."""
        self._summed = (-1, -1)
        self._next_at = 0.0

    def changed(self, task_id: str) -> None:
        """Has a task shown anew."""
        with self._lock:
            self._changed.add(task_id)

    def removed(self) -> None:
        """Tasks are gone: the summary is to be made anew."""
        self._seen += 1

    def catch_up(self) -> None:
        """Shows all that changed and was not shown: what a worker that was killed left behind."""
        while tasks := self._store.unshown(NAME, BATCH):
            self._show(tasks)

    def show(self) -> None:
        """Shows what changed since the last time."""
        with self._lock:
            ids, self._changed = self._changed, set()
        self._seen += len(ids)
        found = [task for task_id in sorted(ids) if (task := self._store.get(task_id)) is not None]
        self._show([task for task in found if task.name == NAME])

    def _show(self, tasks: list[Task]) -> None:
        for task in tasks:
            # One that will change again need not outlive a power cut: it is shown anew after a restart.
            durably = task.ended_at > 0
            self._board.write(task.owner, task.id, to_pack(shown(task)), durably=durably)
        if tasks:
            self._store.set_shown({task.id: task.version for task in tasks})

    def sum_up(self, *, inbox: int) -> float:
        """Writes the summary; answers when the worker has to be there again (0: nothing waits).

        Counting looks at every task, so it is done only after a change.
        """
        told = (self._seen, inbox)
        if told != self._summed:
            self._next_at = self._sum_up(inbox)
            self._summed = told
        return self._next_at

    def _sum_up(self, inbox: int) -> float:
        figures = self._store.figures(NAME)
        due = [self._store.next_due()]
        if figures.first_end_with_bodies:
            due.append(figures.first_end_with_bodies + ANSWER_KEPT_S)
        if figures.first_end:
            due.append(figures.first_end + TASK_KEPT_S)
        next_at = min((at for at in due if at), default=0.0)
        written = to_json(
            {
                "tasks": {state: figures.counts.get(state, 0) for state in STATES},
                "oldest_at": figures.oldest_waiting,
                "next_at": next_at,
                "inbox": inbox,
            }
        )
        if written != self._written:
            put_in_place(self._summary, written, durably=False)
            self._written = written
        return next_at
