"""G2 at full size: one person among ten million calls of ninety days."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.persons import fill, find

pytestmark = [pytest.mark.slow, pytest.mark.row("G2")]

DAYS, PER_DAY, THEIRS = 90, 111_112, 4
FOUND_MS = 1000.0


def test_a_person_is_found_among_ten_million_calls_within_a_second(tmp_path: Path) -> None:
    calls = fill(tmp_path, days=DAYS, per_day=PER_DAY, theirs=THEIRS)
    found = find(tmp_path)
    report.tell("G2", "calls in the ledger", ">= 10,000,000", f"{calls:,}")
    report.tell("G2", "calls of the person, at vendors", "all", f"{found.calls}, {found.vendors}")
    report.tell(
        "G2",
        "found in (ms), first and usual",
        f"<= {FOUND_MS:g}",
        f"{found.first_ms:.0f}, {found.usual_ms:.0f}",
    )
    assert calls >= 10_000_000
    assert found.calls >= DAYS * THEIRS
    assert found.first_ms <= FOUND_MS
