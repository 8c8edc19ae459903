"""What is wrong in a project, seen from its registry: credentials outside of the store, hosts that nobody declared, calls past the proxy.

Each rule is a row of `RULES`. Not for: how findings are written (`sarif.py`), nor which are known already (`baseline.py`).
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterator
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from .found import Credential, Found, Place, Site
from .services import Service
from .tree import is_example_env

Severity = Literal["critical", "warning", "info"]


class Rule(NamedTuple):
    """A row of the table of rules."""

    severity: Severity
    title: str
    about: str
    cure: str


RULES = {
    "hardcoded-credential": Rule(
        "critical",
        "Credential in code or committed settings",
        "A value with the form or the randomness of a credential stands in a file that git has.",
        "Move it into the store (`trunkline secrets import FILE --line N --as NAME`) and replace it at the vendor.",
    ),
    "browser-credential": Rule(
        "critical",
        "Secret in a variable for browsers",
        "The variable's name hands it to every visitor.",
        "Rename it, and call the vendor from the server or with a browser token.",
    ),
    "scattered-credential": Rule(
        "warning",
        "The same credential in several places",
        "One value stands in several files, so that replacing it in one breaks the others.",
        "Keep it once, in the store.",
    ),
    "stray-credential": Rule(
        "info",
        "Credential outside of the store",
        "An env file on this machine holds a vendor's credential.",
        "Move it into the store (`trunkline secrets import`) and take it out of the file.",
    ),
    "undeclared-host": Rule(
        "warning",
        "Calls to a host that the registry does not name",
        "Nobody answers for it, and nobody knows what it receives.",
        "Add an integration (`trunkline init --merge`), or list it under `egress: {allow: [...]}`.",
    ),
    "bypass": Rule(
        "warning",
        "A declared integration is called past Trunkline",
        "No limit, record or fallback holds for these calls, and they need the vendor's own key.",
        "Give the client Trunkline's address and key (`trunkline init` shows the line).",
    ),
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of a scan."""

    rule: str
    severity: Severity
    message: str
    subject: str
    """What it is about: a variable, a host, an integration."""
    integration: str = ""
    place: Place
    others: list[Place] = []
    """Further places of the same."""
    mark: str = ""
    """Keyed mark of the value, where there is one."""
    id: str = ""
    """The same for the same problem, wherever in its file it moves."""
    known: bool = False
    """The baseline has it."""


class Declared(msgspec.Struct, kw_only=True):
    """What the registry says of hosts. `vendors` maps vendors to integrations."""

    hosts: dict[str, str] = {}
    """Host (or glob) -> integration; an allowed host without one maps to an empty string."""
    vendors: dict[str, str] = {}
    known: bool = True
    """False: there is no registry."""

    def of(self, host: str) -> str | None:
        """The integration of a host, an empty string for one that is only allowed, None for one that nobody declared."""
        if host in self.hosts:
            return self.hosts[host]
        return next(
            (name for glob, name in self.hosts.items() if "*" in glob and fnmatch.fnmatchcase(host, glob)),
            None,
        )


def problems_of(
    found: Found, services: list[Service], sites: list[Site], declared: Declared
) -> list[Problem]:
    """Every problem, the worst first, then by place."""
    proxied = {service.name for service in services if service.way == "proxy"} | {
        s.vendor for s in services if s.way == "proxy"
    }
    all_of_them = [
        *_hardcoded(found.credentials),
        *_browser(found.credentials),
        *_scattered(found.credentials),
        *_stray(found.credentials),
        *(_undeclared(services, declared) if declared.known else ()),
        *(_bypass(sites, declared, proxied) if declared.known else ()),
    ]
    order: list[Severity] = ["critical", "warning", "info"]
    numbered = _numbered(all_of_them)
    return sorted(numbered, key=lambda p: (order.index(p.severity), p.place, p.rule))


def _numbered(problems: list[Problem]) -> list[Problem]:
    """With ids: rule, file, subject and value, and a number where one file has the same thing several times."""
    seen: dict[str, int] = {}
    out = []
    for problem in sorted(problems, key=lambda p: p.place):
        said = "\0".join((problem.rule, problem.place.path, problem.subject, problem.mark))
        seen[said] = seen.get(said, 0) + 1
        made = hashlib.sha256(f"{said}\0{seen[said]}".encode()).hexdigest()[:16]
        out.append(msgspec.structs.replace(problem, id=made))
    return out


def _problem(rule: str, message: str, subject: str, place: Place, integration: str) -> Problem:
    severity = RULES[rule].severity
    return Problem(
        rule=rule, severity=severity, message=message, subject=subject, place=place, integration=integration
    )


def _said(one: Credential) -> str:
    """A credential as it may be shown, as the beginning of a sentence."""
    end = f" (ends in {one.last4})" if one.last4 else ""
    whose = f" of {one.vendor}" if one.vendor else ""
    what = {True: "live key", False: "sandbox key", None: "credential"}[one.live]
    return f"A {what}{whose}{f', {one.name},' if one.name else ''}{end}"


def _hardcoded(credentials: list[Credential]) -> Iterator[Problem]:
    for one in credentials:
        if (
            not one.valued
            or (one.role == "docs" and one.kind != "prose")
            or (one.ignored and one.kind == "env")
        ):
            continue
        if one.role in ("test", "example") and one.by != "form":
            continue
        milder = one.live is False or one.role != "code" or is_example_env(one.place.path.rsplit("/", 1)[-1])
        subject = one.name or one.vendor or "value"
        made = _problem("hardcoded-credential", f"{_said(one)} stands here.", subject, one.place, one.vendor)
        yield msgspec.structs.replace(made, mark=one.mark, severity="warning" if milder else made.severity)


def _browser(credentials: list[Credential]) -> Iterator[Problem]:
    seen = set()
    for one in credentials:
        if one.browser and one.role == "code" and (one.name, one.place.path) not in seen:
            seen.add((one.name, one.place.path))
            yield _problem(
                "browser-credential", f"{one.name} is handed to browsers.", one.name, one.place, one.vendor
            )


def _scattered(credentials: list[Credential]) -> Iterator[Problem]:
    by_mark: dict[str, list[Credential]] = {}
    for one in credentials:
        if one.mark and one.role == "code":
            by_mark.setdefault(one.mark, []).append(one)
    for mark, same in sorted(by_mark.items()):
        places = sorted({one.place for one in same})
        if len({place.path for place in places}) > 1:
            names = sorted({one.name for one in same if one.name})
            best = max(same, key=lambda c: (bool(c.vendor), bool(c.name)))
            where = ", ".join(map(str, places))
            said = f"{_said(best)} stands in {len(places)} places: {where}."
            subject = names[0] if names else best.vendor or "value"
            made = _problem("scattered-credential", said, subject, places[0], best.vendor)
            yield msgspec.structs.replace(made, others=places[1:], mark=mark)


def _stray(credentials: list[Credential]) -> Iterator[Problem]:
    for one in credentials:
        if one.valued and one.kind == "env" and one.ignored and not one.own and one.role == "code":
            said = f"{_said(one)} stands here, ignored by git."
            made = _problem("stray-credential", said, one.name, one.place, one.vendor)
            yield msgspec.structs.replace(made, mark=one.mark)


def _undeclared(services: list[Service], declared: Declared) -> Iterator[Problem]:
    for service in services:
        if service.vendor in declared.vendors and service.name == service.vendor:
            continue
        unknown = [host for host in service.hosts if declared.of(host) is None]
        if (
            service.name in declared.hosts.values()
            or not service.hosts
            or not unknown
            or not service.evidence
        ):
            continue
        places = [one.place for one in service.evidence]
        message = (
            f"{service.title or unknown[0]} ({', '.join(unknown)}) is called, but no integration declares it."
        )
        made = _problem("undeclared-host", message, unknown[0], places[0], service.name)
        yield msgspec.structs.replace(made, others=places[1:6])


def _bypass(sites: list[Site], declared: Declared, proxied: set[str]) -> Iterator[Problem]:
    for site in sites:
        name = declared.of(site.host) if site.host else declared.vendors.get(site.vendor)
        if site.through or not name or site.role != "code" or (site.vendor and site.vendor not in proxied):
            continue
        leads = "leads to" if "://" in site.sdk else "calls"
        yield _problem("bypass", f"{site.sdk} {leads} {name} directly.", name, site.place, name)


def declared_of(addresses: dict[str, list[str]], vendors: dict[str, str], allowed: list[str]) -> Declared:
    """From the registry: integration -> its addresses, vendor -> integration, allowed hosts."""
    hosts = dict.fromkeys(allowed, "")
    for name, urls in addresses.items():
        hosts |= {host: name for url in urls if (host := urlsplit(url).hostname)}
    return Declared(hosts=hosts, vendors=vendors)
