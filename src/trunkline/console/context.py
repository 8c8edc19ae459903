"""What the endpoints work with: the ledger for reading, the published files, live totals, the state of the drain."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.console.access import Access
from trunkline.console.looking import Looking
from trunkline.console.providers import Providers
from trunkline.console.published import Published
from trunkline.console.unknown import OpenUnknown
from trunkline.control.state import State
from trunkline.core.errors import CallError
from trunkline.ledger.follow import DrainStatus
from trunkline.ops import health
from trunkline.ops.hits import Hits
from trunkline.ops.totals import Totals

if TYPE_CHECKING:
    from trunkline.ledger.query import Ledger
    from trunkline.ledger.usage import Rollups


class Console:
    """Everything that a request of the admin API may need."""

    def __init__(
        self,
        state_dir: Path,
        *,
        access: Access,
        published: Published,
        ledger: Ledger,
        rollups: Rollups,
        totals: Totals,
        drain: DrainStatus,
        hits: Hits | None = None,
        open_metrics: bool = False,
        registry_folder: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.state_dir = state_dir
        self.state = State(state_dir)
        self.access = access
        self.published = published
        self.totals = totals
        self.drain = drain
        self.hits = hits or Hits()
        self.open_metrics = open_metrics
        self.registry_folder = registry_folder
        self.clock = clock
        self.providers = Providers(self.state)
        self.unknown = OpenUnknown(state_dir / "ledger", rollups, clock)
        self.looking: Looking | None = None
        """Set where samples are looked at."""
        self._ledger = ledger
        self._rollups = rollups

    @property
    def ledger(self) -> Ledger:
        """The calls. Raises CallError while the ledger cannot be read."""
        self._ensure_readable()
        return self._ledger

    @property
    def rollups(self) -> Rollups:
        """The sums. Raises CallError while the ledger cannot be read."""
        self._ensure_readable()
        return self._rollups

    def traffic(self) -> list[health.Traffic]:
        """What each integration's status depends on, now."""
        snapshot = self.published.snapshot()
        if snapshot is None:
            return []
        now = self.clock()
        return health.traffic(
            snapshot,
            {**self.totals.figures(now), **self.published.figures(now)},
            self.published.breakers(),
            outside=self.published.outside(),
            stale=self.published.table("stale_served"),
            problems=self.published.table("problems"),
            circuits=self.published.table("circuits"),
            now=now,
        )

    def _ensure_readable(self) -> None:
        if self.drain.fatal:
            raise CallError("store_unavailable", f"the ledger is not in order: {self.drain.problem}")


def memory_bytes() -> int:
    """Resident memory of this process; the peak where the system does not tell the present one."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
