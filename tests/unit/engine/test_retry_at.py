"""Every way in which a vendor says when to come back, and the traps in them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.retry_at import (
    LONGEST_S,
    by_spec,
    date_in_text,
    duration,
    in_text,
    instant,
    next_day,
    next_month,
    retry_after,
)

NOW = 1_795_255_200.0  # Sat, 21 Nov 2026 10:00:00 GMT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1), ("6m0s", 360), ("120ms", 0.12), ("1h2m3s", 3723), ("2m59.56s", 179.56), ("22s", 22), ("0.5s", 0.5), ("500us", 0.0005),
        ("1m30s", 90), ("2d", 172800), ("30 seconds", 30), ("1 minute", 60), ("2 hours", 7200), ("1 day", 86400), ("3 sec", 3),
        ("", None), ("5", None), ("soon", None), ("1s later", None), ("s", None), ("1x", None), ("1.2.3s", None),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float | None) -> None:
    assert duration(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("5", 5), ("0", 0), ("2.0", 2), ("1.5", 1.5), (" 7 ", 7), ('"9"', 9), ("-5", None), ("+3", 3),
        ("1795255245", 45), ("1795255245.5", 45.5), ("1795255245000", 45), ("31536000", LONGEST_S), ("999999999999999999", LONGEST_S),
        ("Sat, 21 Nov 2026 10:01:30 GMT", 90),
        ("Saturday, 21-Nov-26 10:01:30 GMT", 90), ("Sat Nov 21 10:01:30 2026", 90),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0), ("Sat, 21 Nov 9999 10:01:30 GMT", LONGEST_S),
        ("2026-11-21T10:00:20Z", 20), ("2026-11-21T10:00:20", 20),
        ("2026-11-21T11:00:20+01:00", 20), ("2026-11-21T10:00:20.250Z", 20.25), ("6m0s", 360), ("Nov 21", None), ("5 Nov", None),
        ("May", None),
        ("", None), ("soon", None), ("nan", None), ("inf", None), ("1e9", None),
        ("0x10", None),
        ("99999999999999999999999", None), ("Sat, 99 Nov 2026 10:01:30 GMT", None),
    ],
)  # fmt: skip
def test_instants(text: str, after: float | None) -> None:
    at = instant(text, NOW)
    assert (None if at is None else at - NOW) == (None if after is None else pytest.approx(after, abs=1e-3))


def test_milliseconds_win_and_a_broken_one_is_passed_over() -> None:
    assert retry_after({b"retry-after-ms": b"250", b"retry-after": b"1"}, NOW) == NOW + 0.25
    assert retry_after({b"retry-after-ms": b"x", b"retry-after": b"1"}, NOW) == NOW + 1
    assert retry_after({b"retry-after-ms": b"-1", b"retry-after": b"1"}, NOW) == NOW + 1
    assert retry_after({}, NOW) is None


def test_a_date_is_read_against_the_vendors_own_clock() -> None:
    fields = {b"retry-after": b"Sat, 21 Nov 2026 09:01:30 GMT", b"date": b"Sat, 21 Nov 2026 09:00:00 GMT"}
    assert retry_after(fields, NOW) == NOW + 90


@pytest.mark.parametrize(
    ("message", "after"),
    [
        ("Please try again in 3s.", 3),
        ("Please try again in 6m0s. Visit the page.", 360),
        ("Please retry in 10.68s.", 10.68),
        ("Please retry after 6 seconds.", 6),
        ("Your rate limit resets in ~30s.", 30),
        ("Try again in 1 minute", 60),
        ("try again in 120ms", 0.12),
        ("Please wait 20 seconds before retrying", 20),
        ("Try again in 2m59.56s", 179.56),
        ("Limit 30000, Used 29500", None),
        ("Please try again later.", None),
        ("Used 3s", None),
        ("", None),
    ],
)
def test_sentences(message: str, after: float | None) -> None:
    at = in_text(message, NOW)
    assert (None if at is None else at - NOW) == (None if after is None else pytest.approx(after, abs=1e-3))


def test_dates_in_sentences() -> None:
    assert date_in_text("You will regain access on 2026-12-01 at 00:00 UTC.", NOW) == next_month(NOW)
    assert date_in_text("from 2026-11-22 on", NOW) == next_day(NOW)
    assert date_in_text("on 2026-13-45 at 00:00", NOW) is None
    assert date_in_text("soon", NOW) is None


def test_calendars() -> None:
    december = 1_798_675_200.0  # 31 Dec 2026
    assert next_month(NOW) == 1_796_083_200.0
    assert next_month(december) == 1_798_761_600.0
    assert next_day(NOW) == 1_795_305_600.0
    assert next_day(NOW, "America/Los_Angeles") == 1_795_334_400.0, (
        "midnight in California is 08:00 UTC in winter"
    )
    assert next_day(NOW, "Nowhere/At_All") == next_day(NOW)


def test_the_first_part_of_a_specification_that_says_something_wins() -> None:
    tree = {"error": {"details": [{"x": 1}, {"retryDelay": "22s"}]}, "reset": 1_795_255_260}
    fields = {b"x-reset": b"1795255245", b"retry-after": b"7"}
    cases = {
        "header:x-none,header:x-reset": 45,
        "header:retry-after,header:x-reset": 7,
        "body:/error/details/*/retryDelay": 22,
        "body:/reset": 60,
        "text,const:60": 60,
        "none": None,
        "cost": None,
        "nonsense:1": None,
        "const:soon": None,
    }
    told = {spec: by_spec(spec, fields, tree, "no word of it", NOW) for spec in cases}
    assert {spec: None if at is None else at - NOW for spec, at in told.items()} == cases


def test_points_come_back_at_their_rate() -> None:
    cost = {"requestedQueryCost": 752, "throttleStatus": {"currentlyAvailable": 652, "restoreRate": 50.0}}
    assert by_spec("cost", {}, {"extensions": {"cost": cost}}, "", NOW) == NOW + 2
    still = {**cost, "throttleStatus": {"currentlyAvailable": 652, "restoreRate": 0}}
    assert by_spec("cost", {}, {"extensions": {"cost": still}}, "", NOW) is None


@given(st.binary(max_size=60), st.binary(max_size=40), st.text(max_size=120))
def test_no_value_makes_it_raise_or_leads_out_of_bounds(value: bytes, day: bytes, text: str) -> None:
    told = [
        retry_after({b"retry-after": value, b"date": day}, NOW),
        retry_after({b"retry-after-ms": value}, NOW),
        instant(text, NOW),
        in_text("try again in " + text, NOW),
        date_in_text(text, NOW),
    ]
    assert all(at is None or (math.isfinite(at) and NOW <= at <= NOW + LONGEST_S) for at in told)
