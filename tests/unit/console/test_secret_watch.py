"""What somebody should look at about credentials becomes a finding, once, and ends when it is no longer so."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.console.published import Published
from trunkline.console.secret_watch import SecretWatch
from trunkline.control import publish, rotation, rotations, secrets
from trunkline.control.rotation import Tried
from trunkline.control.state import State
from trunkline.core.codec import to_json
from trunkline.core.service import Credential, Service, Snapshot
from trunkline.ops import findings, rotation_due, stores
from trunkline.ops.stores import Seen

DAY = 86_400.0
START = rotation_due.day_start("2026-01-01")


class Stage:
    """One integration with a schedule, and the clock."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "state", {}).create()
        secrets.set_secret(self.state, "STRIPE", "sk_live_notarealkey0001", now=START)
        self.now = START + 10 * DAY
        spec = Service(
            name="stripe",
            vendor="stripe",
            owner="pay@example.com",
            credentials=[Credential(ref="store:STRIPE")],
            rotation_every=90 * DAY,
            rotation_last="2026-01-01",
        )
        publish.snapshot(self.state, Snapshot(version="", created="", environment="prod", services=[spec]))
        publish.sealed(self.state, {"store:STRIPE": "sk_live_notarealkey0001"}, {})
        self.watch = SecretWatch(
            self.state.path, Published(self.state.path), environ={}, wall=lambda: self.now
        )

    def turn(self) -> dict[str, findings.FindingRow]:
        self.watch.turn()
        return {row.kind: row for row in findings.listed(self.state)}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.row("S3")
def test_a_schedule_becomes_due_overdue_and_is_settled_by_a_replacement(stage: Stage) -> None:
    assert "rotation.due" not in stage.turn()
    stage.now = START + 80 * DAY
    due = stage.turn()["rotation.due"]
    assert (due.severity, due.subject, due.due) == ("info", "store:STRIPE", "2026-04-01")
    stage.turn()
    assert stage.turn()["rotation.due"].times == 1
    stage.now = START + 95 * DAY
    found = stage.turn()
    assert found["rotation.overdue"].severity == "warning"
    assert "trunkline secrets rotate STRIPE" in found["rotation.overdue"].title
    assert "rotation.due" not in found
    secrets.set_secret(stage.state, "STRIPE", "sk_live_notarealkey0002", now=stage.now)
    assert "rotation.overdue" not in stage.turn()
    assert rotation_due.read(stage.state.path)[0].state == "fresh"


@pytest.mark.row("S6")
def test_a_key_that_may_do_everything_is_told_with_the_narrower_one(stage: Stage) -> None:
    found = stage.turn()["secret.broad"]
    assert (found.integration, found.severity) == ("stripe", "info")
    assert "a restricted key (rk_...)" in found.title
    assert "notarealkey" not in repr(found)
    publish.sealed(stage.state, {"store:STRIPE": "rk_live_notarealkey0002"}, {})
    assert "secret.broad" not in stage.turn()


@pytest.mark.row("S3")
def test_a_rotation_that_waits_for_a_person_is_told(stage: Stage) -> None:
    one = rotations.begin(stage.state, "STRIPE", "sk_live_notarealkey0002", now=stage.now)
    assert "rotation.stuck" not in stage.turn()
    stuck = rotation.after_verify(one, [Tried("stripe", False, "GET /v1/balance answered 401")], stage.now)
    rotations.moved(stage.state, one, stuck)
    told = stage.turn()["rotation.stuck"]
    assert (told.severity, told.integration) == ("warning", "stripe")
    assert "--abort" in told.title
    rotations.undo(stage.state, stuck, "asked")
    assert "rotation.stuck" not in stage.turn()


@pytest.mark.row("S1")
def test_a_store_that_does_not_answer_is_told(stage: Stage) -> None:
    file = stage.state.path / stores.FILE
    one = Seen(
        ref="vault:secret/a#b",
        fetched_at=START,
        checked_at=START,
        failing_since=START,
        problem="it is away",
        cure="Wait.",
    )
    file.write_bytes(to_json([one]))
    found = stage.turn()["secret.store"]
    assert (found.severity, found.subject) == ("warning", "vault:secret/a#b")
    file.write_bytes(to_json([Seen(ref="vault:secret/a#b", problem="it is away")]))
    assert stage.turn()["secret.store"].severity == "critical"
    file.write_bytes(to_json([]))
    assert "secret.store" not in stage.turn()


def test_after_a_restart_of_the_console_nothing_is_noted_twice(stage: Stage) -> None:
    stage.now = START + 95 * DAY
    stage.turn()
    stage.watch = SecretWatch(
        stage.state.path, Published(stage.state.path), environ={}, wall=lambda: stage.now
    )
    assert stage.turn()["rotation.overdue"].times == 1
