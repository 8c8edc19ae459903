"""The admin API as a client sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.support.found import FINDING_ID, INCIDENT
from tests.support.records import NOON_US
from trunkline.console import shapes
from trunkline.console.context import Console
from trunkline.console.declare import Endpoint
from trunkline.console.endpoints import ENDPOINTS

Ask = Callable[..., Any]
NOW = NOON_US / 1e6
TARGETS = {one.name: one.path.replace("{id}", "a") for one in ENDPOINTS}
TARGETS["secret_impact"] = "/api/secrets/impact?ref=env:STRIPE_SECRET_KEY"
TARGETS["resolve_unknown"] = "/api/unknown/b/resolve?as=happened&note=seen"
TARGETS["finding"] = f"/api/findings/{FINDING_ID}"
TARGETS["ack_finding"] = f"/api/findings/{FINDING_ID}/ack"
TARGETS["resolve_finding"] = f"/api/findings/{FINDING_ID}/resolve"
for _name in (
    "incident",
    "incident_review",
    "incident_review_page",
    "note_incident",
    "ack_incident",
    "close_incident",
):
    _path = next(one.path for one in ENDPOINTS if one.name == _name)
    TARGETS[_name] = _path.replace("{id}", INCIDENT.id) + ("?note=seen" if _name == "note_incident" else "")
for _name, _of in (
    ("runbook", "stripe"),
    ("ack_runbook", "stripe"),
    ("runbook_page", "stripe"),
    ("test_alert", "on-call"),
):
    _path = next(one.path for one in ENDPOINTS if one.name == _name)
    TARGETS[_name] = _path.replace("{name}", _of)
TARGETS["contract"] = "/api/contracts/stripe"
TARGETS["read_changelog"] = "/api/contracts/stripe/reviews?note=nothing+new"
TARGETS["compare_contracts"] = "/api/contracts/compare?one=stripe&other=openai"
TARGETS["task"] = "/api/tasks/tsk_queued"
TARGETS["cancel_task"] = "/api/tasks/tsk_queued/cancel"
TARGETS["retry_task"] = "/api/tasks/tsk_failed/retry"
TOLD_ELSEWHERE = (
    "tail",
    "sign_out",
    "revoke_session",
    "key",
    "revoke_key",
    "team",
    "user",
    "disable_user",
    "enable_user",
    "link_user",
    "retry_notice",
    "promote_rotation",
    "undo_rotation",
    "finish_rotation",
    "process",
    "process_secrets",
)
"""Endpoints whose answers have stories of their own."""
CLOSED = [
    one for one in ENDPOINTS if one.role != "open" and one.name not in TOLD_ELSEWHERE and one.body is None
]


def named(one: Endpoint) -> str:
    return one.name


@pytest.mark.row("W1")
@pytest.mark.parametrize("endpoint", CLOSED, ids=named)
async def test_the_admin_may_everything(ask: Ask, endpoint: Endpoint) -> None:
    assert (await ask(TARGETS[endpoint.name], method=endpoint.method)).status == 200


@pytest.mark.parametrize(
    "endpoint",
    [one for one in ENDPOINTS if one.reply is not None and (one in CLOSED or one.role == "open")],
    ids=named,
)
async def test_every_answer_has_the_shape_that_is_declared(ask: Ask, endpoint: Endpoint) -> None:
    answer = await ask(TARGETS[endpoint.name], method=endpoint.method)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith(endpoint.media)
    told = answer.json()
    shaped = msgspec.convert(told, endpoint.reply)
    assert msgspec.to_builtins(shaped) == told


async def test_calls_are_searched_and_paged(ask: Ask) -> None:
    first = (await ask("/api/calls?limit=2")).json()
    second = (await ask(f"/api/calls?limit=2&before={first['next']}")).json()
    errors = (await ask("/api/calls?state=error&text=RESET&integration=stripe&since=2026-11-21")).json()
    assert [[one["call_id"] for one in page["calls"]] for page in (first, second, errors)] == [
        ["c", "b"],
        ["a"],
        ["b"],
    ]
    assert (second["next"], errors["calls"][0]["attempts"][0]["n"]) == ("", 1)


async def test_spans_are_counted_back_from_now(ask: Ask) -> None:
    recent, old = await ask("/api/calls?since=15m"), await ask("/api/calls?until=15m")
    assert (len(recent.json()["calls"]), len(old.json()["calls"])) == (3, 0)


async def test_one_call_is_shown_by_either_id(ask: Ask) -> None:
    assert (await ask("/api/calls/b")).json() == (await ask("/api/calls/corr-b")).json()


@pytest.mark.row("O2")
async def test_usage_is_told_by_group(ask: Ask) -> None:
    told = (await ask("/api/usage?by=integration,state")).json()
    assert told["group_by"] == ["integration", "state"]
    assert [(row["integration"], row["state"], row["calls"]) for row in told["rows"]] == [
        ("stripe", "error", 1),
        ("stripe", "ok", 1),
    ]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/api/calls?limit=0", "limit"),
        ("/api/calls?limit=many", "limit"),
        ("/api/calls?state=fine", "state"),
        ("/api/calls?colour=red", "colour"),
        ("/api/calls?team=a&team=b", "'team' is given twice"),
        ("/api/calls/a?id=b", "'id' is given twice"),
        ("/api/calls?before=nonsense", "use the `next` of the page before"),
        ("/api/calls?since=yesterday", "'yesterday' is no instant: write e.g."),
        ("/api/usage?by=colour", "cannot be grouped by 'colour'; choose from"),
        ("/api/usage?until=soon", "'soon' is no instant"),
        ("/api/health?detail=2", "detail"),
        ("/api/keys?x=1", "the parameters of /api/keys are: team, all"),
        ("/api/damage?x=1", "the parameters of /api/damage are: none"),
    ],
)
async def test_a_wrong_parameter_is_named_with_what_would_be_right(ask: Ask, target: str, words: str) -> None:
    answer = await ask(target, ("x-correlation-id", "order-7"))
    told = msgspec.convert(answer.json(), shapes.ErrorShape)
    assert (answer.status, told.source, told.code, told.retryable, told.correlation_id) == (
        400, "trunkline", "invalid_request", False, "order-7"
    )  # fmt: skip
    assert words in told.message
    assert answer.headers["x-correlation-id"] == "order-7"


@pytest.mark.parametrize(
    ("target", "method", "status", "code"),
    [
        ("/api/calls/zzz", "GET", 404, "not_found"),
        ("/api/nothing", "GET", 404, "unknown_route"),
        ("/api/calls/", "GET", 404, "unknown_route"),
        ("/api/calls", "POST", 405, "unknown_route"),
        ("/metrics", "DELETE", 405, "unknown_route"),
    ],
)
async def test_what_is_not_there_is_said_in_the_one_error_shape(
    ask: Ask, target: str, method: str, status: int, code: str
) -> None:
    answer = await ask(target, method=method)
    assert (answer.status, answer.json()["code"], set(answer.json())) == (
        status, code, {"source", "code", "message", "retryable", "correlationId", "action"}
    )  # fmt: skip


async def test_a_ledger_that_is_not_in_order_is_said_and_readiness_fails(ask: Ask, console: Console) -> None:
    console.drain.fatal, console.drain.problem = True, "calls.db has schema 9999"
    calls, ready, live = (
        await ask("/api/calls"),
        await ask("/health/ready", signed=False),
        await ask("/health/live"),
    )
    assert (calls.status, calls.json()["code"], calls.json()["retryable"]) == (503, "store_unavailable", True)
    assert "schema 9999" in calls.json()["message"]
    assert (ready.status, ready.json()) == (503, {"ready": False, "problem": "calls.db has schema 9999"})
    assert live.status == 200


async def test_a_defect_is_told_without_its_text(
    ask: Ask, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("sk-test-not-a-real-key")

    monkeypatch.setattr(console.published, "snapshot", broken)
    with pytest.raises(RuntimeError):  # Starlette answers, then hands the defect on to the server
        await ask("/api/integrations")


@pytest.mark.row("H1")
async def test_health_has_two_members_and_more_on_demand(ask: Ask) -> None:
    plain, detail = await ask("/api/health"), await ask("/api/health?detail=1")
    draft = await ask("/api/health", ("accept", "application/health+json"))
    assert plain.json() == {"status": "degraded", "integrations": {"stripe": "degraded", "openai": "healthy"}}
    assert detail.json()["details"]["openai"]["simulated"] is True
    assert detail.json()["details"]["stripe"]["breaker"] == "half_open"
    assert detail.json()["registry"] == {"version": "c0ffee", "reload": None}
    assert (draft.headers["content-type"], draft.json()["status"]) == ("application/health+json", "warn")


async def test_integrations_show_references_and_no_values(ask: Ask) -> None:
    told = (await ask("/api/integrations")).json()
    assert (told["version"], told["environment"]) == ("c0ffee", "dev")
    assert [(one["name"], one["credentials"], one["operations"]) for one in told["integrations"]] == [
        ("stripe", ["env:STRIPE_SECRET_KEY"], ["create_charge"]),
        ("openai", [], []),
    ]


@pytest.mark.row("O3")
async def test_metrics_hold_calls_health_drain_memory_and_the_gateways_numbers(
    ask: Ask, console: Console
) -> None:
    for key, sums, latency in console.rollups.totals():
        console.totals.seed(*key, sums, latency)
    console.drain.behind, console.drain.drained_us, console.drain.pending_bytes = (
        True,
        NOON_US - 2_500_000,
        4096,
    )
    answer = await ask("/metrics")
    lines = answer.body.decode().splitlines()
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    for line in (
        'trunkline_calls_total{integration="stripe",model="",state="ok",code=""} 1',
        'trunkline_calls_total{integration="stripe",model="",state="error",code="network"} 1',
        'trunkline_call_duration_seconds_bucket{integration="stripe",model="",le="+Inf"} 2',
        'trunkline_integration_status{integration="stripe"} 1',
        'trunkline_breaker_state{integration="stripe",state="half_open"} 1',
        'trunkline_gateway_refused{code="unauthenticated"} 3',
        "trunkline_gateway_running 1",
        "trunkline_journal_pending_bytes 4096",
        "trunkline_drain_lag_seconds 2.5",
    ):
        assert line in lines
    assert any(line.startswith("trunkline_console_memory_bytes ") for line in lines)
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


async def test_metrics_are_open_only_when_declared_so(ask: Ask, console: Console) -> None:
    closed = await ask("/metrics", signed=False)
    console.open_metrics = True
    opened, calls = await ask("/metrics", signed=False), await ask("/api/calls", signed=False)
    assert (closed.status, opened.status, calls.status) == (401, 200, 401)


async def test_the_first_page_shows_how_things_stand_and_escapes_it(ask: Ask, console: Console) -> None:
    console.drain.problem = "<script>alert(1)</script>"
    page = (await ask("/")).body.decode()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert '<td><a href="runbooks/stripe">stripe</a></td><td>degraded</td>' in page
    assert "simulated" in page


async def test_who_is_not_signed_in_is_told_how(ask: Ask) -> None:
    answer = await ask("/", signed=False)
    assert (answer.status, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert "admin.token" in answer.body.decode()
    assert b"stripe" not in answer.body
