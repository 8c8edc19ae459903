"""Sends one mail over TLS: STARTTLS (`smtp://`) or TLS from the first byte (`smtps://`). Blocking.

Not for: what a mail says (`ops/formats/letter.py`).
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from urllib.parse import urlsplit

from trunkline.ops.post import TIMEOUT_S, NotSent

PORTS = {"smtp": 587, "smtps": 465}


def deliver(
    smtp: str,
    user: str,
    password: Callable[[], str],
    mail: EmailMessage,
    *,
    tls: Callable[[], ssl.SSLContext],
) -> None:
    """Hands it to the mail server. `password` is asked for where there is a user. Raises NotSent."""
    server = urlsplit(smtp)
    host = server.hostname or ""
    if server.scheme not in PORTS or not host:
        raise NotSent("notify.smtp is no smtp:// or smtps:// address")
    port = server.port or PORTS[server.scheme]
    try:
        if server.scheme == "smtps":
            session: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=tls())
        else:
            session = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
        try:
            if server.scheme == "smtp":
                _secure(session, host, tls)
            if user:
                session.login(user, password())
            refused = session.send_message(mail)
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


def _secure(session: smtplib.SMTP, host: str, tls: Callable[[], ssl.SSLContext]) -> None:
    session.ehlo_or_helo_if_needed()
    if session.has_extn("starttls"):
        session.starttls(context=tls())
    else:
        raise NotSent(
            f"the mail server {host} offers no STARTTLS, and mails go out encrypted only; switch TLS on there, or name it by smtps://"
        )
