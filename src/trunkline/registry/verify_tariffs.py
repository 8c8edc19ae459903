"""Errors about `tariffs:`: what they hold for, where a call tells how much, and figures that say nothing.

Not for: whether a price is right, which only the vendor's page tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .document import Place
from .findings import did_you_mean, one_of
from .item import Item
from .merge import completed as operations_of
from .merge_tariffs import completed
from .patterns import SAID_NAME, compiles
from .shape_tariffs import Tariff

PLACE = re.compile(
    r"(count:)?((request|answer):(/\S*|bytes|header:[A-Za-z0-9!#$%&'*+.^_`|~-]+)|request:query:[A-Za-z0-9_.\[\]-]+)"
)
_PLACES = "Write e.g. `request:/amount`, `answer:/usage/pages`, `answer:header:X-Units`, `request:query:n`, `answer:bytes`."


def verify_tariffs(item: Item) -> None:
    """Writes every error."""
    vendor = item.entry.tariffs if item.entry else []
    known = {one.id for one in vendor}
    whole = completed(item.own.tariffs, vendor)
    operations = _operations(item)
    for n, (own, one) in enumerate(zip(item.own.tariffs, whole, strict=True)):
        at: Place = ("tariffs", n)
        if own.id in [other.id for other in item.own.tariffs[:n]]:
            said = f"The tariff `{own.id}` is declared twice."
            item.fault((*at, "id"), "duplicate-name", said, "Give each a name of its own.", value=own.id)
        if not SAID_NAME.fullmatch(own.id):
            item.fault(
                (*at, "id"), "bad-name", f"`{own.id}` is no name.", "Use letters, digits, `.`, `-`, `_`."
            )
        for name in own.operations:
            if name not in operations:
                cure = did_you_mean(name, operations) or one_of(operations)
                said = f"There is no operation `{name}`."
                item.fault((*at, "operations"), "unknown-operation", said, cure, value=name)
        for key, problem, cure in faults(one):
            if own.id not in known or getattr(own, key) != getattr(Tariff(id=own.id), key) or key == "id":
                item.fault((*at, key), "bad-tariff", problem, cure, at_key=True)


def _operations(item: Item) -> list[str]:
    vendor = item.entry.operations if item.entry else []
    return [one.name for one in (*operations_of(item.own.operations, vendor), *vendor)]


def faults(one: Tariff) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a whole tariff: key, problem, cure. The catalog's own are held against it, too."""
    if max(one.call, one.percent, one.usd) < 0 and not one.unit:
        yield (
            "id",
            f"The tariff `{one.id}` has no figure.",
            "Give `call`, `percent` with `amount`, or `unit` with `usd`.",
        )
    if bool(one.unit) != (one.usd >= 0):
        yield "id", "`unit` and `usd` belong together.", "Say what is counted, and what it costs."
    if one.percent >= 0 and not one.amount:
        yield (
            "percent",
            "Nothing says of which amount.",
            "Give `amount`, e.g. `[answer:/amount, request:/amount]`.",
        )
    if (one.units or one.steps) and not one.unit:
        yield "id", "`units` and `steps` need a `unit`.", "Name what is counted."
    if one.per < 1:
        yield "per", "A price is for one unit or more.", "Write e.g. `1000`."
    above = [rung.above for rung in one.steps]
    if above != sorted(set(above)) or any(n < 1 for n in above) or any(rung.usd < 0 for rung in one.steps):
        yield "steps", "Steps go up, from 1, at prices of 0 or more.", "Order them by `above`."
    if not re.fullmatch(r"[A-Z]{3}", one.currency):
        yield "currency", f"`{one.currency}` is no currency.", "Write its code, e.g. `EUR`."
    if 0 <= one.most < one.least:
        yield "most", "`most` is less than `least`.", "Exchange them."
    yield from _places(one)


def _places(one: Tariff) -> Iterator[tuple[str, str, str]]:
    for key, places in (
        ("units", one.units),
        ("amount", one.amount),
        ("currency_at", one.currency_at),
        ("when", list(one.when)),
    ):
        for place in places:
            if not PLACE.fullmatch(place):
                yield key, f"`{place}` is no place of a call.", _PLACES
    for place, pattern in one.when.items():
        if not compiles(pattern):
            yield (
                "when",
                f"`{pattern}` (at `{place}`) is no regular expression.",
                "Escape what is meant as it stands.",
            )
