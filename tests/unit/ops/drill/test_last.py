from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.core.codec import to_json
from trunkline.core.flow import Drills
from trunkline.ops.drill.last import AGAIN_S, FILE, FIRST_S, Last, due_at, findings, read, runs, told

pytestmark = pytest.mark.row("F12")
DAY = 86400.0
NOW = 1_800_000_000.0
MONTHLY = Drills(every=30 * DAY)


def last(ago_s: float = DAY, **more: Any) -> Last:
    return Last(
        at=NOW - ago_s, **{"result": "pass", "counts": {"pass": 9, "fail": 0}, "report": "x.md", **more}
    )


def codes(found: Last | None, drills: Drills = MONTHLY, environment: str = "staging") -> list[str]:
    return [one["code"] for one in findings(drills, environment, found, NOW)]


@pytest.mark.parametrize(
    ("drills", "environment", "expected"),
    [
        (Drills(), "dev", False),
        (MONTHLY, "dev", True),
        (MONTHLY, "prod", False),
        (Drills(every=DAY, production=True), "prod", True),
    ],
)
def test_a_schedule_holds_outside_of_production_unless_told(
    drills: Drills, environment: str, expected: bool
) -> None:
    assert runs(drills, environment) is expected


def test_a_first_drill_comes_soon_the_next_after_the_interval_and_a_failed_try_again() -> None:
    assert due_at(MONTHLY, None, NOW) == NOW + FIRST_S
    assert due_at(Drills(every=60.0), None, NOW) == NOW + 60.0
    assert due_at(MONTHLY, last(DAY), NOW) == NOW + 29 * DAY
    assert due_at(MONTHLY, last(0, problem="no room"), NOW) == NOW + AGAIN_S


def test_what_is_missing_failed_or_late_is_a_finding() -> None:
    assert codes(None) == []
    assert codes(last()) == []
    assert codes(last(result="fail", counts={"fail": 2})) == ["drill-failed"]
    assert codes(last(problem="no room")) == ["drill-not-made"]
    assert codes(last(32 * DAY)) == []
    assert codes(last(34 * DAY)) == ["drill-overdue"]
    assert codes(last(34 * DAY), environment="prod") == []
    assert codes(last(34 * DAY), drills=Drills()) == []


def test_it_is_told_where_somebody_drills() -> None:
    assert told(Drills(), "dev", None, NOW) == {}
    assert told(MONTHLY, "dev", None, NOW) == {"every_s": 30 * DAY, "last": None, "overdue": False}
    assert told(Drills(), "dev", last(findings=3), NOW) == {
        "every_s": None,
        "last": {
            "at": "2027-01-14T08:00:00Z",
            "result": "pass",
            "counts": {"pass": 9, "fail": 0},
            "findings": 3,
            "report": "x.md",
            "problem": None,
        },
        "overdue": False,
    }


def test_the_file_is_read_and_a_broken_one_is_none(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    (tmp_path / FILE).write_bytes(to_json(last()))
    assert read(tmp_path) == last()
    (tmp_path / FILE).write_text("{")
    assert read(tmp_path) is None
