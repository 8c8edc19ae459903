"""What was found, put together by what it is about: one service per vendor and address, with all evidence. Pure.

A service needs one strong sign (a request, an import, a variable that is set for it) or two weak ones (a package that is asked for,
a variable that code reads). Not for: how the registry says it (`registry_text.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import msgspec

from .found import Credential, Found, Host, Place
from .hosts import is_nobody
from .manifests import SELF_LOADING
from .names import stem
from .vendors import Vendor, Vendors

SECOND_LEVEL = frozenset(["co", "com", "org", "net", "ac", "gov", "edu", "or", "ne", "go", "gob"])
"""Below a country: `example.co.uk`."""
HOSTED = [
    "herokuapp.com",
    "onrender.com",
    "vercel.app",
    "netlify.app",
    "github.io",
    "gitlab.io",
    "pages.dev",
    "workers.dev",
    "fly.dev",
    "railway.app",
    "web.app",
    "appspot.com",
    "firebaseapp.com",
    "azurewebsites.net",
    "cloudfront.net",
    "ngrok.io",
    "ngrok-free.app",
    "glitch.me",
    "replit.app",
    "modal.run",
    "hf.space",
    "r2.dev",
    "run.app",
]
"""Domains below which everybody has a name of their own."""
NO_KEY = re.compile(
    r"CLIENT_?SECRET|OAUTH|WEBHOOK|WHSEC|SIGNING|APP_SECRET|CONSUMER|ENCRYPT|(?:^|_)ID$|PASSWORD$"
)
"""Names of secrets that no request is authenticated with by header."""
KEYLIKE = re.compile(r"(?:API_?KEY|TOKEN|SECRET_KEY|ACCESS_KEY|KEY)$")
STRONG = ("call", "import", "set")


class Evidence(msgspec.Struct, frozen=True, order=True):
    """Why a service is believed to be used."""

    place: Place
    what: str


class Service(msgspec.Struct, kw_only=True):
    """One external API that a project uses."""

    name: str
    """As the registry would call it."""
    vendor: str = ""
    """Of the catalog or the scanner's table; empty for what neither knows."""
    title: str = ""
    kind: str = ""
    base_url: str = ""
    """Empty where nobody could tell."""
    in_catalog: bool = False
    usual: bool = True
    """`base_url` is the one that the catalog has."""
    way: str = "proxy"
    """`connect`: nobody can put its credential on for it."""
    why: str = ""
    auth: dict[str, str] = {}
    openai_base: str = "/v1"
    """Where clients of OpenAI's SDK find it below its address."""
    data: list[str] | None = None
    key_needed: bool = True
    hosts: list[str] = []
    usual_key: str = ""
    """Variable that the world uses for its key."""
    key: Credential | None = None
    """What its requests are authenticated with."""
    held: list[Credential] = []
    """Its other secrets: OAuth clients, webhooks, further keys. They stay with the product, out of its files."""
    evidence: list[Evidence] = []


class _Group:
    """What is known of one vendor, or of one host that no vendor is known for."""

    def __init__(self) -> None:
        self.hosts: list[Host] = []
        self.credentials: list[Credential] = []
        self.evidence: list[Evidence] = []
        self.signs: set[str] = set()

    def add(self, sign: str, place: Place, what: str) -> None:
        self.signs.add(sign)
        self.evidence.append(Evidence(place, what))

    @property
    def counts(self) -> bool:
        return bool(self.signs.intersection(STRONG)) or len(self.signs) > 1


def services_of(found: Found, vendors: Vendors) -> list[Service]:
    """Every service, by name."""
    groups: dict[str, _Group] = {}
    strangers: dict[str, _Group] = {}
    for host in found.hosts:
        if host.role == "code":
            group = (
                groups.setdefault(host.vendor, _Group())
                if host.vendor
                else strangers.setdefault(host.host, _Group())
            )
            group.hosts.append(host)
            group.add("call", host.place, host.why)
    for one in found.imports:
        if one.role == "code":
            sign = "import" if one.kind == "source" or one.language in SELF_LOADING else "package"
            groups.setdefault(one.vendor, _Group()).add(
                sign, one.place, f"{'uses' if one.kind == 'source' else 'asks for'} {one.module}"
            )
    nameless = _credentials(found.credentials, groups, strangers, vendors)
    made = [
        service
        for name, group in sorted(groups.items())
        if group.counts
        for service in _known(vendors.known[name], group)
    ]
    taken = {service.name for service in made}
    for host_name, group in sorted(strangers.items()):
        made.append(_stranger(host_name, group, taken))
    made += [_nameless(word, group, taken) for word, group in sorted(nameless.items())]
    return sorted(made, key=lambda service: service.name)


def _credentials(
    all_of_them: list[Credential], groups: dict[str, _Group], strangers: dict[str, _Group], vendors: Vendors
) -> dict[str, _Group]:
    """Gives each credential to its service; answers those whose vendor has no known address, by what their names say."""
    nameless: dict[str, _Group] = {}
    used = set(groups)
    of_hosts = {label(host).replace("-", ""): host for host in reversed(strangers)}
    common = _common_start([one.name for one in all_of_them])
    for one in all_of_them:
        if one.own or one.role in ("test", "docs") or one.kind == "ci":
            continue
        if one.vendor:
            by_words = vendors.of_words(one.name)
            better = one.by != "form" and one.vendor not in used and by_words in used
            group = groups.setdefault(by_words if better else one.vendor, _Group())
        else:
            parts = stem(one.name.removeprefix(common))
            word = "".join(parts)
            host = next(
                (of_hosts[end] for n in range(len(parts)) if (end := "".join(parts[n:])) in of_hosts), ""
            )
            if not host and (one.kind == "source" or len(word) < 3):
                continue
            group = strangers[host] if host else nameless.setdefault(word, _Group())
        group.credentials.append(one)
        group.add(
            "read" if one.kind == "source" and not one.valued else "set", one.place, one.name or "a key"
        )
    return {word: group for word, group in nameless.items() if group.counts}


def _common_start(names: list[str]) -> str:
    """What most variables of a product begin with, e.g. `MYAPP_`; empty if there is no such thing."""
    different = [name.split("_") for name in set(names)]
    starts = Counter("_".join(parts[:n]) + "_" for parts in different for n in (1, 2) if len(parts) > n + 1)
    often = [start for start, times in starts.items() if times >= 5 and times * 3 > len(different)]
    return max(often, key=len, default="")


def _known(vendor: Vendor, group: _Group) -> list[Service]:
    """A vendor's own service, and one for each further host of it."""
    home = _host_of(vendor.base_url)
    hosts = list(
        dict.fromkeys(host.host for host in group.hosts if not (vendor.is_private and is_nobody(host.host)))
    )
    hooks = [host for host in hosts if host in vendor.row.hooks]
    concrete = [host for host in hosts if "*" not in host and host not in hooks]
    usual = not concrete or home in concrete or vendor.is_private
    main = (
        home
        if usual
        else max(concrete, key=lambda h: (h.startswith("api"), sum(x.host == h for x in group.hosts), h))
    )
    base_url = vendor.base_url if usual else _address(next(h for h in group.hosts if h.host == main))
    service = Service(
        name=vendor.name,
        vendor=vendor.name,
        title=vendor.title,
        kind=vendor.kind,
        base_url=base_url,
        in_catalog=vendor.in_catalog,
        usual=usual,
        way=vendor.row.way,
        why=vendor.row.why,
        auth=vendor.auth,
        openai_base=vendor.openai_base,
        data=vendor.data,
        key_needed=vendor.key_needed,
        usual_key=vendor.env[0] if vendor.env else "",
        hosts=[main] if main else [],
        evidence=_evidence(e for e in group.evidence if not _of_another(e, group.hosts, main)),
    )
    _give_credentials(service, group, vendor.env)
    if "*" in "".join(hosts):
        service.hosts += [host for host in hosts if "*" in host]
    further = []
    for host in [*(h for h in concrete if h != main), *hooks]:
        own = [h for h in group.hosts if h.host == host]
        further.append(
            Service(
                name=f"{vendor.name}-{_first_label(host)}",
                title=f"{vendor.title} ({host})",
                vendor=vendor.name,
                kind=vendor.kind,
                base_url=_address(own[0]),
                way="connect",
                why="the address itself is the secret"
                if host in hooks
                else vendor.row.why or f"it is a further host of {vendor.title}",
                auth={"kind": "none"},
                data=vendor.data,
                key_needed=False,
                hosts=[host],
                evidence=_evidence(Evidence(h.place, h.why) for h in own),
            )
        )
    names: set[str] = {service.name}
    for one in further:
        one.name = _free(one.name, names)
    if hooks and not concrete and not _beside_hooks(service, vendor, group):
        further[0].held, further[0].evidence = service.held, service.evidence
        return further
    return [service, *further]


def _beside_hooks(service: Service, vendor: Vendor, group: _Group) -> bool:
    """Whether anything but addresses that are secrets themselves speaks for the vendor's own API."""
    if service.key is not None:
        return True
    hooks = {(host.place, host.why) for host in group.hosts}
    names = {one.name or "a key" for one in group.credentials}
    clients = tuple(f"{verb} {name}" for name in vendor.row.hook_clients for verb in ("uses", "asks for"))
    return any(
        (one.place, one.what) not in hooks and one.what not in names and not one.what.startswith(clients)
        for one in group.evidence
    )


def _of_another(evidence: Evidence, hosts: list[Host], main: str) -> bool:
    there = [host.host for host in hosts if host.place == evidence.place and host.why == evidence.what]
    return bool(there) and main not in there


def _stranger(host: str, group: _Group, taken: set[str]) -> Service:
    """A host that no vendor is known for."""
    short = label(host)
    service = Service(
        name=_free(short if short not in taken else f"{short}-{_first_label(host)}", taken),
        base_url="" if "*" in host else _address(group.hosts[0]),
        hosts=[host],
        evidence=_evidence(group.evidence),
    )
    _give_credentials(service, group, [])
    service.auth = {"kind": "bearer" if service.key else "none"}
    service.key_needed = service.key is not None
    return service


def _nameless(word: str, group: _Group, taken: set[str]) -> Service:
    service = Service(
        name=_free(word[:40], taken), auth={"kind": "bearer"}, evidence=_evidence(group.evidence)
    )
    _give_credentials(service, group, [])
    return service


def _give_credentials(service: Service, group: _Group, usual: list[str]) -> None:
    """The one that authenticates its requests, and the rest."""
    distinct = _distinct(group.credentials)
    fit = [one for one in distinct if not NO_KEY.search(one.name.upper())] if service.way == "proxy" else []
    service.key = (
        min(
            fit,
            key=lambda one: (
                one.name not in usual,
                one.live is False,
                not KEYLIKE.search(one.name.upper()),
                one.kind == "source",
            ),
        )
        if fit
        else None
    )
    service.held = [one for one in distinct if one is not service.key]


def label(host: str) -> str:
    """What people call a host: `api.trakt.tv` -> `trakt`."""
    parts = [part for part in host.lower().split(".") if part != "*"]
    if re.fullmatch(r"[0-9.]+", host):
        return "host-" + host.replace(".", "-")
    for suffix in HOSTED:
        if host.endswith("." + suffix):
            return parts[-suffix.count(".") - 2]
    if len(parts) > 2 and parts[-2] in SECOND_LEVEL and len(parts[-1]) == 2:
        return parts[-3]
    return parts[-2] if len(parts) > 1 else parts[0]


def _first_label(host: str) -> str:
    first = host.split(".", maxsplit=1)[0]
    return re.sub(r"[^a-z0-9-]", "", first) or "other"


def _free(name: str, taken: set[str]) -> str:
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:50] or "api"
    chosen, number = plain, 2
    while chosen in taken:
        chosen, number = f"{plain}-{number}", number + 1
    taken.add(chosen)
    return chosen


def _address(host: Host) -> str:
    port = f":{host.port}" if host.port and host.port != {"http": 80, "https": 443}[host.scheme] else ""
    return f"{host.scheme}://{host.host}{port}"


def _host_of(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0]


def _distinct(credentials: list[Credential]) -> list[Credential]:
    """Once per name and value: the place that holds a value, else the env file, else the first."""
    best: dict[str, Credential] = {}
    marks: set[str] = set()
    for one in sorted(credentials, key=lambda c: (not c.valued, c.kind != "env", c.role != "code", c.place)):
        if one.mark not in marks:
            best.setdefault(one.name or str(one.place), one)
        marks |= {one.mark} - {""}
    return list(best.values())


def _evidence(all_of_it: Iterable[Evidence]) -> list[Evidence]:
    return sorted(set(all_of_it))
