"""Who calls, and may they: keys by keyed hash, browser tokens, addresses, origins, scopes.

`identify` runs before anything else of a call; `admit` checks the resolved route against the scopes. Not for: how much they may
call (`quota.py`).
"""

from __future__ import annotations

import fnmatch
import hmac
import ipaddress
import secrets
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import blake2b

from trunkline.core.call import Caller, Route
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.lockout import Lock, Lockouts, Rules, address_subject
from trunkline.core.persons import person_hash
from trunkline.core.ports import Inbound
from trunkline.core.service import CallerKey, Callers, Operation
from trunkline.plugins.policies import grants, jwt
from trunkline.plugins.policies.tokens import opened

_PLACES = (b"x-trunkline-key", b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key")
_OTHER_PLACES = frozenset(_PLACES) - {b"authorization"}
_REMEMBERED = 10_000
WRONG_KEYS = Rules(failures=100, within_s=60.0, lock_s=60.0)
"""So many wrong keys from one address, and further wrong ones are refused without a look at the files. Right ones always pass, so
that nobody behind the same address is locked out with it, and 256 random bits are not guessed in the meantime."""
_LOCKS_KEPT = 100
EXPOSED = (
    b"x-correlation-id, x-trunkline-integration, x-trunkline-model, x-trunkline-attempts, "
    b"x-trunkline-overhead-ms, x-trunkline-cost-usd, x-trunkline-simulated, retry-after, retry-after-ms, x-should-retry, "
    b"request-id, x-request-id, x-trunkline-error-source, x-trunkline-error-code, x-trunkline-error-retryable, "
    b"x-trunkline-error-retry-at, x-trunkline-error-action, x-trunkline-error-scope, "
    b"x-trunkline-fallback, x-trunkline-repair, "
    b"x-trunkline-cache, x-trunkline-idempotent-replay, idempotent-replayed, ratelimit, ratelimit-policy, x-ratelimit-limit-requests, "
    b"x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, "
    b"x-ratelimit-reset-tokens"
)


class Access:
    """Holds the live keys. `refresh` is asked once when a key is unknown, since it may have been made a moment ago."""

    def __init__(
        self,
        callers: Callers,
        pepper: bytes,
        token_key: bytes,
        *,
        wall: Callable[[], float],
        trusted_proxies: tuple[str, ...] = (),
    ) -> None:
        self._wall = wall
        self._killed: frozenset[str] = frozenset()
        self._dead: frozenset[str] = frozenset()
        self._jwt = jwt.Jwt()
        self.wrong = Lockouts(WRONG_KEYS)
        """Addresses that send wrong keys."""
        self.locks: list[Lock] = []
        """Lockouts that have begun and nobody was told of yet."""
        self._used: set[Caller] = set()
        self._keys: list[CallerKey] = []
        self._known: dict[bytes, Caller] = {}
        """Keys that were let in since the last load, by a hash under a key of this process."""
        self._mark_key = secrets.token_bytes(32)
        self._proxies = tuple(ipaddress.ip_network(p) for p in trusted_proxies)
        self._grants = grants.Grants()
        self.refresh: Callable[[], bool] = lambda: False
        self.load(callers, pepper, token_key)

    @property
    def dead(self) -> frozenset[str]:
        """Ids of keys that were killed since they were loaded, and of those that were made with them."""
        return self._dead

    @dead.setter
    def dead(self, ids: frozenset[str]) -> None:
        self._killed = ids
        heirs = (key.id for key in self._keys if not ids.isdisjoint(key.parents)) if ids else ()
        self._dead = ids.union(heirs)
        self.epoch = object()

    def load(self, callers: Callers, pepper: bytes, token_key: bytes) -> None:
        """Takes over a new set of keys."""
        self.epoch = object()
        """Another one whenever what `identify` says of a request may have changed, save by the passing of time."""
        self._pepper = pepper
        self.token_key = token_key
        self._salt = callers.subject_salt
        self._keys = callers.keys
        self._jwt.load(callers.issuers, callers.team_scopes)
        for subject, at in callers.unlocked.items():
            self.wrong.lift(subject, at)
        self._by_hash = {key.hash: Caller(key) for key in callers.keys}
        self._ended = {one.hash: one for one in callers.ended}
        self._forget()
        self._by_id = {caller.id: caller for caller in self._by_hash.values()}
        self.origins = self._jwt.origins.union(origin for key in callers.keys for origin in key.origins)
        self.dead = self._killed

    def uses(self) -> Iterator[Caller]:
        """Keys (by version) and owners of tokens that were let in since this was asked before."""
        self._forget()
        used, self._used = self._used, set()
        self.epoch = object()
        return iter(used)

    def _forget(self) -> None:
        """Keys are looked up anew; which were used is kept, as far as anybody asks for it."""
        if len(self._used) < _REMEMBERED:
            self._used.update(self._known.values())
        self._known = {}

    @property
    def unknown_issuers(self) -> set[str]:
        """Issuers whose keys should be fetched again."""
        return self._jwt.missed

    def identify(self, request: Inbound) -> Caller:
        """Raises `unauthenticated` or `forbidden`, never telling which part of a key was wrong."""
        presented = credential(request, tokens=not self._jwt.idle)
        if presented.startswith((b"tlb_", grants.PREFIX)):
            try:
                if presented.startswith(grants.PREFIX):
                    return self._granted(presented, request)
                return self._browser(presented, request)
            except CallError as refusal:
                raise self._wrong(request, refusal) from None
        # OpenSSL's HMAC costs as much as half a call; a keyed BLAKE2 (RFC 7693) finds a key again that it has let in before.
        mark = blake2b(presented, key=self._mark_key, digest_size=32).digest()
        caller = self._known.get(mark) or self._look_up(presented, mark, request)
        key = caller.key
        if self._dead and caller.id in self._dead:
            raise CallError("unauthenticated", f"the key {key.name!r} was revoked")
        if key.expires_at or key.ips or b"origin" in request.fields:
            self._check(caller, request)
        return caller

    def _look_up(self, presented: bytes, mark: bytes, request: Inbound) -> Caller:
        if presented.startswith(jwt.PREFIX):
            try:
                caller = self._jwt.caller(presented, self._wall())
            except CallError as refusal:
                raise self._wrong(request, refusal) from None
        else:
            caller = self._by_key(presented, request)
        if len(self._known) >= _REMEMBERED:
            self._forget()
        self._known[mark] = caller
        return caller

    def _by_key(self, presented: bytes, request: Inbound) -> Caller:
        digest = hmac.digest(self._pepper, presented, "sha256")
        caller = self._by_hash.get(digest)
        if caller is None and not self._is_locked(request) and self.refresh():
            caller = self._by_hash.get(digest)
        if caller is None and (ended := self._ended.get(digest)) is not None:
            # Who has a text that we made is told what became of it, and does not count as guessing.
            raise CallError("unauthenticated", f"the key {ended.name!r} {ended.why}")
        if caller is None:
            text = "this Trunkline key is not known (revoked, mistyped, or of another installation)"
            raise self._wrong(request, CallError("unauthenticated", text))
        return caller

    def _is_locked(self, request: Inbound) -> float:
        return self.wrong.until(address_subject(self.address(request)), self._wall())

    def _wrong(self, request: Inbound, refusal: CallError) -> CallError:
        """Counts a wrong key; what to answer instead of `refusal` once there were too many from this address."""
        if refusal.code != "unauthenticated":
            return refusal
        subject, now = address_subject(self.address(request)), self._wall()
        until = self.wrong.until(subject, now)
        lock = self.wrong.failed(subject, now)
        if lock is not None and len(self.locks) < _LOCKS_KEPT:
            self.locks.append(lock)
        if not until:
            return refusal
        return CallError("caller_rate_limited", "too many wrong keys came from this address", retry_at=until)

    def _check(self, caller: Caller, request: Inbound) -> None:
        key = caller.key
        if key.expires_at and self._wall() >= key.expires_at:
            raise CallError("unauthenticated", f"the key {key.name!r} has expired")
        if key.ips and not within(self.address(request), tuple(key.ips)):
            raise CallError(
                "forbidden", f"the key {key.name!r} may not be used from this address", scope="key"
            )
        origin = request.fields.get(b"origin")
        if origin is None:
            return
        if caller.kind == "browser":
            raise CallError(
                "forbidden",
                "a key of kind browser only mints tokens on a server; send its token from the browser",
                scope="key",
            )
        if origin.decode("latin-1") not in key.origins:
            raise CallError(
                "forbidden",
                f"the key {key.name!r} does not allow calls from this browser origin",
                scope="key",
            )

    def _browser(self, presented: bytes, request: Inbound) -> Caller:
        token = opened(presented, self.token_key, self._wall())
        parent = self._by_id.get(token.key)
        if parent is None or parent.id in self._dead:
            raise CallError("unauthenticated", "the key that minted this token was revoked")
        self._used.add(parent)
        if request.fields.get(b"origin", b"").decode("latin-1") != token.origin:
            raise CallError("forbidden", "this token is bound to another browser origin", scope="key")
        caller = token.caller(parent)
        if parent.key.expires_at and self._wall() >= parent.key.expires_at:
            raise CallError("unauthenticated", "the key that minted this token has expired")
        return caller

    def _granted(self, presented: bytes, request: Inbound) -> Caller:
        """A deferred call: its caller's key must still be alive."""
        grant = self._grants.open(presented, request, self.token_key, self._wall())
        bearer = grant.bearer
        parent = self._by_id.get(bearer.key) or self._jwt.parent(bearer.key, bearer.team)
        if parent is None or parent.id in self.dead:
            raise CallError("unauthenticated", "the key that made this deferred call was revoked")
        if parent.key.expires_at and self._wall() >= parent.key.expires_at:
            raise CallError("unauthenticated", "the key that made this deferred call has expired")
        return grant.caller(parent)

    def address(self, request: Inbound) -> str:
        """The caller's address; what a proxy says of it is believed only from a trusted one (ruling 26)."""
        forwarded = request.fields.get(b"x-forwarded-for")
        if (
            forwarded is None
            or not self._proxies
            or not any(ipaddress.ip_address(request.peer) in p for p in self._proxies)
        ):
            return request.peer
        return forwarded.rsplit(b",", 1)[-1].strip().decode("latin-1")

    def cors_fields(self, caller: Caller, request: Inbound) -> bytes:
        """Header lines that let the browser read the answer; empty outside browsers."""
        origin = request.fields.get(b"origin")
        if origin is None:
            return b""
        return b"access-control-allow-origin: %b\r\nvary: origin\r\naccess-control-expose-headers: %b\r\n" % (
            origin,
            EXPOSED,
        )

    def subject_hash(self, subject: str) -> str:
        """Subjects are kept only as this keyed hash (W2)."""
        return person_hash(self._salt or self._pepper, subject)

    def concerns(self, exchange: Exchange) -> bool:
        """Head and route decide for good. Raises as `admit` does."""
        self.admit(exchange)
        return False

    def admit(self, exchange: Exchange) -> None:
        """Raises `forbidden` naming the scope that is missing."""
        caller, route = beyond_minting(exchange), exchange.route
        assert route is not None
        if caller.everything:
            return
        if may_call(caller, route, exchange.operation, route.name):
            return
        if exchange.home is not None:
            return  # a stored response, which was found to be the caller's to see (stored_responses.py)
        name = route.live.name
        if route.dialect:
            raise CallError(
                "forbidden",
                f"this key may not use the model {name}/{route.model}; it needs the scope 'model:{name}/{route.model}'",
                scope="key",
            )
        raise CallError(
            "forbidden",
            f"this key may not call {name}; it needs the scope 'integration:{name}'",
            scope="key",
        )

    def settle(self, exchange: Exchange) -> None:
        """Nothing is held."""


def credential(request: Inbound, *, tokens: bool = False) -> bytes:
    """The Trunkline key that a request carries. `x-trunkline-key` wins; two different ones are refused (ruling 15).

    `tokens`: where it carries none, a token of another issuer does as well.
    """
    fields = request.fields
    if not _OTHER_PLACES.isdisjoint(fields) or b"authorization" not in fields:
        return _searched(request, tokens)
    value = fields[b"authorization"]
    if value.startswith((b"Bearer tl_", b"Bearer tlb_")):
        return value[7:]
    return _searched(request, tokens)


def _searched(request: Inbound, tokens: bool) -> bytes:
    """The general case of `credential`: any place, any case of `Bearer`."""
    fields = request.fields
    found = b""
    for place in _PLACES:
        value = fields.get(place)
        if value is None:
            continue
        if place == b"authorization":
            value = value[7:].strip() if value[:7].lower() == b"bearer " else b""
        if not value.startswith((b"tl_", b"tlb_", grants.PREFIX)):
            continue
        if found and value != found:
            raise CallError("invalid_request", "the request carries two different Trunkline keys")
        found = value
    if not found and b"key=tl" in request.target and b"/models/" in request.target:
        query = request.target.partition(b"?")[2]
        found = next(
            (part[4:] for part in query.split(b"&") if part.startswith((b"key=tl_", b"key=tlb_"))), b""
        )
    if not found and tokens:
        value = fields.get(b"authorization", b"")
        token = value[7:].strip() if value[:7].lower() == b"bearer " else b""
        found = token if token.startswith(jwt.PREFIX) else b""
    if not found:
        other = any(place in fields for place in _PLACES)
        reason = "what it carries is no Trunkline key (they begin with tl_)" if other else "it carries no key"
        raise CallError("unauthenticated", f"this request is not authenticated: {reason}")
    return found


def beyond_minting(exchange: Exchange) -> Caller:
    """Who calls; a key of kind browser only mints (ruling 14). Raises `forbidden`."""
    caller = exchange.caller
    assert caller is not None
    if caller.kind == "browser" and not caller.token_id:
        raise CallError("forbidden", "a key of kind browser only mints tokens (POST /v1/tokens)", scope="key")
    return caller


def may_fall_back(exchange: Exchange, route: Route) -> bool:
    """Whether the caller may use a route that was declared as a fallback of the one it named: by a scope for that route, or by
    the one for the alias or named route whose fallback it is.
    """
    caller, asked = exchange.caller, exchange.route
    assert caller is not None
    assert asked is not None
    return caller.everything or may_call(caller, route, exchange.operation, asked.name)


def may_call(caller: Caller, route: Route, operation: Operation | None, name: str) -> bool:
    """Whether a scope covers this route. `name` is the alias or named route by which the caller came."""
    service = route.live.name
    if route.dialect:
        return may_use_model(caller, service, route.model, name or route.model_asked)
    held, family = (
        caller.integrations,
        service.partition("@")[0],
    )  # a scope for `stripe` is one for all its versions
    if service in held or family in held or "*" in held or (name and name in caller.routes):
        return True
    called = operation.name if operation is not None else ""
    return any(
        f"{one}:*" in caller.operations or (called != "" and f"{one}:{called}" in caller.operations)
        for one in (service, family)
    )


def may_use_model(caller: Caller, service: str, model: str, asked: str) -> bool:
    """Whether a scope covers this model: by integration, or by a glob over `vendor/model` or the name that was asked for."""
    if service in caller.integrations or "*" in caller.integrations:
        return True
    return any(
        fnmatch.fnmatchcase(f"{service}/{model}", glob) or fnmatch.fnmatchcase(asked, glob)
        for glob in caller.models
    )


@lru_cache(maxsize=4096)
def within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks (CIDR)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in ipaddress.ip_network(network, strict=False) for network in networks)
