"""OAuth 2.0 toward vendors: what is asked of a token endpoint and what its answers mean (RFC 6749, sections 4.4, 5 and 6). Pure.

The signer of this scheme carries nothing until a token was fetched. Not for: fetching (`gateway/tokens.py`).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.service import Auth
from trunkline.plugins.auth.ready import line

LONGEST_TOKEN = 16384
_CURES = {
    "invalid_client": "check client id and secret, and whether the vendor wants them in the body (`client_auth: post`)",
    "invalid_grant": "the refresh token is expired, used up or revoked: give consent at the vendor again and store the new one",
    "unauthorized_client": "allow this grant to the client in the vendor's console",
    "unsupported_grant_type": "choose another `grant`; this vendor does not know it",
    "invalid_scope": "correct `scopes`; the vendor does not give all of them to this client",
    "invalid_request": "see the vendor's documentation for what its token endpoint wants",
    "access_denied": "allow this client in the vendor's console",
    "invalid_target": "correct `audience`",
}
"""By the codes of RFC 6749, section 5.2, and a few that vendors add."""


class Fetched:
    """The header line of a token that comes and goes; never shown."""

    __slots__ = ("_auth", "fields", "query")

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self.fields = b""
        self.query = b""

    def carry(self, token: str) -> None:
        """Raises ValueError (without the token) when no header can carry it."""
        template = "Bearer {secret}" if self._auth.template == "{secret}" else self._auth.template
        self.fields = line(self._auth.name or "authorization", template.replace("{secret}", token))

    def __repr__(self) -> str:
        return "Fetched(***)"


def prepare(auth: Auth, secret: str) -> Fetched:
    """A signer without a token yet; the secret is only for the token endpoint."""
    del secret
    return Fetched(auth)


class Token(NamedTuple):
    """What a token endpoint gave. `life_s` is None where it did not say; `refresh` is empty unless it gave a new one."""

    text: str
    life_s: float | None = None
    refresh: str = ""

    def __repr__(self) -> str:
        return f"Token(***, life_s={self.life_s})"


class TokenRefused(Exception):
    """No token: the message says why and the cure. `final`: asking again as it is will not help."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


def token_request(auth: Auth, secret: str, refresh: str) -> tuple[bytes, bytes]:
    """Header lines and form of a token request (sections 4.4.2 and 6; client authentication by section 2.3.1)."""
    client, secret = (auth.client_id, secret) if auth.client_id else _pair(secret)
    form: dict[str, str] = {"grant_type": auth.grant}
    if auth.grant == "refresh_token":
        form["refresh_token"] = refresh
    if auth.scopes:
        form["scope"] = " ".join(auth.scopes)
    if auth.audience:
        form["audience"] = auth.audience
    lines = b"content-type: application/x-www-form-urlencoded\r\naccept: application/json\r\n"
    if auth.client_auth == "post":
        form |= {"client_id": client, "client_secret": secret}
    else:
        pair = f"{quote_plus(client)}:{quote_plus(secret)}".encode()
        lines += b"authorization: Basic " + base64.b64encode(pair) + b"\r\n"
    return lines, urlencode(form).encode()


def _pair(secret: str) -> tuple[str, str]:
    client, _, rest = secret.partition(":")
    return client, rest


def token_of(status: int, body: bytes, blot: Callable[[str], str]) -> Token:
    """The token in an answer. `blot` takes our credentials out of the endpoint's words. Raises TokenRefused."""
    try:
        told = from_json(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        told = None
    told = told if isinstance(told, dict) else {}
    if status >= 300 or "error" in told:
        raise _refusal(status, told, blot)
    text, kind = told.get("access_token"), str(told.get("token_type") or "bearer")
    if not isinstance(text, str) or not text or len(text) > LONGEST_TOKEN:
        raise TokenRefused(
            f"the token endpoint answered {status} without an `access_token`; check `token_url`"
        )
    if kind.lower() != "bearer":
        raise TokenRefused(
            f"the token endpoint gave a token of type {kind[:40]!r}; only bearer is known", final=True
        )
    refresh = told.get("refresh_token")
    return Token(text, _seconds(told.get("expires_in")), refresh if isinstance(refresh, str) else "")


def _seconds(said: Any) -> float | None:
    """Some vendors write the number as a text."""
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _refusal(status: int, told: dict[str, Any], blot: Callable[[str], str]) -> TokenRefused:
    code = told.get("error")
    code = code if isinstance(code, str) and code.replace("_", "").isalnum() and len(code) <= 60 else ""
    if 300 <= status < 400:
        return TokenRefused(
            f"the token endpoint redirects ({status}); set `token_url` to where it leads", final=True
        )
    said = told.get("error_description")
    said = f" ({blot(said)[:200]})" if isinstance(said, str) and said.isprintable() else ""
    final = code in _CURES or (400 <= status < 500 and status not in (408, 425, 429))
    cure = _CURES.get(code, "check `token_url` and the client" if final else "it is asked again by itself")
    return TokenRefused(
        f"the token endpoint answered {status} {code or 'without a reason'}{said}: {cure}", final=final
    )
