"""Who asks: the admin token, a session of the console, or a caller key with a role or with the scope that an endpoint names.

Tokens are compared in constant time, or found by a hash of all of them. What is wrong is counted by address, and too much of it is
refused unlooked-at (`control/lockout.py`). Not for what each may do: endpoints declare that (`declare.py`).
"""

from __future__ import annotations

import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from trunkline.console.identity import Identity
from trunkline.control import sessions
from trunkline.control.lockout import Failures
from trunkline.control.state import State
from trunkline.core.identity import at_least
from trunkline.core.scopes import covered
from trunkline.core.service import CallerKey
from trunkline.plugins.policies.access import within
from trunkline.plugins.policies.grants import address_seal

TOKEN_PREFIX = "tla_"  # noqa: S105 - how a token begins, not one
COOKIE = "trunkline_session"
SESSION_S = sessions.SESSION_S
FROM = "x-trunkline-from"
"""In which the gateway hands on whom it serves the console to (`--one-port`), with a seal that only it can make."""

FindKey = Callable[[str], CallerKey | None]
"""A caller key by its text; None if it is unknown."""


class ExposedToken(ValueError):
    """The admin token may be read by others."""


def admin_token(state_dir: Path) -> str:
    """The admin token, made (256 random bits, mode 0600) at first need. Raises ValueError for one that cannot be used."""
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
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise ExposedToken(f"{path} may be read by others (mode {mode:04o}). Run: chmod 600 {path}")
    token = path.read_text().strip()
    if not token.startswith(TOKEN_PREFIX) or len(token) < 40:
        raise ValueError(f"{path} holds no admin token: delete it, and a new one is made at the next start")
    return token


class Access:
    """Decides who a request is from. `failures` counts what was wrong."""

    def __init__(
        self,
        token: str,
        find_key: FindKey,
        state: State,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._token = token
        self._find_key = find_key
        self._state = state
        self._clock = clock
        self.failures = Failures(state, clock)

    def identify(self, headers: Mapping[str, str], address: str) -> Identity | None:
        """Who it is; None if nobody. Reads the database. Raises LockedOut for wrong tokens from an address that had too many."""
        text = _presented(headers)
        if text:
            found = self._by_token(text, address)
            if found is None and text.startswith((TOKEN_PREFIX, "tl_")):
                self.failures.check(address)
                self.failures.failed("token", address)
            return found
        return self._by_session(headers.get("cookie", ""))

    def has_scope(self, headers: Mapping[str, str], scope: str, address: str) -> bool:
        """Whether a request carries a caller key that is alive, may be used from there, and has a scope."""
        key = self._live(_presented(headers), address) if scope else None
        return key is not None and covered(scope, key.scopes)

    def csrf(self, who: Identity) -> str:
        """What a request of this session must bring along to change anything; a foreign page cannot know it."""
        return hmac.digest(self._state.keys["token_key"], f"csrf|{who.session}".encode(), "sha256").hex()

    def is_csrf(self, who: Identity, given: str) -> bool:
        """Whether a token is this session's."""
        return hmac.compare_digest(given.encode(), self.csrf(who).encode())

    def address(self, headers: Mapping[str, str], peer: str) -> str:
        """Where a request comes from: the peer, or whom the gateway says under its seal."""
        said, _, seal = headers.get(FROM, "").rpartition(" ")
        if said and hmac.compare_digest(
            seal.encode(), address_seal(said, self._state.keys["token_key"]).encode()
        ):
            return said
        return peer

    def still(self, who: Identity, headers: Mapping[str, str], address: str) -> bool:
        """Whether somebody who was let in a while ago still has the same role and teams; for answers without an end."""
        text = _presented(headers)
        return (self._by_token(text, address) if text else self._by_session(headers.get("cookie", ""))) == who

    def _by_token(self, text: str, address: str) -> Identity | None:
        if hmac.compare_digest(text.encode(), self._token.encode()):
            return Identity(kind="token", name="admin", role="admin")
        key = self._live(text, address)
        if key is None:
            return None
        teams = (key.team,) if key.team else None
        return Identity(kind="key", id=key.id, name=key.name, role=key.role, teams=teams)

    def _live(self, text: str, address: str) -> CallerKey | None:
        key = self._find_key(text) if text.startswith("tl_") else None
        if key is None or (key.expires_at and key.expires_at <= self._clock()):
            return None
        return key if not key.ips or within(address, tuple(key.ips)) else None

    def _by_session(self, cookies: str) -> Identity | None:
        cookie = cookie_of(cookies, COOKIE)
        signed = sessions.who(self._state, cookie, now=self._clock()) if cookie else None
        if signed is None or not at_least(signed.role, "viewer"):
            return None
        return Identity(
            kind="session",
            id=signed.user_id,
            name=signed.name,
            role=signed.role,
            teams=signed.teams,
            session=signed.session,
        )


def cookie_of(cookies: str, name: str) -> str:
    """The value of a cookie; empty if there is none, or the field cannot be read."""
    try:
        morsel = SimpleCookie(cookies).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _presented(headers: Mapping[str, str]) -> str:
    """The token or key that a request carries."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else headers.get("x-trunkline-key", "")
