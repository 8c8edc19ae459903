"""Begins a new report with each run of the long experiments and prints it at the end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.battery import report
from tests.support.simulator import simulator, simulator_process

__all__ = ["simulator", "simulator_process"]

RAN = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def new_report(request: pytest.FixtureRequest) -> None:
    report.forget()
    request.config.stash[RAN] = True


@pytest.fixture(autouse=True)
def _reported(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("slow"):
        request.getfixturevalue("new_report")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if terminalreporter.config.stash.get(RAN, False):
        terminalreporter.section("battery")
        terminalreporter.write_line(report.table(report.figures()))
