"""The engine behind the port: tasks in one database, leased by workers, run in threads.

Whoever claims a task holds it for a while and prolongs that as long as it lives; a lease that ran out, or whose worker is known to be
dead, is claimed by the next. Each write of a run is fenced, so that a worker that was thought dead changes nothing. A write that
fails because the database is locked or the disk full is tried until it succeeds: what a step did must not be forgotten.
Inputs, outputs and progress are sealed. Why not an engine from elsewhere: docs/decisions/0012-own-engine-for-tasks.md.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

import sqlalchemy as sa

from trunkline.ledger import task_tables as tables
from trunkline.tasks.holds import Holds
from trunkline.tasks.port import End, FollowUp, Start, Task, UnknownWorkflow, Workflows
from trunkline.tasks.presence import Presence
from trunkline.tasks.store import TaskStore
from trunkline.tasks.work import Cancelled, Deadly, Lost, Parked, Run

TTL_S = 20.0
CRASHES_MAX = 5
CRASHED_S = 30.0
"""A workflow that failed with a defect is tried again after so long."""


def nothing_follows(task: Task) -> Sequence[Start]:
    """The follow-up of engines whose tasks entail nothing."""
    del task
    return ()


class LeaseEngine:
    """One worker of one database. All but `turn` and `drain` may be called from any thread."""

    def __init__(
        self,
        store: TaskStore,
        workflows: Workflows,
        presence: Presence,
        executor: Executor,
        *,
        concurrency: int,
        holds: Holds | None = None,
        follow_up: FollowUp = nothing_follows,
        changed: Callable[[str], None] = lambda _: None,
        said: Callable[[str], None] = lambda _: None,
        ttl_s: float = TTL_S,
    ) -> None:
        """`changed` is told the id of each task that changed; `said` gets lines for people."""
        self.store = store
        self._workflows = workflows
        self._presence = presence
        self._executor = executor
        self._concurrency = concurrency
        self._holds = holds or Holds()
        self._follow_up = follow_up
        self._changed = changed
        self._said = said
        self._clock = store.clock
        self._ttl_s = ttl_s
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._extended_at = 0.0
        self._crashes: dict[str, int] = {}
        self._stopped = threading.Event()
        self.woken = threading.Event()
        """Set when something ended or was started, so that the loop need not wait for its next look."""

    # Keeping.

    def start(self, task: Start) -> bool:
        if task.name not in self._workflows:
            raise UnknownWorkflow(
                f"no workflow is named {task.name!r}; known: {', '.join(sorted(self._workflows))}"
            )
        with self.store.writing(durably=True) as connection:
            made = tables.insert(connection, self._row(task))
        if made:
            self._tell(task.id)
        return made

    def _row(self, task: Start) -> dict[str, Any]:
        now = self._clock()
        return {
            "id": task.id,
            "name": task.name,
            "state": "queued",
            "priority": task.priority,
            "run_at": task.run_at or now,
            "deadline": task.deadline,
            "created_at": now,
            "updated_at": now,
            "owner": task.owner,
            "label": task.label,
            "facts": self.store.seal(task.id, "facts", task.facts),
            "input": self.store.seal(task.id, "input", task.input),
        }

    def get(self, task_id: str) -> Task | None:
        return self.store.get(task_id)

    def listed(
        self,
        *,
        names: Sequence[str] = (),
        states: Sequence[str] = (),
        owner: str = "",
        before: str = "",
        limit: int = 100,
    ) -> list[Task]:
        return self.store.listed(names=names, states=states, owner=owner, before=before, limit=limit)

    def cancel(self, task_id: str, reason: str) -> Task | None:
        now = self._clock()
        with self.store.writing() as connection:
            row = tables.get(connection, task_id)
            if row is None:
                return None
            ended = {"state": "cancelled", "ended_at": now, "updated_at": now, "cancel": reason}
            if tables.change_idle(connection, task_id, tables.WAITING, ended):
                self._entail(connection, task_id)
            else:
                tables.change_idle(connection, task_id, ("running",), {"cancel": reason, "updated_at": now})
        with self._lock:
            run = self._runs.get(task_id)
        if run is not None:
            run.cancel(reason)
        self._tell(task_id)
        return self.get(task_id)

    def again(self, task_id: str, deadline: float) -> Task | None:
        now = self._clock()
        with self.store.writing() as connection:
            row = tables.get(connection, task_id)
            if row is None:
                return None
            if not row["erased_at"]:
                anew = {"state": "queued", "run_at": now, "deadline": deadline, "updated_at": now}
                anew |= {"ended_at": 0.0, "cancel": "", "progress": b"", "output": b""}
                if tables.change_idle(connection, task_id, ("failed", "cancelled", "timed_out"), anew):
                    tables.forget_steps(connection, task_id)
        self._tell(task_id)
        return self.get(task_id)

    def next_due(self) -> float:
        return self.store.next_due()

    def erase(self, ended_before: float, limit: int) -> int:
        """As the store does; whoever is told of changes is told of these."""
        erased = self.store.erase(ended_before, limit)
        for task_id in erased:
            self._tell(task_id)
        return len(erased)

    @property
    def running(self) -> int:
        with self._lock:
            return len(self._runs)

    # Running.

    def turn(self) -> int:
        if self._stopped.is_set():
            return 0
        now = self._clock()
        if self._runs and now - self._extended_at >= self._ttl_s / 4:
            self._extend(now)
        self._bury(now)
        due, room = self.store.next_due(), self._concurrency - self.running
        rows = self._claim(now, room) if room > 0 and due and due <= now else []
        for row in rows:
            self._begin(row)
        return len(rows)

    def _claim(self, now: float, room: int) -> list[tables.Row]:
        until, name = now + self._ttl_s, self._presence.name
        with self.store.writing() as connection:
            rows = tables.claim(connection, name, now, until, room, without=self._holds.all())
            for label in self._holds.trials(now):
                rows += tables.claim(connection, name, now, until, min(1, room - len(rows)), only=label)
        return rows

    def _begin(self, row: tables.Row) -> None:
        with self.store.reading() as connection:
            steps = {step["name"]: step for step in tables.steps_of(connection, row["id"])}
        run = Run(self, self.store.task(row), row["fence"], steps)
        with self._lock:
            self._runs[row["id"]] = run
        self._holds.begun(row["label"])
        self._changed(row["id"])
        if row["cancel"]:
            run.cancel(row["cancel"])
        self._executor.submit(self._run, run)

    def _run(self, run: Run) -> None:
        """In a thread of the executor; lets nothing out."""
        try:
            self._end(run, self._workflows[run.task.name](run))
            self._crashes.pop(run.id, None)
        except Parked as parked:
            values = {"state": "waiting", "run_at": parked.until, "progress": parked.progress}
            self.persist(lambda connection: self._change(connection, run, values))
        except Cancelled:
            self._end(run, End("cancelled", b""))
        except Deadly as deadly:
            self._said(str(deadly))
            self._end(run, End("failed", b""))
        except Lost:
            self._said(
                f"task {run.id}: another worker has taken it over; what this one did last is not noted"
            )
        except Exception as defect:
            self._crashed(run, defect)
        finally:
            with self._lock:
                self._runs.pop(run.id, None)
            self._holds.over(run.task.label)
            self._tell(run.id)

    def _end(self, run: Run, end: End) -> None:
        output = self.store.seal(run.id, "output", end.output) if end.output else b""

        def act(connection: sa.Connection) -> None:
            now = self._clock()
            values: dict[str, Any] = {"state": end.state, "output": output, "ended_at": now}
            if end.progress:
                values["progress"] = self.store.seal(run.id, "progress", end.progress)
            if end.state == "cancelled":
                values["cancel"] = run.cancelled_because
            if self._change(connection, run, values):
                self._entail(connection, run.id)

        self.persist(act)

    def _change(self, connection: sa.Connection, run: Run, values: dict[str, Any]) -> bool:
        return tables.change(connection, run.id, run.fence, {**values, "updated_at": self._clock()})

    def _entail(self, connection: sa.Connection, task_id: str) -> None:
        """Starts what the end of a task entails, in the transaction that ends it."""
        row = tables.get(connection, task_id)
        assert row is not None
        for start in self._follow_up(self.store.task(row)):
            tables.insert(connection, self._row(start))

    def _crashed(self, run: Run, defect: Exception) -> None:
        """A defect of a workflow: told without locals, tried again a few times, then given up."""
        where = traceback.extract_tb(defect.__traceback__)[-1]
        self._said(
            f"task {run.id} ({run.task.name}): {type(defect).__name__} in {where.name}, line {where.lineno}"
        )
        crashes = self._crashes[run.id] = self._crashes.get(run.id, 0) + 1
        if crashes >= CRASHES_MAX:
            self._crashes.pop(run.id)
            self._end(run, End("failed", b""))
            return
        values = {"state": "waiting", "run_at": self._clock() + CRASHED_S}
        self.persist(lambda connection: self._change(connection, run, values))

    def _extend(self, now: float) -> None:
        with self._lock:
            runs = dict(self._runs)
        with self.store.writing() as connection:
            fences = {task_id: run.fence for task_id, run in runs.items()}
            own = tables.extend(connection, self._presence.name, fences, now + self._ttl_s)
        self._extended_at = now
        kept = {row["id"] for row in own}
        for row in own:
            if row["cancel"]:
                runs[row["id"]].cancel(row["cancel"])
        for task_id, run in runs.items():
            if task_id not in kept:
                run.lose()

    def _bury(self, now: float) -> None:
        """Takes over what workers held that are dead."""
        with self.store.reading() as connection:
            dead = [name for name in tables.workers(connection) if self._presence.is_dead(name)]
        if dead:
            with self.store.writing() as connection:
                for name in dead:
                    tables.release(connection, name, now)

    def drain(self, timeout_s: float) -> bool:
        self._stopped.set()
        until = time.monotonic() + timeout_s
        while self.running and time.monotonic() < until:
            self.woken.wait(0.05)
            self.woken.clear()
            if self._clock() - self._extended_at >= self._ttl_s / 4:
                self._extend(self._clock())
        if not self.running:
            return True
        with self._lock:
            left = list(self._runs.values())
        for run in left:
            run.lose()
        self.persist(lambda connection: tables.release(connection, self._presence.name, self._clock()))
        return False

    # For runs.

    def persist(self, act: Callable[[sa.Connection], Any]) -> Any:
        """A transaction that is tried until it succeeds: a locked database and a full disk pass."""
        wait_s = 0.05
        while True:
            try:
                with self.store.writing() as connection:
                    return act(connection)
            except sa.exc.OperationalError as problem:
                self._said(f"tasks cannot be noted ({problem.orig}); trying again")
                time.sleep(wait_s)
                wait_s = min(2.0, wait_s * 2)

    def _tell(self, task_id: str) -> None:
        self._changed(task_id)
        self.woken.set()
