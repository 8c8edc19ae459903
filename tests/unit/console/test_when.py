from __future__ import annotations

import pytest

from tests.support.records import DAY_US, NOON_US, SECOND_US
from trunkline.console.when import instant_us


@pytest.mark.parametrize(
    ("text", "at_us"),
    [
        ("90s", NOON_US - 90 * SECOND_US),
        ("15m", NOON_US - 900 * SECOND_US),
        ("24h", NOON_US - DAY_US),
        ("7d", NOON_US - 7 * DAY_US),
        ("2w", NOON_US - 14 * DAY_US),
        ("2026-11-21", NOON_US - DAY_US // 2),
        ("2026-11-21T12:00:00Z", NOON_US),
        ("2026-11-21T12:00:00.5", NOON_US + SECOND_US // 2),
        ("2026-11-21T14:00:00+02:00", NOON_US),
        (" 24h ", NOON_US - DAY_US),
    ],
)
def test_instants_are_read_as_people_write_them(text: str, at_us: int) -> None:
    assert instant_us(text, NOON_US / 1e6) == at_us


@pytest.mark.parametrize("text", ["", "soon", "-5m", "15", "1.5h", "2026-13-01", "99999999d"])
def test_what_is_no_instant_is_said_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no instant: write e.g. 2026-11-21T09:30:00Z"):
        instant_us(text, NOON_US / 1e6)
