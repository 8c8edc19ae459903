"""K5 at full size, and twenty kills of the console."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.console import DRAIN_S, kill_console, lock_ledger

pytestmark = [pytest.mark.slow, pytest.mark.row("Q2", "O1")]


def test_twenty_killed_consoles_cost_nothing(tmp_path: Path) -> None:
    found = kill_console(tmp_path, kills=20, rate=100, seed=5)
    report.tell("console killed 20 x", "calls without a good answer", "0", found.bad)
    report.tell(
        "console killed 20 x", "lost or doubled", "0", len(found.verdict.lost) + len(found.verdict.doubled)
    )
    report.tell("console killed 20 x", "drained after (s)", f"<= {DRAIN_S:g}", f"{found.drained_s:.1f}")
    assert found.verdict.faults == {}
    assert found.bad == 0
    assert found.drained_s <= DRAIN_S


def test_a_ledger_locked_for_thirty_seconds_is_not_felt(tmp_path: Path) -> None:
    found = lock_ledger(tmp_path / "long", windows=1, window_s=30.0, rate=200, seed=6)
    report.tell("K5, locked 30 s", "calls without a good answer", "0", found.bad)
    report.tell(
        "K5, locked 30 s", "lost or doubled", "0", len(found.verdict.lost) + len(found.verdict.doubled)
    )
    report.tell("K5, locked 30 s", "drained after (s)", f"<= {DRAIN_S:g}", f"{found.drained_s:.1f}")
    assert found.verdict.faults == {}
    assert found.bad == 0
    assert found.drained_s <= DRAIN_S

    paired = lock_ledger(tmp_path / "paired", windows=5, window_s=6.0, rate=200, seed=8)
    added, noise = statistics.median(paired.added_p99_ms()), paired.noise_ms()
    note = f"noisy: undisturbed windows differ by {noise:.1f} ms" if noise > 5 else f"noise {noise:.1f} ms"
    report.tell("K5, 5 pairs", "p99 while locked minus before, median (ms)", "<= 5", f"{added:.2f}", note)
    report.tell(
        "K5, 5 pairs", "the same as a ratio", "about 1", f"{statistics.median(paired.ratios()):.2f}", note
    )
    assert paired.bad == 0
    assert added <= 5 or noise > 5
