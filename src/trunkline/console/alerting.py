"""Alerts in the admin API: the rules and what they have told, a test, and sending again what was given up.

The notices themselves stand at `/api/notices`. Not for: deciding and sending (`attending.py`, `telling.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from trunkline.console.declare import Endpoint, Nothing
from trunkline.console.identity import Identity
from trunkline.control import alerting as control
from trunkline.control.alerting import RuleStanding
from trunkline.core.errors import CallError
from trunkline.ops.notify import Delivery
from trunkline.ops.outbox import Notice

if TYPE_CHECKING:
    from trunkline.console.context import Console

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class AlertQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule."""

    name: Text


class NoticeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One notice."""

    id: Text


class AlertsReply(msgspec.Struct, frozen=True):
    """The rules, and what each has told that still lasts."""

    rules: list[RuleStanding]


def alerts(console: Console, query: Nothing) -> Any:
    """Who is told of what."""
    if console.published.snapshot() is None:
        return AlertsReply([])
    return AlertsReply(control.standing(console.state))


def try_out(console: Console, query: AlertQuery, who: Identity) -> Any:
    """Tells everybody of a rule that this is a test."""
    try:
        return control.try_out(console.state, query.name, actor=who.actor, now=console.clock())
    except control.AlertProblem as problem:
        raise CallError("not_found", str(problem)) from None


def retry(console: Console, query: NoticeQuery, who: Identity) -> Any:
    """Sends a notice again that was given up."""
    try:
        return control.retry(console.state, query.id, actor=who.actor, now=console.clock())
    except control.AlertProblem as problem:
        raise CallError("invalid_request", str(problem)) from None


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/alerts", role="viewer", name="alerts", summary="Who is told of what, and what lasts",
        reply=AlertsReply, handler=alerts,
    ),
    Endpoint(
        method="POST", path="/api/alerts/{name}/test", role="operator", name="test_alert",
        summary="Tell everybody of a rule that this is a test", query=AlertQuery, reply=Delivery, handler=try_out,
    ),
    Endpoint(
        method="POST", path="/api/notices/{id}/retry", role="operator", name="retry_notice",
        summary="Send a notice again that was given up", query=NoticeQuery, reply=Notice, handler=retry,
    ),
)  # fmt: skip
