"""A vendor that serves another model than a call pins is told of, once an hour; names that it may move are not."""

from __future__ import annotations

import pytest

from tests.support.records import NOON_US, begin, end, tried
from trunkline.core.record import Begin, End
from trunkline.ops.served import Served, is_another

HOUR_US = 3_600_000_000


def call(asked: str, served: str, at_us: int = NOON_US, **more: object) -> tuple[Begin, End]:
    return begin(model=asked, simulated=bool(more.pop("simulated", False))), end(
        at_us=at_us, served_model=served, tried=[tried(1, f"openai/{asked}")], **more
    )


@pytest.mark.row("A4")
@pytest.mark.parametrize(
    ("asked", "served", "another"),
    [
        ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20", True),
        ("gpt-4-0613", "gpt-4-1106-preview", True),
        ("claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929", True),
        ("command-r-08-2024", "command-r-plus-08-2024", True),
        ("gemini-2.0-flash-001", "gemini-2.0-flash-002", True),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06", False),
        ("gpt-4o-2024-08-06", "gpt-4o", False),
        ("gpt-4o-2024-08-06", "openai/GPT-4o-2024-08-06", False),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-haiku", True),
        ("gpt-4o", "gpt-4o-2024-11-20", False),
        ("gpt-4o", "something-else", False),
        ("my-deployment", "gpt-4o-2024-11-20", False),
    ],
)
def test_a_pinned_model_is_another_only_under_another_name(asked: str, served: str, another: bool) -> None:
    assert is_another(asked, served) == another


@pytest.mark.row("A4")
def test_it_is_told_with_the_call_that_shows_it_and_again_after_an_hour() -> None:
    served = Served()
    (found,) = served.seen([call("gpt-4-0613", "gpt-4-1106"), call("gpt-4-0613", "gpt-4-1106", NOON_US + 1)])
    assert (found.kind, found.integration, found.subject, found.severity) == (
        "model.served",
        "openai",
        "gpt-4-0613",
        "warning",
    )
    assert found.title == "openai serves gpt-4-1106 where gpt-4-0613 is pinned"
    assert found.correlation_ids == [begin().correlation_id]
    assert served.seen([call("gpt-4-0613", "gpt-4-1106", NOON_US + HOUR_US - 1)]) == []
    assert len(served.seen([call("gpt-4-0613", "gpt-4-1106", NOON_US + HOUR_US)])) == 1
    assert len(served.seen([call("gpt-4-0613", "gpt-4-0314", NOON_US)])) == 1


def test_what_failed_or_was_simulated_tells_nothing() -> None:
    assert (
        Served().seen([call("gpt-4-0613", "x", simulated=True), call("gpt-4-0613", "x", state="error")]) == []
    )
    assert Served().seen([call("gpt-4-0613", "")]) == []
