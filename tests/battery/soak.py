"""L4: mixed calls for minutes; the memory of the gateway and its descriptors must stand still once it is warm.

Not for: memory over millions of calls (`test_speed.py` does that where nginx and wrk are there).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.battery.faults import files_open
from tests.battery.load import MIX, Load
from tests.battery.served import REGISTRY, serving
from tests.support.simulator import SimulatorProcess

WARM = 0.25
"""The first part of the time, while pools and caches fill."""


@dataclass
class Soaked:
    """Samples, evenly apart."""

    calls: int = 0
    bad: int = 0
    anonymous_kb: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    over_s: float = 0.0

    @property
    def warm_kb(self) -> list[int]:
        return self.anonymous_kb[int(len(self.anonymous_kb) * WARM) :]

    @property
    def grown_kb(self) -> float:
        """Between the mean of the first and of the last third of the warm time: single samples hold what runs just then."""
        third = max(1, len(self.warm_kb) // 3)
        return sum(self.warm_kb[-third:]) / third - sum(self.warm_kb[:third]) / third


def soak(folder: Path, simulator: SimulatorProcess, *, for_s: float, rate: float, every_s: float) -> Soaked:
    """Under `trunkline serve`, so that the journal is drained meanwhile."""
    found = Soaked(over_s=for_s)
    with serving(folder, REGISTRY.format(simulator=simulator.address())) as served:
        pid = served.pid("gateway")
        with Load(lambda: served.port, served.key, rate=rate, seed=40, sorts=MIX) as load:
            until = time.monotonic() + for_s
            while time.monotonic() < until:
                time.sleep(every_s)
                found.anonymous_kb.append(anonymous_kb(pid))
                found.descriptors.append(files_open(pid))
            asked = load.done()
        assert served.pid("gateway") == pid, "the gateway was restarted"
    found.calls, found.bad = len(asked), sum(not one.good for one in asked)
    return found


def anonymous_kb(pid: int) -> int:
    """Memory of its own, without the mapped journal."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1])
    raise AssertionError("the kernel does not tell anonymous memory")
