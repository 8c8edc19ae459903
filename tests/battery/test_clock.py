"""K6 at full size: minutes of load over many jumps, and what must not follow the clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.clock import (
    DAY,
    HOUR,
    RATE,
    breaker_after,
    budget_over,
    jump_under_load,
    pause_after,
    rate_after,
    setting,
)
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.slow, pytest.mark.row("F3", "F8", "O2", "Q2")]
JUMPS = (HOUR, -HOUR, DAY, -DAY, 0.5, -0.5)


def test_a_clock_that_jumps_is_not_felt(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with setting(tmp_path, simulator) as gateway:
        found = jump_under_load(gateway, jumps=JUMPS * 3, apart_s=1.0, rate=80)
        rates = [rate_after(gateway, jump) for jump in (HOUR, -HOUR)]
        breakers = [breaker_after(gateway, simulator, jump) for jump in (HOUR, -HOUR)]
        pauses = [pause_after(gateway, simulator, jump) for jump in (HOUR, -HOUR)]
        budget = budget_over(gateway)
    report.tell("K6", "calls over 18 jumps, without a good answer", "0", f"{found.calls}, {len(found.bad)}")
    report.tell(
        "K6", "negative durations, repeated ids", "0, 0", f"{len(found.negative)}, {found.repeated_ids}"
    )
    report.tell(
        "K6", "a key's rate after +1 h / -1 h", "429, told <= 2 s, back then", " / ".join(map(str, rates))
    )
    told = " / ".join(f"{state}, {took:.1f} s" for state, took in breakers)
    report.tell("K6", "a breaker open for 1 s after +1 h / -1 h", "circuit_open, <= 2.5 s", told)
    report.tell(
        "K6",
        "a vendor's pause of 1 s after +1 h / -1 h (s)",
        "about 1",
        " / ".join(f"{p:.1f}" for p in pauses),
    )
    shown = "; ".join(f"{name}: {statuses.count(200)} of 5" for name, statuses in budget.items())
    report.tell("K6", "money for up to 3 calls a day", "n, 0, 0, n, 0", shown)
    assert (found.bad[:3], found.negative, found.repeated_ids) == ([], [], 0)
    assert all(
        first <= RATE + 2 and after == [429, 429] and told <= 2 and back for first, after, told, back in rates
    )
    assert all(state == "circuit_open" and took <= 2.5 for state, took in breakers)
    assert all(0.5 <= took <= 2.5 for took in pauses)
    noon, *others = (statuses.count(200) for statuses in budget.values())
    assert (1 <= noon <= 3, others) == (True, [0, 0, noon, 0])
