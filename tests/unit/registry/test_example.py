"""Every shipped registry loads, and says little to complain about."""

from pathlib import Path

import pytest

from trunkline.registry.example import first_run
from trunkline.registry.lint import lint
from trunkline.registry.load import SimulatorAddress, load

from .conftest import Load

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


@pytest.mark.row("R1")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_an_example_loads_in_every_environment(path: Path, environment: str) -> None:
    run = load(path, environment=environment, environ={})
    assert run.snapshot.services
    assert [str(f) for f in lint(run) if f.severity != "info" and f.code != "rotation-overdue"] == []


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.row("Q5")
def test_the_first_registry_runs_without_any_key(loaded: Load) -> None:
    run = loaded(
        first_run(), env="dev", simulate=SimulatorAddress("http://127.0.0.1:4010", lambda ref: False)
    )
    services = {s.name: s for s in run.snapshot.services}
    assert all(s.simulated and not s.problem for s in services.values())
    assert {"openai", "anthropic", "gemini", "stripe", "gotenberg"} <= set(services)
    assert run.snapshot.routes == {"llm": "openai", "payment": "stripe", "pdf": "gotenberg"}
    assert [str(f) for f in lint(run) if f.severity != "info"] == []


def test_the_first_registry_takes_the_variables_that_the_catalog_names(loaded: Load) -> None:
    run = loaded(first_run())
    for service in run.snapshot.services:
        entry = run.entries[service.name]
        assert [c.ref for c in service.credentials] in ([f"env:{entry.env[0]}"], [])
