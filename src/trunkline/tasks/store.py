"""The database of tasks as this product reads it: rows made into tasks, what is sealed opened, old bodies erased.

For the engine, for what is shown to pollers, and for commands, which look and change nothing. Not for: running (`lease.py`).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from trunkline.journal.deferrals import Box
from trunkline.ledger import task_tables as tables
from trunkline.ledger.engine import BUSY_TIMEOUT_S, open_engine
from trunkline.tasks.port import Task


class Figures(NamedTuple):
    """`oldest_waiting`: when the oldest was made that has not ended; the ends: the first with bodies, the first of all. 0: none."""

    counts: dict[str, int]
    oldest_waiting: float
    first_end_with_bodies: float
    first_end: float


class TaskStore:
    """One database. May be used from any thread."""

    def __init__(
        self,
        path: Path,
        box: Box,
        clock: Callable[[], float] = time.time,
        *,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        """Nothing is opened before it is needed; whoever only reads needs only a file that is there."""
        self.clock = clock
        self._box = box
        self._lock = threading.Lock()
        self._reader = open_engine(path, read_only=True, busy_timeout_s=busy_timeout_s)
        self._quick = open_engine(path, busy_timeout_s=busy_timeout_s, durable=False)
        self._durable = open_engine(path, busy_timeout_s=busy_timeout_s)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One state of the database; waits for nobody."""
        with self._reader.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self, *, durably: bool = False) -> Iterator[sa.Connection]:
        """A transaction. The threads of this process take turns, for SQLite's own waiting is by sleeping.

        Without `durably` a power cut (not a crash) may undo the last ones: then a step runs again that was done, as it would had the
        power gone a moment before its end was noted. What was accepted must be durable.
        """
        engine = self._durable if durably else self._quick
        with self._lock, engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Gives all connections back."""
        for engine in (self._reader, self._quick, self._durable):
            engine.dispose()

    def get(self, task_id: str) -> Task | None:
        with self.reading() as connection:
            row = tables.get(connection, task_id)
        return self.task(row) if row is not None else None

    def listed(
        self,
        *,
        names: Sequence[str] = (),
        states: Sequence[str] = (),
        owner: str = "",
        before: str = "",
        limit: int = 100,
    ) -> list[Task]:
        with self.reading() as connection:
            rows = tables.listed(
                connection, names=names, states=states, owner=owner, before=before, limit=limit
            )
        return [self.task(row) for row in rows]

    def next_due(self) -> float:
        with self.reading() as connection:
            return tables.next_due(connection)

    def end_open(self, reason: str) -> int:
        """Cancels whatever has not ended, for whoever finds it long after (a restore); answers how many there were."""
        with self.writing(durably=True) as connection:
            return tables.end_open(connection, reason, self.clock())

    # Showing and erasing.

    def unshown(self, name: str, limit: int) -> list[Task]:
        """Tasks of a name that changed since they were last shown."""
        with self.reading() as connection:
            rows = tables.unshown(connection, name, limit)
        return [self.task(row) for row in rows]

    def set_shown(self, versions: dict[str, int]) -> None:
        """Which version of each task was shown."""
        with self.writing() as connection:
            tables.set_shown(connection, versions)

    def erase(self, ended_before: float, limit: int) -> list[str]:
        """Erases inputs and outputs of tasks that ended long ago; answers their ids."""
        with self.writing() as connection:
            ids = tables.with_bodies(connection, ended_before, limit)
            tables.erase(connection, ids, self.clock())
        return ids

    def erase_these(self, ids: Sequence[str]) -> None:
        """Erases inputs and outputs of tasks that have ended, whenever that was."""
        with self.writing(durably=True) as connection:
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            tables.erase(connection, list(ids), self.clock())

    def remove(self, ended_before: float) -> list[tuple[str, str]]:
        """Removes tasks that ended longer ago still; answers their ids and owners."""
        with self.writing() as connection:
            return [(row["id"], row["owner"]) for row in tables.remove_ended(connection, ended_before)]

    def figures(self, name: str) -> Figures:
        """How many there are in which state, and how old."""
        with self.reading() as connection:
            first, oldest = tables.first_end(connection)
            return Figures(
                tables.counts(connection, name), tables.oldest_waiting(connection, name), first, oldest
            )

    def seal(self, task_id: str, what: str, data: bytes) -> bytes:
        """What stands in the database."""
        return self._box.seal(f"{task_id}/{what}", data)

    def unseal(self, task_id: str, what: str, sealed: bytes) -> bytes:
        """And back; nothing of nothing."""
        return self._box.open(f"{task_id}/{what}", sealed) if sealed else b""

    def task(self, row: tables.Row) -> Task:
        """A row as the port shows it."""
        sealed = [name for name in ("facts", "progress", "input", "output") if name in row]
        there = {name: self.unseal(row["id"], name, row[name]) for name in sealed}
        return Task(
            id=row["id"],
            name=row["name"],
            state=row["state"],
            owner=row["owner"],
            label=row["label"],
            run_at=row["run_at"],
            deadline=row["deadline"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            ended_at=row["ended_at"],
            erased=row["erased_at"] > 0,
            cancel=row["cancel"],
            version=row["version"],
            **there,
        )
