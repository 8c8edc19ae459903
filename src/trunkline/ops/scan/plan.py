"""The plan beside the registry: which credentials move into the store and how, what to change where, and what is still open.

`made` decides, `markdown` writes. No value of a credential is in it. Not for: the registry's text (`registry_text.py`).
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec

from . import changes
from .clients import Made
from .found import Credential, Found, Site
from .gather import Look
from .registry_text import secret_name
from .secrets_seen import Forms
from .services import KEYLIKE, NO_KEY, Service
from .tree import decoded, is_example_env
from .vendors import Vendors

LONGEST_FILE = 1 << 20
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{2,}")


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One credential on its way into the store."""

    name: str
    """In the store."""
    service: str
    command: str
    """Reads the value from where it stands, or asks for it; never shows it."""
    places: list[str]
    """Where its name or value stands."""
    valued: bool
    committed: bool = False
    """Its value stands in a file that git has: replace it at the vendor."""
    held: bool = False
    """The product goes on using it; only its place changes."""
    ci: bool = False
    """It stands in a CI file, by its value."""
    spare: bool = False
    """A further key of a vendor whose key Trunkline puts on already, written into code: nothing needs it afterwards."""
    reference: str = ""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """An integration of the plan."""

    name: str
    title: str
    base_url: str
    vendor: str
    in_catalog: bool
    way: str
    key: str
    evidence: list[str]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `trunkline init` proposes."""

    registry: str
    integrations: list[Planned]
    moves: list[Move]
    own_secrets: list[str]
    sites: list[Site]
    questions: list[str]
    files: int
    not_read: str = ""


def made(look: Look, services: list[Service], vendors: Vendors, *, registry: str, proxy_url: str) -> Plan:
    """The whole plan."""
    found = look.found
    return Plan(
        registry=registry,
        integrations=[_planned(service) for service in services],
        moves=_all_moves(services, found),
        own_secrets=sorted(
            {c.name for c in found.credentials if c.own and c.name and c.role == "code" and c.kind != "ci"}
        ),
        sites=sites_of(look, services, vendors, proxy_url),
        questions=list(_questions(services, found)),
        files=found.files,
        not_read=_not_read(found),
    )


def sites_of(look: Look, services: list[Service], vendors: Vendors, proxy_url: str) -> list[Site]:
    """Every place where a client is made, with what to change there."""
    forms = Forms(vendors)
    texts: dict[str, str] = {}
    found = []
    for one, service in _places(look, services):
        path = one.site.place.path
        if path not in texts:
            texts = {path: _text(look.root / path)}
        found.append(changes.with_change(one, texts[path], service, proxy_url, forms))
    return found


def patch(look: Look, services: list[Service], vendors: Vendors, proxy_url: str) -> tuple[str, list[str]]:
    """One patch with every exact change (for `git apply --unidiff-zero`), and the places that it leaves out, for they hold credentials."""
    by_file: dict[str, list[tuple[Made, Service]]] = {}
    for one, service in _places(look, services):
        by_file.setdefault(one.site.place.path, []).append((one, service))
    forms = Forms(vendors)
    lines: list[str] = []
    left: list[str] = []
    for path, pairs in sorted(by_file.items()):
        text = _text(look.root / path)
        changed, kept = changes.patched(pairs, text, proxy_url, forms)
        lines += changes.unified(path, text, changed)
        left += [str(one.site.place) for one in kept]
    return "".join(f"{line}\n" for line in lines), left


def _places(look: Look, services: list[Service]) -> Iterator[tuple[Made, Service]]:
    """Places in the product's own code, each with its service."""
    by_host = {host: service for service in services for host in service.hosts}
    by_name = {service.name: service for service in services}
    for one in look.made:
        service = by_host.get(one.site.host) or by_name.get(one.site.vendor)
        if one.site.role == "code" and service is not None:
            yield one, service


def _text(path: Path) -> str:
    try:
        return decoded(path.read_bytes()[:LONGEST_FILE]) or ""
    except OSError:
        return ""


def _planned(service: Service) -> Planned:
    return Planned(
        name=service.name,
        title=service.title,
        base_url=service.base_url,
        vendor=service.vendor,
        in_catalog=service.in_catalog,
        way=service.way,
        key=secret_name(service) if service.key else "",
        evidence=[f"{one.place} {one.what}" for one in service.evidence],
    )


def _all_moves(services: list[Service], found: Found) -> list[Move]:
    """Those of every service, then what stands in CI files alone."""
    moves = _apart([move for service in services for move in _moves(service, found)])
    told = {place for move in moves for place in move.places}
    taken = {move.name for move in moves}
    for one in found.credentials:
        if one.kind != "ci" or not one.valued or one.role != "code" or str(one.place) in told:
            continue
        name = (
            one.name
            if _VARIABLE.fullmatch(one.name)
            else f"{one.vendor or 'ci'}_TOKEN".upper().replace("-", "_")
        )
        places = [str(c.place) for c in found.credentials if c.kind == "ci" and c.mark and c.mark == one.mark]
        places = list(dict.fromkeys([str(one.place), *places]))
        told.update(places)
        number = next(n for n in itertools.count(1) if (name if n == 1 else f"{name}_{n}") not in taken)
        name = name if number == 1 else f"{name}_{number}"
        taken.add(name)
        moves.append(
            Move(
                name=name,
                service=one.vendor or "CI",
                command=f"trunkline secrets import {shlex.quote(one.place.path)} --line {one.place.line} --as {name}",
                places=places,
                valued=True,
                committed=not one.ignored,
                held=True,
                ci=True,
                reference=f"store:{name}",
            )
        )
    return moves


def _apart(moves: list[Move]) -> list[Move]:
    """No two under one name in the store: the second would take the place of the first."""
    taken: set[str] = set()
    found = []
    for one in moves:
        name, end, number = one.name, f" --as {one.name}", 1
        while one.held and name in taken and one.command.endswith(end):
            number += 1
            name = f"{one.name}_{number}"
        taken.add(name)
        command = one.command.removesuffix(end) + f" --as {name}"
        found.append(
            one
            if name == one.name
            else msgspec.structs.replace(one, name=name, command=command, reference=f"store:{name}")
        )
    return found


def _moves(service: Service, found: Found) -> list[Move]:
    credentials = [*([service.key] if service.key else []), *service.held]
    return [
        _move(service, one, found, held=one is not service.key)
        for one in credentials
        if one.name or one.valued
    ]


def _move(service: Service, one: Credential, found: Found, *, held: bool) -> Move:
    name = (
        one.name
        if held and one.name
        else secret_name(service)
        if not held
        else f"{service.name.upper()}_SECRET"
    )
    same = [
        c for c in found.credentials if (c.name and c.name == one.name) or (c.mark and c.mark == one.mark)
    ]
    places = list(
        dict.fromkeys(str(c.place) for c in same if c.role == "code" and (c.valued or c.kind != "source"))
    )
    example = one.kind == "env" and is_example_env(one.place.path.rsplit("/", 1)[-1])
    if one.kind == "env" and not example:
        command = f"trunkline secrets import {shlex.quote(one.place.path)} --only {shlex.quote(one.name)}"
        command += f" --as {name}" if name != one.name else ""
    elif one.valued:
        command = (
            f"trunkline secrets import {shlex.quote(one.place.path)} --line {one.place.line} --as {name}"
        )
    else:
        command = f"trunkline secrets set {name}"
    committed = any(c.valued and not c.ignored for c in same)
    spare = held and one.kind == "source" and one.by == "form" and service.key is not None
    return Move(
        name=name,
        service=service.name,
        command=command,
        places=places or [str(one.place)],
        valued=one.valued,
        committed=committed,
        held=held,
        spare=spare and bool(KEYLIKE.search(one.name.upper())) and not NO_KEY.search(one.name.upper()),
        reference=f"store:{name}",
    )


def _questions(services: list[Service], found: Found) -> list[str]:
    open_ones = ["Who answers for each integration (`owner`)?"]
    unsure = [service.name for service in services if service.data is None]
    if unsure:
        open_ones.append(f"Which data may they get (`data`): {', '.join(unsure)}?")
    guessed = [service.name for service in services if service.data]
    if guessed:
        open_ones.append(
            f"The `data` of these are guesses by their kind; are they right: {', '.join(guessed)}?"
        )
    for service in services:
        if not service.base_url and not service.in_catalog:
            named = (
                service.key.name
                if service.key
                else service.evidence[0].what
                if service.evidence
                else service.name
            )
            open_ones.append(
                f"Which address does `{service.name}` have ({named})? Its entry is a comment until you say."
            )
        elif service.key is None and service.key_needed and service.in_catalog:
            open_ones.append(f"Which credential does `{service.name}` use? None was found.")
        elif not service.vendor and service.key is not None:
            open_ones.append(f"How is the credential of `{service.name}` sent? A bearer token is assumed.")
        open_ones += [
            f"`{host}` differs from run to run: which addresses can it be?"
            for host in service.hosts
            if "*" in host
        ]
    open_ones += _of_many_values(found)
    committed = sorted(
        {
            c.name or str(c.place)
            for c in found.credentials
            if c.valued and not c.ignored and c.role == "code" and not c.own
        }
    )
    if committed:
        open_ones.append(
            f"These values are in files that git has, so that they count as known: {', '.join(committed)}. When are they replaced?"
        )
    return open_ones


def _of_many_values(found: Found) -> list[str]:
    """Of variables that have another value elsewhere; only one can be in the store under the name."""
    values: dict[str, dict[str, str]] = {}
    for one in found.credentials:
        if (
            one.name
            and one.mark
            and one.role == "code"
            and one.kind in ("env", "platform", "settings")
            and not one.own
        ):
            values.setdefault(one.name, {}).setdefault(one.mark, str(one.place))
    return [
        f"`{name}` has {len(places)} values ({', '.join(places.values())}): which one is right, or are they several credentials?"
        for name, places in sorted(values.items())
        if len(places) > 1
    ]


def _not_read(found: Found) -> str:
    skipped = found.skipped
    said = [
        f"{count} {what}"
        for what, count in (
            ("large", skipped.large),
            ("binary", skipped.binary),
            ("minified", skipped.minified),
            ("unreadable", skipped.unreadable),
        )
        if count
    ]
    if skipped.stopped:
        said.append(f"everything {skipped.stopped}")
    return ", ".join(said)
