"""Sentry: an event in an envelope, as its SDKs send them (develop.sentry.dev: envelopes, event payloads).

One event for each thing, with a fingerprint of its own, so that Sentry groups what is the same. That something has ended is not
told: an event would open the issue again. Not for: errors of Trunkline's own code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from trunkline import __version__
from trunkline.core.codec import to_json
from trunkline.ops.alerting.message import Item, Message, of_payload
from trunkline.ops.formats.posting import Posting, Unusable, cut

LEVELS = {"info": "info", "warning": "warning", "critical": "error"}
TAG_MAX = 200
MESSAGE_MAX = 1000


def postings(dsn: str, payload: dict[str, Any], text: str, message_id: str, at: float) -> Sequence[Posting]:
    """The requests. `dsn` is what Sentry shows as client key: `https://KEY@HOST/PROJECT`."""
    url, key = _place(dsn)
    told = of_payload(payload)
    if told is None or told.phase == "test" or not told.items:
        events = [("", _event(text, "info", ["trunkline", message_id], {}, {}, message_id, at))]
    elif told.phase == "resolved":
        return []
    else:
        events = [(one.key, _of_item(one, told, message_id, at)) for one in told.items]
    auth = f"Sentry sentry_version=7, sentry_client=trunkline/{__version__}, sentry_key={key}"
    fields = {"content-type": "application/x-sentry-envelope", "x-sentry-auth": auth}
    return [Posting(url, fields, envelope(event, at), item) for item, event in events]


def envelope(event: dict[str, Any], at: float) -> bytes:
    """The event with the headers of envelope and item, a line of JSON each."""
    content = to_json(event)
    head = {"event_id": event["event_id"], "sent_at": _rfc3339(at)}
    item = {"type": "event", "length": len(content), "content_type": "application/json"}
    return b"\n".join((to_json(head), to_json(item), content, b""))


def _of_item(item: Item, told: Message, message_id: str, at: float) -> dict[str, Any]:
    tags = {
        "kind": item.kind,
        "severity": item.severity,
        "integration": item.integration,
        "rule": told.rule,
        "phase": told.phase,
    }
    extra: dict[str, Any] = {
        **item.facts,
        "since": item.since,
        "runbook": item.runbook,
        "command": item.command,
    }
    extra["correlation_ids"] = item.correlation_ids
    known = {name: value for name, value in extra.items() if value}
    event = _event(
        item.title, item.severity, ["trunkline", item.key], tags, known, f"{message_id}:{item.key}", at
    )
    if told.environment:
        event["environment"] = cut(told.environment, 64)
    if item.integration:
        event["transaction"] = cut(item.integration, TAG_MAX)
    return event


def _event(
    text: str, severity: str, fingerprint: list[str], tags: dict[str, str], extra: dict[str, Any], name: str, at: float
) -> dict[str, Any]:  # fmt: skip
    return {
        # Sent again after a doubtful try it has the same id, so that Sentry takes it once.
        "event_id": hashlib.sha256(name.encode()).hexdigest()[:32],
        "timestamp": _rfc3339(at),
        "platform": "other",
        "level": LEVELS[severity],
        "logger": "trunkline",
        "logentry": {"formatted": cut(text, MESSAGE_MAX)},
        "fingerprint": fingerprint,
        "release": f"trunkline@{__version__}",
        "tags": {tag: cut(" ".join(value.split()), TAG_MAX) for tag, value in tags.items() if value},
        "extra": extra,
    }


def _place(dsn: str) -> tuple[str, str]:
    parts = urlsplit(dsn)
    path, _, project = parts.path.rpartition("/")
    if parts.scheme not in ("https", "http") or not (parts.hostname and parts.username and project.isalnum()):
        raise Unusable("what stands there is no DSN; Sentry shows one like https://KEY@HOST/PROJECT")
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{path}/api/{project}/envelope/", parts.username


def _rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
