"""What holds beside the integrations, as written -> as the gateway works with it: names, budgets, limits, whom to tell.

Pure. Not for: integrations (`merge.py`), nor for judging (`verify_bounds.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.core import flow, service

from . import merge_alerts, merge_data, merge_flow, merge_models, verify_egress
from .merge_people import issuers, sign_in
from .quantity import period_seconds, seconds, size_bytes
from .shape import Errors, Health, Registry, Route
from .shape_alerts import Incidents
from .shape_bounds import Budget, CacheStore, CallerLimit, Drills, Notify, Scope, Shedding

ALERTS = (0.5, 0.8, 1.0)


def model_names(registry: Registry) -> dict[str, str]:
    """The registry's own model names -> `integration/model`, save those that an integration or a route has, too."""
    taken = {*registry.integrations, *registry.routes}
    return {
        name: alias.target for name, alias in registry.models.items() if alias.target and name not in taken
    }


def route_of(route: str | Route) -> Route:
    """The long form of a named route."""
    return Route(integration=route) if isinstance(route, str) else route


def first_of(route: Route) -> str:
    """The integration that a named route leads to; the first of several."""
    return route.integration or next(iter(route.split), "")


def whole(
    registry: Registry, environment: str, services: list[service.Service], notes: list[str]
) -> service.Snapshot:
    """Everything that the gateway knows; `version` and `created` are left to the caller."""
    names = model_names(registry)
    routes = {name: route_of(route) for name, route in registry.routes.items()}
    notify = _notify(registry.notify or Notify())
    return service.Snapshot(
        version="",
        created="",
        environment=environment,
        services=services,
        aliases=merge_models.aliases(registry, names),
        virtual=merge_models.virtuals(registry, names),
        routes={name: first_of(route) for name, route in routes.items()},
        route_split={name: _shares(route.split) for name, route in routes.items() if route.split},
        route_fallback={
            name: merge_flow.fallbacks(route.fallback, names)
            for name, route in routes.items()
            if route.fallback is not None
        },
        route_rules={
            name: found
            for name, data in (
                *((name, route.data) for name, route in routes.items()),
                *((name, alias.data) for name, alias in registry.models.items()),
            )
            if (found := merge_data.rules(data)) is not None
        },
        budgets=[_budget(name, own, names) for name, own in registry.budgets.items()],
        caller_limits=[_caller_limit(name, own, names) for name, own in registry.limits.items()],
        team_weights={name: team.weight for name, team in registry.teams.items()},
        notify=notify,
        alerts=merge_alerts.rules(registry.alerts, notify),
        incidents=merge_alerts.times(registry.incidents or Incidents()),
        shedding=_shedding(registry.shedding or Shedding()),
        drills=_drills(registry.drills or Drills()),
        egress=verify_egress.merged(registry.egress),
        cache_bytes=size_bytes((registry.cache or CacheStore()).size),
        samples=merge_data.sample_store(registry.samples),
        stored=merge_data.stored(registry.stored_responses),
        health_public=(registry.health or Health()).public,
        sign_in=sign_in(registry.sign_in),
        issuers=issuers(registry.jwt),
        team_size=registry.team_size or 0,
        error_style=(registry.errors or Errors()).style,
        notes=notes,
    )


def _shares(split: dict[str, float]) -> dict[str, float]:
    """Shares that sum up to 1, whatever was written."""
    total = sum(split.values())
    return {name: share / total for name, share in split.items()}


def _scope(own: Scope | None, names: Mapping[str, str]) -> flow.Scope:
    own = own or Scope()
    return flow.Scope(
        team=own.team,
        feature=own.feature,
        key=own.key,
        integration=own.integration,
        model=names.get(own.model, own.model),
        each=own.each or "",
    )


def _budget(name: str, own: Budget, names: Mapping[str, str]) -> flow.Budget:
    return flow.Budget(
        name=name,
        usd=own.usd,
        per=own.per,
        scope=_scope(own.scope, names),
        alerts=ALERTS if own.alerts is None else tuple(sorted(set(own.alerts))),
        hard=own.hard,
        unpriced=own.unpriced,
    )


def _caller_limit(name: str, own: CallerLimit, names: Mapping[str, str]) -> flow.CallerLimit:
    return flow.CallerLimit(
        name=name,
        scope=_scope(own.scope, names),
        requests=own.requests or 0,
        tokens=own.tokens or 0,
        concurrency=own.concurrency or 0,
        per=period_seconds(own.per) if own.per else 0.0,
    )


def _notify(own: Notify) -> flow.Notify:
    return flow.Notify(
        webhook=own.webhook,
        webhook_secret=own.webhook_secret,
        email=[own.email] if isinstance(own.email, str) else own.email,
        smtp=own.smtp,
        smtp_user=own.smtp_user,
        smtp_secret=own.smtp_secret,
        sender=own.sender,
        console_url=own.console_url.rstrip("/"),
    )


def _shedding(own: Shedding) -> flow.Shedding:
    return flow.Shedding(loop_lag=seconds(own.loop_lag), running_bytes=size_bytes(own.running_bytes))


def _drills(own: Drills) -> flow.Drills:
    return flow.Drills(every=seconds(own.every) if own.every else 0.0, production=own.production)
