"""What every engine behind `trunkline.tasks.port` must do, as stories; and the workflows that they tell of.

`Bench` gives one database and any number of workers on it, with a clock of the test's own and a thread only where a story needs
one. Not for: what a particular engine does besides.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from trunkline.journal.deferrals import Box
from trunkline.ledger.engine import open_engine
from trunkline.ledger.migrate import upgrade
from trunkline.tasks.lease import LeaseEngine
from trunkline.tasks.port import End, Start, Task, Workflow
from trunkline.tasks.presence import Presence
from trunkline.tasks.store import TaskStore

KEY = b"k" * 32


class AtOnce(Executor):
    """Runs in the caller's thread, so that a story has an order."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class InThreads(Executor):
    """One thread each."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        threading.Thread(target=fn, args=args, kwargs=kwargs, daemon=True).start()
        return Future()


class Bench:
    """A database, a clock, and workers."""

    def __init__(self, folder: Path, workflows: dict[str, Workflow]) -> None:
        self.folder = folder
        self.now = 1000.0
        self.workflows = workflows
        self.said: list[str] = []
        self.followed: list[Task] = []
        self.follow_up: Callable[[Task], list[Start]] = lambda task: []
        engine = open_engine(folder / "tasks.db")
        upgrade(engine, "tasks")
        engine.dispose()

    def worker(
        self, *, executor: Executor | None = None, busy_timeout_s: float = 5.0, **more: Any
    ) -> LeaseEngine:
        return LeaseEngine(
            TaskStore(
                self.folder / "tasks.db", Box(KEY, "tasks"), lambda: self.now, busy_timeout_s=busy_timeout_s
            ),
            self.workflows,
            Presence(self.folder),
            executor or AtOnce(),
            concurrency=4,
            follow_up=self.follow_up,
            said=self.said.append,
            **more,
        )


def said(text: str) -> End:
    return End("done", text.encode())


def start(name: str, text: str = "x", **more: Any) -> Start:
    return Start(id=f"tsk_{name}", name=name, input=text.encode(), **more)
