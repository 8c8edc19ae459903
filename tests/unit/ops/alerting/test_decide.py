"""One alert per condition until it ends: reminders, storms gathered, ends told, worse is news."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.alerting import Rule
from trunkline.ops.alerting.condition import Condition
from trunkline.ops.alerting.decide import STORM_AFTER, STORM_S, Known, step
from trunkline.ops.alerting.message import Item

pytestmark = pytest.mark.row("O3")
NOW = 1_795_262_400.0
HOUR = 3600.0


def it(key: str = "a", severity: str = "warning", **more: Any) -> Condition:
    item = Item(key=key, kind="incident.vendor", severity=severity, title=key, integration="stripe")  # type: ignore[arg-type]
    return Condition(item, **{"settle_s": 0.0, **more})


class Teller:
    """One rule over time: what is told at each step, as `(what, keys)`."""

    def __init__(self, **rule: Any) -> None:
        self.rule = Rule(name="r", **rule)
        self.known: dict[str, Known] = {}
        self.now = NOW

    def at(self, seconds: float, *conditions: Condition) -> list[tuple[str, list[str]]]:
        self.now = NOW + seconds
        found = step(self.rule, conditions, self.known, self.now)
        self.known |= {one.item.key: one for one in found.changed}
        told = (("firing", found.firing), ("reminder", found.reminder), ("resolved", found.resolved))
        return [(what, [item.key for item in items]) for what, items in told if items]


def test_it_is_told_once_until_it_ends_and_then_that_it_has_ended() -> None:
    teller = Teller()
    assert teller.at(0, it()) == [("firing", ["a"])]
    assert [teller.at(s, it()) for s in (1, 2, 600, 3600)] == [[]] * 4
    assert teller.at(3601) == [("resolved", ["a"])]
    assert teller.at(3602) == []
    assert teller.at(3700, it()) == [("firing", ["a"])], "it has come back"


def test_the_end_says_when_it_was() -> None:
    teller = Teller()
    teller.at(0, it(settle_s=60))
    teller.at(10)
    found = step(teller.rule, [], teller.known, NOW + 70)
    assert [item.until for item in found.resolved] == ["2026-11-21T12:00:10Z"]


def test_what_comes_back_at_once_has_not_ended() -> None:
    teller = Teller()
    teller.at(0, it(settle_s=60))
    assert [
        teller.at(10),
        teller.at(69),
        teller.at(69.5, it(settle_s=60)),
        teller.at(100),
        teller.at(159),
    ] == [[]] * 5
    assert teller.at(160) == [("resolved", ["a"])]


def test_a_reminder_goes_out_while_nobody_looks_after_it() -> None:
    teller = Teller(remind=HOUR)
    teller.at(0, it())
    assert teller.at(HOUR - 1, it()) == []
    assert teller.at(HOUR, it()) == [("reminder", ["a"])]
    assert teller.at(HOUR + 1, it()) == []
    assert teller.at(2 * HOUR, it(acknowledged=True)) == []
    assert teller.at(2 * HOUR + 1, it()) == [("reminder", ["a"])]
    assert Teller(remind=0.0).at(0, it()) == [("firing", ["a"])]


def test_reminders_can_be_switched_off_and_so_can_ends() -> None:
    teller = Teller(remind=0.0, resolved=False)
    teller.at(0, it())
    assert teller.at(100 * HOUR, it()) == []
    assert teller.at(101 * HOUR) == []


def test_what_becomes_worse_is_told_again_and_what_becomes_better_is_not() -> None:
    teller = Teller()
    assert teller.at(0, it(severity="warning")) == [("firing", ["a"])]
    assert teller.at(1, it(severity="critical")) == [("firing", ["a"])]
    assert [teller.at(2, it(severity="warning")), teller.at(3, it(severity="critical"))] == [[], []]


def test_what_was_told_is_still_this_rules_when_it_becomes_better() -> None:
    teller = Teller(severity="critical")
    assert teller.at(0, it(severity="warning")) == []
    assert teller.at(1, it(severity="critical")) == [("firing", ["a"])]
    assert teller.at(2, it(severity="warning")) == [], "it has not ended"
    assert teller.at(3) == [("resolved", ["a"])]


def test_what_somebody_looks_after_already_is_not_told() -> None:
    teller = Teller()
    assert teller.at(0, it(acknowledged=True)) == []
    assert teller.at(1) == [], "nor is its end"


def test_what_has_no_end_is_told_once_for_ever() -> None:
    teller = Teller()
    assert teller.at(0, it(ends=False)) == [("firing", ["a"])]
    assert [
        teller.at(HOUR * 5, it(ends=False)),
        teller.at(HOUR * 6),
        teller.at(HOUR * 7, it(ends=False)),
    ] == [[]] * 3


def test_things_that_begin_together_are_one_notice() -> None:
    teller = Teller()
    assert teller.at(0, it("a"), it("b"), it("c")) == [("firing", ["a", "b", "c"])]
    assert teller.at(1, it("c")) == [("resolved", ["a", "b"])]


def test_a_storm_is_gathered() -> None:
    teller = Teller()
    sent = []
    for n in range(40):
        sent += teller.at(n, *(it(f"k{m}") for m in range(n + 1)))
    assert sent == [("firing", [f"k{n}"]) for n in range(STORM_AFTER)]
    everything = [it(f"k{m}") for m in range(40)]
    assert teller.at(STORM_S - 1, *everything) == []
    assert teller.at(STORM_S, *everything) == [("firing", [f"k{n}" for n in range(STORM_AFTER, 40)])]


def test_an_outage_is_not_held_back_by_a_storm_of_trifles() -> None:
    teller = Teller()
    trifles = [it(f"k{m}") for m in range(STORM_AFTER + 1)]
    for n in range(STORM_AFTER):
        teller.at(n, *trifles[: n + 1])
    assert teller.at(20, *trifles) == []
    # What was held back goes with it; further trifles go on waiting.
    outage = it("outage", "critical")
    assert teller.at(30, *trifles, outage) == [("firing", [trifles[-1].item.key, "outage"])]
    assert teller.at(40, *trifles, outage, it("more")) == []


def test_a_storm_of_outages_is_gathered_too() -> None:
    teller = Teller()
    outages = [it(f"k{m}", "critical") for m in range(STORM_AFTER + 1)]
    for n in range(STORM_AFTER):
        assert teller.at(n, *outages[: n + 1]) == [("firing", [f"k{n}"])]
    assert teller.at(20, *outages) == []


def test_what_begins_and_ends_within_a_storm_is_never_told() -> None:
    teller = Teller()
    for n in range(STORM_AFTER):
        teller.at(n, *(it(f"k{m}") for m in range(n + 1)))
    steady = [it(f"k{m}") for m in range(STORM_AFTER)]
    assert teller.at(20, *steady, it("brief")) == []
    assert teller.at(30, *steady) == []
    assert teller.at(STORM_S + 10, *steady) == []


def test_a_rule_hears_only_what_it_takes() -> None:
    teller = Teller(kinds=["contract"])
    assert teller.at(0, it()) == []
    assert teller.known == {}
