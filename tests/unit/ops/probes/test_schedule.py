"""When each look is due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.probes.schedule import Schedule

pytestmark = pytest.mark.row("H1")


def test_new_ones_are_looked_at_soon_and_not_all_at_once() -> None:
    schedule = Schedule()
    schedule.keep({"a": 60.0, "b": 60.0, "c": 10.0}, 100.0, 0.0)
    assert [schedule.due(now) for now in (100.0, 100.6, 100.7)] == [["a"], ["a"], ["a", "b", "c"]]


def test_after_a_look_the_next_comes_after_its_interval_or_a_little_sooner() -> None:
    schedule = Schedule()
    schedule.keep({"a": 60.0}, 100.0, 0.0)
    schedule.done("a", 100.0, 0.0)
    assert (schedule.due(159.9), schedule.due(160.0), schedule.next_at(100.0)) == ([], ["a"], 160.0)
    schedule.done("a", 160.0, 1.0)
    assert (schedule.due(207.9), schedule.due(208.0)) == ([], ["a"])


def test_a_reload_keeps_what_stays_as_it_is() -> None:
    schedule = Schedule()
    schedule.keep({"a": 60.0, "b": 60.0}, 100.0, 0.0)
    for name in "ab":
        schedule.done(name, 100.0, 0.0)
    schedule.keep({"a": 60.0, "b": 30.0, "c": 60.0}, 110.0, 0.0)
    assert schedule.due(115.0) == ["b", "c"]
    schedule.keep({}, 115.0, 0.0)
    assert (schedule.due(1e9), schedule.next_at(115.0)) == ([], 175.0)
    schedule.done("a", 115.0, 0.0)


@given(st.floats(0, 1, exclude_max=True), st.floats(1, 3600))
def test_an_interval_is_never_overrun_nor_undercut_by_more_than_a_fifth(chance: float, every: float) -> None:
    schedule = Schedule()
    schedule.keep({"a": every}, 0.0, chance)
    schedule.done("a", 1000.0, chance)
    assert 1000.0 + 0.8 * every <= schedule.next_at(1000.0) <= 1000.0 + every
