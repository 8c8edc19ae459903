"""What may be told: findings, incidents and budgets, each as a condition with a key that stays the same while it lasts. Pure.

Not for: whether and when it is told (`decide.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from trunkline.core.codec import to_json
from trunkline.core.service import Snapshot
from trunkline.core.text import rfc3339
from trunkline.ops.alerting.message import Item
from trunkline.ops.alerts import Alert
from trunkline.ops.findings import FindingRow
from trunkline.ops.incidents.incident import CAUSES, Incident
from trunkline.ops.outside import Hit

SETTLE_S = 30.0
"""What comes back within so long has not ended."""
FACT_MAX = 300
HITS_MAX = 5
INCIDENT = "incident:"
"""How the keys of incidents begin."""


class Condition(NamedTuple):
    """Something that is so now."""

    item: Item
    ends: bool = True
    """False: it has happened, and there is no end to be told."""
    acknowledged: bool = False
    settle_s: float = SETTLE_S


class Links(NamedTuple):
    """Where people find more: the address of the console, and runbooks that have an address of their own."""

    console: str = ""
    runbooks: Mapping[str, str] = {}

    def runbook(self, integration: str) -> str:
        """The address of what to do; empty where there is none."""
        own = self.runbooks.get(integration, "")
        if own or not (self.console and integration):
            return own
        return f"{self.console}/runbooks/{integration}"


def links(snapshot: Snapshot) -> Links:
    """Those of a registry."""
    own = {
        one.name: one.runbook for one in snapshot.services if one.runbook.startswith(("https://", "http://"))
    }
    return Links(snapshot.notify.console_url, own)


def of_finding(row: FindingRow, to: Links) -> Condition:
    """A finding that is open."""
    facts = {name: _fact(value) for name, value in row.detail.items()}
    if row.subject:
        facts = {"of": row.subject, **facts}
    if row.due:
        facts["due"] = row.due
    item = Item(
        key=f"finding:{row.id}",
        kind=row.kind,
        severity=row.severity,
        title=row.title,
        integration=row.integration,
        since=rfc3339(row.opened_at),
        runbook=to.runbook(row.integration),
        command=f"trunkline findings show {row.id}",
        correlation_ids=row.correlation_ids,
        facts=facts,
    )
    return Condition(item, acknowledged=row.state == "acknowledged")


def of_incident(
    one: Incident,
    to: Links,
    *,
    hits: Iterable[Hit] = (),
    served: str = "",
    correlation_ids: Sequence[str] = (),
) -> Condition:
    """An incident that is open; what it says of ends has been weighed already."""
    hit = ", ".join(f"{h.feature} {h.failures}/{h.calls}" for h in list(hits)[:HITS_MAX] if h.failures)
    facts = {
        "cause": CAUSES[one.cause],
        "now": one.reason if one.reason not in one.title else "",
        "features hit": hit,
        "served by": served,
        "owner": one.owner,
        "again": f"{one.reopened} times" if one.reopened else "",
    }
    item = Item(
        key=f"{INCIDENT}{one.id}",
        kind=f"incident.{one.cause}",
        severity=one.severity,
        title=one.title,
        integration=one.integration,
        since=rfc3339(one.opened_at),
        runbook=to.runbook(one.integration),
        command=f"trunkline runbook show {one.integration}",
        correlation_ids=list(correlation_ids),
        facts={name: value for name, value in facts.items() if value},
    )
    return Condition(item, acknowledged=bool(one.acknowledged_at), settle_s=0.0)


def of_budget(alert: Alert) -> Condition:
    """A share of a budget that was reached, or calls that nobody knows the price of."""
    facts = {name: _fact(value) for name, value in alert.payload.items() if name != "text" and value != ""}
    share, hard = alert.payload.get("share", 0.0), alert.payload.get("hard", False)
    item = Item(
        key=alert.key,
        kind=alert.event,
        severity="critical" if share >= 1 and hard else "warning",
        title=str(alert.payload["text"]),
        command="trunkline budgets",
        facts=facts,
    )
    return Condition(item, ends=False)


def _fact(value: object) -> str:
    text = value if isinstance(value, str) else to_json(value).decode()
    return text if len(text) <= FACT_MAX else text[: FACT_MAX - 1] + "…"
