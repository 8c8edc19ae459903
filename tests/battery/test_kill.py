"""K1, full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.kill import SETTLE_S, kill_under_load

pytestmark = [pytest.mark.slow, pytest.mark.row("Q2")]


def test_a_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    found = kill_under_load(tmp_path, kills=100, rate=100, seed=1)
    verdict = found.verdict
    report.tell(
        "K1",
        "calls made / seen by the vendor / answered",
        "",
        f"{verdict.calls} / {verdict.seen} / {verdict.answered}",
    )
    report.tell("K1", "calls cut by a kill", "> 0", verdict.cut)
    report.tell(
        "K1",
        "lost, doubled, unfinished",
        "0, 0, 0",
        f"{len(verdict.lost)}, {len(verdict.doubled)}, {len(verdict.unfinished)}",
    )
    report.tell(
        "K1", "unsafe acts sent or done twice", "0", len(verdict.sent_twice) + len(verdict.done_twice)
    )
    report.tell(
        "K1",
        "outcome_unknown where it should not be, or not where it should",
        "0",
        len(verdict.wrongly_unknown) + len(verdict.wrongly_known),
    )
    report.tell("K1", "recorded as good, end not delivered", "few", len(verdict.late))
    report.tell("K1", "back after a kill, worst of 100 (s)", "<= 2", f"{max(found.back_s):.2f}")
    report.tell("K1", "all final after the end (s)", f"<= {SETTLE_S:g}", f"{found.settled_s:.2f}")
    assert verdict.faults == {}
    assert verdict.cut > 0
    assert len(verdict.late) <= 5
    assert found.retried > 0
    assert max(found.back_s) <= 2.0
    assert found.settled_s <= SETTLE_S
