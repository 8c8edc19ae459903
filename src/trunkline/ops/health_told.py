"""How the health of all integrations is told: the details, the findings, `application/health+json`. Pure.

Not for: judging it (`health.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trunkline.core.text import rfc3339
from trunkline.ops.health import STALE_LONG_S, Traffic, assess, evidence, stale_words, status
from trunkline.ops.outside import Page


def detail(
    all_traffic: Iterable[Traffic], now: float, *, unknown_open: int | None = None, **more: Any
) -> dict[str, Any]:
    """`?detail=1`: the two members, `details` of each integration, `findings`, and `more` (e.g. the refused reload). `unknown_open`:
    how many calls have an outcome that nobody knows; None where that is not known itself.
    """
    known = list(all_traffic)
    details = {one.name: _detail(one, now) for one in known}
    found = findings(known, now)
    if unknown_open:
        text = f"{unknown_open} acts may or may not have happened; `trunkline unknown list` shows what to look for"
        found.append({"severity": "warning", "code": "unknown-outcome", "item": "calls", "message": text})
    if unknown_open is not None:
        more["unknown_outcomes"] = {"open": unknown_open}
    return {**status(known, now), "details": details, "findings": found, **more}


def findings(all_traffic: Iterable[Traffic], now: float) -> list[dict[str, str]]:
    """What somebody should look into although calls go on."""
    found = []
    for one in all_traffic:
        item = f"integrations.{one.name}"
        if one.stale_s > STALE_LONG_S:
            text = f"{stale_words(one)}; see why {one.name} fails, or bound `stale_if_error`"
            found.append({"severity": "warning", "code": "stale-for-long", "item": item, "message": text})
        if one.criticality == "load-path" and not one.has_fallback and assess(one, now).status == "down":
            text = f"{one.name} is down, is on the load path, and no fallback works for it"
            found.append({"severity": "error", "code": "no-fallback", "item": item, "message": text})
    return found


def health_json(all_traffic: Iterable[Traffic], now: float) -> dict[str, Any]:
    """The same as `application/health+json` (draft-inadarei-api-health-check-06)."""
    words = {"healthy": "pass", "degraded": "warn", "down": "fail"}
    known = list(all_traffic)
    checks: dict[str, list[dict[str, Any]]] = {}
    for one in known:
        base = {"componentId": one.name, "componentType": "component"}
        found = assess(one, now)
        rate = {
            "observedValue": _rate(one),
            "observedUnit": "ratio",
            "output": found.reason,
            "time": rfc3339(now),
        }
        checks[f"{one.name}:errorRate"] = [{**base, **rate, "status": words[found.status]}]
        for told in evidence(one, now):
            if told.source in ("probe", "status_page") and told.status is not None:
                measured = {"output": told.reason, "time": rfc3339(told.at), "status": words[told.status]}
                name = "probe" if told.source == "probe" else "statusPage"
                checks[f"{one.name}:{name}"] = [{**base, **measured}]
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
        "breakers": list(one.circuits),
        "attempts": one.calls,
        "failures": one.failures,
        "error_rate": _rate(one),
        "last_ok_age_s": _age(one.last_ok_at, now),
        "last_error_age_s": _age(one.last_error_at, now),
        "last_error_code": one.last_error_code or None,
        "evidence": [
            {"source": e.source, "status": e.status, "reason": e.reason, "age_s": _age(e.at, now)}
            for e in evidence(one, now)
        ],
        "status_page": _page_told(one.page, now),
        "features": [{"feature": h.feature, "calls": h.calls, "failures": h.failures} for h in one.hits],
        "fallbacks": list(one.stands_in),
    }


def _page_told(page: Page | None, now: float) -> dict[str, Any] | None:
    if page is None:
        return None
    incidents = [
        {"name": i.name, "status": i.status, "impact": i.impact, "url": i.url} for i in page.incidents
    ]
    return {
        "url": page.url,
        "indicator": page.indicator if not page.problem else None,
        "age_s": _age(page.at, now),
        "incidents": incidents,
        "components": page.components,
        "problem": page.problem or None,
    }


def _rate(one: Traffic) -> float:
    return round(one.failures / one.calls, 4) if one.calls else 0.0


def _age(at: float, now: float) -> float | None:
    return round(max(0.0, now - at), 1) if at else None
