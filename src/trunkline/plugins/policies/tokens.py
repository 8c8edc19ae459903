"""Browser tokens: short-lived, signed, bound to origin, subject, scopes and spend (W4, ruling 14).

A token is `tlb_` + base64url(payload) + `.` + base64url(HMAC-SHA256); it is checked without any store. The parent key is looked
up at each use, so that revoking it ends its tokens.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets

import msgspec

from trunkline.core.call import Caller
from trunkline.core.codec import DecodeError, json_decoder, to_json
from trunkline.core.errors import CallError
from trunkline.core.scopes import covered

DEFAULT_S = 900.0
LONGEST_S = 3600.0


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says."""

    id: str
    key: str
    origin: str
    subject: str
    scopes: list[str]
    spend_usd: float
    expires_at: float

    def caller(self, parent: Caller) -> Caller:
        """The caller that this token makes: never more than the key that minted it."""
        key = msgspec.structs.replace(parent.key, scopes=narrowed(self.scopes, parent), subject=self.subject)
        caller = Caller(key)
        caller.token_id = self.id
        caller.origin = self.origin
        caller.spend_usd = self.spend_usd
        return caller


_decoder = json_decoder(Token)


def narrowed(scopes: list[str], parent: Caller) -> list[str]:
    """Those scopes that the parent holds as well."""
    return [scope for scope in scopes if covered(scope, parent.key.scopes)]


def minted(
    parent: Caller,
    *,
    origin: str,
    subject: str,
    scopes: list[str],
    spend_usd: float,
    ttl_s: float,
    token_key: bytes,
    now: float,
) -> tuple[str, Token]:
    """A new token. The caller has checked that `parent` may mint for this origin."""
    token = Token(
        id=secrets.token_hex(8),
        key=parent.id,
        origin=origin,
        subject=subject,
        scopes=narrowed(scopes, parent) if scopes else parent.key.scopes,
        spend_usd=spend_usd,
        expires_at=now + min(ttl_s, LONGEST_S),
    )
    payload = to_json(token)
    return f"tlb_{_b64(payload)}.{_b64(hmac.digest(token_key, payload, 'sha256'))}", token


def opened(presented: bytes, token_key: bytes, now: float) -> Token:
    """Raises CallError `unauthenticated`."""
    payload, _, signature = presented[4:].partition(b".")
    try:
        raw = base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))
        given = base64.urlsafe_b64decode(signature + b"=" * (-len(signature) % 4))
    except (binascii.Error, ValueError):
        raise CallError("unauthenticated", "this browser token is malformed") from None
    # Base64 reads one value from many spellings; a token has one.
    if _b64(raw).encode() != payload or _b64(given).encode() != signature:
        raise CallError("unauthenticated", "this browser token is malformed")
    if not token_key or not hmac.compare_digest(given, hmac.digest(token_key, raw, "sha256")):
        raise CallError("unauthenticated", "this browser token was not made by this installation")
    try:
        token = _decoder.decode(raw)
    except DecodeError:
        raise CallError("unauthenticated", "this browser token is malformed") from None
    if now >= token.expires_at:
        raise CallError(
            "unauthenticated", "this browser token has expired; mint a new one with POST /v1/tokens"
        )
    return token


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
