"""S1 to S15: the ordinary tests that show them, counted, and what only the battery does. One is run by `-k s4_`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import report, shown
from tests.battery.experiment import Experiment
from tests.battery.security_experiments import SECURITY, USE

pytestmark = [pytest.mark.slow, pytest.mark.row("S1", "W1", "Q2")]

WITH_TESTS = [one for one in (*SECURITY, *USE) if one.tests]


@pytest.mark.parametrize("one", WITH_TESTS, ids=lambda one: f"{one.id.lower()}_")
def test_what_ordinary_tests_show(tmp_path: Path, one: Experiment) -> None:
    found = shown.run(one.tests, tmp_path)
    passed = found.total - len(found.failed)
    report.tell(one.id, "ordinary tests that show it", "all pass", f"{passed:,} of {found.total:,} pass")
    assert found.failed == [], found.said
    assert found.total > 0
