from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.flow import Fallback
from trunkline.core.service import Alias, Operation, Service, Snapshot
from trunkline.ops.health import (
    Figures,
    Traffic,
    assess,
    evidence,
    is_failure,
    status,
    traffic,
)
from trunkline.ops.health_told import detail, findings, health_json, http_status
from trunkline.ops.outside import Hit, Incident, Outside, Page, Probed

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
            Traffic("a", 50, 0, breaker="returning"),
            ("degraded", "the breaker lets traffic return bit by bit"),
        ),
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


GOOD = Probed(at=NOW - 30, every=60.0, ok=True, reason="GET /v1/models answered 200 after 42 ms")
BAD = Probed(at=NOW - 30, every=60.0, ok=False, reason="GET / answered 503", code="server_error", failures=2)
ONCE = Probed(at=NOW - 30, every=60.0, ok=False, reason="GET / answered 503", code="server_error", failures=1)
REFUSED = Probed(
    at=NOW - 30, every=60.0, ok=False, reason="GET / answered 401", code="auth_invalid", failures=1
)
OUTAGE = Page(
    at=NOW - 60, every=120.0, indicator="major", incidents=[Incident(name="API fails", status="identified")]
)
SMALL = Page(at=NOW - 60, every=120.0, indicator="minor", description="Slow uploads")
WELL = "probe: GET /v1/models answered 200 after 42 ms"
FOUR = "4 of the last 4 attempts failed, the last with network"
ONLY = "1 of the last 1 attempts failed, the last with network"
LAST = "the breaker is open, the last with network"
SAYS = "its vendor reports: API fails (identified)"


def old(probe: Probed) -> Probed:
    return Probed(at=NOW - 1000, every=60.0, ok=probe.ok, reason=probe.reason, failures=probe.failures)


@pytest.mark.row("H1")
@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        # Nobody calls: the probe speaks.
        (Traffic("a", probe=GOOD), ("healthy", WELL)),
        (Traffic("a", probe=ONCE), ("degraded", "probe: GET / answered 503")),
        (Traffic("a", probe=BAD), ("down", "probe: GET / answered 503")),
        (Traffic("a", probe=REFUSED), ("down", "probe: GET / answered 401")),
        (Traffic("a", probe=old(BAD)), ("healthy", "no call in the last minutes")),
        # Many calls decide alone; what the vendor reports is told with it.
        (Traffic("a", 50, 0, NOW - 1, probe=BAD, page=OUTAGE), ("healthy", f"0 of the last 50 attempts failed; {SAYS}")),
        (Traffic("a", 4, 4, 0.0, NOW - 1, "network", probe=GOOD), ("down", FOUR)),
        (Traffic("a", 4, 4, 0.0, NOW - 1, "network", page=OUTAGE), ("down", f"{FOUR}; {SAYS}")),
        (Traffic("a", breaker="open", probe=GOOD), ("down", "the breaker is open")),
        (Traffic("a", 2, 2, 0.0, NOW - 30, "network", breaker="open", probe=GOOD), ("down", LAST)),
        # Nobody has called since the breaker opened: the next call or a probe tells.
        (Traffic("a", 0, 0, 0.0, NOW - 90, "network", breaker="open"), ("degraded", f"{LAST}, 90 s ago; the next call tries")),
        (Traffic("a", 0, 0, 0.0, NOW - 90, "network", breaker="open", probe=GOOD), ("healthy", WELL)),
        (Traffic("a", 0, 0, 0.0, NOW - 90, "network", breaker="open", probe=BAD), ("down", "probe: GET / answered 503")),
        # Few calls: whichever came later, call or probe.
        (Traffic("a", 1, 1, 0.0, NOW - 40, "network", probe=GOOD), ("healthy", WELL)),
        (Traffic("a", 1, 1, 0.0, NOW - 20, "network", probe=GOOD), ("degraded", ONLY)),
        (Traffic("a", 1, 0, NOW - 20, probe=BAD), ("healthy", "0 of the last 1 attempts failed")),
        (Traffic("a", 1, 0, NOW - 40, probe=BAD), ("down", "probe: GET / answered 503")),
        (Traffic("a", last_error_at=NOW - 900, last_error_code="billing", probe=GOOD), ("healthy", WELL)),
        # A page alone degrades; together with a failure it is down; small things are only mentioned.
        (Traffic("a", page=OUTAGE), ("degraded", SAYS)),
        (Traffic("a", probe=GOOD, page=OUTAGE), ("degraded", SAYS)),
        (Traffic("a", probe=ONCE, page=OUTAGE), ("down", f"probe: GET / answered 503; {SAYS}")),
        (Traffic("a", 1, 1, 0.0, NOW - 9, "network", page=OUTAGE), ("down", f"{ONLY}; {SAYS}")),
        (Traffic("a", page=SMALL), ("healthy", "no call in the last minutes")),
        (Traffic("a", page=Page(at=NOW - 60, every=120.0, problem="it is not there")), ("healthy", "no call in the last minutes")),
        (Traffic("a", page=Page(at=NOW - 999, every=120.0, indicator="critical")), ("healthy", "no call in the last minutes")),
        # Callers get stale answers.
        (Traffic("a", 50, 0, NOW - 1, stale_s=90.0), ("degraded", "callers have been given stale answers from the cache for 90 s")),
        (Traffic("a", 50, 50, 0.0, NOW - 1, "network", stale_s=90.0), ("down", "50 of the last 50 attempts failed, the last with network")),
        (Traffic("a", problem="it is disabled", probe=GOOD), ("down", "it is disabled")),
    ],
)  # fmt: skip
def test_traffic_probes_and_pages_are_weighed(one: Traffic, verdict: tuple[str, str]) -> None:
    assert assess(one, NOW) == verdict


@pytest.mark.row("H1")
def test_each_piece_of_evidence_has_its_age_and_reason() -> None:
    one = Traffic("a", 50, 1, NOW - 1, NOW - 9, "network", probe=GOOD, page=SMALL, stale_s=90.0)
    assert [(e.source, e.status, e.reason, NOW - e.at) for e in evidence(one, NOW)] == [
        ("traffic", "healthy", "1 of the last 50 attempts failed", 1.0),
        ("probe", "healthy", "GET /v1/models answered 200 after 42 ms", 30.0),
        ("status_page", "healthy", "Slow uploads", 60.0),
        ("cache", "degraded", "callers have been given stale answers from the cache for 90 s", 90.0),
    ]
    unread = Page(at=NOW - 60, every=120.0, problem="it is not there")
    told = evidence(Traffic("a", problem="no secret", probe=old(BAD), page=unread), NOW)
    assert [(e.source, e.status, e.reason) for e in told] == [
        ("registry", "down", "no secret"),
        ("traffic", None, "no call in the last minutes"),
        ("probe", None, "GET / answered 503"),
        ("status_page", None, "could not be read: it is not there"),
    ]


def test_detail_adds_reasons_and_ages() -> None:
    one = Traffic(
        "openai",
        10,
        5,
        NOW - 4,
        NOW - 2.5,
        "server_error",
        simulated=True,
        criticality="load-path",
        page=OUTAGE,
        hits=(Hit(feature="chat", calls=9, failures=4),),
        circuits=({"credential": "env:A", "state": "closed"},),
    )
    reason = f"5 of the last 10 attempts failed, the last with server_error; {SAYS}"
    assert detail([one], NOW, registry={"version": "v1"}) == {
        "status": "down",
        "integrations": {"openai": "down"},
        "details": {
            "openai": {
                "status": "down",
                "reason": reason,
                "criticality": "load-path",
                "simulated": True,
                "breaker": "closed",
                "breakers": [{"credential": "env:A", "state": "closed"}],
                "attempts": 10,
                "failures": 5,
                "error_rate": 0.5,
                "last_ok_age_s": 4.0,
                "last_error_age_s": 2.5,
                "last_error_code": "server_error",
                "evidence": [
                    {
                        "source": "traffic",
                        "status": "down",
                        "reason": "5 of the last 10 attempts failed, the last with server_error",
                        "age_s": 2.5,
                    },
                    {
                        "source": "status_page",
                        "status": "degraded",
                        "reason": "API fails (identified)",
                        "age_s": 60.0,
                    },
                ],
                "status_page": {
                    "url": "",
                    "indicator": "major",
                    "age_s": 60.0,
                    "incidents": [
                        {"name": "API fails", "status": "identified", "impact": "minor", "url": ""}
                    ],
                    "components": [],
                    "problem": None,
                },
                "features": [{"feature": "chat", "calls": 9, "failures": 4}],
                "fallbacks": [],
            }
        },
        "findings": [
            {
                "severity": "error",
                "code": "no-fallback",
                "item": "integrations.openai",
                "message": "openai is down, is on the load path, and no fallback works for it",
            }
        ],
        "registry": {"version": "v1"},
    }


@pytest.mark.row("F11")
def test_acts_in_doubt_are_told_with_the_command_that_shows_them() -> None:
    assert detail([], NOW)["findings"] == []
    assert "unknown_outcomes" not in detail([], NOW), "nobody has counted"
    none, some = detail([], NOW, unknown_open=0), detail([], NOW, unknown_open=2)
    assert (none["unknown_outcomes"], none["findings"]) == ({"open": 0}, [])
    assert (some["unknown_outcomes"], some["status"]) == ({"open": 2}, none["status"])
    assert some["findings"] == [
        {"severity": "warning", "code": "unknown-outcome", "item": "calls",
         "message": "2 acts may or may not have happened; `trunkline unknown list` shows what to look for"},
    ]  # fmt: skip


def test_stale_answers_for_more_than_an_hour_are_a_finding() -> None:
    def codes(stale_s: float) -> list[str]:
        return [found["code"] for found in findings([Traffic("a", 9, 0, stale_s=stale_s)], NOW)]

    assert (codes(-1.0), codes(3599.0), codes(3601.0)) == ([], [], ["stale-for-long"])


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
    told = health_json([Traffic("crm", probe=ONCE, page=OUTAGE)], NOW)
    assert {name: (check[0]["status"], check[0]["time"]) for name, check in told["checks"].items()} == {
        "crm:errorRate": ("fail", "2027-01-15T08:00:00Z"),
        "crm:probe": ("warn", "2027-01-15T07:59:30Z"),
        "crm:statusPage": ("warn", "2027-01-15T07:59:00Z"),
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


def snapshot(*services: Service, **more: Any) -> Snapshot:
    return Snapshot(version="v1", created="", environment="dev", services=list(services), **more)


def test_every_enabled_integration_has_traffic_even_without_calls() -> None:
    there = snapshot(
        service("openai", criticality="load-path", simulated=True),
        service("stripe", problem="a live key in dev"),
        service("old", enabled=False),
    )
    figures = {"openai": Figures(3, 1, NOW, NOW - 1, "network")}
    assert traffic(there, figures, {"openai": "half_open"}, now=NOW) == [
        Traffic("openai", 3, 1, NOW, NOW - 1, "network", "half_open", True, "load-path"),
        Traffic("stripe", problem="a live key in dev"),
    ]


def test_what_others_found_out_stands_with_it() -> None:
    told = Outside(
        probes={"crm": GOOD}, pages={"crm": SMALL}, hits={"crm": [Hit(feature="search", calls=1, failures=0)]}
    )
    rows = ({"credential": "none", "state": "open"},)
    (one,) = traffic(
        snapshot(service("crm", problem="from the registry")),
        {},
        {"crm": "open"},
        outside=told,
        stale={"crm": 5.0},
        problems={"crm": "its token is being fetched"},
        circuits={"crm": rows},
        now=NOW,
    )
    assert one == Traffic(
        "crm",
        breaker="open",
        problem="its token is being fetched",
        probe=GOOD,
        page=SMALL,
        hits=(Hit(feature="search", calls=1, failures=0),),
        stale_s=5.0,
        circuits=rows,
    )


DOWN = {"pdf": Figures(9, 9, 0.0, NOW - 1, "network")}


@pytest.mark.row("H2")
@pytest.mark.parametrize(
    ("link", "more", "stands_in", "whole"),
    [
        (Fallback(kind="template", body="{}"), {}, ("template",), "degraded"),
        (Fallback(kind="static", body="{}"), {}, ("static",), "degraded"),
        (Fallback(kind="defer"), {}, ("defer",), "degraded"),
        (Fallback(kind="target", target="other"), {}, ("target other",), "degraded"),
        (Fallback(kind="target", target="other/big"), {}, ("target other/big",), "degraded"),
        (Fallback(kind="target", target="spare"), {}, ("target spare",), "degraded"),
        (Fallback(kind="target", target="fast"), {}, ("target fast",), "degraded"),
        (Fallback(kind="target", target="nobody"), {}, (), "down"),
        (Fallback(kind="target", target="pdf/other"), {}, (), "down"),
        (Fallback(kind="target", target="other"), {"problems": {"other": "no secret"}}, (), "down"),
        (Fallback(kind="target", target="other"), {"breakers": {"other": "open"}}, (), "down"),
        (Fallback(kind="stale", max_age=60.0), {}, (), "down"),
        (Fallback(kind="stale", max_age=60.0), {"stale": {"pdf": 5.0}}, ("stale",), "degraded"),
        (Fallback(kind="static", on=["network"]), {}, ("static",), "degraded"),
        (Fallback(kind="static", on=["overloaded"]), {}, (), "down"),
        (Fallback(kind="static", on=["network"]), {"breakers": {"pdf": "open"}}, (), "down"),
        (
            Fallback(kind="static", on=["circuit_open"]),
            {"breakers": {"pdf": "open"}},
            ("static",),
            "degraded",
        ),
    ],
)
def test_a_load_path_integration_that_is_down_takes_the_whole_down_unless_a_fallback_works(
    link: Fallback, more: dict[str, Any], stands_in: tuple[str, ...], whole: str
) -> None:
    there = snapshot(
        service("pdf", criticality="load-path", fallback=[link]),
        service("other"),
        routes={"spare": "other"},
        aliases=[Alias(name="fast", target="other/small")],
    )
    found = traffic(there, DOWN, more.pop("breakers", {}), now=NOW, **more)
    assert (found[0].stands_in, found[0].has_fallback) == (stands_in, bool(stands_in))
    told = status(found, NOW)
    assert (told["status"], told["integrations"]["pdf"]) == (whole, "down")


@pytest.mark.row("H2")
def test_a_fallback_of_a_single_operation_is_told_and_does_not_make_up_for_the_others() -> None:
    chain = [Fallback(kind="template", body="{}"), Fallback(kind="static", on=["overloaded"])]
    operations = [
        Operation(name="convert", method="POST", path="/convert", fallback=chain),
        Operation(name="merge", method="POST", path="/merge"),
        Operation(name="none", method="POST", path="/none", fallback=[]),
    ]
    there = snapshot(service("pdf", criticality="load-path", operations=operations))
    found = traffic(there, DOWN, {}, now=NOW)
    assert (found[0].stands_in, found[0].has_fallback) == (("template (convert)",), False)
    assert status(found, NOW)["status"] == "down"


@pytest.mark.row("H2")
def test_an_enhancement_that_is_down_degrades() -> None:
    assert status(traffic(snapshot(service("pdf")), DOWN, {}, now=NOW), NOW) == {
        "status": "degraded",
        "integrations": {"pdf": "down"},
    }


def test_health_imports_core_and_the_standard_library_only() -> None:
    import subprocess
    import sys

    modules = "trunkline.ops.health, trunkline.ops.outside, trunkline.ops.recent"
    program = f"import {modules}, sys; print([m for m in sys.modules if m.startswith('trunkline.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[1] for name in eval(done.stdout)}
    assert loaded == {"core", "ops"}
