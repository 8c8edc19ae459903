"""A vendor that is down is left alone and taken back gently; nothing is left over (short form of A1 to A4, F16, F30)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
)
from tests.support.gateway import Trunkline
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.row("F1", "F3", "F4", "F7")


@pytest.fixture
def gateway(tmp_path: Path, simulator: SimulatorProcess) -> Iterator[Trunkline]:
    with setting(tmp_path, simulator, open_for="1s") as running:
        yield running


def test_an_outage_opens_the_breaker_and_costs_the_vendor_one_request_a_second(
    gateway: Trunkline, simulator: SimulatorProcess
) -> None:
    before = opened_now(gateway)
    found = outage(gateway, simulator, for_s=4.0, callers=4)
    assert found.opened_s >= 0, "it never opened"
    assert found.failures <= 20
    assert found.requests_open <= 1.2 * found.offered_open
    assert found.most_in_a_second <= 1
    assert found.proofs <= 2
    assert set(found.elsewhere) == {200}
    seen, ill = one_of_a_pool(gateway, simulator, calls=40)
    assert (set(seen), ill <= 20) == ({200}, True)
    left = quiet(gateway, simulator, before, limit_s=10.0)
    assert (left.running, left.descriptors) == (0, 0)


def test_failures_that_can_be_hidden_are_and_all_else_is_bounded(
    gateway: Trunkline, simulator: SimulatorProcess
) -> None:
    assert first_event_failures(gateway, simulator, calls=40) == []
    kept = closed_connections(gateway, simulator, calls=40)
    assert set(kept.reads) == {200}
    assert set(kept.acts) <= {"201", "outcome_unknown"}
    assert kept.sent_again == 0
    found = everything_fails(gateway, simulator, calls=10)
    assert (found.attempts <= 4, found.record_bytes <= RECORD_MAX, found.revisited) == (True, True, [])
