"""The endpoints of the admin API: each a plain function, and its declaration in one list.

An endpoint that is not in `ENDPOINTS` does not exist.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from trunkline import __version__
from trunkline.console import (
    alerting,
    audits,
    callers,
    contract_pages,
    credentials,
    data_map,
    findings,
    incidents,
    landing,
    money,
    oidc,
    people,
    persons,
    runbooks,
    samples,
    shapes,
    sign_in,
    unknown,
)
from trunkline.console import tasks as deferred
from trunkline.console.context import Console, memory_bytes
from trunkline.console.declare import Endpoint, Nothing
from trunkline.console.identity import Identity
from trunkline.console.tail import tail
from trunkline.console.when import instant_us
from trunkline.core.codec import to_json
from trunkline.core.errors import CallError
from trunkline.core.service import Service, Snapshot
from trunkline.ledger.query import BadCursor
from trunkline.ledger.usage import UnknownGroup
from trunkline.ops import health, health_metrics, health_told
from trunkline.ops.drill import last as last_drill
from trunkline.ops.metrics import CONTENT_TYPE, Metric, Sample, name_of, render


def calls(console: Console, query: shapes.CallsQuery, who: Identity) -> Any:
    """Search, newest first."""
    wanted = query.to_filter(_instant(console, query.since), _instant(console, query.until), who.teams)
    try:
        page = console.ledger.calls(wanted, limit=query.limit, before=query.before)
    except BadCursor as fault:
        raise CallError("invalid_request", str(fault)) from None
    return {"calls": page.calls, "next": page.next}


def call(console: Console, query: shapes.CallQuery, who: Identity) -> Any:
    """One call with its attempts."""
    found = console.ledger.call(query.id, who.teams)
    if found is None:
        raise CallError("not_found", f"there is no call with the call id or correlation id {query.id!r}")
    return found


def usage(console: Console, query: shapes.UsageQuery, who: Identity) -> Any:
    """Sums by group."""
    names = [name.strip() for name in query.by.split(",") if name.strip()]
    try:
        since, until = _instant(console, query.since), _instant(console, query.until)
        rows = console.rollups.usage(names, since, until, teams=who.teams)
    except UnknownGroup as fault:
        raise CallError("invalid_request", str(fault)) from None
    return {"group_by": names, "rows": rows}


def health_now(console: Console, query: shapes.HealthQuery, who: Identity, accept: str = "") -> Response:
    """Health from live traffic. Who is bound to teams sees how integrations fare, and not for whom."""
    traffic, now = console.traffic(), console.clock()
    if "application/health+json" in accept:
        body, media = health_told.health_json(traffic, now), "application/health+json"
    elif query.detail:
        snapshot = console.published.snapshot()
        more = {
            "registry": {
                "version": snapshot.version if snapshot else "",
                "reload": console.published.reload(),
            },
            "ledger": _ledger_state(console),
            "tasks": deferred.standing(console),
        }
        in_doubt = console.unknown.count() if who.teams is None else None
        body = health_told.detail(traffic, now, unknown_open=in_doubt, **more)
        media = "application/json"
        if snapshot is not None:
            _drilled(console, body, snapshot, now)
        credentials.told(console, body, now)
        incidents.told(console, body)
        body = _seen(body, who)
    else:
        body, media = health.status(traffic, now), "application/json"
    return Response(to_json(body), health_told.http_status(body["status"]), media_type=media)


def _seen(body: dict[str, Any], who: Identity) -> dict[str, Any]:
    """Without what is about the calls and the people of every team, for who is bound to some."""
    if who.teams is None:
        return body
    for one in body["details"].values():
        one.pop("features", None)
    for incident in body.get("incidents", ()):
        incident.pop("acknowledged_by", None)
    return {name: value for name, value in body.items() if name != "tasks"}


def _drilled(console: Console, body: dict[str, Any], snapshot: Snapshot, now: float) -> None:
    """Adds when it was last proved that fallbacks work."""
    found = last_drill.read(console.state_dir)
    drills = last_drill.told(snapshot.drills, snapshot.environment, found, now)
    if drills:
        body["drills"] = drills
    body["findings"] += last_drill.findings(snapshot.drills, snapshot.environment, found, now)


def integrations(console: Console, query: Nothing) -> Any:
    """What can be called."""
    snapshot = console.published.snapshot()
    if snapshot is None:
        return shapes.IntegrationsReply("", "", [])
    return shapes.IntegrationsReply(
        snapshot.version, snapshot.environment, [_integration(service) for service in snapshot.services]
    )


def damage(console: Console, query: Nothing) -> Any:
    """What was found broken in the journal."""
    return {"damage": console.rollups.damage()}


def metrics(console: Console, query: Nothing) -> Response:
    """Prometheus' text format."""
    known = health_metrics.metrics(console.published.outside(), console.published.table("circuits"))
    return Response(render([*console.totals.metrics(), *_gauges(console), *known]), media_type=CONTENT_TYPE)


def live(console: Console, query: Nothing) -> Any:
    """The process answers."""
    return shapes.ReadyReply(True, "")


def ready(console: Console, query: Nothing) -> Response:
    """The ledger is in order and the drain is not stuck."""
    found = shapes.ReadyReply(console.drain.open and not console.drain.fatal, console.drain.problem)
    return Response(to_json(found), 200 if found.ready else 503, media_type="application/json")


def page(console: Console, query: Nothing, who: Identity) -> Response:
    """The first page, for who is signed in."""
    return Response(landing.page(console, who), media_type="text/html; charset=utf-8")


def document(console: Console, query: Nothing) -> Any:
    """The description of this API."""
    from trunkline.console.openapi import describe

    return describe(ENDPOINTS, __version__)


def _instant(console: Console, text: str | None) -> int | None:
    if not text:
        return None
    try:
        return instant_us(text, console.clock())
    except ValueError as fault:
        raise CallError("invalid_request", str(fault)) from None


def _ledger_state(console: Console) -> dict[str, Any]:
    drain = console.drain
    return {
        "problem": drain.problem,
        "lag_s": round(drain.lag_s(console.clock()), 3),
        "pending_bytes": drain.pending_bytes,
        "running": drain.running,
    }


def _integration(service: Service) -> shapes.IntegrationShape:
    return shapes.IntegrationShape(
        name=service.name,
        title=service.title,
        vendor=service.vendor,
        base_url=service.base_url,
        owner=service.owner,
        criticality=service.criticality,
        data=service.data,
        api_version=service.api_version.value if service.api_version else "",
        credentials=[credential.ref for credential in service.credentials],
        operations=[operation.name for operation in service.operations],
        models=len(service.models),
        runbook=service.runbook,
        rotation_every=service.rotation_every,
        rotation_last=service.rotation_last,
        enabled=service.enabled,
        simulated=service.simulated,
        problem=service.problem,
    )


def _gauges(console: Console) -> list[Metric]:
    now, drain = console.clock(), console.drain
    words = {"healthy": 0, "degraded": 1, "down": 2}
    found = health.status(console.traffic(), now)["integrations"]
    states = [Sample({"integration": name}, words[status]) for name, status in found.items()]
    breakers = [
        Sample({"integration": i, "state": state}, 1) for i, state in console.published.breakers().items()
    ]
    return [
        Metric("trunkline_integration_status", "gauge", "0 healthy, 1 degraded, 2 down.", states),
        Metric("trunkline_breaker_state", "gauge", "1 for the state that the breaker is in.", breakers),
        _gauge(
            "trunkline_calls_running",
            "Calls that have begun and not ended, as far as drained.",
            drain.running,
        ),
        _gauge(
            "trunkline_journal_pending_bytes",
            "At most so much of the journal is not in the ledger yet.",
            drain.pending_bytes,
        ),
        _gauge(
            "trunkline_drain_lag_seconds",
            "Age of the oldest record that is not in the ledger yet.",
            drain.lag_s(now),
        ),
        _gauge("trunkline_console_memory_bytes", "Resident memory of the console process.", memory_bytes()),
        _gauge(
            "trunkline_outcome_unknown_open",
            "Calls whose outcome nobody knows; see `trunkline unknown list`.",
            console.unknown.count(),
        ),
        *money.metrics(console),
        *deferred.metrics(console),
        *samples.metrics(console),
        *incidents.metrics(console),
        *findings.metrics(console),
        *_gateway_gauges(console, now),
    ]


def _gateway_gauges(console: Console, now: float) -> list[Metric]:
    """The gateway's own numbers under its own names; a table of numbers gets its keys as the label `code`."""
    age_s = console.published.gateway_stats_age_s(now)
    if age_s is None:
        return []
    found = [_gauge("trunkline_gateway_stats_age_seconds", "Since the gateway wrote its numbers.", age_s)]
    for name, value in sorted(console.published.gateway_stats().items()):
        inside = value if isinstance(value, dict) else {"": value}
        samples = [
            Sample({"code": str(key)} if key else {}, number)
            for key, number in inside.items()
            if isinstance(number, int | float) and not isinstance(number, bool)
        ]
        if samples and name != "at":
            found.append(
                Metric(f"trunkline_gateway_{name_of(name)}", "gauge", "As the gateway counts it.", samples)
            )
    return found


def _gauge(name: str, text: str, value: float) -> Metric:
    return Metric(name, "gauge", text, [Sample({}, value)])


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/calls", role="viewer", reach="own", name="calls", summary="Search calls, newest first",
        query=shapes.CallsQuery, reply=shapes.CallsReply, handler=calls,
    ),
    Endpoint(
        method="GET", path="/api/calls/{id}", role="viewer", reach="own", name="call", summary="One call with its attempts",
        query=shapes.CallQuery, reply=shapes.CallShape, handler=call,
    ),
    Endpoint(
        method="GET", path="/api/unknown", role="viewer", reach="own", name="unknowns", summary="Calls of unknown outcome",
        query=shapes.UnknownQuery, reply=shapes.UnknownReply, handler=unknown.unknowns,
    ),
    Endpoint(
        method="GET", path="/api/unknown/{id}", role="viewer", reach="own", name="unknown",
        summary="One such call with what to look for at its vendor", query=shapes.UnknownCallQuery,
        reply=shapes.UnknownShape, handler=unknown.show,
    ),
    Endpoint(
        method="POST", path="/api/unknown/{id}/resolve", role="operator", reach="own", name="resolve_unknown",
        summary="Say what became of such a call", query=shapes.ResolveQuery, reply=shapes.CallShape,
        handler=unknown.resolve,
    ),
    Endpoint(
        method="GET", path="/api/tasks", role="viewer", reach="own", name="tasks", summary="Deferred calls, newest first",
        query=deferred.TasksQuery, reply=deferred.TasksReply, handler=deferred.tasks,
    ),
    Endpoint(
        method="GET", path="/api/tasks/{id}", role="viewer", reach="own", name="task", summary="One deferred call",
        query=deferred.TaskQuery, reply=deferred.TaskShape, handler=deferred.task,
    ),
    Endpoint(
        method="POST", path="/api/tasks/{id}/cancel", role="operator", reach="own", name="cancel_task", summary="Cancel a deferred call",
        query=deferred.TaskQuery, reply=deferred.TaskShape, handler=deferred.cancel,
    ),
    Endpoint(
        method="POST", path="/api/tasks/{id}/retry", role="operator", reach="own", name="retry_task",
        summary="Run a deferred call anew that failed, was cancelled or timed out", query=deferred.TaskQuery,
        reply=deferred.TaskShape, handler=deferred.retry,
    ),
    Endpoint(
        method="GET", path="/api/tail", role="viewer", reach="own", name="tail", summary="Follow calls as they begin and end",
        query=shapes.TailQuery, reply=shapes.CallShape, media="text/event-stream", handler=tail, is_async=True,
    ),
    Endpoint(
        method="GET", path="/api/usage", role="viewer", reach="own", name="usage", summary="Calls, tokens, cost, latency by group",
        query=shapes.UsageQuery, reply=shapes.UsageReply, handler=usage,
    ),
    Endpoint(
        method="GET", path="/api/budgets", role="viewer", reach="own", name="budgets",
        summary="Where each budget stands and where it leads", reply=shapes.BudgetsReply, handler=money.budgets,
    ),
    Endpoint(
        method="GET", path="/api/notices", role="operator", name="notices", summary="Notices that were sent or wait, newest first",
        query=shapes.NoticesQuery, reply=shapes.NoticesReply, handler=money.notices,
    ),
    Endpoint(
        method="GET", path="/api/health", role="viewer", scope="health:read", reach="shared", name="health",
        summary="Health of each integration and the whole", query=shapes.HealthQuery, reply=shapes.HealthReply,
        handler=health_now,
    ),
    Endpoint(
        method="GET", path="/api/integrations", role="viewer", reach="shared", name="integrations", summary="The registry that is live",
        reply=shapes.IntegrationsReply, handler=integrations,
    ),
    Endpoint(
        method="GET", path="/api/damage", role="operator", name="damage", summary="What was found broken in the journal",
        reply=shapes.DamageReply, handler=damage,
    ),
    Endpoint(
        method="GET", path="/api/openapi.json", role="viewer", reach="shared", name="openapi", summary="This API as OpenAPI 3.1",
        reply=dict[str, Any], handler=document,
    ),
    Endpoint(
        method="GET", path="/metrics", role="viewer", scope="metrics:read", name="metrics", summary="Prometheus metrics",
        media="text/plain", handler=metrics,
    ),
    Endpoint(
        method="GET", path="/health/live", role="open", name="live", summary="The process answers",
        reply=shapes.ReadyReply, handler=live,
    ),
    Endpoint(
        method="GET", path="/health/ready", role="open", name="ready", summary="The console can do its work",
        reply=shapes.ReadyReply, handler=ready,
    ),
    Endpoint(
        method="GET", path="/", role="viewer", reach="shared", name="landing", summary="First page",
        media="text/html", handler=page,
    ),
    *sign_in.ENDPOINTS,
    *oidc.ENDPOINTS,
    *callers.ENDPOINTS,
    *people.ENDPOINTS,
    *persons.ENDPOINTS,
    *data_map.ENDPOINTS,
    *audits.ENDPOINTS,
    *credentials.ENDPOINTS,
    *findings.ENDPOINTS,
    *incidents.ENDPOINTS,
    *alerting.ENDPOINTS,
    *runbooks.ENDPOINTS,
    *samples.ENDPOINTS,
    *contract_pages.ENDPOINTS,
)  # fmt: skip
