"""The keys that say who is told of what needs a person, and when failing becomes an incident.

Not for: the targets of `notify` (`shape_bounds.py`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .part import Part
from .quantity import Duration

Kind = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", title="kind", examples=["incident", "contract.drift"]),
]
TargetKind = Literal["notify", "webhook", "email", "slack", "sentry", "datadog"]
KEYS_OF: dict[TargetKind, tuple[str, ...]] = {
    "notify": (),
    "webhook": ("url", "secret"),
    "email": ("email",),
    "slack": ("secret",),
    "sentry": ("secret",),
    "datadog": ("secret", "url"),
}
"""Which keys mean something to which kind of target; `kind` goes with all."""


class AlertTarget(Part):
    """One place to which alerts go."""

    kind: TargetKind
    """`notify`: everybody of the section `notify`; `webhook`: signed JSON; `email`: by the mail server of `notify`; `slack`: an incoming
    webhook; `sentry`: an event of a project; `datadog`: an event of the event stream."""
    url: str = ""
    """webhook: where to. datadog: address of the API of your site, default `https://api.datadoghq.com`."""
    secret: str = ""
    """Reference. webhook: of the signing secret (`whsec_...`); slack: of the URL of the incoming webhook; sentry: of the DSN; datadog: of
    the API key."""
    email: str | list[str] = []
    """email: address or addresses."""


class Alert(Part):
    """A rule: which findings, incidents and budgets are told to whom. Each thing is told once until it ends."""

    kinds: list[Kind] = []
    """Such as `incident`, `budget`, `contract`, `rotation.overdue`; the beginning of one stands for all below it. Default: every kind."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """The least that is told."""
    integrations: list[str] = []
    """Only what concerns these. Default: all, and what concerns no integration."""
    to: AlertTarget | list[AlertTarget] = []
    """Where to; default: everybody of the section `notify`."""
    remind: Duration = "4h"
    """How often it is said again while it lasts and nobody has acknowledged it; `0s`: never."""
    resolved: bool = True
    """Whether the end is told as well. Sentry is never told: an event there would open the issue again."""


class Incidents(Part):
    """When failing becomes an incident, and when it is over."""

    open_after: Duration = "30s"
    """How long an integration must be down. A breaker that opens makes an incident at once."""
    degraded_after: Duration = "5m"
    """How long it must be degraded."""
    close_after: Duration = "5m"
    """How long it must be well before the incident is closed."""
    merge_within: Duration = "30m"
    """What fails again so soon after the end goes on as the same incident."""
