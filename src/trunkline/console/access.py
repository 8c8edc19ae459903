"""Who asks: the admin token, the session that a one-time link opens, or a caller key with the scope that an endpoint names.

Tokens are compared in constant time. Not for what each may do: endpoints declare that (`endpoints.py`).
"""

from __future__ import annotations

import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from trunkline.core.service import CallerKey

TOKEN_PREFIX = "tla_"  # noqa: S105 - how a token begins, not one
COOKIE = "trunkline_session"
LINK_S = 600
SESSION_S = 12 * 3600

FindKey = Callable[[str], CallerKey | None]
"""A caller key by its text; None if it is unknown."""


def admin_token(state_dir: Path) -> str:
    """The admin token, made (256 random bits, mode 0600) at first need."""
    path = state_dir / "admin.token"
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".admin.token.{os.getpid()}")
    if not path.exists():
        fd = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(TOKEN_PREFIX + secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)  # the first of two processes wins, and nobody sees half a token
        except FileExistsError:
            pass
        finally:
            part.unlink()
    token = path.read_text().strip()
    if not token.startswith(TOKEN_PREFIX) or len(token) < 40:
        raise ValueError(f"{path} holds no admin token: delete it, and a new one is made at the next start")
    return token


def sign_in_link(token: str, base_url: str, now: float | None = None) -> str:
    """A link that opens the console once, within ten minutes."""
    expires = int((time.time() if now is None else now) + LINK_S)
    return f"{base_url}/sign-in?link={_sign(token, 'link', f'{expires}.{secrets.token_urlsafe(12)}')}"


class Access:
    """Decides who a request is from. Holds the links that were used; they expire soon."""

    def __init__(self, token: str, find_key: FindKey, clock: Callable[[], float] = time.time) -> None:
        self._token = token
        self._find_key = find_key
        self._clock = clock
        self._used: dict[str, float] = {}

    def role(self, headers: Mapping[str, str]) -> str:
        """The role of a request; empty if it has none."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode()):
            return "admin"
        return "admin" if self._session(headers.get("cookie", "")) else ""

    def has_scope(self, headers: Mapping[str, str], scope: str) -> bool:
        """Whether a request carries a caller key that is alive and has a scope."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        text = headers.get("x-trunkline-key") or (given.strip() if scheme.lower() == "bearer" else "")
        if not scope or not text.startswith("tl_"):
            return False
        key = self._find_key(text)
        alive = key is not None and (not key.expires_at or key.expires_at > self._clock())
        return alive and key is not None and (scope in key.scopes or "*" in key.scopes)

    def open_session(self, link: str) -> str:
        """The cookie's value for a link that is good and was not used; else empty."""
        now = self._clock()
        self._used = {used: until for used, until in self._used.items() if until > now}
        if link in self._used or not self._is_signed(link, "link", now):
            return ""
        self._used[link] = now + LINK_S
        return _sign(self._token, "session", f"{int(now + SESSION_S)}.{secrets.token_urlsafe(12)}")

    def _session(self, cookies: str) -> bool:
        try:
            morsel = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return False
        return morsel is not None and self._is_signed(morsel.value, "session", self._clock())

    def _is_signed(self, text: str, purpose: str, now: float) -> bool:
        payload, _, _ = text.rpartition(".")
        expires, _, _ = payload.partition(".")
        genuine = hmac.compare_digest(text.encode(), _sign(self._token, purpose, payload).encode())
        return genuine and expires.isdigit() and int(expires) > now


def _sign(token: str, purpose: str, payload: str) -> str:
    return f"{payload}.{hmac.digest(token.encode(), f'{purpose}:{payload}'.encode(), 'sha256').hex()}"
