"""The vendors that the scanner knows: the catalog's files and `vendors.yaml` put together, and what can be asked of them.

Which vendor does a host, a key, a variable's name, an import or a package belong to? Not for: reading files (`gather.py`).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec
import yaml

from trunkline.registry import catalog

TABLE = Path(__file__).with_name("vendors.yaml")
_ANYBODY = frozenset(
    ["live", "test", "key", "pat", "secret", "api", "sdk", "token", "prod", "dev", "pub", "pk", "sk"]
)
_ALPHABETS = ("a1b2c3d4e5f60718", "aB3dE5gH7jK9mN1p", "A1B2C3D4E5F60718", "abcdefabcdefabcd")
_ANY_ID = (
    "0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d",
    *((letters * 8)[:length] for letters in _ALPHABETS for length in range(16, 129)),
)
"""What any random id looks like. A form that fits one of these says nothing about whose key it is."""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One vendor of the table."""

    title: str = ""
    kind: str = ""
    base_url: str = ""
    words: list[str] = []
    hosts: list[str] = []
    hooks: list[str] = []
    """Of the hosts, those of addresses that are secrets themselves: no API of the vendor, and nobody puts a credential on."""
    hook_clients: list[str] = []
    """Modules and packages that only send to such addresses."""
    keys: list[str] = []
    auth: dict[str, str] = {}
    way: Literal["proxy", "connect"] = "proxy"
    why: str = ""
    data: list[str] | None = None
    sdk: dict[str, list[str]] = {}
    names: dict[str, dict[str, list[str]]] = {}
    """Language -> module -> names that are this vendor's although the module is another's."""
    packages: dict[str, list[str]] = {}


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor as the scanner knows it."""

    name: str
    title: str
    kind: str
    base_url: str
    row: Row
    in_catalog: bool = False
    env: list[str] = []
    """Variables for its key, by the catalog."""
    address_env: list[str] = []
    """Variables for its address, by the catalog."""
    key_needed: bool = True
    forms: list[Form] = []
    auth: dict[str, str] = {}
    """As the registry would have it, of vendors without a catalog entry."""
    openai_base: str = "/v1"
    """Where clients of OpenAI's SDK find it below its address."""
    usual_auth: str = "bearer"
    """Kind of authentication, wherever it is said."""

    @property
    def is_private(self) -> bool:
        """Its API mostly runs in one's own network."""
        return self.base_url.startswith("http://127.0.0.1")

    @property
    def data(self) -> list[str] | None:
        """Categories it mostly receives; None: no idea."""
        return self.row.data if self.row.data is not None else ["prompts"] if self.kind == "ai" else None


class Form(NamedTuple):
    """A form of keys that fits only this vendor's."""

    pattern: str
    live: bool | None
    starts: tuple[str, ...]
    """What every such key begins with; one of them."""
    weak: bool = False
    """It begins with words that anybody's keys may begin with: it counts only behind the vendor's name."""


class Vendors:
    """All of them, with the questions that files raise."""

    def __init__(self, known: dict[str, Vendor]) -> None:
        self.known = known
        self._hosts = {h: v.name for v in known.values() for h in _hosts(v) if "*" not in h}
        self._globs = [(h, v.name) for v in known.values() for h in _hosts(v) if "*" in h]
        self._globs.sort(key=lambda pair: -len(pair[0]))
        self._words = _words(known)
        self._env = {name: v.name for v in known.values() for name in v.env}
        self.forms = sorted(_forms(known), key=lambda form: -len(form[0].starts[0]))
        self._ports = {
            p.port: v.name for v in known.values() if (p := urlsplit(v.base_url)).hostname == "127.0.0.1"
        }

    def of_host(self, host: str, port: int = 0) -> str:
        """Name of the vendor whose API lives there, or an empty string."""
        if host in ("localhost", "127.0.0.1", "::1", "host.docker.internal") and port in (11434, 6333):
            return self._ports.get(port, "")
        found = self._hosts.get(host)
        if found:
            return found
        return next((name for glob, name in self._globs if fnmatch.fnmatchcase(host, glob)), "")

    def of_name(self, variable: str) -> str:
        """Name of the vendor that a variable's name speaks of, or an empty string."""
        return self._env.get(variable) or self.of_words(variable)

    def is_host(self, host: str) -> bool:
        """Whether this very host is known as an API."""
        return host in self._hosts

    def of_words(self, variable: str) -> str:
        """As `of_name`, by the words alone; the longest win, then the last."""
        parts = split_name(variable)
        best: tuple[int, int, str] = (0, 0, "")
        for start in range(len(parts)):
            for end in range(min(len(parts), start + 4), start, -1):
                word = "".join(parts[start:end])
                vendor = self._words.get(word)
                if vendor and (len(word) > 2 or start == 0 or word in SHORT_WORDS):
                    best = max(best, (len(word), start, vendor))
        return best[2]

    def of_key(self, value: str, near: str = "") -> tuple[str, bool | None]:
        """Vendor and liveness of a key by its form; `near` is the vendor that its variable speaks of."""
        fits = [
            (form, name)
            for form, name in self.forms
            if value.startswith(form.starts) and _full(form.pattern, value)
        ]
        if not fits:
            return "", None
        fits = [fit for fit in fits if fit[1] == near] or [fit for fit in fits if not fit[0].weak]
        if not fits:
            return "", None
        chosen = min(fits, key=_vagueness)
        return chosen[1], chosen[0].live

    def of_module(self, language: str, module: str) -> str:
        """The vendor whose SDK this import is. The longest prefix wins."""
        return _of_module(self, language, module)

    def of_package(self, manager: str, package: str) -> str:
        """The vendor whose SDK a package of a manifest is."""
        for vendor in self.known.values():
            if any(fnmatch.fnmatchcase(package, glob) for glob in vendor.row.packages.get(manager, ())):
                return vendor.name
        return ""

    def modules(self, language: str) -> Iterator[tuple[str, str]]:
        """(prefix, vendor) of all SDKs in a language."""
        for vendor in self.known.values():
            for prefix in vendor.row.sdk.get(language, ()):
                yield prefix, vendor.name


def load(folder: Path = catalog.FOLDER, table: Path = TABLE) -> Vendors:
    """Reads the whole catalog and the table."""
    tree = yaml.load(table.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (a safe one)
    rows = msgspec.convert(tree, dict[str, Row])
    known = {}
    listed = sorted(path.stem for path in folder.glob("*.yaml"))
    for name in [*listed, *(name for name in rows if name not in listed)]:
        entry = catalog.entry(name, folder) if name in listed else None
        known[name] = _vendor(name, rows.get(name) or Row(words=[name.upper().replace("-", "_")]), entry)
    return Vendors(known)


def _vendor(name: str, row: Row, entry: catalog.Entry | None) -> Vendor:
    if entry is None:
        forms = [made for pattern in row.keys if (made := _form(pattern, None)) is not None]
        auth = row.auth or ({"kind": "none"} if row.way == "connect" else {"kind": "bearer"})
        return Vendor(
            name=name,
            title=row.title or name,
            kind=row.kind,
            base_url=row.base_url,
            row=row,
            forms=forms,
            auth=auth,
            openai_base="" if urlsplit(row.base_url).path.strip("/") else "/v1",
            usual_auth=auth["kind"],
        )
    chat = next((one.path for one in entry.dialects if one.name == "openai-chat"), "/v1/chat/completions")
    told = [(entry.key.live, True), (entry.key.sandbox, False), ([*entry.key.any, *row.keys], None)]
    forms = [made for patterns, live in told for p in patterns if (made := _form(p, live)) is not None]
    return Vendor(
        name=name,
        title=entry.title,
        kind=entry.kind,
        base_url=entry.base_url,
        row=row,
        in_catalog=True,
        env=entry.env,
        address_env=entry.address.env if entry.address else [],
        key_needed=entry.key.needed,
        forms=forms,
        openai_base=chat.removesuffix("/chat/completions"),
        usual_auth=(entry.auth.kind if entry.auth else None) or "bearer",
    )


def _form(pattern: str, live: bool | None) -> Form | None:
    """The pattern, unless it fits any random id."""
    if any(_full(pattern, value) for value in _ANY_ID):
        return None
    starts = tuple(start for start in _starts(pattern) if len(start) >= 2) or ("",)
    weak = all(len(start) < 3 or start.strip("_-") in _ANYBODY - {"sk", "pk"} for start in starts)
    return Form(pattern, live, starts, weak)


def _starts(pattern: str) -> list[str]:
    """Literal beginnings of a pattern: `(sk|rk)_live_[a-z]+` -> `sk_live_`, `rk_live_`; empty where there is none."""
    found = [""]
    rest = pattern
    while rest:
        if group := re.match(r"\((?:\?:)?([A-Za-z0-9_|-]+)\)(?![*+?{])", rest):
            found = [head + one for head in found for one in group[1].split("|")]
        elif bracket := re.match(r"\[([A-Za-z0-9_.]{1,8})\](?![*+?{])", rest):
            found = [head + one for head in found for one in bracket[1]]
            group = bracket
        elif plain := re.match(r"[A-Za-z0-9_:/-](?![*+?{])", rest):
            found = [head + plain[0] for head in found]
            group = plain
        else:
            break
        rest = rest[group.end() :]
    return found


def _vagueness(fit: tuple[Form, str]) -> tuple[int, bool, bool]:
    """A form that begins with more is surer; then one of fewer characters; then the vendor most people mean."""
    form, name = fit
    return (-len(form.starts[0]), "0-9a-f" not in form.pattern, name != "openai")


def _hosts(vendor: Vendor) -> list[str]:
    host = urlsplit(vendor.base_url).hostname or ""
    named = [] if host in ("", "127.0.0.1", "localhost") else [host]
    return [*named, *vendor.row.hosts]


def _words(known: dict[str, Vendor]) -> dict[str, str]:
    found: dict[str, str] = {}
    for vendor in known.values():
        for word in (*vendor.row.words, vendor.name.upper()):
            found.setdefault(re.sub(r"[^A-Z0-9]", "", word.upper()), vendor.name)
    return found


def _forms(known: dict[str, Vendor]) -> Iterator[tuple[Form, str]]:
    for vendor in known.values():
        for form in vendor.forms:
            yield form, vendor.name


def split_name(name: str) -> list[str]:
    """A name of any style in its parts, upper-cased: `openAiApiKey`, `openai-api-key`, `OPENAI_API_KEY`."""
    spaced = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3_\2\4", name)
    return [part.upper() for part in re.split(r"[^A-Za-z0-9]+", spaced) if part]


SHORT_WORDS = frozenset(("S3",))
"""Two letters that mean one thing wherever they stand in a name."""


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _full(pattern: str, value: str) -> bool:
    return _compiled(pattern).fullmatch(value) is not None


def _of_module(vendors: Vendors, language: str, module: str) -> str:
    best = ("", "")
    for prefix, name in vendors.modules(language):
        if len(prefix) > len(best[0]) and begins(language, module, prefix):
            best = (prefix, name)
    return best[1]


def begins(language: str, module: str, prefix: str) -> bool:
    """Whether an import lies below an SDK's: at a boundary of the language."""
    if not module.startswith(prefix):
        return False
    rest = module[len(prefix) :]
    if not rest or prefix[-1] in "./\\:-":
        return True
    return rest[0] in {"python": ".", "javascript": "/", "go": "/"}.get(language, ".:\\/")
