"""A1 to A4, F16 and F30 at full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.outage import (
    RECORD_MAX,
    closed_connections,
    everything_fails,
    first_event_failures,
    one_of_a_pool,
    opened_now,
    outage,
    quiet,
    setting,
    shown,
)
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.slow, pytest.mark.row("F1", "F3", "F4", "F7")]


def test_a_vendor_that_is_down_is_left_alone(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with setting(tmp_path, simulator) as gateway:
        before = opened_now(gateway)
        found = outage(gateway, simulator, for_s=20.0, callers=8)
        seen, ill = one_of_a_pool(gateway, simulator, calls=100)
        left = quiet(gateway, simulator, before, limit_s=20.0)
    amplified = found.requests_open / max(1, found.offered_open)
    report.tell(
        "A1",
        "requests per call once the breaker was open",
        "<= 1.2",
        f"{amplified:.3f}",
        f"{found.offered_open} calls",
    )
    whole = found.requests / max(1, found.offered)
    report.tell(
        "A1",
        "requests per call over the whole outage",
        "",
        f"{whole:.2f}",
        f"{found.offered} calls, 9 without care",
    )
    report.tell(
        "A1",
        "what callers sent per call, their own repeats included",
        "",
        f"{found.sent_by_sdk / max(1, found.offered):.2f}",
    )
    report.tell(
        "A2", "opened after (s), failures by then", "<= 5 or 20", f"{found.opened_s:.2f}, {found.failures}"
    )
    report.tell("A2", "requests in a second while open, at most", "1", found.most_in_a_second)
    report.tell(
        "A2", "closed after the outage by", "<= 2 requests", f"{found.proofs} in {found.closed_s:.1f} s"
    )
    report.tell("A2", "another integration meanwhile", "all 200", shown(found.elsewhere))
    report.tell(
        "A2",
        "one ill credential of a pool: callers saw / requests to it",
        "200 / few",
        f"{shown(seen)} / {ill}",
    )
    report.tell(
        "A3", "calls still running, descriptors left over", "0, 0", f"{left.running}, {left.descriptors}"
    )
    assert found.opened_s >= 0
    assert amplified <= 1.2
    assert found.opened_s <= 5 or found.failures <= 20
    assert found.most_in_a_second <= 1
    assert found.proofs <= 2
    assert set(found.elsewhere) == {200}
    assert (set(seen), ill <= 20) == ({200}, True)
    assert (left.running, left.descriptors) == (0, 0)


def test_a_failure_before_content_is_never_noticed(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with setting(tmp_path, simulator) as gateway:
        noticed = first_event_failures(gateway, simulator, calls=500)
    share = 1 - len(noticed) / 500
    report.tell("F16", "streams that fell over unseen, of 500", ">= 99 %", f"{share:.1%}")
    assert share >= 0.99, noticed[:5]


def test_connections_that_end_unannounced(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with setting(tmp_path, simulator) as gateway:
        found = closed_connections(gateway, simulator, calls=500)
    report.tell("F30", "500 reads ended with", "all 200", shown(found.reads))
    report.tell("F30", "500 acts ended with", "201, or an unknown outcome", shown(found.acts))
    report.tell("F30", "acts that were sent again", "0", found.sent_again)
    assert set(found.reads) == {200}
    assert set(found.acts) <= {"201", "outcome_unknown"}
    assert found.sent_again == 0


def test_one_call_is_bounded_over_repeats_and_fallbacks(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with setting(tmp_path, simulator) as gateway:
        found = everything_fails(gateway, simulator, calls=200)
    report.tell("A4", "attempts of a call, at most", "<= 4", found.attempts)
    report.tell("A4", "bytes of record of a call, at most", f"<= {RECORD_MAX:,}", f"{found.record_bytes:,}")
    report.tell("A4", "calls that came back to a target once left", "0", len(found.revisited))
    assert (found.attempts <= 4, found.record_bytes <= RECORD_MAX, found.revisited) == (True, True, [])
