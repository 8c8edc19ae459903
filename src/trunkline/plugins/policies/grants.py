"""Grants: how the worker runs a deferred call as the caller who asked for it, without that caller's key.

A grant is `tli_` + base64url(payload) + `.` + base64url(HMAC-SHA256), under a key that only this installation's processes can
derive and that signs nothing else. It lives a minute, holds for one request (method, target, idempotency key), and is taken
once. It says whose call it is and never more than the key may now: a key that was revoked or narrowed since rules.
Not for: browsers (`tokens.py`), nor people: nothing hands a grant out.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets

import msgspec

from trunkline.core.call import Caller
from trunkline.core.codec import DecodeError, json_decoder, to_json
from trunkline.core.deferral import Bearer
from trunkline.core.errors import CallError
from trunkline.core.ports import Inbound
from trunkline.plugins.policies.tokens import narrowed

PREFIX = b"tli_"
LIVES_S = 60.0


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a grant says."""

    id: str
    task: str
    bearer: Bearer
    request: str
    """`METHOD target`, which it is for."""
    expires_at: float

    def caller(self, parent: Caller) -> Caller:
        """The caller that this grant makes: the key as it is now, narrowed to what the call was accepted under."""
        bearer = self.bearer
        key = msgspec.structs.replace(
            parent.key, scopes=narrowed(bearer.scopes, parent), subject=bearer.subject, ips=[], origins=[]
        )
        caller = Caller(key)
        caller.token_id = bearer.token
        caller.spend_usd = bearer.spend_usd
        caller.task = self.task
        return caller


_decoder = json_decoder(Grant)


def minted(task: str, bearer: Bearer, method: str, target: str, *, token_key: bytes, now: float) -> str:
    """A grant for one request on behalf of `bearer`."""
    grant = Grant(
        id=secrets.token_hex(8),
        task=task,
        bearer=bearer,
        request=f"{method} {target}",
        expires_at=now + LIVES_S,
    )
    payload = to_json(grant)
    return f"tli_{_b64(payload)}.{_b64(_signature(payload, token_key))}"


class Grants:
    """Opens grants; remembers those that were taken until they have expired."""

    def __init__(self) -> None:
        self._taken: dict[str, float] = {}

    def open(self, presented: bytes, request: Inbound, token_key: bytes, now: float) -> Grant:
        """Raises CallError `unauthenticated`, never telling more."""
        grant = self._read(presented, token_key)
        asked = f"{request.method} {request.target.decode('latin-1')}"
        key = request.fields.get(b"idempotency-key", b"").decode("latin-1")
        fits = grant is not None and grant.request == asked and grant.task == key and bool(grant.task)
        if grant is None or not fits or now >= grant.expires_at or grant.id in self._taken:
            raise CallError("unauthenticated", "this internal grant does not hold")
        if len(self._taken) > 10_000:
            self._taken = {id_: until for id_, until in self._taken.items() if until > now}
        self._taken[grant.id] = grant.expires_at
        return grant

    @staticmethod
    def _read(presented: bytes, token_key: bytes) -> Grant | None:
        payload, _, signature = presented[len(PREFIX) :].partition(b".")
        try:
            raw = base64.b64decode(payload + b"=" * (-len(payload) % 4), b"-_", validate=True)
            given = base64.b64decode(signature + b"=" * (-len(signature) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if not token_key or not hmac.compare_digest(given, _signature(raw, token_key)):
            return None
        try:
            return _decoder.decode(raw)
        except DecodeError:
            return None


def webhook_secret(token_key: bytes, key_id: str) -> str:
    """The secret under which callers' own webhooks are signed (Standard Webhooks): one per caller key, the same over rotations."""
    made = hmac.digest(token_key, b"webhooks of " + key_id.encode(), "sha256")
    return "whsec_" + base64.b64encode(made[:24]).decode()


def address_seal(address: str, token_key: bytes) -> str:
    """With what the gateway shows that it is the one who tells the console an address (`--one-port`)."""
    key = hmac.digest(token_key, b"addresses for the console", "sha256")
    return hmac.digest(key, address.encode(), "sha256").hex()


def _signature(payload: bytes, token_key: bytes) -> bytes:
    # A key of its own: what is signed as a browser token can never pass as a grant, nor the other way round.
    return hmac.digest(hmac.digest(token_key, b"grants of deferred calls", "sha256"), payload, "sha256")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
