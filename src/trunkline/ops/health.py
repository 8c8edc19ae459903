"""Whether each integration, and the whole, is healthy, degraded or down: judged from live traffic. Pure.

Core and standard library only, because the gateway answers `/health` from it. Not for gathering figures (`recent.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from trunkline.core.errors import KINDS
from trunkline.core.service import Snapshot

Status = Literal["healthy", "degraded", "down"]

DOWN_SHARE = 0.5
"""Share of failures in the window from which an integration is down, given `DOWN_CALLS`."""
DOWN_CALLS = 3
DEGRADED_SHARE = 0.1
LAST_WORD_S = 1800.0
"""For how long a failure counts that no later call has contradicted."""


class Figures(NamedTuple):
    """What the last minutes told of one integration. Times are epoch seconds, 0: never."""

    calls: int = 0
    failures: int = 0
    last_ok_at: float = 0.0
    last_error_at: float = 0.0
    last_error_code: str = ""


class Traffic(NamedTuple):
    """All that the status of one integration depends on."""

    name: str
    calls: int = 0
    failures: int = 0
    last_ok_at: float = 0.0
    last_error_at: float = 0.0
    last_error_code: str = ""
    breaker: str = "closed"
    """closed, half_open or open."""
    simulated: bool = False
    criticality: str = "enhancement"
    has_fallback: bool = False
    problem: str = ""
    """Why it cannot be called at all; empty if it can."""


class Verdict(NamedTuple):
    """A status and why."""

    status: Status
    reason: str


def is_failure(code: str) -> bool | None:
    """Whether an attempt that ended so speaks against the integration; None when it says nothing about it.

    A failure is one that trips the breaker or that another target would have avoided, unless the caller is to blame.
    """
    if not code:
        return False
    kind = KINDS.get(code)
    if kind is None:
        return True
    return True if kind.who != "caller" and (kind.trips or kind.elsewhere) else None


def traffic(
    snapshot: Snapshot,
    figures: Mapping[str, Figures],
    breakers: Mapping[str, str],
    fallbacks: frozenset[str] = frozenset(),
) -> list[Traffic]:
    """The traffic of every enabled integration. `fallbacks` names those that a working fallback stands in for."""
    nothing = Figures()
    return [
        Traffic(
            service.name,
            *figures.get(service.name, nothing),
            breaker=breakers.get(service.name, "closed"),
            simulated=service.simulated,
            criticality=service.criticality,
            has_fallback=service.name in fallbacks,
            problem=service.problem,
        )
        for service in snapshot.services
        if service.enabled
    ]


def assess(one: Traffic, now: float) -> Verdict:
    """The status of one integration, with the reason."""
    share = one.failures / one.calls if one.calls else 0.0
    figures = f"{one.failures} of the last {one.calls} attempts failed"
    last = f", the last with {one.last_error_code}" if one.last_error_code else ""
    if one.problem:
        return Verdict("down", one.problem)
    if one.breaker == "open":
        return Verdict("down", f"the breaker is open{last}")
    if one.calls >= DOWN_CALLS and share >= DOWN_SHARE:
        return Verdict("down", figures + last)
    if one.breaker == "half_open":
        return Verdict("degraded", f"the breaker lets single calls through{last}")
    if one.failures == one.calls > 0 or (one.failures > 1 and share >= DEGRADED_SHARE):
        return Verdict("degraded", figures + last)
    if one.calls == 0 and one.last_error_at > one.last_ok_at and now - one.last_error_at < LAST_WORD_S:
        return Verdict(
            "degraded",
            f"the last call, {now - one.last_error_at:.0f} s ago, failed with {one.last_error_code}",
        )
    return Verdict("healthy", figures if one.calls else "no call in the last minutes")


def overall(statuses: Iterable[tuple[Traffic, Status]]) -> Status:
    """The status of the whole: a load-path integration that is down without a fallback takes it down; else any trouble degrades."""
    worst: Status = "healthy"
    for one, status in statuses:
        if status == "down" and one.criticality == "load-path" and not one.has_fallback:
            return "down"
        if status != "healthy":
            worst = "degraded"
    return worst


def status(all_traffic: Iterable[Traffic], now: float) -> dict[str, Any]:
    """The body of `GET /health`: exactly `status` and `integrations`."""
    judged = [(one, assess(one, now).status) for one in all_traffic]
    return {"status": overall(judged), "integrations": {one.name: found for one, found in judged}}


def detail(all_traffic: Iterable[Traffic], now: float, **more: Any) -> dict[str, Any]:
    """`?detail=1`: the two members, `details` of each integration, and `more` (e.g. the refused reload)."""
    known = list(all_traffic)
    return {**status(known, now), "details": {one.name: _detail(one, now) for one in known}, **more}


def health_json(all_traffic: Iterable[Traffic], now: float) -> dict[str, Any]:
    """The same as `application/health+json` (draft-inadarei-api-health-check-06)."""
    words = {"healthy": "pass", "degraded": "warn", "down": "fail"}
    known = list(all_traffic)
    time = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    checks = {
        f"{one.name}:errorRate": [
            {
                "componentId": one.name,
                "componentType": "component",
                "observedValue": _rate(one),
                "observedUnit": "ratio",
                "status": words[assess(one, now).status],
                "output": assess(one, now).reason,
                "time": time,
            }
        ]
        for one in known
    }
    return {"status": words[status(known, now)["status"]], "serviceId": "trunkline", "checks": checks}


def http_status(found: str) -> int:
    """What an uptime monitor reads: 503 for down (or fail), else 200."""
    return 503 if found in ("down", "fail") else 200


def _detail(one: Traffic, now: float) -> dict[str, Any]:
    found = assess(one, now)
    return {
        "status": found.status,
        "reason": found.reason,
        "criticality": one.criticality,
        "simulated": one.simulated,
        "breaker": one.breaker,
        "attempts": one.calls,
        "failures": one.failures,
        "error_rate": _rate(one),
        "last_ok_age_s": _age(one.last_ok_at, now),
        "last_error_age_s": _age(one.last_error_at, now),
        "last_error_code": one.last_error_code or None,
    }


def _rate(one: Traffic) -> float:
    return round(one.failures / one.calls, 4) if one.calls else 0.0


def _age(at: float, now: float) -> float | None:
    return round(max(0.0, now - at), 1) if at else None
