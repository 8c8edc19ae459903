"""The registry's tariffs and the catalog's, joined by id, less what was negotiated. Pure. Not for: judging them (`verify_tariffs.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import msgspec
from msgspec.structs import asdict, fields, replace

from trunkline.core import tariff

from .merge_prices import exact
from .shape_tariffs import Tariff

_MONEY = ("call", "usd", "percent", "least", "most")


def tariffs_of(
    own: list[Tariff], vendor: list[Tariff], discounts: Mapping[str, float]
) -> list[tariff.Tariff]:
    """The registry's first; the catalog's then, but for those that hold only where the registry names them."""
    known = {one.id: _less(one, discounts) for one in vendor}
    ids = {one.id for one in own}
    mine = [_completed(one, known.get(one.id)) for one in own]
    theirs = [one for one in known.values() if one.id not in ids and one.assumed]
    return [msgspec.convert(msgspec.to_builtins(one), tariff.Tariff) for one in (*mine, *theirs)]


def completed(own: list[Tariff], vendor: list[Tariff]) -> list[Tariff]:
    """The registry's tariffs; what one does not say is taken from the catalog's of its id."""
    known = {one.id: one for one in vendor}
    return [_completed(one, known.get(one.id)) for one in own]


def _completed(own: Tariff, vendor: Tariff | None) -> Tariff:
    """Figures of one's own are from the registry, unless it says where it has them from."""
    said = {
        field.name: getattr(own, field.name)
        for field in fields(own)
        if field.name != "id" and getattr(own, field.name) != _default(field)
    }
    figures = any(name in said for name in (*_MONEY, "steps"))
    if vendor is None:
        return replace(own, source=own.source or "registry")
    if figures:
        said = {"source": "registry", "date": "", **said}
    return replace(vendor, **said)


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default_factory() if callable(field.default_factory) else field.default


def _less(one: Tariff, discounts: Mapping[str, float]) -> Tariff:
    """With what was negotiated taken off every figure; its source tells so."""
    off = next((share for glob, share in discounts.items() if fnmatchcase(one.id, glob)), 0.0)
    if not off:
        return one
    told = {name: value for name, value in asdict(one).items() if name in _MONEY and value >= 0}
    return replace(
        one,
        **{name: exact(value * (1 - off)) for name, value in told.items()},
        steps=[replace(rung, usd=exact(rung.usd * (1 - off))) for rung in one.steps],
        source=f"{one.source}, less {off * 100:g} %",
    )
