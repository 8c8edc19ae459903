"""What the command refuses, and what it is told wrongly. That it drills is told in tests/flows/test_drill.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.cli import exits

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


@pytest.mark.parametrize(
    ("environment", "said"),
    [("", "TRUNKLINE_ENV is unset, which means prod"), ("prod", "TRUNKLINE_ENV is prod")],
)
def test_it_is_refused_in_production_and_says_what_to_do(
    trunkline, registry, monkeypatch, environment, said
) -> None:
    if environment:
        monkeypatch.setenv("TRUNKLINE_ENV", environment)
    ran = trunkline("drill", "--yes")
    assert (ran.code, ran.out) == (exits.AUTH, "")
    assert said in ran.err
    assert "TRUNKLINE_ENV=staging" in ran.err
    assert "--allow-production" in ran.err


def test_an_unknown_integration_and_an_unknown_fault_name_what_there_is(trunkline, registry) -> None:
    ran = trunkline("drill", "nope", "--yes", "--env", "dev")
    assert (ran.code, "Known: crm" in ran.err) == (exits.USAGE, True)
    ran = trunkline("drill", "--fault", "nope", "--yes", "--env", "dev")
    assert (ran.code, "server_error" in ran.err, "disk_full" in ran.err) == (exits.USAGE, True, True)


def test_an_invalid_registry_is_told_with_its_line(trunkline, registry) -> None:
    registry.write_text(REGISTRY + "  other: {base_url: nope}\n")
    ran = trunkline("drill", "--yes", "--env", "dev")
    assert (ran.code, "trunkline.yaml:4" in ran.err) == (exits.INVALID, True)
