"""Calls do not need the console: kill it or lock its databases, and all is in the ledger afterwards (short form of K5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.console import kill_console, lock_ledger

pytestmark = pytest.mark.row("Q2", "O1")


def test_a_killed_console_costs_no_call_and_no_record(tmp_path: Path) -> None:
    found = kill_console(tmp_path, kills=2, rate=60, seed=3)
    assert found.verdict.faults == {}
    assert found.bad == 0


def test_a_locked_ledger_costs_no_call_and_no_record(tmp_path: Path) -> None:
    found = lock_ledger(tmp_path, windows=1, window_s=3.0, rate=60, seed=4)
    assert found.verdict.faults == {}
    assert found.bad == 0
    assert all(window for window in (*found.free_s, *found.disturbed_s))
