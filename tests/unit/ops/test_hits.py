"""Which features use an integration, and whether it fails them."""

from __future__ import annotations

import pytest

from tests.support.records import NOON_US, begin, end, tried
from trunkline.ops.hits import FEATURES_MAX, MINUTES, NAMELESS, TOLD_MAX, Hits
from trunkline.ops.outside import Hit

pytestmark = pytest.mark.row("H1")
NOON = NOON_US / 1e6


def test_features_are_told_with_what_failed_them_first() -> None:
    hits = Hits()
    hits.add([(begin(feature="search"), end()) for _ in range(3)])
    hits.add([(begin(feature="checkout"), end(state="error", code="network", tried=[tried(code="network")]))])
    hits.add([(begin(feature="", integration="crm"), end(tried=[tried(target="crm")]))])
    assert hits.told(NOON) == {
        "stripe": [
            Hit(feature="checkout", calls=1, failures=1),
            Hit(feature="search", calls=3, failures=0),
        ],
        "crm": [Hit(feature=NAMELESS, calls=1, failures=0)],
    }


def test_a_call_that_a_fallback_has_served_was_failed_by_the_first_all_the_same() -> None:
    hits = Hits()
    attempts = [tried(1, "openai/gpt-4o", code="circuit_open"), tried(2, "anthropic/claude")]
    hits.add([(begin(integration="openai", feature="chat"), end(tried=attempts))])
    assert hits.told(NOON) == {
        "openai": [Hit(feature="chat", calls=1, failures=1)],
        "anthropic": [Hit(feature="chat", calls=1, failures=0)],
    }


def test_one_that_came_through_at_the_second_attempt_was_not_failed() -> None:
    hits = Hits()
    hits.add([(begin(), end(tried=[tried(1, code="network"), tried(2)]))])
    assert hits.told(NOON)["stripe"] == [Hit(feature="checkout", calls=1, failures=0)]


def test_a_callers_mistake_is_no_failure_of_the_integration() -> None:
    hits = Hits()
    hits.add([(begin(), end(state="error", code="invalid_request", tried=[tried(code="invalid_request")]))])
    assert hits.told(NOON)["stripe"] == [Hit(feature="checkout", calls=1, failures=0)]


def test_calls_of_long_ago_are_forgotten() -> None:
    hits = Hits()
    hits.add([(begin(), end())])
    assert hits.told(NOON + (MINUTES - 1) * 60) != {}
    assert hits.told(NOON + MINUTES * 60) == {}


def test_what_the_ledger_has_from_before_counts_once() -> None:
    hits = Hits()
    call = {"integration": "stripe", "feature": "checkout", "state": "error", "code": "network"}
    for _ in range(2):
        hits.seed([{**call, "begun_us": NOON_US, "attempts": [{"target": "stripe", "code": "network"}]}])
    assert hits.told(NOON)["stripe"] == [Hit(feature="checkout", calls=1, failures=1)]


def test_features_that_callers_make_up_take_no_more_than_their_room() -> None:
    hits = Hits()
    hits.add([(begin(feature=f"made-up-{n}"), end()) for n in range(FEATURES_MAX + 50)])
    assert len(hits.told(NOON)["stripe"]) == TOLD_MAX
    later = NOON_US + MINUTES * 60_000_000
    hits.add([(begin(feature="real"), end(at_us=later))])
    assert hits.told(later / 1e6)["stripe"] == [Hit(feature="real", calls=1, failures=0)]
