"""What the command refuses, and what it is told wrongly. That it drills is told in tests/flows/test_drill.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.cli import exits
from trunkline.control import publish
from trunkline.control.state import State
from trunkline.core.service import Snapshot

pytestmark = pytest.mark.row("F12")
REGISTRY = """version: 1
integrations:
  crm: {base_url: https://crm.example, auth: {kind: none}}
"""


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    path = tmp_path / "trunkline.yaml"
    path.write_text(REGISTRY)
    return path


@pytest.mark.parametrize("environment", ["", "prod"])
def test_it_is_refused_in_production_and_says_what_to_do(
    trunkline, registry, monkeypatch, environment
) -> None:
    if environment:
        monkeypatch.setenv("TRUNKLINE_ENV", environment)
    ran = trunkline("drill", "--yes")
    assert (ran.code, ran.out) == (exits.AUTH, "")
    assert "the environment here is prod" in ran.err
    assert "TRUNKLINE_ENV=staging" in ran.err
    assert "--allow-production" in ran.err


@pytest.mark.parametrize(
    ("published", "told", "refused"),
    [
        ("dev", [], False),
        ("prod", [], True),
        ("dev", ["--env", "prod"], True),
        ("prod", ["--env", "dev"], False),
    ],
)
def test_the_environment_is_that_of_what_runs_here_unless_told(
    trunkline, registry, published, told, refused
) -> None:
    """`serve --env dev` in one terminal, `drill` in another."""
    state = State(registry.parent / ".trunkline", {}).create()
    publish.snapshot(state, Snapshot(version="", created="", environment=published, services=[]))
    ran = trunkline("drill", "nope", "--yes", *told)
    assert ran.code == (exits.AUTH if refused else exits.USAGE)


def test_an_unknown_integration_and_an_unknown_fault_name_what_there_is(trunkline, registry) -> None:
    ran = trunkline("drill", "nope", "--yes", "--env", "dev")
    assert (ran.code, "Known: crm" in ran.err) == (exits.USAGE, True)
    ran = trunkline("drill", "--fault", "nope", "--yes", "--env", "dev")
    assert (ran.code, "server_error" in ran.err, "disk_full" in ran.err) == (exits.USAGE, True, True)


def test_an_invalid_registry_is_told_with_its_line(trunkline, registry) -> None:
    registry.write_text(REGISTRY + "  other: {base_url: nope}\n")
    ran = trunkline("drill", "--yes", "--env", "dev")
    assert (ran.code, "trunkline.yaml:4" in ran.err) == (exits.INVALID, True)
