"""One SQLite file per day (UTC, by the begin of the call), so that a day expires by dropping its file.

Not for what is in them (`day_tables.py`) nor when they expire (`prune.py`).
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from trunkline.ledger.engine import BUSY_TIMEOUT_S, open_engine
from trunkline.ledger.migrate import head, upgrade

DAY_US = 86_400_000_000
_FILE = re.compile(r"calls-(\d{4}-\d{2}-\d{2})\.db")


def day_of(at_us: int) -> str:
    """The UTC day of an instant, as `YYYY-MM-DD`. Instants that no calendar holds fall on its first or last day."""
    at_us = min(max(at_us, 0), 253_402_300_799_000_000)
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d")


def day_start_us(day: str) -> int:
    """The first microsecond of a day."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000


def rfc3339(at_us: int) -> str:
    """An instant as people and JSON write it, in UTC with milliseconds."""
    whole = datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{at_us % 1_000_000 // 1000:03d}Z"


class Days:
    """The day files of one ledger folder; keeps a few of them open. May be used by several threads."""

    def __init__(
        self,
        folder: Path,
        *,
        read_only: bool = False,
        keep_open: int = 3,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self._folder = folder
        self._read_only = read_only
        self._keep_open = keep_open
        self._busy_timeout_s = busy_timeout_s
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._lock = threading.Lock()

    def path(self, day: str) -> Path:
        return self._folder / f"calls-{day}.db"

    def list(self) -> list[str]:
        """The days that have a file, oldest first."""
        if not self._folder.is_dir():
            return []
        return sorted(found[1] for file in self._folder.iterdir() if (found := _FILE.fullmatch(file.name)))

    def engine(self, day: str) -> Engine:
        """The database of a day, made or upgraded first unless only read."""
        with self._lock:
            engine = self._engines.pop(day, None) or self._open(day)
            self._engines[day] = engine
            while len(self._engines) > self._keep_open:
                self._engines.popitem(last=False)[1].dispose()
        return engine

    def _open(self, day: str) -> Engine:
        engine = open_engine(self.path(day), read_only=self._read_only, busy_timeout_s=self._busy_timeout_s)
        if not self._read_only:
            upgrade(engine, "day")
        return engine

    def drop(self, day: str) -> None:
        """Delete a day's file and what SQLite keeps beside it."""
        with self._lock:
            engine = self._engines.pop(day, None)
        if engine:
            engine.dispose()
        for suffix in ("-wal", "-shm", f".before-{head('day')}", ""):
            Path(f"{self.path(day)}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        while self._engines:
            self._engines.popitem()[1].dispose()
