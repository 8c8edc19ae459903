"""What the console itself finds that a person should look at: a refused registry, notices that nobody took, a gateway that is silent.

Each look gives all of them; what is no longer so is resolved. Not for: findings of other parts, which note and resolve their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trunkline.core.alerting import Severity
from trunkline.ops import findings, health_told
from trunkline.ops.drill import last as last_drill
from trunkline.ops.findings import Finding
from trunkline.ops.outbox import Notice

if TYPE_CHECKING:
    from trunkline.console.context import Console

KINDS = (
    "registry.refused",
    "alerts.undelivered",
    "gateway.silent",
    "ledger.problem",
    "unknown.open",
    "health.stale_for_long",
    "drill.failed",
    "drill.not_made",
    "drill.overdue",
    "runbook.stale",
    "runbook.incomplete",
    "runbook.missing",
)
"""All that is found here, and nowhere else."""
SILENT_S = 30.0
UNDELIVERED_S = 7 * 86_400.0
"""So long after it was given up an undelivered notice is a finding, unless a later one was delivered."""


def seen(console: Console, notices: Iterable[Notice]) -> list[Finding]:
    """Everything that is so now."""
    return [
        *_refused(console.published.reload()),
        *_undelivered(notices, console.clock()),
        *_silent(console),
        *_ledger(console),
        *_unknown(console),
        *_healths(console),
    ]


def settle(console: Console, found: Iterable[Finding], known: Iterable[findings.FindingRow]) -> bool:
    """Notes what is new or has changed, resolves what is no longer so; True if anything was written."""
    now = console.clock()
    wanted = {(one.kind, one.integration, one.subject): one for one in found}
    there = {(one.kind, one.integration, one.subject): one for one in known if one.kind in KINDS}
    wrote = False
    for key, finding in wanted.items():
        old = there.get(key)
        if old is None or (old.title, old.severity) != (finding.title, finding.severity):
            findings.note(console.state, finding, now)
            wrote = True
    for key in there.keys() - wanted.keys():
        wrote |= findings.resolve(console.state, *key, "it is no longer so", now)
    return wrote


def _refused(outcome: Any) -> list[Finding]:
    if not isinstance(outcome, dict) or outcome.get("ok") is not False:
        return []
    errors = [one for one in outcome.get("findings", []) if one.get("severity") == "error"]
    first = errors[0] if errors else {}
    why = f": {first.get('item') or first.get('file', '')}: {first.get('message', '')}" if first else ""
    title = f"The changed registry was refused; the one before is live{why}"
    detail = {"live": outcome.get("version", ""), "errors": len(errors), "command": "trunkline check"}
    return [
        Finding(kind="registry.refused", integration="", subject="registry", severity="warning", title=title, detail=detail)
    ]  # fmt: skip


def _undelivered(notices: Iterable[Notice], now: float) -> list[Finding]:
    """By rule and target: the last that was given up, unless one that came later has arrived there."""
    last: dict[tuple[str, str], tuple[float, str]] = {}
    for notice in sorted(notices, key=lambda one: one.at):
        rule = notice.rule or "notify"
        for sent in notice.sent:
            if sent.ok:
                last.pop((rule, sent.channel), None)
            elif notice.state == "failed" and now - notice.at < UNDELIVERED_S:
                last[rule, sent.channel] = (notice.at, sent.detail)
    return [
        Finding(
            kind="alerts.undelivered",
            integration="",
            subject=f"{rule}/{channel}",
            severity="warning",
            title=f"Alerts of {rule!r} do not reach {channel}: {why}",
            detail={"command": "trunkline alerts notices --failed"},
        )
        for (rule, channel), (_, why) in last.items()
    ]


def _silent(console: Console) -> list[Finding]:
    age_s = console.published.gateway_stats_age_s(console.clock())
    if age_s is None or age_s < SILENT_S:
        return []
    title = "The gateway has written no figures for a while: it is down, or stuck"
    return [
        Finding(kind="gateway.silent", integration="", subject="gateway", severity="critical", title=title)
    ]


def _ledger(console: Console) -> list[Finding]:
    problem = console.drain.problem
    if not problem:
        return []
    severity: Severity = "critical" if console.drain.fatal else "warning"
    title = f"The ledger is not kept up: {problem}"
    return [Finding(kind="ledger.problem", integration="", subject="ledger", severity=severity, title=title)]


def _unknown(console: Console) -> list[Finding]:
    if console.drain.fatal or not (count := console.unknown.count()):
        return []
    title = f"{count} calls may or may not have happened, and nobody has looked yet"
    detail = {"command": "trunkline unknown list"}
    return [
        Finding(kind="unknown.open", integration="", subject="calls", severity="info", title=title, detail=detail)
    ]  # fmt: skip


def _healths(console: Console) -> list[Finding]:
    """What health and drills call findings; an integration that is down is an incident, and told as one."""
    now, snapshot = console.clock(), console.published.snapshot()
    if snapshot is None:
        return []
    drills = last_drill.findings(
        snapshot.drills, snapshot.environment, last_drill.read(console.state_dir), now
    )
    found = []
    for row in [*health_told.findings(console.traffic(), now), *drills]:
        kind = {"stale-for-long": "health.stale_for_long"}.get(
            row["code"], row["code"].replace("-", ".", 1).replace("-", "_")
        )
        if kind in KINDS:
            item = row["item"].removeprefix("integrations.")
            integration = item if item != "drills" else ""
            found.append(
                Finding(
                    kind=kind, integration=integration, subject=item, severity="warning", title=row["message"]
                )
            )
    return found
