"""Datadog: events of the event stream (docs.datadoghq.com, Post an event, v1).

Bounds as published: a title of 100 characters, a text of 4,000 (Markdown between `%%%`), an aggregation key of 100. One event for
each thing; that it has ended is an event of the type `success` with the same key. Not for: metrics, logs, monitors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from trunkline.core.codec import to_json
from trunkline.ops.alerting.message import Item, Message, of_payload
from trunkline.ops.formats.posting import Posting, Unusable, cut

PATH = "/api/v1/events"
TYPES = {"info": "info", "warning": "warning", "critical": "error"}
TITLE_MAX, TEXT_MAX, TAG_MAX = 100, 4000, 200


def postings(address: str, key: str, payload: dict[str, Any], text: str, at: float) -> Sequence[Posting]:
    """The requests. `address` is that of the site's API, `key` an API key."""
    if not key.isalnum():
        raise Unusable("what stands there is no API key of Datadog, which has letters and digits alone")
    told = of_payload(payload)
    if told is None or told.phase == "test" or not told.items:
        events = [("", {"title": cut(text, TITLE_MAX), "text": cut(text, TEXT_MAX), "alert_type": "info"})]
    else:
        events = [(one.key, _of_item(one, told)) for one in told.items]
    fields = {"content-type": "application/json", "dd-api-key": key}
    said = {"date_happened": int(at), "priority": "normal"}
    return [
        Posting(address + PATH, fields, to_json({"tags": ["service:trunkline"], **event, **said}), item)
        for item, event in events
    ]


def _of_item(item: Item, told: Message) -> dict[str, Any]:
    ended = told.phase == "resolved"
    head = {"firing": "", "reminder": "Still open: ", "resolved": "Resolved: "}.get(told.phase, "")
    tags = {
        "service": "trunkline",
        "env": told.environment,
        "integration": item.integration,
        "kind": item.kind,
        "severity": item.severity,
        "rule": told.rule,
    }
    return {
        "title": cut(head + item.title, TITLE_MAX),
        "text": _text(item),
        "alert_type": "success" if ended else TYPES[item.severity],
        "aggregation_key": "trunkline-" + hashlib.sha256(item.key.encode()).hexdigest()[:32],
        "tags": [cut(f"{name}:{value}", TAG_MAX) for name, value in tags.items() if value],
    }


def _text(item: Item) -> str:
    lines = [item.title, "", *(f"- {name}: {value}" for name, value in item.facts.items())]
    for name, value in (("since", item.since), ("until", item.until), ("runbook", item.runbook)):
        if value:
            lines.append(f"- {name}: {value}")
    if item.command:
        lines.append(f"- more: `{item.command}`")
    if item.correlation_ids:
        lines.append(f"- calls: {', '.join(item.correlation_ids)}")
    return "%%%\n" + cut("\n".join(lines), TEXT_MAX - 8) + "\n%%%"
