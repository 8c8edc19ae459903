"""The port of durable work: what those who write workflows and those who start them may rely on, whatever engine is behind it.

A workflow is a function of its `Work`. It must be deterministic outside its steps: after a crash, or after it slept, it runs
again from its beginning, and each step that is done gives its recorded output instead of running. A step runs at least once,
so what it does elsewhere needs an idempotency key. Nothing of an engine crosses the port: texts, numbers, bytes.
Every engine must pass the same tests (tests/unit/tasks/test_lease.py). Not for: a particular engine (`lease.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

State = Literal["queued", "waiting", "running", "done", "failed", "cancelled", "timed_out"]
EndState = Literal["done", "failed", "cancelled", "timed_out"]


@dataclass(frozen=True, kw_only=True)
class Start:
    """A task that is to run. A second one of the same id is the same task. Of a higher priority means sooner."""

    id: str
    name: str
    """Which workflow."""
    input: bytes
    """What it works on; erased some time after the end."""
    facts: bytes = b""
    """What is told of it as long as it is known; small."""
    owner: str = ""
    """Who may see it."""
    label: str = ""
    """What it needs, e.g. an integration: tasks of a label may be held back together (`holds.py`)."""
    priority: int = 0
    run_at: float = 0.0
    deadline: float = 0.0
    """For the workflow to heed; 0: none. All times are epoch seconds."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task as it is now. `input` and `output` are empty in lists, and once `erased`."""

    id: str
    name: str
    state: State
    owner: str
    label: str
    run_at: float
    deadline: float
    created_at: float
    updated_at: float
    ended_at: float
    erased: bool
    cancel: str
    """Why its end is wanted; empty if it is not."""
    version: int
    """Grows with each change."""
    facts: bytes = b""
    input: bytes = b""
    progress: bytes = b""
    output: bytes = b""


class End(NamedTuple):
    """How a workflow ended. `progress` is what is told of it as long as it is known; small."""

    state: EndState
    output: bytes
    progress: bytes = b""


class Step(Protocol):
    """One run of one step."""

    @property
    def task_id(self) -> str: ...

    @property
    def attempt(self) -> int:
        """1 at first. A higher one says: it was begun before and may have been done."""

    def on_cancel(self, act: Callable[[], None]) -> None:
        """Has `act` called (from another thread) once the task's end is wanted, to cut short what the step waits for."""


class Work(Protocol):
    """One run of a workflow."""

    @property
    def id(self) -> str: ...

    @property
    def input(self) -> bytes: ...

    @property
    def deadline(self) -> float: ...

    def step(self, name: str, act: Callable[[Step], bytes]) -> bytes:
        """The output of a step: recorded if it is done, else by doing it. Names are unique within a task."""

    def sleep(self, until: float, progress: bytes) -> None:
        """Goes on at that time; holds nothing meanwhile. `progress` is what is shown until then."""


class Postponed(Exception):
    """Raised by a step that has done nothing: it is to be run anew at `until`, as if it had not begun."""

    def __init__(self, until: float) -> None:
        super().__init__(until)
        self.until = until


Workflow = Callable[[Work], End]
FollowUp = Callable[[Task], Sequence[Start]]
"""What an ended task entails; started together with its end, all or nothing."""


class Engine(Protocol):
    """Keeps tasks and runs them."""

    def start(self, task: Start) -> bool:
        """Durable when it returns. False if there is one of this id. Raises UnknownWorkflow."""

    def get(self, task_id: str) -> Task | None: ...

    def listed(
        self,
        *,
        names: Sequence[str] = (),
        states: Sequence[str] = (),
        owner: str = "",
        before: str = "",
        limit: int = 100,
    ) -> list[Task]:
        """Newest first, without inputs and outputs; `before` an id for the next page."""

    def cancel(self, task_id: str, reason: str) -> Task | None:
        """One that waits ends at once, one that runs is asked to. An ended one stays as it is. None if there is none."""

    def again(self, task_id: str, deadline: float) -> Task | None:
        """Has an ended task run anew from its beginning, if it was not `done` and its input is not erased; else it stays."""

    def turn(self) -> int:
        """Keeps what is its own, then begins what is due; answers how many it began."""

    def drain(self, timeout_s: float) -> bool:
        """Begins nothing any more, waits for what runs, gives back what has not ended by then. True if all ended."""

    def next_due(self) -> float:
        """When `turn` will have something to do; 0 if nothing waits."""

    @property
    def running(self) -> int: ...


class UnknownWorkflow(ValueError):
    """No worker could ever run a task of this name."""


Workflows = Mapping[str, Workflow]
