"""One run of one task in the lease engine: its steps, its sleep, its cancellation.

Not for: claiming and ending (`lease.py`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from trunkline.ledger import task_tables as tables
from trunkline.tasks.port import Postponed, Step, Task

if TYPE_CHECKING:
    import sqlalchemy as sa

    from trunkline.tasks.lease import LeaseEngine

ATTEMPTS_MAX = 10
"""A step during which so many workers died is what kills them."""


class Parked(Exception):
    """The run goes on later."""

    def __init__(self, until: float, progress: bytes) -> None:
        super().__init__(until)
        self.until = until
        self.progress = progress


class Cancelled(Exception):
    """Somebody wants the task ended."""


class Lost(Exception):
    """Another worker holds the task now."""


class Deadly(Exception):
    """A step that was begun too often without ever ending."""


class Run:
    """A task that this worker holds. `port.Work` for its workflow."""

    def __init__(self, engine: LeaseEngine, task: Task, fence: int, steps: Mapping[str, tables.Row]) -> None:
        self.task = task
        self.fence = fence
        self.cancelled_because = ""
        self._engine = engine
        self._steps = steps
        self._lost = False
        self._lock = threading.Lock()
        self._cut: Callable[[], None] | None = None

    @property
    def id(self) -> str:
        return self.task.id

    @property
    def input(self) -> bytes:
        return self.task.input

    @property
    def deadline(self) -> float:
        return self.task.deadline

    def step(self, name: str, act: Callable[[Step], bytes]) -> bytes:
        row = self._steps.get(name)
        if row is not None and row["ended_at"]:
            return self._engine.store.unseal(self.id, f"step {name}", row["output"])
        self._check()
        attempt = row["attempt"] + 1 if row is not None else 1
        if attempt > ATTEMPTS_MAX:
            raise Deadly(f"step {name!r} of task {self.id} was begun {attempt - 1} times and never ended")
        self._fenced(lambda c: tables.begin_step(c, self.id, name, attempt, self._engine.store.clock()))
        try:
            output = act(OneStep(self, attempt))
        except Postponed as postponed:
            if attempt == 1:
                self._fenced(lambda c: tables.forget_step(c, self.id, name))
            raise Parked(postponed.until, self._sealed(self.task.progress)) from None
        except Exception:
            # What was cut short fails in ways of its own; what counts is that it was cut.
            self._check()
            raise
        finally:
            self.on_cancel(None)
        sealed = self._engine.store.seal(self.id, f"step {name}", output)
        self._fenced(lambda c: tables.end_step(c, self.id, name, sealed, self._engine.store.clock()))
        return output

    def sleep(self, until: float, progress: bytes) -> None:
        self._check()
        if until > self._engine.store.clock():
            raise Parked(until, self._sealed(progress))

    def _sealed(self, progress: bytes) -> bytes:
        return self._engine.store.seal(self.id, "progress", progress) if progress else b""

    def _fenced(self, act: Callable[[sa.Connection], None]) -> None:
        """A write that counts only while the task is held."""

        def guarded(connection: sa.Connection) -> bool:
            if not tables.holds(connection, self.id, self.fence):
                return False
            act(connection)
            return True

        if self._lost or not self._engine.persist(guarded):
            raise Lost

    def _check(self) -> None:
        if self._lost:
            raise Lost
        if self.cancelled_because:
            raise Cancelled

    # From other threads.

    def cancel(self, reason: str) -> None:
        """Ends the run at its next step, and cuts short the one that runs."""
        with self._lock:
            self.cancelled_because = self.cancelled_because or reason
            cut = self._cut
        if cut is not None:
            with contextlib.suppress(OSError):
                cut()

    def lose(self) -> None:
        """The task is another's now: nothing more of this run is noted."""
        self._lost = True
        with self._lock:
            cut = self._cut
        if cut is not None:
            with contextlib.suppress(OSError):
                cut()

    def on_cancel(self, act: Callable[[], None] | None) -> None:
        """What cuts short the step that runs; None once it has ended."""
        with self._lock:
            self._cut = act
            wanted = bool(self.cancelled_because) and act is not None
        if wanted and act is not None:
            act()


class OneStep:
    """One run of a step. `port.Step` for what it does."""

    def __init__(self, run: Run, attempt: int) -> None:
        self._run = run
        self.attempt = attempt

    @property
    def task_id(self) -> str:
        return self._run.id

    def on_cancel(self, act: Callable[[], None]) -> None:
        self._run.on_cancel(act)
