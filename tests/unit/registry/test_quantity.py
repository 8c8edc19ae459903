"""Durations and sizes need their unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.registry.quantity import period_seconds, seconds, size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500ms", 0.5), ("10s", 10.0), ("1.5s", 1.5), ("1m", 60.0), ("6h", 21600.0), ("90d", 7776000.0)],
)
def test_reads_a_duration_in_seconds(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("10B", 10), ("512KB", 524288), ("1MB", 1048576), ("1.5GB", 1610612736)]
)
def test_reads_a_size_in_bytes(text: str, expected: int) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize("text", ["10", "s", "10 s", "-1s", "1w", "1e3s", "10s\n", "١s", ""])
def test_refuses_what_has_no_unit_or_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)
    with pytest.raises(ValueError, match="is no size"):
        size_bytes(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("second", 1.0),
        ("minute", 60.0),
        ("hour", 3600.0),
        ("day", 86400.0),
        ("month", 2592000.0),
        ("90s", 90.0),
    ],
)
def test_a_period_may_be_a_word(text: str, expected: float) -> None:
    assert period_seconds(text) == expected


@pytest.mark.parametrize("text", ["months", "week", "", "10"])
def test_another_word_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        period_seconds(text)


@given(
    st.integers(0, 10**9 - 1),
    st.sampled_from([("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]),
)
def test_every_whole_number_with_a_unit_is_read_exactly(number: int, unit: tuple[str, float]) -> None:
    assert seconds(f"{number}{unit[0]}") == round(number * unit[1], 6)
