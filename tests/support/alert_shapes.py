"""What Slack, Sentry and Datadog publish about what they take, as checks in our own words. Each names its source.

Not for: what an alert says (`tests/unit/ops/formats`).
"""

from __future__ import annotations

import json
import re
from typing import Any

MENTION = re.compile(r"<(?!https?://)[^>]*>")


def check_slack(body: bytes) -> dict[str, Any]:
    """An incoming webhook's message: docs.slack.dev, "Sending messages using incoming webhooks" and the Block Kit reference."""
    told: dict[str, Any] = json.loads(body)
    assert set(told) <= {"text", "blocks"}
    assert told["text"], "what notifications and screen readers say"
    blocks = told.get("blocks", [])
    assert len(blocks) <= 50
    for block in blocks:
        _block(block)
    return told


def _block(block: dict[str, Any]) -> None:
    if block["type"] == "header":
        assert set(block) == {"type", "text"}
        assert block["text"]["type"] == "plain_text"
        assert 1 <= len(block["text"]["text"]) <= 150
    elif block["type"] == "section":
        assert set(block) == {"type", "text"}
        _mrkdwn(block["text"], 3000)
    else:
        assert (block["type"], set(block)) == ("context", {"type", "elements"})
        assert 1 <= len(block["elements"]) <= 10
        for element in block["elements"]:
            _mrkdwn(element, 3000)


def _mrkdwn(text: dict[str, Any], most: int) -> None:
    assert set(text) == {"type", "text"}
    assert text["type"] == "mrkdwn"
    assert 1 <= len(text["text"]) <= most
    assert not MENTION.search(text["text"]), "only links: `<!channel>` would call everybody"
    assert not re.search(r"&(?!amp;|lt;|gt;)", text["text"])


def check_sentry(body: bytes) -> dict[str, Any]:
    """An envelope with one event: develop.sentry.dev, "Envelopes", "Envelope items", "Event payloads"."""
    head, item_head, rest = body.split(b"\n", 2)
    told, item = json.loads(head), json.loads(item_head)
    assert set(told) <= {"event_id", "sent_at", "dsn", "sdk", "trace"}
    assert item["type"] == "event"
    content, end = rest[: item["length"]], rest[item["length"] :]
    assert end in (b"", b"\n"), "length counts the bytes of the payload"
    event: dict[str, Any] = json.loads(content)
    assert re.fullmatch(r"[0-9a-f]{32}", event["event_id"])
    assert event["event_id"] == told["event_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["timestamp"])
    assert event["level"] in ("fatal", "error", "warning", "info", "debug")
    assert event["platform"] == "other"
    assert len(event["logentry"]["formatted"]) <= 8192
    assert all(isinstance(part, str) for part in event["fingerprint"])
    for tag, value in event["tags"].items():
        assert re.fullmatch(r"[a-zA-Z0-9_.:-]{1,32}", tag)
        assert 1 <= len(value) <= 200
        assert "\n" not in value
    assert len(event.get("environment", "")) <= 64
    return event


DATADOG_FIELDS = {
    "aggregation_key", "alert_type", "date_happened", "device_name", "host", "priority", "related_event_id",
    "source_type_name", "tags", "text", "title",
}  # fmt: skip


def check_datadog(body: bytes) -> dict[str, Any]:
    """An event of the event stream: docs.datadoghq.com, API reference, Events, "Post an event" (v1)."""
    told: dict[str, Any] = json.loads(body)
    assert {"title", "text"} <= set(told) <= DATADOG_FIELDS
    assert 1 <= len(told["title"]) <= 100
    assert 1 <= len(told["text"]) <= 4000
    assert len(told.get("aggregation_key", "")) <= 100
    assert told["alert_type"] in (
        "error",
        "warning",
        "info",
        "success",
        "user_update",
        "recommendation",
        "snapshot",
    )
    assert told["priority"] in ("normal", "low")
    assert isinstance(told["date_happened"], int)
    for tag in told["tags"]:
        assert re.fullmatch(r"[a-z][a-z_]*:.+", tag)
        assert len(tag) <= 200
    return told
