"""A registry's copy for a drill: each fault gets integrations of its own, so that no breaker or pause of one spoils another. Pure.

The copy of an integration is what callers know (policies, timeouts, fallbacks) at a simulated vendor with made-up credentials.
Timeouts and pauses run faster than declared; limits toward vendors, budgets and limits toward callers are left out, for a
drill has its own rhythm. Not for: playing the faults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from trunkline.core.flow import Adaptive, Cache, Fallback
from trunkline.core.service import Alias, Auth, Credential, Operation, Service, Snapshot
from trunkline.ops.drill.samples import Sample

TOTAL_S = 4.0
"""A call's whole time in a drill; all times of its integration are shortened by the same factor."""
LEAST_S = {"connect": 1.0, "first_byte": 0.5, "idle": 0.5, "total": 0.0}
"""No time becomes so short that the machine itself would overrun it."""
FRESH_S = 0.05
"""Kept answers are stale after so long, so that the vendor is asked."""
LABEL = "drill"
_PORT = re.compile(r":\d+/")


class Part(NamedTuple):
    """What one fault needs. `name`: of the copy of the integration that it strikes; `asked`: what its call names."""

    name: str
    asked: str
    services: list[Service]
    aliases: list[Alias]
    routes: dict[str, str]
    route_fallback: dict[str, list[Fallback]]


Place = Callable[[Service, str], str]
"""Where the copy of a service with this name is played."""


def part(snapshot: Snapshot, sample: Sample, number: int, place: Place, *, through: int = 0) -> Part:
    """Copies for one call: its integration, and whatever its fallbacks lead to. `through`: another port for the former."""
    known = {service.name: service for service in snapshot.services}
    rename = _renamer(snapshot, number)
    factor = pace(known[sample.integration])
    needed = dict.fromkeys([sample.integration, *_led_to(snapshot, sample.chain)])
    services = [
        _copied(known[name], rename, place, factor, _models(snapshot, sample, name))
        for name in needed
        if name in known
    ]
    services = [_thinned(service, sample) for service in services]
    if through:
        services[0] = replace(services[0], base_url=_PORT.sub(f":{through}/", services[0].base_url, count=1))
    chain = [_led(one, rename) for one in sample.chain]
    name, asked = rename(sample.integration), rename(sample.named)
    aliases, routes, route_fallback = [], {}, {}
    if sample.entry.startswith("model "):
        aliases = [Alias(name=asked, target=f"{name}/{sample.model}", fallback=chain)]
    elif sample.entry.startswith("route "):
        routes, route_fallback = {asked: name}, {asked: chain}
    for route, service in snapshot.routes.items():
        if service in needed and route != sample.named:
            routes[rename(route)] = rename(service)
    return Part(name, asked, services, aliases, routes, route_fallback)


def whole(snapshot: Snapshot, parts: Iterable[Part]) -> Snapshot:
    """The snapshot of a drill."""
    some = list(parts)
    return Snapshot(
        version="",
        created=snapshot.created,
        environment=snapshot.environment,
        services=[service for one in some for service in one.services],
        aliases=[alias for one in some for alias in one.aliases],
        routes={route: name for one in some for route, name in one.routes.items()},
        route_fallback={route: chain for one in some for route, chain in one.route_fallback.items()},
        error_style="normalized",
    )


def pace(service: Service) -> float:
    """By which factor times run faster in a drill of this integration; 1 at least."""
    longest = max([service.timeout.total, *(one.timeout for one in service.operations)])
    return max(1.0, longest / TOTAL_S)


def original(text: str, names: Sequence[str]) -> str:
    """A text about copies with the names that people know."""
    for name in names:
        text = text.replace(name, name.rpartition(".")[0])
    return text


def _renamer(snapshot: Snapshot, number: int) -> Callable[[str], str]:
    whole_names = {*snapshot.routes, *(alias.name for alias in snapshot.aliases)}
    services = {service.name for service in snapshot.services}

    def rename(name: str) -> str:
        head, slash, rest = name.partition("/")
        if name in whole_names or name in services:
            return f"{name}.{number}"
        return f"{head}.{number}{slash}{rest}" if head in services else name

    return rename


def _led_to(snapshot: Snapshot, chain: Iterable[Fallback]) -> list[str]:
    """Integrations that fallbacks lead to."""
    aliases = {alias.name: alias.target for alias in snapshot.aliases}
    found = []
    for one in chain:
        if one.kind == "target":
            target = aliases.get(one.target, one.target)
            head = target.partition("/")[0]
            found.append(snapshot.routes.get(target, snapshot.routes.get(head, head)))
    return found


def _models(snapshot: Snapshot, sample: Sample, name: str) -> set[str]:
    aliases = {alias.name: alias.target for alias in snapshot.aliases}
    targets = [aliases.get(one.target, one.target) for one in sample.chain if one.kind == "target"]
    named = {target.partition("/")[2] for target in targets if target.partition("/")[0] == name}
    return {sample.model, *named}


def _copied(
    service: Service, rename: Callable[[str], str], place: Place, factor: float, models: set[str]
) -> Service:
    name = rename(service.name)
    timeout = service.timeout
    faster = {
        key: min(getattr(timeout, key), max(least, getattr(timeout, key) / factor))
        for key, least in LEAST_S.items()
    }
    retry, queue = service.retry, service.queue
    credentials = [
        Credential(ref=f"{LABEL}:{name}:{n}", weight=one.weight) for n, one in enumerate(service.credentials)
    ]
    return replace(
        service,
        name=name,
        base_url=place(service, name),
        private=True,
        allow_http=True,
        proxy="",
        ca_file="",
        cert_file="",
        key_file="",
        auth=Auth() if service.auth.kind == "oauth2" else service.auth,
        credentials=credentials,
        timeout=replace(timeout, **faster),
        retry=replace(
            retry,
            backoff=retry.backoff / factor,
            backoff_max=retry.backoff_max / factor,
            slow=retry.slow / factor,
        ),
        queue=replace(queue, wait=queue.wait / factor),
        limits=[],
        adaptive=Adaptive(enabled=False),
        batch_embeddings=0.0,
        probe=None,
        status_page="",
        status_feed="",
        error_style=None,
        simulated=False,
        problem="",
        fallback=[_led(one, rename) for one in service.fallback],
        cache=_aged(service.cache),
        operations=[_operation(one, rename, factor) for one in service.operations],
        models=[replace(one, cache=_aged(one.cache)) for one in service.models if one.id in models],
        model_patterns=[],
    )


def _thinned(service: Service, sample: Sample) -> Service:
    """Without operations that the call cannot touch: there are many copies."""
    return replace(
        service, operations=[one for one in service.operations if one.method in (sample.method, "*")]
    )


def _operation(one: Operation, rename: Callable[[str], str], factor: float) -> Operation:
    chain = None if one.fallback is None else [_led(link, rename) for link in one.fallback]
    return replace(one, timeout=one.timeout / factor, fallback=chain, cache=_aged(one.cache))


def _aged(cache: Cache | None) -> Cache | None:
    """Answers are kept as long as declared, but fresh for a moment only."""
    if cache is None:
        return None
    stale_s = cache.stale_if_error
    return replace(cache, ttl=min(cache.ttl, FRESH_S), stale_while_revalidate=0.0, stale_if_error=stale_s)


def _led(one: Fallback, rename: Callable[[str], str]) -> Fallback:
    return replace(one, target=rename(one.target)) if one.kind == "target" else one
