"""G2 at full size: one person among ten million calls of ninety days."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.persons import EMAIL, SUBJECT, answer, fill, find
from trunkline.control.state import State

pytestmark = [pytest.mark.slow, pytest.mark.row("G2")]

DAYS, PER_DAY, THEIRS = 90, 111_112, 4
FOUND_MS = 1000.0


def test_a_person_is_found_among_ten_million_calls_within_a_second(tmp_path: Path) -> None:
    state = State(tmp_path / "state", {})
    calls = fill(state, days=DAYS, per_day=PER_DAY, theirs=THEIRS)
    found = find(state)
    report.tell("G2", "calls in the ledger", ">= 10,000,000", f"{calls:,}")
    report.tell("G2", "calls of the person, at vendors", "all", f"{found.calls}, {found.vendors}")
    times = f"{found.first_ms:.0f}, {found.usual_ms:.0f}"
    report.tell("G2", "found in (ms), first and usual", f"<= {FOUND_MS:g}", times)
    assert calls >= 10_000_000
    assert found.calls == DAYS * THEIRS
    assert found.first_ms <= FOUND_MS

    for who, vendors in (
        (("--subject", SUBJECT), ["anthropic", "openai"]),
        (("--email", EMAIL), ["openai", "stripe"]),
    ):
        answered = answer(state, *who, "--open")
        report.tell(
            "G2", f"trunkline trace {who[0]}, whole command by the clock (ms): fastest, median of 7, first", f"<= {FOUND_MS:g}",
            f"{answered.fastest_ms:.0f}, {answered.usual_ms:.0f}, {answered.first_ms:.0f}",
            f"{answered.processor_ms:.0f} ms of processor; {report.machine()}",
        )  # fmt: skip
        told = answered.told
        assert (told["calls"], told["nowhere"]) == (DAYS * THEIRS // 2, 0)
        assert [vendor["integration"] for vendor in told["vendors"]] == vendors
        assert [(task["integration"], task["state"]) for task in told["tasks"]] == [
            (one, "open") for one in vendors
        ]
        for vendor in told["vendors"]:
            assert vendor["calls"] == len(vendor["ids"]) == DAYS
            assert vendor["last_us"] - vendor["first_us"] > (DAYS - 2) * 86_400_000_000
            assert all(quoted["correlation_id"] and quoted["vendor_request_id"] for quoted in vendor["ids"])
        assert answered.processor_ms <= FOUND_MS
        assert answered.fastest_ms <= FOUND_MS
