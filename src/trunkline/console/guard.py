"""Stands before everything: refuses requests that a foreign page or name sent here, and sets the security headers.

A console on loopback is reachable by every page in the user's browser (DNS rebinding); so `Host` must be one of ours, and
`Origin`, where there is one, must be this very host. A pure ASGI wrapper; who asks is `access.py`'s.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trunkline.console.failure import refusal

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def allowed_hosts(bound: str, more: Iterable[str] = ()) -> frozenset[str]:
    """Names under which the console may be asked for: loopback, the address it is bound to, and declared ones."""
    literal = f"[{bound}]" if ":" in bound else bound
    wild = bound in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
    return frozenset((*LOOPBACK, *(name.lower() for name in more), *(() if wild else (literal.lower(),))))


def content_policy(style: str) -> bytes:
    """Nothing may be loaded or run; the one style sheet is known by its hash."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ).encode()


class Guard:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], style: str) -> None:
        self._app = app
        self._hosts = hosts
        self._headers = (*HEADERS, (b"content-security-policy", content_policy(style)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trouble = self._trouble(scope["headers"])
        app = refusal(*trouble) if trouble else self._app

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(one for one in self._headers if one[0] not in there),
                ]
            await send(message)

        await app(scope, receive, sealed)

    def _trouble(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str] | None:
        """Code and message of the refusal; None if the request may pass."""
        fields = [(name, value.decode("latin-1")) for name, value in headers]
        hosts = [value.lower() for name, value in fields if name == b"host"]
        origins = [value.lower() for name, value in fields if name == b"origin"]
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in fields}:
            return "invalid_request", "a request has either content-length or transfer-encoding, not both"
        if len(hosts) != 1 or not (found := _HOST.fullmatch(hosts[0])):
            return "invalid_request", "a request needs exactly one valid Host header"
        if found[1] not in self._hosts:
            return "forbidden", (
                f"the console is not served as {found[1]!r}: use 127.0.0.1, or name it in TRUNKLINE_CONSOLE_HOSTS"
            )
        if any(urlsplit(origin).netloc != hosts[0] for origin in origins):
            return "forbidden", f"a page of {origins[0]!r} may not use the console"
        return None
