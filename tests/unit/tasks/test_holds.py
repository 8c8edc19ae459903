"""One try decides for all of a label."""

from __future__ import annotations

from trunkline.tasks.holds import Holds


def test_a_held_label_opens_for_one_try_at_its_time() -> None:
    holds = Holds()
    holds.ended("crm", 60.0)
    assert (holds.all(), holds.trials(59.9), holds.trials(60.0), holds.next_open(0.0)) == (
        ["crm"],
        [],
        ["crm"],
        60.0,
    )
    holds.begun("crm")
    assert holds.trials(61.0) == []
    holds.over("crm")
    assert holds.trials(61.0) == ["crm"]


def test_a_success_opens_it_for_all_and_a_failure_closes_it_for_longer() -> None:
    holds = Holds()
    holds.ended("crm", 60.0)
    holds.begun("crm")
    holds.ended("crm", 90.0)
    assert (holds.trials(60.0), holds.trials(90.0)) == ([], ["crm"])
    holds.ended("crm", 80.0)  # one that began before and knows less
    assert holds.trials(80.0) == []
    holds.ended("crm", None)
    assert (holds.all(), holds.next_open(0.0), repr(holds)) == ([], 0.0, "Holds({})")


def test_labels_do_not_know_each_other_and_nothing_has_none() -> None:
    holds = Holds()
    holds.ended("", 60.0)
    holds.ended("a", 60.0)
    holds.begun("b")
    holds.over("b")
    holds.ended("b", None)
    assert repr(holds) == "Holds({'a': 60.0})"
