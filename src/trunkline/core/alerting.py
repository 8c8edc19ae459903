"""Who is told of what needs a person, and when failing becomes an incident, as the registry declares it. Plain data.

Not for: deciding what to tell (`ops/alerting`), nor sending it (`ops/notify.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from trunkline.core.flow import Notify

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""Each is worse than those before it."""
TargetKind = Literal["webhook", "email", "slack", "sentry", "datadog"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One place to which something is told."""

    kind: TargetKind
    name: str
    """Its kind, with a number where a rule has several of a kind: `slack`, `slack-2`."""
    url: str = ""
    """webhook: where to; datadog: the address of its API."""
    secret: str = ""
    """Reference. webhook: of the signing secret; slack: of the webhook's URL; sentry: of the DSN; datadog: of the API key; email: of
    the password at the mail server."""
    email: list[str] = []
    smtp: str = ""
    smtp_user: str = ""
    sender: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is told to whom."""

    name: str
    kinds: list[str] = []
    """`contract` also stands for `contract.drift`; empty: every kind."""
    severity: Severity = "warning"
    """The least that is told."""
    integrations: list[str] = []
    """Empty: all, and what concerns none."""
    targets: list[Target] = []
    remind: float = 14_400.0
    """Seconds; 0: never."""
    resolved: bool = True
    """Whether the end is told as well."""

    def takes(self, kind: str, severity: Severity, integration: str) -> bool:
        """Whether something of this sort is told by this rule."""
        return (
            SEVERITIES.index(severity) >= SEVERITIES.index(self.severity)
            and (not self.kinds or any(kind == one or kind.startswith(f"{one}.") for one in self.kinds))
            and (not self.integrations or integration in self.integrations)
        )


class IncidentTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long something must last before it counts, in seconds."""

    open_after: float = 30.0
    """An integration that is down has an incident after so long; one whose breaker opens, at once."""
    degraded_after: float = 300.0
    """The same for one that is only degraded."""
    close_after: float = 300.0
    """An incident ends when its integration has been well for so long."""
    merge_within: float = 1800.0
    """What fails again within so long after the end goes on as the same incident."""


def targets_of(notify: Notify) -> list[Target]:
    """The targets of the section `notify`."""
    found = []
    if notify.webhook:
        found.append(Target(kind="webhook", name="webhook", url=notify.webhook, secret=notify.webhook_secret))
    if notify.email:
        found.append(mail_target(notify, notify.email))
    return found


def mail_target(notify: Notify, to: list[str]) -> Target:
    """Mail by the server of `notify`."""
    return Target(
        kind="email",
        name="email",
        email=to,
        smtp=notify.smtp,
        smtp_user=notify.smtp_user,
        secret=notify.smtp_secret,
        sender=notify.sender,
    )


def references(rules: Iterable[Rule]) -> Iterator[str]:
    """Every reference to a secret that telling needs."""
    for rule in rules:
        for target in rule.targets:
            if target.secret:
                yield target.secret
