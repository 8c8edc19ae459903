"""When changelogs were read, and are due."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from trunkline.core.service import Snapshot
from trunkline.ops.contracts.reviews import Review, Standing, findings, standings
from trunkline.testing import service

TODAY = date(2026, 11, 21)
EVERY = 90 * 86_400.0


def stripe(last: str = "", **changes: Any) -> list[Standing]:
    made = service("stripe", **{"changelog": "https://stripe.com/log", "review_every": EVERY, **changes})
    at = datetime.fromisoformat(f"{last or '2026-01-01'}T12:00:00").replace(tzinfo=UTC).timestamp()
    read = {"stripe": Review(integration="stripe", at=at, who="jan", note="nothing")} if last else {}
    return standings(Snapshot(version="1", created="", environment="dev", services=[made]), read, TODAY)


@pytest.mark.row("C4")
@pytest.mark.parametrize(
    ("last", "state", "due"),
    [
        ("", "never", "2026-11-21"),
        ("2026-10-01", "fresh", "2026-12-30"),
        ("2026-08-23", "due", "2026-11-21"),
        ("2026-01-01", "due", "2026-04-01"),
    ],
)
def test_a_reading_is_due_by_schedule(last: str, state: str, due: str) -> None:
    (one,) = stripe(last)
    assert (one.state, one.due, one.every_days) == (state, due, 90)
    assert (one.who, one.note) == (("jan", "nothing") if last else ("", ""))


@pytest.mark.row("C4")
def test_what_is_due_is_a_finding_that_says_the_command() -> None:
    (never,) = findings(stripe(), TODAY)
    (late,) = findings(stripe("2026-08-20"), TODAY)
    (very_late,) = findings(stripe("2026-01-01"), TODAY)
    assert never.title == "Nobody has read the changelog of stripe yet"
    assert never.detail["command"] == "trunkline contracts review stripe --note ..."
    assert (
        late.title
        == "The changelog of stripe was to be read again on 2026-11-18; it was read last on 2026-08-20"
    )
    assert [one.severity for one in (never, late, very_late)] == ["info", "info", "warning"]
    assert findings(stripe("2026-10-01"), TODAY) == []


def test_without_a_schedule_nothing_is_due_and_without_a_changelog_nothing_stands() -> None:
    (one,) = stripe(review_every=0)
    assert one.state == "unscheduled"
    assert findings([one], TODAY) == []
    assert stripe(review_every=0, changelog="") == []
    assert stripe(enabled=False) == []
