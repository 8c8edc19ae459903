"""Follows the three published files and swaps what they hold into the running gateway, a quarter second after they changed.

A file that does not read is passed over and told; what was loaded stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from trunkline.gateway.log import say

POLL_S = 0.25


class Watched:
    """One file by its identity on disk; published files are always replaced, never written in place."""

    __slots__ = ("_seen", "path", "take")

    def __init__(self, path: Path, take: Callable[[], None]) -> None:
        self.path = path
        self.take = take
        self._seen = self._mark()

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def look(self) -> bool:
        """Takes the file over if it was replaced; True if so."""
        mark = self._mark()
        if mark is None or mark == self._seen:
            return False
        self._seen = mark
        try:
            self.take()
        except Exception as problem:
            # A half-copied restore or a wrong master key must not stop the traffic; what was loaded stays.
            say(f"{self.path.name} was not taken over: {type(problem).__name__}: {problem}")
            return False
        return True


async def follow(files: list[Watched]) -> None:
    """Runs until cancelled."""
    while True:
        await asyncio.sleep(POLL_S)
        for file in files:
            file.look()
