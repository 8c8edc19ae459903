"""Advice: what is missing for the day on which something fails."""

from datetime import date
from pathlib import Path

import pytest

from trunkline.registry.lint import RULES, lint

from .conftest import ISSUE, Load
from .test_runbooks import RUNBOOK

TODAY = date(2026, 11, 21)
GOOD = """\
version: 1
integrations:
  crm:
    base_url: https://crm.example.com
    auth: {kind: bearer, secret: env:A}
    api_version: {header: X-Version, value: "1"}
    owner: ops@example.com
    data: [pii.email]
    criticality: load-path
    rotation: {every: 90d, last: 2026-10-01}
    timeout: {total: 10s}
    operations: [{name: a, method: POST, path: /a, repeat: never}]
    fallback: [{kind: defer}]
    runbook: https://wiki.example.com/crm
    handling: {retention: 30 days}
notify: {webhook: "https://hooks.example.com/t", webhook_secret: "env:W"}
"""


def codes(load: Load, text: str) -> list[tuple[str, str, int]]:
    return [(f.code, f.severity, f.line) for f in lint(load(text), today=TODAY)]


def test_a_complete_entry_has_no_findings(loaded: Load) -> None:
    assert codes(loaded, GOOD) == []


@pytest.mark.row("R4")
@pytest.mark.parametrize(
    ("without", "finding"),
    [
        ("    owner: ops@example.com\n", ("no-owner", "warning", 3)),
        ("    rotation: {every: 90d, last: 2026-10-01}\n", ("no-rotation", "warning", 3)),
        ("    timeout: {total: 10s}\n", ("no-timeout", "warning", 3)),
        ("    data: [pii.email]\n", ("no-data", "warning", 3)),
        ("    fallback: [{kind: defer}]\n", ("no-fallback", "warning", 3)),
        ("    runbook: https://wiki.example.com/crm\n", ("no-runbook", "warning", 3)),
        ('    api_version: {header: X-Version, value: "1"}\n', ("no-api-version", "info", 3)),
        (
            "    operations: [{name: a, method: POST, path: /a, repeat: never}]\n",
            ("no-operations", "info", 3),
        ),
        ("    handling: {retention: 30 days}\n", ("no-handling", "info", 8)),
    ],
)
def test_each_missing_item_is_a_finding_at_its_place(
    loaded: Load, without: str, finding: tuple[str, str, int]
) -> None:
    assert without in GOOD
    assert codes(loaded, GOOD.replace(without, "")) == [finding]


@pytest.mark.parametrize(
    ("rotation", "finding"),
    [
        ("{every: 90d}", [("rotation-unknown", "info", 10)]),
        ("{every: 30d, last: 2026-10-01}", [("rotation-overdue", "warning", 10)]),
        ("{every: 51d, last: 2026-10-01}", []),
        ("{every: 30d, last: 2026-02-31}", [("rotation-overdue", "warning", 10)]),
        ("{last: 2026-10-01}", [("no-rotation", "warning", 10)]),
    ],
)
def test_rotation_is_due_by_the_calendar(
    loaded: Load, rotation: str, finding: list[tuple[str, str, int]]
) -> None:
    assert codes(loaded, GOOD.replace("{every: 90d, last: 2026-10-01}", rotation)) == finding


def test_less_is_asked_of_an_enhancement(loaded: Load) -> None:
    text = GOOD.replace("load-path", "enhancement").replace("    fallback: [{kind: defer}]\n", "")
    text = text.replace("    runbook: https://wiki.example.com/crm\n", "")
    assert codes(loaded, text) == [("no-runbook", "info", 3)]


def test_a_disabled_integration_is_left_alone(loaded: Load) -> None:
    assert codes(loaded, "version: 1\nintegrations: {openai: {secret: env:A, enabled: false}}\n") == []


def test_an_empty_registry_is_worth_a_word(loaded: Load) -> None:
    assert codes(loaded, "version: 1\n") == [("no-integrations", "warning", 1)]


def test_unencrypted_travel_is_a_warning(loaded: Load) -> None:
    text = GOOD.replace("https://crm.example.com\n", "http://crm.example.com\n    allow_http: true\n")
    assert codes(loaded, text) == [("plain-http", "warning", 5)]


@pytest.mark.row("A4")
@pytest.mark.parametrize(
    ("target", "finding"),
    [
        ("openai/gpt-4o-mini", ("info", "Pin it: `openai/gpt-4o-mini-2024-07-18`.")),
        ("openai/gpt-4o-mini-2024-07-18", None),
        ("mistral/mistral-small-latest", ("warning", "Name a dated version.")),
        ("gemini/gemini-3.1-pro-preview", ("warning", "Name a dated version.")),
        ("openai/gpt-5.4", None),
    ],
)
def test_a_floating_model_is_a_finding(loaded: Load, target: str, finding: tuple[str, str] | None) -> None:
    vendors = "{openai: {secret: env:A}, mistral: {secret: env:B}, gemini: {secret: env:C}}"
    text = f"version: 1\nintegrations: {vendors}\nmodels: {{m: {{target: {target}}}}}\n"
    found = [(f.severity, f.cure) for f in lint(loaded(text), today=TODAY) if f.code == "floating-model"]
    assert found == ([finding] if finding else [])


@pytest.mark.row("H3")
def test_a_runbook_file_is_read_beside_the_registry(loaded: Load, tmp_path: Path) -> None:
    text = GOOD.replace("https://wiki.example.com/crm", "runbooks/crm.md")
    assert codes(loaded, text) == [("runbook-missing", "warning", 14)]
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "crm.md").write_text(RUNBOOK.replace("## Recovery\n", "## Later\n"))
    (finding,) = lint(loaded(text), today=TODAY)
    assert (finding.code, finding.message) == (
        "runbook-incomplete",
        "The runbook of `crm` (runbooks/crm.md:1): It does not answer: recovery.",
    )
    (tmp_path / "runbooks" / "crm.md").write_text(RUNBOOK)
    assert codes(loaded, text) == []
    (tmp_path / "runbooks" / "crm.md").write_text(RUNBOOK.replace("2026-11-01", "2026-01-01"))
    assert codes(loaded, text) == [("runbook-stale", "warning", 14)]


def test_findings_of_the_load_are_part_of_it(loaded: Load) -> None:
    run = loaded(
        "version: 1\nintegrations:\n  openai: {secret: env:A}\n",
        environ={"OPENAI_BASE_URL": "http://127.0.0.1:4000/v1"},
    )
    assert ("refused-variable", "error", 3) in [(f.code, f.severity, f.line) for f in lint(run, today=TODAY)]


def test_the_overlay_in_use_is_what_is_judged(loaded: Load) -> None:
    found = lint(loaded(ISSUE, env="dev"), today=TODAY)
    assert all(f.code in RULES for f in found)
    assert ("integrations.crm", "no-runbook") in [(f.item, f.code) for f in found]


@pytest.mark.row("O3")
def test_somebody_is_told_when_the_load_path_fails(loaded: Load) -> None:
    lonely = GOOD[: GOOD.index("notify:")]
    told = [(f.code, f.severity) for f in lint(loaded(lonely), today=TODAY) if f.code == "no-alerts"]
    assert told == [("no-alerts", "info")]
    alerts = "alerts: {a: {to: {kind: slack, secret: store:S}}}\n"
    assert "no-alerts" not in [f.code for f in lint(loaded(lonely + alerts), today=TODAY)]


@pytest.mark.row("A4")
def test_prices_that_were_read_long_ago_are_told_once(loaded: Load) -> None:
    text = "version: 1\nintegrations:\n  openai: {secret: env:A}\n  anthropic: {secret: env:B}\n  stripe: {secret: env:C}\n"
    at = {
        day: [f for f in lint(loaded(text), today=day) if f.code == "stale-prices"]
        for day in (TODAY, date(2027, 6, 1))
    }
    assert at[TODAY] == []
    (found,) = at[date(2027, 6, 1)]
    assert (found.severity, found.line) == ("warning", 2)
    assert (
        found.message
        == "Prices of `openai`, `anthropic` were read long ago, on 2026-11-21 the first of them."
    )
