"""Rules of alerts and times of incidents, as written -> as the console works with them.

Pure. Not for: judging (`verify_alerts.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from trunkline.core import flow
from trunkline.core.alerting import IncidentTimes, Rule, Target, mail_target, targets_of

from .quantity import seconds
from .shape_alerts import Alert, AlertTarget, Incidents

DATADOG = "https://api.datadoghq.com"
DEFAULT = "default"
"""The rule that holds where none is written but `notify` names somebody."""


def rules(written: Mapping[str, Alert], notify: flow.Notify) -> list[Rule]:
    """Every rule; without any, all that is at least a warning goes to `notify`."""
    if not written:
        return [Rule(name=DEFAULT, targets=targets_of(notify))] if targets_of(notify) else []
    return [
        Rule(
            name=name,
            kinds=own.kinds,
            severity=own.severity,
            integrations=own.integrations,
            targets=list(_named([one for target in listed(own) for one in _targets(target, notify)])),
            remind=seconds(own.remind),
            resolved=own.resolved,
        )
        for name, own in written.items()
    ]


def listed(own: Alert) -> list[AlertTarget]:
    """One or many, always as a list; none: `notify`."""
    written = own.to if isinstance(own.to, list) else [own.to]
    return written or [AlertTarget(kind="notify")]


def times(own: Incidents) -> IncidentTimes:
    """When an incident begins and ends."""
    return IncidentTimes(
        open_after=seconds(own.open_after),
        degraded_after=seconds(own.degraded_after),
        close_after=seconds(own.close_after),
        merge_within=seconds(own.merge_within),
    )


def _targets(own: AlertTarget, notify: flow.Notify) -> list[Target]:
    if own.kind == "notify":
        return targets_of(notify)
    if own.kind == "email":
        return [mail_target(notify, [own.email] if isinstance(own.email, str) else own.email)]
    url = own.url or (DATADOG if own.kind == "datadog" else "")
    return [
        Target(
            kind=own.kind,
            name=own.kind,
            url=url.rstrip("/") if own.kind == "datadog" else url,
            secret=own.secret,
        )
    ]


def _named(targets: list[Target]) -> Iterator[Target]:
    """Each with a name of its own within the rule."""
    seen: dict[str, int] = {}
    for one in targets:
        seen[one.kind] = n = seen.get(one.kind, 0) + 1
        yield one if n == 1 else replace(one, name=f"{one.kind}-{n}")
