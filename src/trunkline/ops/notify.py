"""Tells targets of an event, once: signed webhook, mail, Slack, Sentry, Datadog.

    delivery = send(notify, "task.failed", {"text": "...", "task": "tsk_...", ...}, secret=value_of)
    delivery = tell(rule.targets, "alert.firing", msgspec.to_builtins(message), secret=value_of)

A webhook is signed as Standard Webhooks say and carries `type`, `timestamp`, `data` and a `text`. Nothing here raises for what is
wrong with a target: a `Delivery` says what went where. Blocking. Not for: trying again (`outbox.py`, the worker's tasks), how a
format looks (`ops/formats`), nor for addresses that callers give (`tasks/webhook.py`).
"""

from __future__ import annotations

import base64
import secrets
import ssl
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from trunkline.core.alerting import Target, targets_of
from trunkline.core.codec import to_json
from trunkline.core.flow import Notify
from trunkline.core.text import rfc3339
from trunkline.ops import mail
from trunkline.ops.formats import datadog, sentry, slack
from trunkline.ops.formats.letter import letter
from trunkline.ops.formats.posting import Posting, Unusable
from trunkline.ops.post import NotSent, post
from trunkline.tasks.webhook import signature

_SLACK = (".slack.com", ".slack-gov.com")

SecretOf = Callable[[str], str]
"""The value behind a reference. Raises ValueError saying why there is none."""


class Sent(msgspec.Struct, frozen=True):
    """What became of one target."""

    channel: str
    """Name of the target: `webhook`, `email`, `slack-2`."""
    where: str
    """Host, or the addresses."""
    ok: bool
    detail: str = ""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event."""

    id: str
    event: str
    at: float
    """Epoch seconds."""
    sent: list[Sent]

    @property
    def ok(self) -> bool:
        """Whether everybody was told; also where there is nobody to tell."""
        return all(one.ok for one in self.sent)

    @property
    def channels(self) -> set[str]:
        """Which were told."""
        return {one.channel for one in self.sent if one.ok}


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    """What is told, with all that telling needs."""

    event: str
    payload: dict[str, Any]
    id: str
    at: float
    secret: SecretOf
    tls: Callable[[], ssl.SSLContext]

    @property
    def text(self) -> str:
        return text_of(self.event, self.payload)


def send(notify: Notify, event: str, payload: dict[str, Any], **options: Any) -> Delivery:
    """Tells everybody of the section `notify`; `options` are those of `tell`."""
    return tell(targets_of(notify), event, payload, **options)


def tell(
    targets: Sequence[Target],
    event: str,
    payload: dict[str, Any],
    *,
    secret: SecretOf,
    message_id: str = "",
    skip: Collection[str] = (),
    wall: Callable[[], float] = time.time,
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
) -> Delivery:
    """Tells all but those named in `skip`. Who tries again gives the same `message_id`, so that a receiver knows it again."""
    one = _Event(
        event=event,
        payload=payload,
        id=message_id or f"msg_{secrets.token_hex(12)}",
        at=wall(),
        secret=secret,
        tls=tls,
    )
    sent = [_told(target, one) for target in targets if target.name not in skip]
    return Delivery(id=one.id, event=event, at=one.at, sent=sent)


def text_of(event: str, payload: dict[str, Any]) -> str:
    """The sentence for people."""
    return str(payload.get("text") or f"Trunkline: {event}")


def body_of(host: str, event: str, payload: dict[str, Any], at: float) -> bytes:
    """What a webhook carries; Slack's own hosts get Slack's form."""
    text = text_of(event, payload)
    if host.endswith(_SLACK):
        return slack.body(payload, text)
    return to_json({"type": event, "timestamp": rfc3339(at), "text": text, "data": payload})


def _told(target: Target, one: _Event) -> Sent:
    where = ", ".join(target.email) if target.kind == "email" else urlsplit(target.url).hostname or ""
    try:
        if target.kind == "email":
            _mail(target, one)
        else:
            for posting in _postings(target, one):
                where = urlsplit(posting.url).hostname or ""
                post(posting.url, posting.fields, posting.body, what=_what(target))
    except NotSent as problem:
        return Sent(target.name, where, ok=False, detail=str(problem))
    return Sent(target.name, where, ok=True)


def _what(target: Target) -> str:
    return "notify.webhook" if target.kind == "webhook" else target.name


def _postings(target: Target, one: _Event) -> Sequence[Posting]:
    if target.kind == "webhook":
        return [_webhook(target, one)]
    value = _value(one.secret, target.secret)
    try:
        if target.kind == "slack":
            return [slack.posting(value, one.payload, one.text)]
        if target.kind == "sentry":
            return sentry.postings(value, one.payload, one.text, one.id, one.at)
        return datadog.postings(target.url, value, one.payload, one.text, one.at)
    except Unusable as problem:
        raise NotSent(f"{target.secret}: {problem}") from None


def _webhook(target: Target, one: _Event) -> Posting:
    body = body_of(urlsplit(target.url).hostname or "", one.event, one.payload, one.at)
    fields = {
        "content-type": "application/json",
        "webhook-id": one.id,
        "webhook-timestamp": str(int(one.at)),
    }
    if target.secret:
        key = _value(one.secret, target.secret)
        if not signs(key):
            raise NotSent(
                f"{target.secret} is no signing secret: it must be whsec_ and the base64 of 16 bytes or more"
            )
        fields["webhook-signature"] = signature(key, one.id, int(one.at), body)
    return Posting(target.url, fields, body)


def _mail(target: Target, one: _Event) -> None:
    written = letter(target.sender, target.email, one.event, one.payload, one.text, one.id)
    mail.deliver(
        target.smtp, target.smtp_user, lambda: _value(one.secret, target.secret), written, tls=one.tls
    )


def _value(secret: SecretOf, ref: str) -> str:
    try:
        return secret(ref)
    except (ValueError, LookupError) as problem:
        why = problem if isinstance(problem, ValueError) else "it does not resolve"
        raise NotSent(f"{ref} cannot be had: {why}") from None


def signs(key: str) -> bool:
    """Whether a signing secret is one; a short or empty key would sign for anybody."""
    try:
        return key.startswith("whsec_") and len(base64.b64decode(key[6:], validate=True)) >= 16
    except ValueError:
        return False
