"""What calls cost that are no model calls: by the call, by the unit, by a share of an amount, in steps of a month's count. As the
snapshot tells it, and as money. Pure.

Places where a call tells what counts are texts: `request:/amount`, `answer:/pages` (JSON pointers; also of forms),
`request:header:NAME`, `answer:header:NAME`, `request:query:NAME`, `request:bytes`, `answer:bytes`; with `count:` before it a place
counts the values that lie there instead of adding them up. Not for: reading them (`engine/tariffs.py`), nor models (`price.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from typing import Literal

import msgspec
from msgspec.structs import replace

from trunkline.core.codec import to_pack
from trunkline.core.pricing import FEMTO, UNPRICED, Bill, Part

BY_MONTH = "+month"
"""Ends the id of a price whose steps follow a month's count, so that the count is found again in the records."""
_DIGITS = dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"),
    0,
) | dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3)
"""Digits behind the point, of currencies that have not two (docs.stripe.com/currencies; ISK and UGX are told with two there)."""


class Rung(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of a month's count."""

    above: int
    """Units of the month beyond which it holds; of `per` units where that is not 1."""
    usd: float
    """What `per` units cost then."""


class Tariff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What calls that are no model calls cost; the first tariff that fits a call holds. Only what the vendor has answered well costs."""

    id: str
    """Its name in records. With the id of a catalog tariff, what is not said here stays as it is there."""
    title: str = ""
    """What it holds for, for people."""
    operations: list[str] = []
    """Names of the operations that it holds for; `[]`: all calls."""
    when: dict[str, str] = {}
    """Place -> regular expression (full match) that must hold there, e.g. `{"answer:/status": "succeeded"}`; what is not there reads
    as an empty text. Places: `request:/POINTER`, `answer:/POINTER`, `request:header:NAME`, `answer:header:NAME`, `request:query:NAME`,
    `request:bytes`, `answer:bytes`; `count:` before one counts its values."""
    call: float = -1.0
    """For each call; beside a percentage or units it is added to them."""
    unit: str = ""
    """What is counted, as it is told, e.g. `page`, `segment`, `byte`, `second`."""
    units: list[str] = []
    """Places where a call tells how many, the best first; none: one a call. Several values at a place are added up."""
    usd: float = -1.0
    """For `per` units."""
    per: int = 1
    """Units for which `usd` is the price, e.g. `1000000` bytes, `60` seconds."""
    started: bool = False
    """Every `per` units that were begun count whole."""
    steps: list[Rung] = []
    """Other prices of a unit beyond so many in a calendar month (UTC)."""
    tiers: Literal["graduated", "volume"] = "graduated"
    """`graduated`: a step holds for what lies above it; `volume`: the step that the month has reached holds for a whole call."""
    percent: float = -1.0
    """Of an amount of money that the call moves."""
    amount: list[str] = []
    """Places where it tells the amount."""
    minor: bool = True
    """Whether the amount is told in the smallest unit of its currency (cents; yen have no smaller one)."""
    least: float = -1.0
    """The cost of a call is at least this."""
    most: float = -1.0
    """The cost of a call is at most this."""
    currency: str = "USD"
    """Of all its figures. What is not in USD is told in the record and counts as unpriced, since nobody knows the rate."""
    currency_at: list[str] = []
    """Places where a call tells its currency; the tariff fits only its own."""
    beside: list[str] = []
    """What the vendor bills beside it and no figure here covers, e.g. `carrier_fee`: the call counts as unpriced beside its cost."""
    assumed: bool = True
    """`false`, in the catalog: it holds only where the registry names it."""
    source: str = ""
    """Where it was read; default: the registry."""
    date: str = ""
    """When it was read, `YYYY-MM-DD`."""


class Rate:
    """A tariff of an integration, ready to be multiplied."""

    __slots__ = ("digits", "id", "key", "tariff")

    def __init__(self, integration: str, tariff: Tariff) -> None:
        self.tariff = tariff
        self.key = f"{integration}/{tariff.id}"
        figures = replace(tariff, title="", source="", date="", assumed=True)
        made = hashlib.sha256(to_pack(figures)).hexdigest()[:6]
        self.id = f"{self.key}@{tariff.date or 'undated'}#{made}{BY_MONTH if tariff.steps else ''}"
        """The same as long as no figure of it changes."""
        self.digits = digits_of(tariff.currency)

    def bill(self, amount: Decimal | None, units: Decimal | None, before: int) -> Bill:
        """What a call cost, in the tariff's currency; `before`: units of the month so far. A part that nobody can count has no
        price.
        """
        tariff = self.tariff
        parts: list[Part] = []
        if tariff.percent >= 0:
            parts.append(self._share(amount))
        if tariff.unit:
            parts += self._units(units, before)
        if tariff.call >= 0:
            parts.append(("call", 1, _femto(tariff.call)))
        total = sum([n * femto for _, n, femto in parts if femto > 0])
        if tariff.most >= 0 and total > _femto(tariff.most):
            parts = [("most", 1, _femto(tariff.most))]
        elif tariff.least >= 0 and total < _femto(tariff.least):
            parts = [("least", 1, _femto(tariff.least))]
        total = sum([n * femto for _, n, femto in parts if femto > 0])
        parts += [(name, 1, UNPRICED) for name in tariff.beside]
        return Bill(total / FEMTO, parts, self.id)

    def _share(self, amount: Decimal | None) -> Part:
        """In the smallest unit of its currency."""
        if amount is None:
            return "amount", 1, UNPRICED
        smallest = amount if self.tariff.minor else amount.scaleb(self.digits)
        each = _exactly(self.tariff.percent) * FEMTO / 100 / 10**self.digits
        return "amount", _whole(smallest), _whole(each)

    def _units(self, told: Decimal | None, before: int) -> list[Part]:
        tariff = self.tariff
        if told is None:
            return [(tariff.unit, 1, UNPRICED)]
        if tariff.steps or tariff.started:
            return self._stepped(_up(told / tariff.per), before)
        thousandths = told != told.to_integral_value()
        n = _whole(told * 1000 if thousandths else told)
        each = _exactly(tariff.usd) * FEMTO / tariff.per / (1000 if thousandths else 1)
        return [(f"{tariff.unit}/1000" if thousandths else tariff.unit, n, _whole(each))] if n else []

    def _stepped(self, n: int, before: int) -> list[Part]:
        tariff, parts = self.tariff, list[Part]()
        name = tariff.unit if tariff.per == 1 else f"{tariff.per} {tariff.unit}"
        bounds = [(0, tariff.usd), *((rung.above, rung.usd) for rung in tariff.steps)]
        if tariff.tiers == "volume":
            usd = [usd for above, usd in bounds if not above or before + n > above][-1]
            return [(name, n, _femto(usd))] if n else []
        for place, (above, usd) in enumerate(bounds):
            end = bounds[place + 1][0] if place + 1 < len(bounds) else before + n
            here = min(before + n, max(end, above)) - max(before, above)
            if here > 0:
                parts.append((name, here, _femto(usd)))
        return parts


def counted(price_id: str, parts: Sequence[Part]) -> tuple[str, int]:
    """Whose month's count a recorded call adds to, and how much; an empty name: nobody's."""
    if not price_id.endswith(BY_MONTH):
        return "", 0
    return price_id.rpartition("@")[0], sum(n for what, n, femto in parts if femto >= 0 and what != "call")


def digits_of(currency: str) -> int:
    """Digits behind the point of a currency."""
    return _DIGITS.get(currency, 2)


def _exactly(number: float) -> Decimal:
    """The shortest decimal that is this number, which is what was written."""
    return Decimal(repr(float(number)))


def _femto(money: float) -> int:
    return _whole(_exactly(money) * FEMTO)


def _whole(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_HALF_EVEN))


def _up(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_CEILING))
