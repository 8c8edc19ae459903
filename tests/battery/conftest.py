"""Keeps what the long experiments measured and how they ended, and prints it at the end of their run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.battery import report
from tests.support.simulator import simulator, simulator_process

__all__ = ["simulator", "simulator_process"]

RAN = pytest.StashKey[list[str]]()


@pytest.fixture(autouse=True)
def _reported(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("slow"):
        report.forget(request.node.nodeid)
        request.config.stash.setdefault(RAN, []).append(request.node.nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "slow" in report.keywords and (report.when == "call" or report.failed):
        from tests.battery.report import ended

        ended(report.nodeid, report.passed)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    ran = set(terminalreporter.config.stash.get(RAN, []))
    told = [figure for figure in report.figures() if figure.test in ran]
    if told:
        terminalreporter.section("battery")
        terminalreporter.write_line(report.table(told))
