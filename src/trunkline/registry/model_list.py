"""What is known of the models that can be called, with where each figure was read: for people who choose one.

A model is what the gateway would use (`core.service`) joined with the rest of the table. Not for: the gateway, nor the
text of commands (`cli/models.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from trunkline.core.price import Price
from trunkline.core.service import Model, Service

from . import catalog, model_table
from .merge import models_of
from .model_table import Row, Source, Table

_COMPARED = ("kind", "context", "max_output", "price", "title", "shutdown", "replacement")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One model at one integration (or, of the whole catalog, at one vendor). 0 and empty: not known."""

    id: str
    """As calls name it: `integration/model`."""
    integration: str
    vendor: str
    model: str
    kind: str
    alias_of: str = ""
    """The model that this is another name of."""
    aliases: list[str] = []
    title: str = ""
    context: int = 0
    max_output: int = 0
    price: Price | None = None
    input: list[str] = []
    output: list[str] = []
    features: list[str] = []
    lacks: list[str] = []
    """What it cannot; of a feature in neither list nobody knows."""
    released: str = ""
    deprecated: str = ""
    shutdown: str = ""
    replacement: str = ""
    knowledge: str = ""
    origin: str
    """`catalog`, or `registry` where only the registry names it."""
    overridden: list[str] = []
    """Figures that the registry says otherwise than the catalog."""
    sources: dict[str, Source] = {}
    """Figure of the catalog -> where and when it was read."""
    pricing: str = ""
    """The vendor's own page of prices, where it is known: what `price` is to be held against."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which models somebody looks for; what is empty does not matter."""

    text: str = ""
    """All of these words in its names."""
    integration: str = ""
    vendor: str = ""
    kind: str = ""
    features: tuple[str, ...] = ()
    """It is known to have all of them."""
    takes: tuple[str, ...] = ()
    """Kinds of input."""
    context: int = 0
    """At least so many tokens."""
    output: int = 0
    """Answers of at least so many tokens."""
    under: float = -1.0
    """At most so many dollars a million tokens of input; models without a price do not fit."""
    ends_before: str = ""
    """It is shut down before this day."""

    def fits(self, known: Known) -> bool:
        """Whether a model is one of them."""
        names = " ".join((known.id, known.title, *known.aliases)).lower()
        return (
            all(word in names for word in self.text.lower().split())
            and self.integration in ("", known.integration)
            and self.vendor in ("", known.vendor)
            and self.kind in ("", known.kind)
            and set(self.features) <= set(known.features)
            and set(self.takes) <= set(known.input)
            and known.context >= self.context
            and known.max_output >= self.output
            and (self.under < 0 or (known.price is not None and known.price.input <= self.under))
            and (not self.ends_before or (bool(known.shutdown) and known.shutdown < self.ends_before))
        )


def known(services: Iterable[Service]) -> list[Known]:
    """The models of integrations, in the order of the registry."""
    found: list[Known] = []
    for service in services:
        if service.enabled and service.models:
            found += _of(service.name, service.vendor, service.models)
    return found


def shipped() -> list[Known]:
    """The models of the whole catalog, whether a registry names their vendor or not. Reads every file."""
    found: list[Known] = []
    for name in catalog.names():
        found += _of(name, name, models_of([], catalog.entry(name)))
    return found


def price_age(told: Iterable[Known], today: date) -> int | None:
    """Days since the oldest price of the catalog among these was read; None without one."""
    days = [one.price.date for one in told if one.price is not None and one.price.date]
    return (today - date.fromisoformat(min(days))).days if days else None


def _of(integration: str, vendor: str, models: Iterable[Model]) -> list[Known]:
    there = bool(vendor) and vendor in catalog.names()
    entry = catalog.entry(vendor) if there else None
    table = model_table.table(vendor) if there else None
    theirs = {model.id: model for model in models_of([], entry)} if entry else {}
    ends = (
        Source(name=entry.shutdowns.source, date=entry.shutdowns.date) if entry and entry.shutdowns else None
    )
    names = {
        other: m.id for m in (entry.models if entry else ()) for other in (m.pinned, *m.aliases) if other
    }
    rows = {row.id: row for row in table.models} if table else {}
    found = []
    for model in models:
        main = names.get(model.id, "") if model.id not in rows else ""
        row = rows.get(main or model.id, Row(id=model.id))
        others = [other for other, own in names.items() if own == (main or model.id) and other != model.id]
        found.append(
            _joined(integration, vendor, model, theirs.get(model.id), row, main, others, table, ends, entry)
        )
    return found


def _joined(
    integration: str,
    vendor: str,
    model: Model,
    theirs: Model | None,
    row: Row,
    main: str,
    others: list[str],
    table: Table | None,
    ends: Source | None,
    entry: catalog.Entry | None,
) -> Known:
    changed = [f for f in _COMPARED if theirs is not None and getattr(model, f) != getattr(theirs, f)]
    figures = ("context", "max_output", "price", "input", "output", "features", "released", "deprecated")
    sources = {
        figure: source
        for figure in (*figures, "knowledge", "aliases")
        if table is not None and getattr(row, figure) and figure not in changed
        if (source := table.source(row, figure)) is not None
    }
    if ends is not None and model.shutdown and "shutdown" not in changed:
        sources |= {"shutdown": ends, **({"replacement": ends} if model.replacement else {})}
    return Known(
        id=f"{integration}/{model.id}",
        integration=integration,
        vendor=vendor,
        model=model.id,
        kind=model.kind,
        alias_of=f"{integration}/{main}" if main else "",
        aliases=others,
        title=model.title,
        context=model.context,
        max_output=model.max_output,
        price=model.price,
        input=list(row.input),
        output=list(row.output),
        features=list(row.features),
        lacks=list(row.lacks),
        released=row.released,
        deprecated=row.deprecated,
        shutdown=model.shutdown,
        replacement=model.replacement,
        knowledge=row.knowledge,
        origin="catalog" if theirs is not None else "registry",
        overridden=changed,
        sources=sources,
        pricing=entry.pricing if entry is not None else "",
    )
