from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.service import Service, Snapshot
from trunkline.ops.health import (
    Figures,
    Traffic,
    assess,
    detail,
    health_json,
    http_status,
    is_failure,
    status,
    traffic,
)

NOW = 1_800_000_000.0


@pytest.mark.row("H1")
@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (Traffic("a"), ("healthy", "no call in the last minutes")),
        (Traffic("a", 100, 1, last_error_code="network"), ("healthy", "1 of the last 100 attempts failed")),
        (
            Traffic("a", 100, 10, last_error_code="network"),
            ("degraded", "10 of the last 100 attempts failed, the last with network"),
        ),
        (
            Traffic("a", 10, 5, last_error_code="auth_invalid"),
            ("down", "5 of the last 10 attempts failed, the last with auth_invalid"),
        ),
        (
            Traffic("a", 1, 1, last_error_code="network"),
            ("degraded", "1 of the last 1 attempts failed, the last with network"),
        ),
        (Traffic("a", 3, 3), ("down", "3 of the last 3 attempts failed")),
        (Traffic("a", 50, 0, breaker="open"), ("down", "the breaker is open")),
        (
            Traffic("a", 50, 0, breaker="half_open", last_error_code="network"),
            ("degraded", "the breaker lets single calls through, the last with network"),
        ),
        (Traffic("a", 50, 0, problem="a live key in dev"), ("down", "a live key in dev")),
        (
            Traffic("a", last_ok_at=NOW - 900, last_error_at=NOW - 600, last_error_code="billing"),
            ("degraded", "the last call, 600 s ago, failed with billing"),
        ),
        (
            Traffic("a", last_ok_at=NOW - 500, last_error_at=NOW - 600, last_error_code="billing"),
            ("healthy", "no call in the last minutes"),
        ),
        (
            Traffic("a", last_error_at=NOW - 7200, last_error_code="billing"),
            ("healthy", "no call in the last minutes"),
        ),
    ],
)
def test_an_integration_is_judged_by_its_traffic(one: Traffic, verdict: tuple[str, str]) -> None:
    assert assess(one, NOW) == verdict


@pytest.mark.row("H1", "H2")
@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], "healthy"),
        ([Traffic("a"), Traffic("b", criticality="load-path")], "healthy"),
        ([Traffic("a", breaker="open")], "degraded"),
        ([Traffic("a", breaker="half_open", criticality="load-path")], "degraded"),
        ([Traffic("a", breaker="open", criticality="load-path")], "down"),
        ([Traffic("a", breaker="open", criticality="load-path", has_fallback=True)], "degraded"),
        ([Traffic("a", breaker="open"), Traffic("b", breaker="open", criticality="load-path")], "down"),
    ],
)
def test_the_whole_follows_the_criticality_of_its_parts(parts: list[Traffic], whole: str) -> None:
    assert status(parts, NOW)["status"] == whole


@pytest.mark.row("H1")
def test_the_answer_has_exactly_two_members() -> None:
    assert status([Traffic("openai", breaker="open"), Traffic("stripe")], NOW) == {
        "status": "degraded",
        "integrations": {"openai": "down", "stripe": "healthy"},
    }


def test_detail_adds_reasons_and_ages() -> None:
    one = Traffic(
        "openai", 10, 5, NOW - 4, NOW - 2.5, "server_error", simulated=True, criticality="load-path"
    )
    assert detail([one], NOW, registry={"version": "v1"}) == {
        "status": "down",
        "integrations": {"openai": "down"},
        "details": {
            "openai": {
                "status": "down",
                "reason": "5 of the last 10 attempts failed, the last with server_error",
                "criticality": "load-path",
                "simulated": True,
                "breaker": "closed",
                "attempts": 10,
                "failures": 5,
                "error_rate": 0.5,
                "last_ok_age_s": 4.0,
                "last_error_age_s": 2.5,
                "last_error_code": "server_error",
            }
        },
        "registry": {"version": "v1"},
    }


def test_health_json_says_the_same_in_the_words_of_the_draft() -> None:
    told = health_json([Traffic("openai", breaker="open"), Traffic("stripe", 4, 0)], NOW)
    assert (told["status"], {name: check[0]["status"] for name, check in told["checks"].items()}) == (
        "warn",
        {"openai:errorRate": "fail", "stripe:errorRate": "pass"},
    )
    assert told["checks"]["stripe:errorRate"][0] == {
        "componentId": "stripe",
        "componentType": "component",
        "observedValue": 0.0,
        "observedUnit": "ratio",
        "status": "pass",
        "output": "0 of the last 4 attempts failed",
        "time": "2027-01-15T08:00:00Z",
    }


@pytest.mark.parametrize(
    ("found", "code"), [("healthy", 200), ("degraded", 200), ("warn", 200), ("down", 503), ("fail", 503)]
)
def test_only_down_is_503(found: str, code: int) -> None:
    assert http_status(found) == code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", False),
        ("server_error", True),
        ("auth_invalid", True),
        ("rate_limited", True),
        ("secret_unavailable", True),
        ("outcome_unknown", True),
        ("a_code_of_tomorrow", True),
        ("invalid_request", None),
        ("not_found", None),
        ("cancelled", None),
        ("caller_rate_limited", None),
        ("over_budget", None),
    ],
)
def test_a_failure_is_what_speaks_against_the_integration(code: str, expected: bool | None) -> None:
    assert is_failure(code) is expected


def service(name: str, **changes: Any) -> Service:
    return Service(name=name, **changes)


def test_every_enabled_integration_has_traffic_even_without_calls() -> None:
    snapshot = Snapshot(
        version="v1",
        created="",
        environment="dev",
        services=[
            service("openai", criticality="load-path", simulated=True),
            service("stripe", problem="a live key in dev"),
            service("old", enabled=False),
        ],
    )
    figures = {"openai": Figures(3, 1, NOW, NOW - 1, "network")}
    assert traffic(snapshot, figures, {"openai": "half_open"}, frozenset({"openai"})) == [
        Traffic("openai", 3, 1, NOW, NOW - 1, "network", "half_open", True, "load-path", True, ""),
        Traffic("stripe", problem="a live key in dev"),
    ]


def test_health_imports_core_and_the_standard_library_only() -> None:
    import subprocess
    import sys

    program = "import trunkline.ops.health, trunkline.ops.recent, sys; print([m for m in sys.modules if m.startswith('trunkline.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[1] for name in eval(done.stdout)}
    assert loaded == {"core", "ops"}
