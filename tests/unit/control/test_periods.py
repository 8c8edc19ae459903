"""Lengths of time as people write them."""

import pytest

from trunkline.control import periods

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90d", 7_776_000),
        ("12h", 43_200),
        ("30m", 1800),
        ("10s", 10),
        ("2w", 1_209_600),
        ("1.5h", 5400),
        ("45", 45),
        ("s", 1),
        ("minute", 60),
    ],
)
def test_lengths_of_time(text, expected):
    assert periods.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "d90", "-1d", "1y", "1d2h", "soon"])
def test_what_is_no_length_of_time_is_said(text):
    with pytest.raises(ValueError, match=r"is no length of time; write e.g. 30s"):
        periods.seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90d", NOW + 7_776_000),
        ("never", 0.0),
        ("2027-01-31", 1_801_353_600.0),
        ("2027-01-31T00:00:00+01:00", 1_801_350_000.0),
    ],
)
def test_instants(text, expected):
    assert periods.instant(text, NOW) == expected


def test_an_unknown_instant_names_the_cure():
    with pytest.raises(ValueError, match=r"'tomorrow' is no time; write e.g. 90d, 2027-01-31 or never"):
        periods.instant("tomorrow", NOW)


def test_instants_are_written_in_utc_and_never_is_none():
    assert periods.rfc3339(1_801_353_600.0) == "2027-01-31T00:00:00Z"
    assert periods.rfc3339(0) is None


@pytest.mark.parametrize(
    ("at", "expected"), [(NOW - 7200, "2h ago"), (NOW + 86_400, "in 1d"), (NOW, "0s ago"), (0, "never")]
)
def test_distances(at, expected):
    assert periods.ago(at, NOW) == expected
