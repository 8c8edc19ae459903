"""The rate that a vendor was seen to bear which tells nothing but "too many"."""

from __future__ import annotations

import pytest

from trunkline.plugins.policies.pace import GROWTH, MEMORY_S, Pace


def served(pace: Pace, times: int, *, begun: float, others_wait: bool = True) -> None:
    for _ in range(times):
        pace.won(begun, others_wait=others_wait)


def measured(calls: int, seconds: float) -> Pace:
    """So many calls between two refusals so far apart."""
    pace = Pace(100.0, 1.0)
    served(pace, calls, begun=101.0)
    pace.refused(begun=101.0, now=100.0 + seconds, silence_s=1.0)
    return pace


def gaps(pace: Pace, calls: int, now: float) -> list[float]:
    """Seconds between calls that all wait."""
    found = []
    for _ in range(calls):
        wait = max(0.0, pace.wait(now))
        now += wait
        found.append(round(wait, 3))
        pace.take(now)
    return found


def test_what_went_through_between_two_refusals_is_the_rate() -> None:
    pace = measured(15, 1.5)
    assert pace.rate == 10.0
    assert repr(pace) == "Pace(10 a second)"
    assert gaps(pace, 5, 102.0) == [0, 0, 0, pytest.approx(0.047, abs=0.001), pytest.approx(0.099, abs=0.001)]


def test_before_the_second_refusal_nothing_is_spaced() -> None:
    pace = Pace(100.0, 1.0)
    served(pace, 20, begun=101.0)
    assert gaps(pace, 5, 102.0) == [0] * 5


def test_refusals_of_one_wave_are_one() -> None:
    pace = measured(15, 1.5)
    for _ in range(6):
        pace.refused(begun=101.4, now=101.6, silence_s=1.0)
    assert pace.rate == 10.0


def test_while_nobody_waited_nothing_can_be_measured() -> None:
    pace = Pace(100.0, 1.0)
    served(pace, 5, begun=101.0, others_wait=False)
    served(pace, 15, begun=102.0)
    pace.refused(begun=103.0, now=130.0, silence_s=1.0)
    assert pace.rate == 0.0


def test_a_few_calls_say_nothing() -> None:
    assert measured(4, 1.5).rate == 0.0


def test_what_was_begun_before_the_refusal_does_not_count() -> None:
    pace = Pace(100.0, 1.0)
    served(pace, 50, begun=99.0)
    served(pace, 10, begun=101.0)
    pace.refused(begun=101.0, now=102.0, silence_s=1.0)
    assert pace.rate == 5.0


def test_after_a_long_silence_the_bucket_is_full_and_nothing_is_measured_over_it() -> None:
    pace = measured(15, 1.5)
    pace.refused(begun=102.0, now=103.0, silence_s=20.0)
    assert gaps(pace, 30, 123.0) == [0] * 30
    served(pace, 30, begun=123.0)
    pace.refused(begun=124.0, now=125.0, silence_s=1.0)
    assert pace.rate == 10.0
    assert sum(gaps(pace, 10, 126.0)) > 0.3, "the rate of before holds again"


def test_the_rate_grows_slowly_until_the_next_refusal() -> None:
    spaced = [gaps(measured(15, 1.5), 10, 101.5 + later)[-1] for later in (0.0, 10.0, 30.0)]
    assert spaced == [pytest.approx(0.1 / GROWTH**later, rel=0.02) for later in (0.0, 10.0, 30.0)]


def test_it_is_forgotten_after_a_minute_without_refusal() -> None:
    pace = measured(15, 1.5)
    assert [pace.over(101.5 + MEMORY_S - 1), pace.over(101.5 + MEMORY_S)] == [False, True]
