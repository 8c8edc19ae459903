"""Tells the registry's targets (`notify`) of an event, once: a signed webhook, mails, or both.

    delivery = send(notify, "budget.share", {"text": "...", "budget": "all", ...}, secret=value_of)

The webhook is signed as Standard Webhooks say and carries `type`, `timestamp`, `data` and a `text`, which Slack and those who speak
its form show; to Slack itself goes the text alone. Mail goes by TLS only. Nothing here raises for what is wrong with a target: a
`Delivery` says what went where. Blocking. Not for: trying again (`outbox.py`, the worker's tasks), nor for addresses that callers
give (`tasks/webhook.py`).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import secrets
import smtplib
import ssl
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from trunkline import __version__
from trunkline.core.codec import to_json
from trunkline.core.flow import Notify
from trunkline.tasks.webhook import signature
from trunkline.wire.client import Client
from trunkline.wire.errors import WireError
from trunkline.wire.origin import Origin

TIMEOUT_S = 15.0
_WEB_PORTS = {"http": 80, "https": 443}
_MAIL_PORTS = {"smtp": 587, "smtps": 465}
_SLACK = (".slack.com", ".slack-gov.com")

SecretOf = Callable[[str], str]
"""The value behind a reference. Raises ValueError saying why there is none."""


class NotSent(Exception):
    """One target could not be told; says why, without any secret."""


class Sent(msgspec.Struct, frozen=True):
    """What became of one target."""

    channel: str
    """`webhook` or `email`."""
    where: str
    """Host of the webhook, or the addresses."""
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


def send(
    notify: Notify,
    event: str,
    payload: dict[str, Any],
    *,
    secret: SecretOf,
    message_id: str = "",
    skip: Collection[str] = (),
    wall: Callable[[], float] = time.time,
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
) -> Delivery:
    """Tells everybody but the channels of `skip`. Who tries again gives the same `message_id`, so that a receiver knows it again."""
    message_id = message_id or f"msg_{secrets.token_hex(12)}"
    at, sent = wall(), []
    for channel, where, tell in _targets(notify, event, payload, message_id, at, secret, tls):
        if channel in skip:
            continue
        try:
            tell()
        except NotSent as problem:
            sent.append(Sent(channel, where, ok=False, detail=str(problem)))
        else:
            sent.append(Sent(channel, where, ok=True))
    return Delivery(id=message_id, event=event, at=at, sent=sent)


def _targets(
    notify: Notify,
    event: str,
    payload: dict[str, Any],
    message_id: str,
    at: float,
    secret: SecretOf,
    tls: Callable[[], ssl.SSLContext],
) -> Iterator[tuple[str, str, Callable[[], None]]]:
    if notify.webhook:
        url = urlsplit(notify.webhook)
        yield (
            "webhook",
            url.hostname or "",
            lambda: _webhook(notify, url, event, payload, message_id, at, secret),
        )
    if notify.email:
        where = ", ".join(notify.email)
        yield "email", where, lambda: _mail(notify, event, payload, message_id, secret, tls)


def text_of(event: str, payload: dict[str, Any]) -> str:
    """The sentence for people."""
    return str(payload.get("text") or f"Trunkline: {event}")


def body_of(host: str, event: str, payload: dict[str, Any], at: float) -> bytes:
    """What a webhook carries."""
    text = text_of(event, payload)
    if host.endswith(_SLACK):
        return to_json({"text": text})
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return to_json({"type": event, "timestamp": when, "text": text, "data": payload})


def _webhook(
    notify: Notify, url: SplitResult, event: str, payload: dict[str, Any], message_id: str, at: float, secret: SecretOf
) -> None:  # fmt: skip
    host = url.hostname or ""
    if url.scheme not in _WEB_PORTS or not host or (url.scheme == "http" and not _loopback(host)):
        raise NotSent("the address of notify.webhook is not https")
    body = body_of(host, event, payload, at)
    fields = {
        "host": url.netloc.rpartition("@")[2],
        "user-agent": f"Trunkline/{__version__}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at)),
    }
    if notify.webhook_secret:
        key = _value(secret, notify.webhook_secret)
        if not _signs(key):
            raise NotSent(
                f"{notify.webhook_secret} is no signing secret: it must be whsec_ and the base64 of 16 bytes or more"
            )
        fields["webhook-signature"] = signature(key, message_id, int(at), body)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    head = f"POST {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items()) + "\r\n"
    try:
        status = asyncio.run(_post(_origin(url), head.encode("ascii"), body))
    except (WireError, TimeoutError, UnicodeEncodeError) as problem:
        raise NotSent(f"{type(problem).__name__}: {problem}".rstrip(": ")) from None
    if not 200 <= status < 300:
        raise NotSent(f"it answered {status}")


def _origin(url: SplitResult) -> Origin:
    """An operator's own address, so it may be a private one; what no vendor may be (metadata, link-local) it may not be either."""
    host = url.hostname or ""
    proxies = {} if urllib.request.proxy_bypass(host) else urllib.request.getproxies()
    proxy = proxies.get("https") if url.scheme == "https" else None
    return Origin(url.scheme, host, url.port or _WEB_PORTS[url.scheme], private=True, proxy=proxy)


async def _post(origin: Origin, head: bytes, body: bytes) -> int:
    client = Client()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            response = await client.open(origin, b"POST", head, body).ready
            status: int = response.status
            response.abort()
            return status
    finally:
        await client.close()


def _mail(
    notify: Notify,
    event: str,
    payload: dict[str, Any],
    message_id: str,
    secret: SecretOf,
    tls: Callable[[], ssl.SSLContext],
) -> None:
    server = urlsplit(notify.smtp)
    host = server.hostname or ""
    if server.scheme not in _MAIL_PORTS or not host:
        raise NotSent("notify.smtp is no smtp:// or smtps:// address")
    port = server.port or _MAIL_PORTS[server.scheme]
    try:
        if server.scheme == "smtps":
            session: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=tls())
        else:
            session = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
        try:
            if server.scheme == "smtp":
                session.starttls(context=tls())
            if notify.smtp_user:
                session.login(notify.smtp_user, _value(secret, notify.smtp_secret))
            refused = session.send_message(letter(notify, event, payload, message_id))
        finally:
            # However the farewell goes, it changes nothing about the mail.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                session.quit()
    except smtplib.SMTPAuthenticationError as problem:
        raise NotSent(f"the mail server refused user and password ({problem.smtp_code})") from None
    except (smtplib.SMTPException, OSError, ValueError) as problem:
        raise NotSent(f"{type(problem).__name__}: {problem}") from None
    if refused:
        raise NotSent(f"the mail server refused {', '.join(refused)}")


def letter(notify: Notify, event: str, payload: dict[str, Any], message_id: str) -> EmailMessage:
    """The mail: the sentence as subject and first line, then the facts."""
    text = text_of(event, payload)
    mail = EmailMessage()
    mail["From"] = notify.sender or notify.email[0]
    mail["To"] = ", ".join(notify.email)
    mail["Subject"] = " ".join(text.split())[:200]
    mail["Message-ID"] = f"<{message_id}@trunkline>"
    mail["X-Trunkline-Event"] = event
    facts = "\n".join(f"{name}: {value}" for name, value in payload.items() if name != "text")
    mail.set_content(f"{text}\n\n{facts}\n")
    return mail


def _value(secret: SecretOf, ref: str) -> str:
    try:
        return secret(ref)
    except ValueError as problem:
        raise NotSent(f"{ref} cannot be had: {problem}") from None


def _signs(key: str) -> bool:
    """Whether a signing secret is one; a short or empty key would sign for anybody."""
    try:
        return key.startswith("whsec_") and len(base64.b64decode(key[6:], validate=True)) >= 16
    except ValueError:
        return False


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
