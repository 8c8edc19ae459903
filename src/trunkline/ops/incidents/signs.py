"""What health says of an integration, as far as it makes, changes or ends an incident. Pure.

A vendor's page alone makes no incident, nor do stale answers: both are told in the timeline of one. Not for: judging health itself
(`ops/health.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from trunkline.core.alerting import Severity
from trunkline.core.errors import KINDS
from trunkline.ops.health import Status, Traffic, assess, page_words
from trunkline.ops.incidents.incident import Cause


class Sign(NamedTuple):
    """One integration now."""

    integration: str
    status: Status
    reason: str
    cause: Cause = "vendor"
    code: str = ""
    at_once: bool = False
    """Its breaker is open, which was a judgement over many calls already."""
    severity: Severity = "warning"
    breaker: str = "closed"
    """closed, open or returning; a breaker that lets single calls through is open still."""
    page: str = ""
    """What the vendor reports; empty if nothing, or nothing that could be read."""
    served: str = ""
    """What serves its calls instead."""
    off: bool = False
    """Switched off by people."""
    criticality: str = ""

    @property
    def bad(self) -> bool:
        return self.status != "healthy" and not self.off


def sign(one: Traffic, now: float, off: Collection[str] = ()) -> Sign:
    """`off`: names that are switched off."""
    found = assess(one._replace(page=None, stale_s=-1.0), now)
    cause = cause_of(one)
    helpless = one.criticality == "load-path" and not one.has_fallback
    breaker = {"half_open": "open"}.get(one.breaker, one.breaker)
    return Sign(
        integration=one.name,
        status=found.status,
        reason=found.reason,
        cause=cause,
        code="misconfigured" if one.problem else one.last_error_code,
        at_once=one.breaker == "open" and found.status == "down",
        severity="critical" if found.status == "down" and helpless else "warning",
        breaker=breaker,
        page=_page(one),
        served=", ".join(one.stands_in),
        off=one.name in off,
        criticality=one.criticality,
    )


def cause_of(one: Traffic) -> Cause:
    """Why it fails, by the last failure: what only an operator can mend, used-up limits, or the vendor."""
    if one.problem:
        return "access"
    probed = one.probe
    code = one.last_error_code
    if probed is not None and not probed.ok and probed.code and probed.at > one.last_error_at:
        code = probed.code
    kind = KINDS.get(code)
    if kind is None:
        return "vendor"
    if kind.who == "operator" and not kind.trips:
        return "access"
    return "limits" if kind.status == 429 else "vendor"


def _page(one: Traffic) -> str:
    page = one.page
    if page is None or page.problem or (page.indicator == "none" and not page.incidents):
        return ""
    return f"{page.indicator}: {page_words(page)}"
