"""How strongly counts speak against "nothing has changed"."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.contracts.odds import appeared, ceased


def test_once_says_little_and_again_and_again_says_much() -> None:
    values = [appeared(90, 0, n, n) for n in (1, 2, 3, 4)]
    assert values == sorted(values)
    assert values[0] < 200
    assert values[2] > 1e4


def test_what_was_hardly_ever_missing_is_soon_missed() -> None:
    values = [ceased(120, 120, n, 0) for n in (1, 2, 3)]
    assert values[0] < 100
    assert values[2] > 1e4
    assert ceased(12, 120, 3, 5) < 1


def test_a_rare_thing_that_goes_on_being_rare_is_no_change() -> None:
    assert appeared(300, 80, 3, 900) < 1
    assert appeared(300, 0, 1, 1000) < 10


def test_nothing_seen_says_nothing() -> None:
    assert (appeared(100, 5, 0, 10), ceased(0, 100, 10, 0), ceased(10, 10, 0, 0)) == (0.0, 0.0, 0.0)


def test_it_stays_a_number_however_sure_it_is() -> None:
    assert appeared(10**7, 0, 10**6, 10**6) > 1e300
    assert ceased(10**7, 10**7, 10**6, 0) > 1e300


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 300), st.integers(0, 300))
def test_it_is_never_negative(quiet: int, waited: int, seen: int, more: int) -> None:
    assert appeared(quiet, waited, seen, seen + more) >= 0.0
    assert ceased(seen, seen + more, waited, more) >= 0.0


@pytest.mark.parametrize("share", [0.0005, 0.002, 0.01, 0.05, 0.3])
def test_chance_seldom_looks_like_a_change_however_often_one_looks(share: float) -> None:
    """Ville's inequality at T = 100: whatever the true frequency, at most one run in a hundred ever reaches it."""
    rng = Random(7)
    runs, alarms = 400, 0
    for _ in range(runs):
        if any(rng.random() < share for _ in range(90)):
            continue  # it was seen while learning, so that it is nothing new
        first = count = 0
        for n in range(1, 400):
            if rng.random() < share:
                first, count = first or n, count + 1
                if appeared(90, first - 1, count, n - first + 1) >= 100:
                    alarms += 1
                    break
    assert alarms <= 10
