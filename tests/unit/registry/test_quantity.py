"""Durations and sizes need their unit."""

import pytest

from trunkline.registry.quantity import seconds, size_bytes


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
