"""Keeps the ledger up with the journal, for as long as the process lives: drain, wait, try again, drop expired days.

Nothing that happens to the database ends it: what is not drained stays in the journal. Only a schema or a journal of another
version does, because trying again cannot help. Not for what a batch is (`drain.py`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from trunkline.journal.files import segments
from trunkline.journal.reader import JournalVersion
from trunkline.ledger.drain import Drain, DrainBusy
from trunkline.ledger.engine import is_locked
from trunkline.ledger.migrate import SchemaRefused
from trunkline.ledger.prune import KEEP_DAYS, prune

IDLE_S = 0.2
LOCKED_S = 0.5
TROUBLE_S = 2.0
PRUNE_EVERY_S = 3600.0


class DrainStatus:
    """How the drain fares; written by its thread, read by others."""

    def __init__(self) -> None:
        self.open = False
        """The ledger was found in order and is being written."""
        self.fatal = False
        self.problem = ""
        """What keeps it from going on; empty when all is well."""
        self.behind = False
        """There is more in the journal than was drained."""
        self.drained_us = 0
        self.pending_bytes = 0
        """At most; a segment that is not full yet counts whole."""
        self.records = 0
        self.running = 0

    def lag_s(self, now: float) -> float:
        """How old the oldest record is that waits; 0 when none does."""
        return (
            max(0.0, now - self.drained_us / 1e6)
            if self.drained_us and (self.behind or self.problem)
            else 0.0
        )


class Follower:
    """Runs the drain in a thread of its own. `make` opens it; it may fail and is tried again."""

    def __init__(
        self,
        make: Callable[[], Drain],
        journal_folder: Path,
        *,
        keep_days: int = KEEP_DAYS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.status = DrainStatus()
        self._make = make
        self._journal = journal_folder
        self._keep_days = keep_days
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)
        self._drain: Drain | None = None
        self._pruned_at = float("-inf")

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End after the batch at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def turn(self) -> float:
        """One turn: a batch, or what there is to do when there is none; returns how long to wait before the next."""
        status = self.status
        try:
            self._drain = drain = self._drain or self._make()
            taken = drain.step()
            self._tell(drain, taken)
            if taken == 0 and self._clock() - self._pruned_at >= PRUNE_EVERY_S:
                prune(drain, int(self._clock() * 1e6), self._keep_days)
                self._pruned_at = self._clock()
        except (SchemaRefused, JournalVersion) as fault:
            status.problem, status.fatal = str(fault), True
            self._stop.set()
            return 0.0
        except DrainBusy as fault:
            status.problem = str(fault)
            return TROUBLE_S
        except Exception as fault:  # whatever it is, the journal keeps the records until it is over
            status.behind = True
            if is_locked(fault):
                status.problem = "the ledger is locked by another process; waiting until it lets go"
                return LOCKED_S
            status.problem = f"the ledger cannot be written ({type(fault).__name__}: {getattr(fault, 'orig', fault)}); trying again"
            return TROUBLE_S
        return 0.0 if taken else IDLE_S

    def _run(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self.turn())
        if self._drain:
            self._drain.close()

    def _tell(self, drain: Drain, taken: int) -> None:
        status = self.status
        status.open, status.problem = True, ""
        status.behind = taken > 0
        status.drained_us = drain.drained_us
        status.records += taken
        status.running = drain.running()
        status.pending_bytes = self._pending(drain) if taken else 0

    def _pending(self, drain: Drain) -> int:
        rest = [
            self._journal / str(name)
            for name in segments(self._journal)
            if name.number >= drain.cursor.segment
        ]
        whole = sum(path.stat().st_size for path in rest if path.exists())
        return max(0, whole - drain.cursor.offset)
