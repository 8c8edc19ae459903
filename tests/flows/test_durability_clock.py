"""A clock on the wall that jumps moves neither durations nor limits, breakers, pauses or budgets (short form of K6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.clock import (
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


@pytest.mark.row("F3", "F8", "O2", "Q2")
def test_an_hour_forth_and_back_is_not_felt(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with setting(tmp_path, simulator, open_for="3s") as gateway:
        found = jump_under_load(gateway, jumps=(HOUR, -HOUR), apart_s=0.4, rate=60)
        assert (found.bad, found.negative, found.repeated_ids) == ([], [], 0)
        first, after, told, back = rate_after(gateway, -HOUR)
        assert (RATE <= first <= RATE + 2, after, told <= 2, back) == (True, [429, 429], True, True)
        assert breaker_after(gateway, simulator, -HOUR)[0] == "circuit_open"
        assert pause_after(gateway, simulator, -HOUR) > 0, "answered well, after no hour"
        noon, *others = (statuses.count(200) for statuses in budget_over(gateway).values())
        assert (1 <= noon <= 3, others) == (True, [0, 0, noon, 0])
