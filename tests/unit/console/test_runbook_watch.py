"""Runbooks that are old, half written or gone become findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.console.runbook_watch import EVERY_S, RunbookWatch
from trunkline.core.service import Service, Snapshot

pytestmark = pytest.mark.row("H3")
NOW = 1_795_262_400.0
QUESTIONS = {
    "Symptom": "Contacts are missing.",
    "Triage": "`trunkline logs`",
    "Fallback": "None.",
    "Escalation contact": "crm-support@example.com",
    "Recovery": "`trunkline health`",
}
RUNBOOK = "Reviewed: 2026-11-01\n" + "".join(
    f"## {question}\n{answer}\n" for question, answer in QUESTIONS.items()
)


def snapshot(version: str = "v", **changes: object) -> Snapshot:
    service = Service(name="crm", runbook="crm.md", **changes)  # type: ignore[arg-type]
    return Snapshot(version=version, created="", environment="dev", services=[service])


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def test_each_problem_is_one_finding_of_its_integration(tmp_path: Path) -> None:
    watch = RunbookWatch(tmp_path, lambda: NOW)
    assert [(f.kind, f.severity, f.subject) for f in watch(snapshot())] == [
        ("runbook.missing", "warning", "crm.md")
    ]
    text = RUNBOOK.replace("2026-11-01", "2026-01-01").replace("Contacts are missing.", "> Fill in: what?")
    (tmp_path / "crm.md").write_text(text.replace("crm-support@example.com", "Jan"))
    found = RunbookWatch(tmp_path, lambda: NOW)(snapshot())
    assert [(f.kind, f.severity) for f in found] == [
        ("runbook.incomplete", "info"),
        ("runbook.stale", "warning"),
    ]
    assert found[0].title == "The runbook of crm (crm.md): It does not answer: symptom."
    (tmp_path / "crm.md").write_text(RUNBOOK)
    assert RunbookWatch(tmp_path, lambda: NOW)(snapshot()) == []


def test_it_looks_again_after_a_while_or_when_the_registry_has_changed(tmp_path: Path) -> None:
    clock = Clock()
    watch = RunbookWatch(tmp_path, clock)
    assert len(watch(snapshot())) == 1
    (tmp_path / "crm.md").write_text(RUNBOOK)
    assert len(watch(snapshot())) == 1
    assert watch(snapshot("v2")) == []
    (tmp_path / "crm.md").unlink()
    clock.now += EVERY_S
    assert len(watch(snapshot("v2"))) == 1


def test_pages_elsewhere_and_what_is_switched_off_are_not_looked_at(tmp_path: Path) -> None:
    watch = RunbookWatch(tmp_path, lambda: NOW)
    services = [
        Service(name="a"),
        Service(name="b", runbook="https://x.example.com"),
        Service(name="c", runbook="c.md", enabled=False),
    ]
    assert watch(Snapshot(version="v", created="", environment="dev", services=services)) == []
