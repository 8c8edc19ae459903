"""A credential is replaced while calls go on: proved, promoted, watched, given up; undone when the vendor refuses it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.battery.served import Served, serving
from tests.support.caller import call
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from trunkline.control import audit, rotations, secrets
from trunkline.control.rotation import Rotation
from trunkline.control.state import State
from trunkline.simulator.ledger import digest

pytestmark = pytest.mark.row("S3")
NAME = "OPENAI_KEY"
OLD, NEW = "sk-test-not-a-real-key-0001", "sk-test-not-a-real-key-0002"
REGISTRY = """version: 1
integrations:
  openai: {{base_url: "{simulator}/openai", secret: store:OPENAI_KEY, rotation: {{every: 90d, last: 2020-01-01}}}}
"""


class Stage:
    """A running Trunkline whose one vendor takes the keys that the test says."""

    def __init__(self, served: Served, simulator: SimulatorProcess) -> None:
        self.served = served
        self.simulator = simulator
        self.state = State(served.state, served.environ)

    def run(self, *arguments: str, value: str = "") -> tuple[int, dict[str, Any]]:
        """A command with `--json`: its exit code and what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "trunkline.cli", "secrets", *arguments, "--json"],
            input=value.encode(),
            env=self.served.environ,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.stdout, done.stderr.decode()
        return done.returncode, json.loads(done.stdout)

    def ask(self) -> int:
        body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}'
        fields = {"authorization": f"Bearer {self.served.key}", "content-type": "application/json"}
        return call(self.served.port, "POST", "/v1/chat/completions", fields, body).status

    def until(self, state: str) -> Rotation:
        found = eventually(
            lambda: next((one for one in rotations.listed(self.state) if one.state == state), None),
            f"the rotation to be {state}",
        )
        assert isinstance(found, Rotation)
        return found

    def in_use(self, value: str) -> bool:
        self.ask()
        return bool(self.simulator.ledger()[-1].credential == digest(value))


@pytest.fixture
def stage(tmp_path: Path, simulator: SimulatorProcess) -> Iterator[Stage]:
    given = Served(tmp_path / "here", "").environ
    state = State(tmp_path / "here" / "state", given).create()
    secrets.set_secret(state, NAME, OLD)
    simulator.accept("openai", OLD, NEW)
    with serving(tmp_path / "here", REGISTRY.format(simulator=simulator.address())) as served:
        yield Stage(served, simulator)


def test_a_rotation_goes_all_the_way_by_itself(stage: Stage) -> None:
    assert stage.ask() == 200
    code, told = stage.run("rotate", NAME, "--quiet", "1s", "--wait", value=NEW)
    assert (code, told["from_version"], told["to_version"]) == (0, "1", "2")
    assert told["state"] in ("promoted", "idle"), "where the command looks again only after the quiet second"
    assert told["verified_by"] == ["openai: GET /v1/models answered 200"]
    eventually(lambda: stage.in_use(NEW), "the new version in use")
    stage.until("idle")

    stage.simulator.accept("openai", NEW)  # revoked at the vendor
    done = stage.until("done")
    assert done.verified_by[-1] == "the vendor refuses the old version"
    with stage.state.view() as connection:
        from trunkline.ledger import control_tables as tables

        rows = tables.secret_history(connection, NAME)
    assert [bool(row["ciphertext"]) for row in rows] == [False, True]
    assert stage.ask() == 200
    actions = [row["action"] for row in audit.entries(stage.state) if row["action"].startswith("rotation.")]
    assert actions == [f"rotation.{one}" for one in ("begin", "verified", "promoted", "idle", "done")]
    assert audit.verify(stage.state).ok


def test_the_ledger_tells_which_version_answered_and_who_would_break(stage: Stage) -> None:
    assert stage.ask() == 200
    stage.run("rotate", NAME, "--quiet", "60s", "--wait", value=NEW)
    eventually(lambda: stage.in_use(NEW), "the new version in use")

    def told() -> Any:
        found = stage.run("impact", NAME)[1]
        return found if len(found["by_version"]) == 2 else None

    found = eventually(told, "both versions")
    assert {one["name"] for one in found["by_version"]} == {"store:OPENAI_KEY@1", "store:OPENAI_KEY@2"}
    assert [one["name"] for one in found["by_key"]] == ["all"]
    assert [(one["integration"], one["alone"]) for one in found["integrations"]] == [("openai", True)]
    assert (found["verdict"], found["rotation"]) == ("in use", "promoted")
    code, told_back = stage.run("rotate", NAME, "--rollback")
    assert (code, told_back["state"]) == (0, "rolled_back")
    eventually(lambda: stage.in_use(OLD), "the old version in use again")


def test_a_refused_version_never_serves(stage: Stage) -> None:
    stage.simulator.accept("openai", OLD)
    code, told = stage.run("rotate", NAME, "--wait", value=NEW)
    assert (code, told["state"], told["stuck"]) == (1, "added", True)
    assert "openai: GET /v1/models answered 401" in told["problem"]
    assert stage.ask() == 200
    code, told = stage.run("rotate", NAME, "--abort")
    assert (code, told["state"]) == (0, "abandoned")
    assert [one.version for one in secrets.versions(stage.state, NAME)] == [1]
    assert not any(
        entry.credential == digest(NEW) and "chat" in entry.path for entry in stage.simulator.ledger()
    )


def test_it_goes_on_after_everything_was_killed(stage: Stage) -> None:
    stage.simulator.fault("status", vendor="openai", path="/v1/models", args={"status": 503}, times=3)
    stage.run("rotate", NAME, "--quiet", "1s", value=NEW)
    stage.served.kill("console")
    eventually(lambda: stage.served.pid("console"), "the console again")
    assert stage.ask() == 200
    stage.until("idle")
    assert stage.in_use(NEW)


def test_health_tells_what_is_overdue(stage: Stage) -> None:
    fields = {"authorization": f"Bearer {stage.served.key}"}

    def told() -> Any:
        body = json.loads(call(stage.served.port, "GET", "/health?detail=1", fields, b"").body)
        return body if body.get("rotations") else None

    found = eventually(told, "the schedules")
    (one,) = found["rotations"]
    assert (one["integration"], one["credential"], one["state"]) == ("openai", "store:OPENAI_KEY", "overdue")
    assert [f["code"] for f in found["findings"] if f["code"].startswith("rotation")] == ["rotation-overdue"]
    code, known = stage.run("rotations")
    assert (code, known["schedules"][0]["state"]) == (0, "overdue")
