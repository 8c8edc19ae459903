"""Errors about alerts and incidents.

Not for: `notify` itself (`verify_bounds.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from . import references
from .address import judge
from .document import Place
from .findings import did_you_mean, one_of
from .layer import Scribe
from .merge_alerts import listed
from .patterns import SAID_NAME
from .shape import Registry
from .shape_alerts import KEYS_OF, Alert, AlertTarget
from .shape_bounds import Notify
from .verify_flow import Range, out_of

Fault = tuple[Place, str, str, str]
"""(place, code, message, cure)"""
RANGES = {
    "open_after": Range("1s", "1d", zero=True),
    "degraded_after": Range("1s", "1d", zero=True),
    "close_after": Range("1s", "1d"),
    "merge_within": Range("1s", "7d", zero=True),
}
REMIND = Range("1m", "30d", zero=True)
NEEDS = {
    "webhook": ("url", "Write e.g. `url: https://hooks.example.com/trunkline`."),
    "email": ("email", "Write e.g. `email: ops@example.com`."),
    "slack": ("secret", "Write e.g. `secret: store:SLACK_WEBHOOK`, whose value is the URL that Slack gave."),
    "sentry": ("secret", "Write e.g. `secret: store:SENTRY_DSN`."),
    "datadog": ("secret", "Write e.g. `secret: store:DATADOG_API_KEY`."),
}
"""What a kind of target cannot do without, and how it is written."""


def verify_alerts(registry: Registry, scribe: Scribe, listeners: tuple[str, ...]) -> None:
    """Writes every error about whom alerts go to, and about when an incident begins and ends."""
    for name, own in registry.alerts.items():
        for at, code, message, cure in _faults(name, own, registry, listeners):
            scribe.error(("alerts", name, *at), code, message, cure)
    for key, bounds in RANGES.items():
        text = getattr(registry.incidents, key, "")
        if text and (cure := out_of(bounds, text)):
            scribe.error(("incidents", key), "bad-value", f"`{text}` is out of range.", cure, value=text)
    notify = registry.notify
    if (
        notify is not None
        and notify.console_url
        and not notify.console_url.startswith(("https://", "http://"))
    ):
        cure = "Write e.g. `console_url: https://trunkline.example.com`."
        scribe.error(("notify", "console_url"), "bad-address", "This is no web address.", cure)


def _faults(name: str, own: Alert, registry: Registry, listeners: tuple[str, ...]) -> Iterator[Fault]:
    if not SAID_NAME.fullmatch(name):
        yield (), "bad-name", f"`{name}` is no name.", "Use letters, digits, `.`, `-`, `_`."
    if cure := out_of(REMIND, own.remind):
        yield ("remind",), "bad-value", f"`{own.remind}` is out of range.", cure
    for n, integration in enumerate(own.integrations):
        if integration not in registry.integrations:
            cure = did_you_mean(integration, registry.integrations) or one_of(registry.integrations)
            yield (
                ("integrations", n),
                "unknown-integration",
                f"There is no integration `{integration}`.",
                cure,
            )
    for n, target in enumerate(listed(own)):
        at: Place = ("to", n) if isinstance(own.to, list) and own.to else ("to",) if own.to else ()
        for below, code, message, cure in _target(target, registry.notify or Notify(), listeners):
            yield (*at, *below), code, message, cure


def _target(own: AlertTarget, notify: Notify, listeners: tuple[str, ...]) -> Iterator[Fault]:
    for key in ("url", "secret", "email"):
        if getattr(own, key) and key not in KEYS_OF[own.kind]:
            yield (key,), "unused-key", f"`{key}` means nothing to `{own.kind}`.", "Remove it."
    needed, cure = NEEDS.get(own.kind, ("", ""))
    if needed and not getattr(own, needed):
        yield (), "missing-key", f"`{own.kind}` needs `{needed}`.", cure
    if own.kind == "notify" and not (notify.webhook or notify.email):
        cure = "Name one under `notify:`, or a target here: `to: {kind: slack, secret: store:SLACK_WEBHOOK}`."
        yield (), "missing-key", "`notify` names nobody to tell.", cure
    if own.kind == "webhook" and own.url and not own.secret:
        cure = "Add `secret: store:WEBHOOK_SECRET`."
        yield (), "missing-secret", "A webhook must be signed, so that its receiver can trust it.", cure
    if own.kind == "email" and own.email and not (notify.smtp and notify.sender):
        cure = "Add `notify: {smtp: smtp://mail.example.com:587, sender: trunkline@example.com}`."
        yield (), "missing-key", "Mails need the mail server and the sender of `notify`.", cure
    if own.url:
        found = judge(own.url.partition("?")[0], listeners=listeners)
        if found.fault:
            yield ("url",), "bad-address", found.fault, "Use https." if found.scheme == "http" else found.cure
    if own.secret and (problem := references.problem(own.secret)):
        yield ("secret",), problem.code, problem.message, problem.cure
