"""Models that end while they are in use."""

from datetime import date
from typing import Any

import pytest

from trunkline.core.flow import Fallback
from trunkline.core.service import Alias, Model, Service, Snapshot
from trunkline.core.virtual import Candidate, Virtual
from trunkline.ops.contracts.shutdowns import findings
from trunkline.ops.findings import Finding
from trunkline.testing import service

TODAY = date(2026, 11, 21)
OLD = Model(id="old", shutdown="2026-12-31", replacement="new")


def openai(*models: Model, **changes: Any) -> Service:
    return service("openai", models=list(models or (OLD,)), **changes)


def told(
    *services: Service, called: Any = (("openai", "old"),), dated: Any = None, **more: Any
) -> list[Finding]:
    snapshot = Snapshot(
        version="1", created="", environment="dev", services=list(services or (openai(),)), **more
    )
    return findings(snapshot, called, TODAY, dated)


@pytest.mark.row("C3", "A4")
def test_a_model_that_is_called_and_ends_is_a_dated_task() -> None:
    (found,) = told()
    assert (found.kind, found.integration, found.subject, found.due) == (
        "model.shutdown",
        "openai",
        "old",
        "2026-12-31",
    )
    assert found.title == "openai/old is shut down on 2026-12-31; the vendor recommends new"
    assert found.detail["used_by"] == ["calls of the last 30 days"]


@pytest.mark.row("A4")
def test_a_target_of_a_virtual_model_is_in_use() -> None:
    virtual = Virtual(
        name="fast", candidates=[Candidate(target="openai/new"), Candidate(target="openai/old")]
    )
    (found,) = told(called=(), virtual=[virtual])
    assert found.detail["used_by"] == ["models.fast"]


@pytest.mark.row("A4")
def test_everything_in_the_registry_that_names_it_is_told() -> None:
    target = Fallback(kind="target", target="openai/old")
    (found,) = told(
        openai(),
        service("mistral", fallback=[target]),
        called=(),
        aliases=[
            Alias(name="fast", target="openai/old"),
            Alias(name="wise", target="openai/x", fallback=[target]),
        ],
        virtual=[
            Virtual(
                name="mixed", candidates=[Candidate(target="openai/new"), Candidate(target="openai/old")]
            ),
            Virtual(name="safe", candidates=[Candidate(target="openai/new")], fallback=[target]),
        ],
        route_fallback={"chat": [target]},
    )
    assert found.detail["used_by"] == [
        "models.fast", "fallback of models.wise", "models.mixed", "fallback of models.safe",
        "fallback of integrations.mistral", "fallback of routes.chat",
    ]  # fmt: skip


def test_what_nobody_uses_or_what_is_switched_off_or_far_away_is_no_task() -> None:
    assert told(called=()) == []
    assert told(openai(enabled=False)) == []
    assert told(openai(Model(id="old", shutdown="2027-11-30"))) == []
    assert told(openai(Model(id="old"))) == []


@pytest.mark.parametrize(
    ("day", "severity"),
    [
        ("2026-11-20", "critical"),
        ("2026-12-01", "critical"),
        ("2026-12-20", "warning"),
        ("2027-03-01", "info"),
    ],
)
def test_it_grows_urgent_as_the_day_comes_near(day: str, severity: str) -> None:
    (found,) = told(openai(Model(id="old", shutdown=day)))
    assert found.severity == severity
    assert ("was shut down" in found.title) == (day < "2026-11-21")


def test_a_day_that_the_vendor_told_itself_wins() -> None:
    (found,) = told(dated={("openai", "old"): "2027-01-15"})
    assert found.due == "2027-01-15"
