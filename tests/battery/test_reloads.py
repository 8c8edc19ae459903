"""K7, full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.load import quantile
from tests.battery.reloads import reload_under_load

pytestmark = [pytest.mark.slow, pytest.mark.row("R5", "Q2")]


def test_two_hundred_reloads_fail_no_call(tmp_path: Path) -> None:
    found = reload_under_load(tmp_path, reloads=200, over_s=60.0, rate=150, seed=10)
    report.tell(
        "K7",
        "reloads, and how long they took (s)",
        "200 in 60",
        f"{len(found.spans_s)} in {found.took_s:.0f}",
    )
    report.tell(
        "K7",
        "calls, and those without a good answer",
        "0 bad",
        f"{found.verdict.calls}, {found.bad}",
        "150 calls/s",
    )
    report.tell(
        "K7",
        "wrong files refused with their line, old one kept",
        "20",
        found.refused - len(found.refusals_wrong),
    )
    report.tell("K7", "versions in records that were never live", "0", len(found.recorded - found.versions))
    report.tell(
        "K7",
        "write to live, median and p99 (s)",
        "<= 1",
        f"{quantile(found.spans_s, 0.5):.2f}, {quantile(found.spans_s, 0.99):.2f}",
    )
    assert found.verdict.faults == {}
    assert found.bad == 0
    assert (found.refused, found.refusals_wrong) == (20, [])
    assert found.recorded <= found.versions
