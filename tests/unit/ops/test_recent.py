from __future__ import annotations

from trunkline.ops.health import Figures
from trunkline.ops.recent import Recent

NOW = 1_800_000_000.0
"""The begin of a minute."""


def test_attempts_of_the_last_five_minutes_count() -> None:
    recent = Recent()
    recent.record("openai", "server_error", NOW - 300)
    recent.record("openai", "", NOW - 240)
    recent.record("openai", "network", NOW)
    recent.record("stripe", "", NOW)
    assert recent.figures(NOW + 59) == {
        "openai": Figures(2, 1, NOW - 240, NOW, "network"),
        "stripe": Figures(1, 0, NOW, 0.0, ""),
    }


def test_what_says_nothing_about_the_integration_is_not_counted() -> None:
    recent = Recent()
    recent.record("openai", "invalid_request", NOW)
    recent.record("openai", "cancelled", NOW)
    assert recent.figures(NOW) == {}


def test_the_last_words_are_kept_when_the_minutes_are_over() -> None:
    recent = Recent()
    recent.record("openai", "billing", NOW)
    assert recent.figures(NOW + 3600) == {"openai": Figures(0, 0, 0.0, NOW, "billing")}


def test_memory_does_not_grow_with_time() -> None:
    recent = Recent()
    for minute in range(10_000):
        recent.record("openai", "", NOW + minute * 60)
    (ring,) = recent._known.values()
    assert len(ring._counts) <= 6


def test_a_clock_set_back_breaks_nothing() -> None:
    recent = Recent()
    recent.record("openai", "", NOW)
    recent.record("openai", "network", NOW - 7200)
    assert recent.figures(NOW - 7200) == {"openai": Figures(1, 1, NOW, NOW - 7200, "network")}
