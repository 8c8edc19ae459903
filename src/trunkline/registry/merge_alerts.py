"""Rules of alerts and times of incidents, as written -> as the console works with them.

Pure. Not for: judging (`verify_alerts.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from trunkline.core import flow
from trunkline.core.alerting import IncidentTimes, Rule, Target

from .quantity import seconds
from .shape_alerts import Alert, AlertTarget, Incidents

DATADOG = "https://api.datadoghq.com"
DEFAULT = "default"
"""The rule that holds where none is written but `notify` names somebody."""


def rules(written: Mapping[str, Alert], notify: flow.Notify) -> list[Rule]:
    """Every rule; without any, all that is at least a warning goes to `notify`."""
    if not written:
        return [Rule(name=DEFAULT, targets=of_notify(notify))] if of_notify(notify) else []
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


def of_notify(notify: flow.Notify) -> list[Target]:
    """The targets of the section `notify`."""
    found = []
    if notify.webhook:
        found.append(Target(kind="webhook", name="webhook", url=notify.webhook, secret=notify.webhook_secret))
    if notify.email:
        found.append(_mail(notify, notify.email))
    return found


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
        return of_notify(notify)
    if own.kind == "email":
        return [_mail(notify, [own.email] if isinstance(own.email, str) else own.email)]
    url = own.url or (DATADOG if own.kind == "datadog" else "")
    return [
        Target(
            kind=own.kind,
            name=own.kind,
            url=url.rstrip("/") if own.kind == "datadog" else url,
            secret=own.secret,
        )
    ]


def _mail(notify: flow.Notify, to: list[str]) -> Target:
    return Target(
        kind="email",
        name="email",
        email=to,
        smtp=notify.smtp,
        smtp_user=notify.smtp_user,
        secret=notify.smtp_secret,
        sender=notify.sender,
    )


def _named(targets: list[Target]) -> Iterator[Target]:
    """Each with a name of its own within the rule."""
    seen: dict[str, int] = {}
    for one in targets:
        seen[one.kind] = n = seen.get(one.kind, 0) + 1
        yield one if n == 1 else replace(one, name=f"{one.kind}-{n}")
