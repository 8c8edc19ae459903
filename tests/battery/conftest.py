"""Begins a new report with each run of the battery and prints it at the end."""

from __future__ import annotations

from typing import Any

from tests.battery import report
from tests.support.simulator import simulator, simulator_process

__all__ = ["simulator", "simulator_process"]


def pytest_sessionstart(session: Any) -> None:
    report.forget()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    told = report.figures()
    if told:
        terminalreporter.section("battery")
        terminalreporter.write_line(report.table(told))
