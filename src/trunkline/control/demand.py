"""Whether the worker is needed: something lies in the inbox, or a task is due. The supervisor asks this a few times a second.

A look at a folder and at a small file; never the database. Not for: starting it (`supervise.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from trunkline.core.codec import DecodeError, from_json
from trunkline.tasks import parts

EARLY_S = 1.0
"""It takes about so long to start."""


class Demand:
    """Asked while no worker runs. At first it is needed if there ever was a task: what a crash left is its to find."""

    def __init__(self, state: Path, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._folder = parts.folder(state)
        self._clock = clock
        self._first = True
        self._seen: tuple[int, int] = (0, 0)
        self._next_at = 0.0

    def __call__(self) -> bool:
        if self._anything_in_the_inbox():
            return True
        if self._first:
            self._first = False
            if (self._state / parts.DATABASE).exists():
                return True
        due = self._due()
        return bool(due) and due <= self._clock() + EARLY_S

    def _anything_in_the_inbox(self) -> bool:
        try:
            with os.scandir(self._folder / "inbox") as entries:
                return any(not entry.name.startswith(".") for entry in entries)
        except OSError:
            return False

    def _due(self) -> float:
        """What the worker said when it went."""
        path = self._folder / "summary.json"
        try:
            stat = path.stat()
            mark = (stat.st_ino, stat.st_mtime_ns)
            if mark != self._seen:
                self._next_at = float(from_json(path.read_bytes())["next_at"])
                self._seen = mark
        except (OSError, DecodeError, KeyError, TypeError, ValueError):
            return 0.0
        return self._next_at
