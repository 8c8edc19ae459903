"""D1: vendors' operations broken in named ways by seeds that nothing was tuned on, and vendors that do not change."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.battery import report
from tests.drift import experiment, published
from tests.drift.judged import together, told

pytestmark = [pytest.mark.slow, pytest.mark.row("C2")]

WORKERS = 2
RECALL = 0.93
CALLS_OF_ONE_ALARM = 1000


def test_mutants_are_found_in_every_class_and_vendors_that_do_not_change_are_left_alone() -> None:
    with ProcessPoolExecutor(WORKERS) as workers:
        found = together(list(workers.map(experiment.share, range(experiment.SHARES))))
    note = f"seed {experiment.SEED}"
    note += "" if published.folder() else f"; {published.VARIABLE} names no folder: own operations alone"
    report.tell("D1", "mutants found", "", f"{found.recall:.1%} of {found.made}", note)
    for name, one in sorted(found.classes.items()):
        told_calls = f"median {one.median_calls} calls"
        if one.seldom[1]:
            told_calls += "; with seldom met ones {} of {}".format(*one.with_seldom)
        report.tell("D1", f"{name}", f">= {RECALL:.0%}", f"{one.found} of {one.made} ({told_calls})")
    report.tell(
        "D1",
        "false alarms",
        f"<= 1 in {CALLS_OF_ONE_ALARM}",
        f"{len(found.alarms)} in {found.replies} replies",
    )
    print(told(found))
    assert found.made >= 1000
    assert found.replies >= CALLS_OF_ONE_ALARM
    assert {name: one.recall for name, one in found.classes.items() if one.recall < RECALL} == {}
    assert found.alarms_per_thousand <= 1
