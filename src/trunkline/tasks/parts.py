"""Where the database of tasks and the folder of deferrals lie in a state folder, and how both are opened with the installation's key.

Shared by the worker, the console and commands. Light until the database is opened. Not for: what they hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.journal.deferrals import Box

if TYPE_CHECKING:
    from trunkline.tasks.store import TaskStore

DATABASE = "tasks.db"
FOLDER = "deferrals"


def folder(state: Path) -> Path:
    """Inbox, board and summary."""
    return state / FOLDER


def made_store(state: Path, key: bytes, clock: Callable[[], float] = time.time) -> TaskStore:
    """The database, made or upgraded at first need."""
    from trunkline.ledger.engine import open_engine
    from trunkline.ledger.migrate import upgrade
    from trunkline.tasks.store import TaskStore

    path = state / DATABASE
    database = open_engine(path)
    upgrade(database, "tasks")
    database.dispose()
    return TaskStore(path, Box(key, "tasks"), clock)


def store_to_look_at(state: Path, key: bytes) -> TaskStore | None:
    """The database for whoever only reads; None if there never was a task."""
    from trunkline.tasks.store import TaskStore

    path = state / DATABASE
    return TaskStore(path, Box(key, "tasks")) if path.exists() else None
