"""Concurrency learned from refusals: no bound at first, cut by a share, grown by one a window, forgotten when not needed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.flow import Adaptive
from trunkline.plugins.policies.adaptive import QUIET_S, Bound

LEARN = Adaptive(floor=2, ceiling=50, decrease=0.5)


def succeeding(bound: Bound, times: int, *, running: int | None = None, now: float = 1.0) -> list[int | None]:
    """The bound after each success, all of them begun at `now`, with the bound in full use unless told."""
    seen = []
    for _ in range(times):
        bound.succeeded(LEARN, (bound.places or 1) - 1 if running is None else running, now, now)
        seen.append(bound.places)
    return seen


def test_until_the_first_refusal_there_is_no_bound() -> None:
    bound = Bound()
    assert succeeding(bound, 100) == [None] * 100
    bound.overloaded(LEARN, running=40, begun=0.0, now=1.0)
    assert repr(bound) == "Bound(20)"


def test_what_was_begun_before_a_cut_does_not_cut_again() -> None:
    bound = Bound()
    for _ in range(40):
        bound.overloaded(LEARN, running=40, begun=0.0, now=1.0)
    assert bound.places == 20
    bound.overloaded(LEARN, running=20, begun=1.5, now=2.0)
    assert bound.places == 10


def test_it_never_falls_below_the_floor_nor_grows_above_the_ceiling() -> None:
    bound = Bound()
    for n in range(20):
        bound.overloaded(LEARN, running=40, begun=float(n), now=float(n))
    assert bound.places == 2
    succeeding(bound, 5000, now=30.0)
    assert bound.places == 50


def test_a_window_of_successes_adds_one() -> None:
    bound = Bound()
    bound.overloaded(LEARN, running=8, begun=0.0, now=1.0)
    assert succeeding(bound, 9) == [4, 4, 4, 5, 5, 5, 5, 5, 6]


def test_only_a_bound_that_is_used_grows() -> None:
    bound = Bound()
    bound.overloaded(LEARN, running=20, begun=0.0, now=1.0)
    assert succeeding(bound, 100, running=4) == [10] * 100


def test_successes_begun_before_the_cut_add_nothing() -> None:
    bound = Bound()
    bound.overloaded(LEARN, running=8, begun=0.0, now=5.0)
    bound.succeeded(LEARN, 3, 4.0, 6.0)
    assert succeeding(bound, 4, now=6.0) == [4, 4, 4, 5]


def test_after_a_pause_it_begins_with_the_floor_and_doubles_up_to_half() -> None:
    bound = Bound()
    bound.paused(LEARN, running=16, begun=0.0, now=1.0)
    assert bound.places == 2
    assert succeeding(bound, 7) == [3, 4, 5, 6, 7, 8, 8]
    bound.paused(LEARN, running=8, begun=0.5, now=2.0)
    assert bound.places == 8, "what was begun before the first pause says nothing new"
    bound.paused(LEARN, running=8, begun=1.5, now=2.0)
    assert succeeding(bound, 3, now=2.0) == [3, 4, 4]


def test_a_bound_that_is_not_needed_is_forgotten_after_a_quiet_while() -> None:
    bound = Bound()
    bound.overloaded(LEARN, running=20, begun=0.0, now=1.0)
    bound.succeeded(LEARN, 5, 2.0, QUIET_S)
    assert bound.places == 10
    bound.succeeded(LEARN, 6, 2.0, QUIET_S + 2.0)
    assert bound.places == 10, "six of ten are in use"
    bound.succeeded(LEARN, 5, 2.0, QUIET_S + 2.0)
    assert bound.places is None


def test_switched_off_it_learns_nothing() -> None:
    bound, off = Bound(), Adaptive(enabled=False)
    bound.overloaded(off, running=20, begun=0.0, now=1.0)
    bound.paused(off, running=20, begun=0.0, now=1.0)
    assert bound.places is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["overloaded", "paused", "succeeded"]), st.integers(1, 200), st.floats(0, 20)
        )
    )
)
def test_whatever_happens_it_stays_between_floor_and_ceiling(acts: list[tuple[str, int, float]]) -> None:
    bound, now = Bound(), 0.0
    for act, running, gap in acts:
        now += gap
        getattr(bound, act)(LEARN, running, now, now)
        assert bound.places is None or LEARN.floor <= bound.places <= LEARN.ceiling
