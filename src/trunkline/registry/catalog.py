"""The catalog: what ships about each vendor, one YAML file per vendor, read only when a registry names it.

Not for: the registry's own text (`shape.py`), nor for putting the two together (`merge.py`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from . import document, model_table
from .diagnose import faults
from .findings import Finding, RegistryInvalid
from .part import Identifier, Part
from .shape_flow import Limit, Probe, Timeout
from .shape_tariffs import Tariff
from .shape_vendor import (
    ApiVersion,
    Auth,
    Contract,
    Dialect,
    ErrorRule,
    ErrorShape,
    Handling,
    Idempotency,
    LimitHeaders,
    Model,
    Operation,
    Price,
)

FOLDER = Path(__file__).with_name("catalog")
PRICES_OLD_DAYS = 120
"""Prices read longer ago than this are warned of."""


class Address(Part):
    """Where the address may come from when it is not fixed."""

    env: list[str] = []
    """Variables with which the vendor's SDKs take another address (ruling 20)."""
    suffix: str = ""
    """What such an address ends with although `base_url` here does not, e.g. `/v1`."""
    example: str = ""
    """What a person has to write where the vendor has no single address."""


class Broad(Part):
    """A form of key that may do more than most uses need."""

    pattern: str
    """Regular expression (full match)."""
    instead: str
    """The narrower one, for people."""


class Key(Part):
    """Regular expressions (full match) for the forms of this vendor's keys."""

    live: list[str] = []
    """Keys that act for real, where the vendor tells the two apart."""
    sandbox: list[str] = []
    """Test keys, where the vendor tells the two apart."""
    any: list[str] = []
    """Keys that tell nothing of the kind."""
    needed: bool = True
    """`false`: the API may be called without one."""
    broad: list[Broad] = []
    """Keys that may do everything, where the vendor has narrower ones."""


class Priced(Part):
    """Where and when the prices of this file, or its days of shutdown, were read."""

    source: str
    date: str


class Entry(Part, kw_only=True):
    """One vendor of the catalog."""

    title: str
    kind: Literal["ai", "payments", "messaging", "developer", "productivity", "vectors", "documents"]
    """Decides the default timeouts (`ai` waits longer)."""
    base_url: str
    """Empty where it has to come from the registry."""
    docs: str = ""
    pricing: str = ""
    """Its own page of prices, to hold figures against that were taken from elsewhere."""
    address: Address | None = None
    network: Literal["public", "private"] = "public"
    auth: Auth | None = None
    env: list[str] = []
    """Variables that the world uses for its key, the usual one first."""
    key: Key = msgspec.field(default_factory=Key)
    api_version: ApiVersion | None = None
    headers: dict[str, str] = {}
    timeout: Timeout | None = None
    limits: list[Limit] = []
    limit_headers: LimitHeaders | Literal[""] = ""
    request_id_headers: list[str] = []
    idempotency: Idempotency | None = None
    usage: dict[str, str] = {}
    encoded_slash: bool = False
    operations: list[Operation] = []
    dialects: list[Dialect] = []
    model_patterns: list[str] = []
    prices: Priced | None = None
    shutdowns: Priced | None = None
    """Where and when the days on which models end were read."""
    models: list[Model] = []
    tariffs: list[Tariff] = []
    """Prices of what is no model call; each figure with its source and date."""
    probe: Probe | None = None
    status_page: str = ""
    status_feed: str = ""
    """What of it a machine reads."""
    changelog: str = ""
    contract: Contract | None = None
    handling: Handling | None = None
    identifiers: list[Identifier] = []
    error_style: Literal["superset", "native", "normalized"] | None = None
    error_shape: ErrorShape | None = None
    errors: list[ErrorRule] = []
    ok_body: dict[str, str] = {}


def names() -> list[str]:
    """Names of all vendors in the catalog, sorted; reads no file."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def entry(name: str, folder: Path = FOLDER) -> Entry:
    """One vendor. Raises KeyError for an unknown one, RegistryInvalid for a file that is wrong."""
    path = folder / f"{name}.yaml"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        raise KeyError(name)
    shown = f"catalog/{name}.yaml"
    source = document.read(path, shown)
    try:
        return _with_figures(msgspec.convert(source.data, Entry), model_table.table(name, folder / "models"))
    except msgspec.ValidationError as error:
        raise RegistryInvalid(_explain(source, shown, str(error))) from None


def _with_figures(entry: Entry, known: model_table.Table | None) -> Entry:
    """What the table of models knows and the catalog's own file does not say."""
    if known is None:
        return entry
    rows = {row.id: row for row in known.models}
    for model in entry.models:
        row = rows.get(model.id)
        if row is not None:
            model.context = model.context or row.context
            model.max_output = model.max_output or row.max_output
            model.aliases = model.aliases or row.aliases
            model.price = model.price or _price(known, row)
    told = known.sources.get(known.figures.get("price", ""))
    entry.prices = entry.prices or (Priced(source=told.name, date=told.date) if told else None)
    return entry


def _price(known: model_table.Table, row: model_table.Row) -> Price | None:
    told = known.source(row, "price")
    return replace(row.price, source=told.name, date=told.date) if row.price and told else row.price


def _explain(source: document.Document, shown: str, otherwise: str) -> list[Finding]:
    found = []
    for fault in faults(source.data, Entry):
        line, column, _ = source.find(fault.place, key=fault.at_key)
        item = document.dotted(fault.place)
        found.append(
            Finding(
                severity="error",
                code=fault.code,
                file=shown,
                line=line,
                column=column,
                item=item,
                value=fault.value,
                message=fault.message,
                cure=fault.cure,
            )
        )
    return found or [Finding(severity="error", code="bad-value", file=shown, message=otherwise)]


def key_problem(entry: Entry | None, environment: str, secret: str) -> str:
    """Why this key must not be used in this environment (ruling 19); empty when it may. Never holds the key."""
    if re.fullmatch(r"tlb?_[A-Za-z0-9_-]{16,}", secret):
        return "The secret is a caller key of Trunkline, not a key of the vendor. Set the vendor's own key."
    if entry is None:
        return ""
    live = any(re.fullmatch(pattern, secret) for pattern in entry.key.live)
    sandbox = any(re.fullmatch(pattern, secret) for pattern in entry.key.sandbox)
    if environment == "dev" and live:
        return (
            f"A live key of {entry.title} is set in dev, where it acts for real. Set a sandbox key for dev."
        )
    if environment == "prod" and sandbox:
        return f"A sandbox key of {entry.title} is set in prod, where it does nothing real. Set the live key for prod."
    return ""


def broad_key(entry: Entry | None, secret: str) -> str:
    """What to use instead of a key that may do more than is needed; empty when it may not. Never holds the key."""
    if entry is None:
        return ""
    return next((one.instead for one in entry.key.broad if re.fullmatch(one.pattern, secret)), "")
