"""Negotiated discounts on the catalog's prices. Pure. Not for: prices of the registry's own, which are taken as written (`merge.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TypeVar

from msgspec.structs import replace

from .shape_vendor import Figures, Model

NONE: Mapping[str, float] = MappingProxyType({})
KINDS = Figures.__struct_fields__
F = TypeVar("F", bound=Figures)


def less(model: Model, source: str, discounts: Mapping[str, float]) -> Model:
    """A model with what was negotiated taken off its price; its source tells so. `source`: of a price that names none."""
    off = next((share for glob, share in discounts.items() if fnmatchcase(model.id, glob)), 0.0)
    if model.price is None or not off:
        return model
    price, rest = _times(model.price, 1 - off), 1 - off
    return replace(
        model,
        price=replace(
            price,
            long=[_times(step, rest) for step in price.long],
            service={
                word: replace(_times(tier, rest), long=[_times(step, rest) for step in tier.long])
                for word, tier in price.service.items()
            },
            fees={fee: exact(usd * rest) for fee, usd in price.fees.items()},
            source=f"{price.source or source}, less {off * 100:g} %",
        ),
    )


def _times(figures: F, rest: float) -> F:
    """-1 stays: as another figure, which is less already. So do factors of tiers."""
    told = {kind: getattr(figures, kind) for kind in KINDS}
    return replace(figures, **{kind: exact(usd * rest) for kind, usd in told.items() if usd >= 0})


def exact(usd: float) -> float:
    """Without what multiplying adds beyond any price: 0.6 * 0.9 is 0.54."""
    return round(usd, 12)


def idle(known: list[str], discounts: Mapping[str, float]) -> list[str]:
    """Globs that fit no model, or only such as an earlier glob takes."""
    taken: set[str] = set()
    unused = []
    for glob in discounts:
        fits = {name for name in known if fnmatchcase(name, glob)}
        if not fits - taken:
            unused.append(glob)
        taken |= fits
    return unused
