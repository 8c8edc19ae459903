"""When credentials are due: by the registry's day and every replacement that was seen; said once, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.core.service import Credential, Snapshot
from trunkline.ops import rotation_due
from trunkline.testing import service

pytestmark = pytest.mark.row("S3")
DAY = 86_400.0
START = rotation_due.day_start("2026-01-01")


def snapshot(**changes: object) -> Snapshot:
    one = service(
        credentials=[Credential(ref="store:ACME")],
        **{"rotation_every": 90 * DAY, "rotation_last": "2026-01-01", **changes},
    )
    return Snapshot(version="", created="", environment="prod", services=[one])


@pytest.mark.parametrize(
    ("days", "state"),
    [(0, "fresh"), (76, "fresh"), (77, "due"), (90, "due"), (90.1, "overdue"), (400, "overdue")],
)
def test_a_schedule_becomes_due_and_overdue(days: float, state: str) -> None:
    (one,) = rotation_due.schedules(snapshot(), {}, {}, START + days * DAY)
    assert (one.state, rotation_due.day_of(one.due_at)) == (state, "2026-04-01")


def test_a_replacement_that_was_seen_counts_more_than_an_older_day_of_the_registry() -> None:
    (one,) = rotation_due.schedules(snapshot(), {"store:ACME": START + 80 * DAY}, {}, START + 100 * DAY)
    assert one.state == "fresh"
    (one,) = rotation_due.schedules(snapshot(), {"store:ACME": START - 80 * DAY}, {}, START + 100 * DAY)
    assert one.state == "overdue"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"rotation_every": 0.0}, "unscheduled"),
        ({"rotation_last": ""}, "unknown"),
        ({"rotation_last": "2026-02-31"}, "unknown"),
    ],
)
def test_without_a_schedule_or_a_day_nothing_is_due(changes: dict[str, object], state: str) -> None:
    (one,) = rotation_due.schedules(snapshot(**changes), {}, {}, START + 1000 * DAY)
    assert one.state == state
    assert rotation_due.findings([one]) == []


def test_what_is_told_names_the_cure() -> None:
    known = rotation_due.schedules(snapshot(), {}, {}, START + 100 * DAY)
    (found,) = rotation_due.findings(known)
    assert (found["severity"], found["code"], found["item"]) == (
        "warning",
        "rotation-overdue",
        "integrations.acme",
    )
    assert found["message"] == (
        "The credential store:ACME of acme was due to be replaced on 2026-04-01. Run: trunkline secrets rotate ACME"
    )
    moving = rotation_due.schedules(snapshot(), {}, {"store:ACME": "promoted"}, START + 100 * DAY)
    assert "A rotation is under way (promoted)" in rotation_due.findings(moving)[0]["message"]
    assert rotation_due.told(moving)[0] == {
        "integration": "acme",
        "credential": "store:ACME",
        "state": "overdue",
        "last": "2026-01-01",
        "due": "2026-04-01",
        "rotating": "promoted",
    }


def test_it_is_written_for_the_gateway_to_read(tmp_path: Path) -> None:
    known = rotation_due.schedules(snapshot(), {}, {}, START)
    rotation_due.write(tmp_path, known)
    before = (tmp_path / rotation_due.FILE).stat().st_ino
    rotation_due.write(tmp_path, known)
    assert rotation_due.read(tmp_path) == known
    assert (tmp_path / rotation_due.FILE).stat().st_ino == before
    (tmp_path / rotation_due.FILE).write_text("{")
    assert rotation_due.read(tmp_path) == []
