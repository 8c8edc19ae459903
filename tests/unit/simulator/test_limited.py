"""A simulated vendor with a limit that is known exactly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.limits_told import LimitTold, limits_told
from trunkline.simulator.limited import Limited, Pause


def test_a_burst_then_its_rate() -> None:
    vendor = Limited(rate=2.0, burst=3)
    assert [vendor.ask(0.0).ok for _ in range(4)] == [True, True, True, False]
    assert vendor.ask(0.2).retry_after_s == 0.3
    assert [vendor.ask(now).ok for now in (0.5, 0.9, 1.0)] == [True, False, True]
    assert (vendor.taken, vendor.refused) == (5, 3)


def test_in_a_pause_everybody_is_sent_away_until_its_end() -> None:
    vendor = Limited(rate=2.0, burst=3, pauses=[Pause(10.0, 14.0)])
    assert [vendor.ask(now)[:2] for now in (9.9, 10.0, 13.5, 14.0)] == [
        (True, 0.0), (False, 4.0), (False, 0.5), (True, 0.0),
    ]  # fmt: skip


@given(st.lists(st.floats(0.0, 3.0), max_size=60))
def test_who_asks_when_it_opens_is_never_refused(gaps: list[float]) -> None:
    vendor, now = Limited(rate=3.0, burst=2, pauses=[Pause(5.0, 9.0), Pause(12.0, 13.0)]), 0.0
    for gap in gaps:
        now = vendor.opens_at(now + gap)
        assert vendor.ask(now).ok


def test_what_it_tells_is_read_as_what_it_is() -> None:
    vendor = Limited(rate=2.0, burst=10)
    for _ in range(7):
        verdict = vendor.ask(100.0)
    assert limits_told("openai", vendor.fields(verdict, tells=True), 1e9) == [
        LimitTold("requests", "requests", 10, 3, 1e9 + 3.5, None, True)
    ]
    for _ in range(4):
        verdict = vendor.ask(100.0)
    assert dict(vendor.fields(verdict, tells=False, milliseconds=True)) == {
        b"content-type": b"application/json", b"retry-after": b"1", b"retry-after-ms": b"500",
    }  # fmt: skip
