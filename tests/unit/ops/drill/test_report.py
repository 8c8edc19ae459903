from __future__ import annotations

from typing import Any

import pytest

from trunkline.ops.drill.report import Played, Report, counted, gathered, markdown, result_of
from trunkline.ops.drill.verdict import Check, Finding

pytestmark = pytest.mark.row("F12")


def played(result: Any = "pass", **change: Any) -> Played:
    values: dict[str, Any] = {
        "integration": "openai",
        "entry": "openai",
        "form": "model",
        "fault": "server_error",
        "title": "500",
        "injected": "simulator fault `server_error`",
        "vendor": ["openai: 500"],
        "attempts": ["openai: 500 server_error"],
        "caller": "502, server_error, error",
        "correlation_id": "drill-1",
        "took_s": 0.12,
        "result": result,
        "checks": [
            Check("in time", True, "0.12 s of 4 s"),
            Check("fallback", result != "fail", "target=spare"),
        ],
        "findings": [],
    }
    return Played(**{**values, **change})


def report(*some: Played) -> Report:
    return Report(
        at="2026-11-21T07:00:00Z",
        version="0.1.0",
        environment="dev",
        registry="abc",
        took_s=12.3,
        result=result_of(some),
        counts=counted(some),
        integrations=["openai"],
        findings=gathered(some),
        played=list(some),
        notes=["Times ran faster."],
    )


def test_one_failure_fails_the_whole_and_nothing_proved_is_no_pass() -> None:
    assert result_of([played(), played("fail")]) == "fail"
    assert result_of([played(), played("not run")]) == "pass"
    assert result_of([played("not run")]) == "not run"
    assert counted([played(), played("fail"), played("fail")]) == {"pass": 1, "fail": 2, "not run": 0}


def test_missing_fallbacks_of_one_entry_are_one_finding() -> None:
    def lacking(code: str) -> Played:
        return played(findings=[Finding("no-fallback", "openai", f"`{code}`")])

    other = played(findings=[Finding("not-drilled", "crm", "crm: nothing was proved")])
    assert gathered([lacking("network"), lacking("overloaded"), lacking("network"), other]) == [
        Finding(
            "no-fallback",
            "openai",
            "openai: no fallback is declared for `network`, `overloaded`: callers get the failure",
        ),
        Finding("not-drilled", "crm", "crm: nothing was proved"),
    ]


def test_the_page_holds_verdicts_and_evidence() -> None:
    page = markdown(report(played(), played("fail", form="stream", caller="a|b")))
    assert "# Drill of 2026-11-21T07:00:00Z" in page
    assert "**FAIL**: 1 pass, 1 fail." in page
    assert "| stream | 500 | a\\|b | 0.12 | fail |" in page
    for evidence in (
        "- Injected: simulator fault `server_error`",
        "- The vendor's side saw: openai: 500",
        "- Attempts in the ledger: openai: 500 server_error",
        "correlation id `drill-1`",
        "- **FAILED**: fallback: target=spare",
        "- ok: in time: 0.12 s of 4 s",
        "- Verdict: **pass**",
    ):
        assert evidence in page
