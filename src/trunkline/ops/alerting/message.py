"""An alert as it is told: one or several things at once, that they began, last, or ended. Pure.

It travels as the `data` of a webhook and as the payload of a notice; the other formats are made from it (`ops/formats`).
Not for: what is told when (`decide.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from trunkline.core.alerting import SEVERITIES, Severity

Phase = Literal["firing", "reminder", "resolved", "test"]
LISTED_MAX = 20
"""Of more things than these only the number is told."""
TEXT_MAX = 1000


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that needs, or needed, a person."""

    key: str
    """The same for the same thing; receivers group by it."""
    kind: str
    severity: Severity
    title: str
    integration: str = ""
    since: str = ""
    """RFC 3339."""
    until: str = ""
    """When it ended; empty while it lasts."""
    runbook: str = ""
    """Address of what to do."""
    command: str = ""
    """The command that shows more."""
    correlation_ids: list[str] = []
    facts: dict[str, str] = {}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What one notice says."""

    phase: Phase
    rule: str
    severity: Severity
    """The worst of its items."""
    text: str
    """One sentence for people."""
    environment: str
    items: list[Item]
    more: int = 0
    """How many things are not listed."""
    console: str = ""
    """Address of the console."""


def message(
    phase: Phase, rule: str, items: Sequence[Item], *, environment: str = "", console: str = ""
) -> Message:
    """The worst first; of very many only the number."""
    ordered = sorted(items, key=lambda one: -SEVERITIES.index(one.severity))
    return Message(
        phase=phase,
        rule=rule,
        severity=ordered[0].severity if ordered else "info",
        text=_text(phase, ordered, environment),
        environment=environment,
        items=ordered[:LISTED_MAX],
        more=max(0, len(ordered) - LISTED_MAX),
        console=console,
    )


def of_payload(payload: dict[str, Any]) -> Message | None:
    """The message that a notice holds; None for a notice of another sort, which has a `text` only."""
    try:
        return msgspec.convert(payload, Message)
    except msgspec.ValidationError:
        return None


def event_of(phase: Phase) -> str:
    """The type of the event, e.g. `alert.firing`."""
    return f"alert.{phase}"


def _text(phase: Phase, items: Sequence[Item], environment: str) -> str:
    where = f" [{environment}]" if environment else ""
    if phase == "test":
        return f"Trunkline{where}: a test of this alert; nothing is wrong."
    if not items:
        return f"Trunkline{where}: nothing."
    head = {"firing": items[0].severity, "reminder": f"still {items[0].severity}", "resolved": "resolved"}[
        phase
    ]
    if len(items) == 1:
        return f"Trunkline{where} {head}: {items[0].title}"[:TEXT_MAX]
    titles = "; ".join(one.title for one in items[:5])
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    return f"Trunkline{where} {head}: {len(items)} at once: {titles}{more}"[:TEXT_MAX]
