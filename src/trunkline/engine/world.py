"""Everything a call reads of the registry, compiled once per snapshot and swapped as one reference.

A running call keeps the world that it began with. Not for: state that outlives a reload (policies keep their own).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from trunkline.core.call import Live, Member, Route
from trunkline.core.errors import CallError
from trunkline.core.ports import Adapter, Codec, Signer
from trunkline.core.pricing import Rates
from trunkline.core.service import Auth, Credential, Sealed, Service, Snapshot
from trunkline.engine.classify import Rules
from trunkline.engine.fallback import compiled
from trunkline.engine.models import ModelTable
from trunkline.engine.operations import Matcher
from trunkline.engine.split import Split
from trunkline.engine.tariffs import Tally
from trunkline.engine.tariffs import compiled as tariffs_of

if TYPE_CHECKING:
    from trunkline.engine.virtual import Virtual


class Address(NamedTuple):
    """A base address, taken apart by the wire's side: its origin object, the Host value and the path before every path."""

    origin: Any
    host: bytes
    prefix: bytes


class Makers(NamedTuple):
    """What app.py lends for compiling: authentication schemes, addresses, and the dialects by name."""

    signer: Callable[[Auth, str], Signer]
    address: Callable[[Service, str], Address]
    adapters: Mapping[str, Adapter] = {}
    codecs: Mapping[str, Codec] = {}
    tally: Tally | None = None
    """What was used of prices with steps; it outlives reloads."""


class Dead(NamedTuple):
    """What people have switched off with the kill switch: references of credentials, and integrations with the reason given."""

    credentials: frozenset[str] = frozenset()
    integrations: Mapping[str, str] = {}


NOBODY = Dead()


class World:
    """One version of what can be called."""

    def __init__(self, snapshot: Snapshot, sealed: Sealed, makers: Makers, dead: Dead = NOBODY) -> None:
        self.version = snapshot.version
        self.adapters = makers.adapters
        self.codecs = makers.codecs
        self.snapshot = snapshot
        self.services = {s.name: _compile(s, sealed, makers) for s in snapshot.services}
        for live in self.services.values():
            refuse(live, dead)
        self.by_path = {name.encode(): Route(live) for name, live in self.services.items()}
        """What follows `/api/proxy/`: integrations and named routes."""
        for name, service in snapshot.routes.items():
            if service in self.services:
                self.by_path[name.encode()] = self._named(name, service)
        self.splits: dict[bytes, Split] = {}
        """Named routes that several integrations serve."""
        for name, shares in snapshot.route_split.items():
            there = {service: share for service, share in shares.items() if service in self.services}
            if len(there) > 1:
                routes = {service: self._named(name, service) for service in there}
                self.splits[name.encode()] = Split(name, there, routes)
        self.alias_chains = {
            name: compiled(chain)
            for name, chain in (
                *((a.name, a.fallback) for a in snapshot.aliases),
                *((v.name, v.fallback) for v in snapshot.virtual),
            )
            if chain
        }
        self.model_routes: dict[tuple[str, str, str], Route] = {}
        """By dialect, model as asked for, and Gemini's method; filled as they are called."""
        self.virtual: Mapping[str, Virtual] = {}
        """Models that stand for several, by name."""
        self.virtual_routes: dict[tuple[str, str, str], dict[int, Route]] = {}
        """Of these, as `model_routes`: the route of each candidate that serves the dialect."""
        self.models = ModelTable(snapshot)

    def _named(self, name: str, service: str) -> Route:
        """A named route to an integration."""
        route = Route(self.services[service])
        route.name = name
        if name in self.snapshot.route_fallback:
            route.chain = compiled(self.snapshot.route_fallback[name])
        return route


def refuse(live: Live, dead: Dead) -> None:
    """From now on no attempt goes to what was switched off."""
    for member in live.members:
        problem = refused_member(live.name, member.name, dead)
        if problem is not None:
            member.problem, member.renewal = problem, None


def refused_member(service: str, credential: str, dead: Dead) -> CallError | None:
    """Why a credential of an integration may not be used; None if it may."""
    if service in dead.integrations:
        why = dead.integrations[service]
        text = f"integration {service!r} is disabled" + (f" ({why})" if why else "")
        return CallError(
            "disabled", f"{text}; `trunkline integrations enable {service}`", scope="integration"
        )
    if credential in dead.credentials:
        text = f"integration {service!r}: secret {credential} was revoked; `trunkline secrets revive {credential}`"
        return CallError("secret_unavailable", text, scope="integration")
    return None


def _compile(spec: Service, sealed: Sealed, makers: Makers) -> Live:
    live = Live(spec)
    live.rules = Rules(
        spec.errors, spec.error_shape, spec.ok_body, request_id_headers=spec.request_id_headers
    )
    live.watch_ok = live.rules.wanted or (spec.repair is not None and spec.repair.malformed_again)
    live.longest = {m.id: m.max_output for m in spec.models if m.max_output}
    live.match = Matcher(spec.operations)
    live.chain = compiled(spec.fallback)
    live.chains = {o.name: compiled(o.fallback) for o in spec.operations if o.fallback is not None}
    live.dialects = {d.path.encode(): d.name for d in spec.dialects}
    live.prices = {m.id: m.price for m in spec.models if m.price is not None}
    live.rates = {model: Rates(f"{spec.name}/{model}", price) for model, price in live.prices.items()}
    live.tariffs = tariffs_of(spec, makers.tally or Tally())
    live.members = [_member(spec, c, sealed, makers) for c in spec.credentials or [Credential(ref="")]]
    fields = [(h.name.lower(), h.value) for h in spec.headers]
    version = spec.api_version
    if version is not None and version.header:
        fields.append((version.header.lower(), version.value))
    if version is not None and version.query:
        live.fixed_query = f"{version.query}={version.value}".encode()
    if version is not None and version.path:
        live.path_prefix = version.path.rstrip("/").encode()
    live.fixed_fields = [(n.encode(), f"{n}: {v}\r\n".encode("latin-1", "replace")) for n, v in fields]
    live.fixed_names = frozenset(n for n, _ in live.fixed_fields)
    if spec.idempotency is not None:
        live.key_name = spec.idempotency.header.lower().encode()
        live.key_names = frozenset((live.key_name, b"idempotency-key"))
    simulated = b"x-trunkline-simulated: true\r\n" if spec.simulated else b""
    live.answer_fields = b"x-trunkline-integration: " + spec.name.encode() + b"\r\n" + simulated
    return live


def _member(spec: Service, credential: Credential, sealed: Sealed, makers: Makers) -> Member:
    base = credential.base_url or spec.base_url
    try:
        address = makers.address(spec, base)
    except ValueError as problem:
        member = Member(credential.ref, credential.weight, None, b"", b"")
        member.problem = CallError(
            "misconfigured", f"integration {spec.name!r}: {problem}", scope="integration"
        )
        return member
    member = Member(credential.ref or "none", credential.weight, address.origin, address.host, address.prefix)
    if version := sealed.versions.get(credential.ref):
        member.label = f"{credential.ref}@{version}"
    secret = "" if spec.auth.kind == "none" or spec.simulated else sealed.values.get(credential.ref)
    if not spec.enabled:
        text = f"integration {spec.name!r} is switched off in the registry (`enabled: false`)"
        member.problem = CallError("disabled", text, scope="integration")
    elif spec.problem:
        member.problem = CallError(
            "misconfigured", f"integration {spec.name!r}: {spec.problem}", scope="integration"
        )
    elif secret is None:
        why = sealed.missing.get(credential.ref, "it does not resolve")
        member.problem = CallError(
            "secret_unavailable",
            f"integration {spec.name!r}: secret {credential.ref} is missing: {why}",
            scope="integration",
        )
    else:
        _sign(member, spec, credential, secret, makers)
    return member


def _sign(member: Member, spec: Service, credential: Credential, secret: str, makers: Makers) -> None:
    """A secret that cannot be sent is this member's problem, never a failed start."""
    try:
        auth = Auth() if spec.simulated and spec.auth.kind == "oauth2" else spec.auth
        member.signer = makers.signer(auth, secret or "simulated-credential")
    except ValueError as problem:
        member.problem = CallError(
            "secret_unavailable",
            f"integration {spec.name!r}: secret {credential.ref} cannot be used: {problem}",
            scope="integration",
        )
    if secret:
        member.hide(secret)
