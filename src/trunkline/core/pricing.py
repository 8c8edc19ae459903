"""What usage costs, exactly: counts of tokens and fees times a price, with the parts of which the cost is made. Pure.

Money per unit is kept in whole femtodollars (1e-15 USD): 0.0375 USD per million tokens are 37,500,000 of them a token, so that every
product and every sum is exact. What is part of what is settled before (`plugins/adapters/usage`): `input` and `output` hold all
that there is, the rest names parts of them. Not for: where prices stand (`registry/`), what becomes of a cost (`engine/costs.py`).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

import msgspec
from msgspec.structs import replace

from trunkline.core.codec import to_pack
from trunkline.core.price import Figures, Price, Tier

FEMTO = 10**15
UNPRICED = -1
"""In the place of a part's femtodollars: nobody knows what it costs."""
TOLD = "told"
"""The only part, and the id of the price, where the vendor tells the cost itself."""
USUAL = frozenset(
    ("", "standard", "default", "auto", "on_demand", "standard_only", "scale", "provisioned_throughput")
)
"""Words of vendors for a tier without a price of its own. What was bought ahead is counted as if it had not been."""
KINDS = (
    "input", "cached", "cache_write", "cache_write_1h", "audio_input", "audio_cached", "image_input", "image_cached",
    "output", "reasoning", "audio_output", "image_output",
)  # fmt: skip
_INPUTS = 8
"""So many of them are input."""
_REASONING = KINDS.index("reasoning")
_IS_AS = {
    "cached": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "audio_input": "input",
    "audio_cached": "cached",
    "image_input": "input",
    "image_cached": "cached",
    "reasoning": "output",
    "audio_output": "output",
    "image_output": "output",
}
"""What a kind costs as that has no figure of its own."""

_FREE = frozenset(("web_fetch", "citation"))
"""What vendors count and do not bill beside its tokens."""
_SEARCHES = ("web_search", "grounded", "search_query")
"""Counts of one thing: vendors bill by one of them and tell others, too."""

Sheet = tuple[int, ...]
"""Femtodollars per token, in the order of KINDS."""
Part = tuple[str, int, int]
"""What was used, how much of it, and femtodollars for each (or UNPRICED)."""


class Counts(Protocol):
    """Usage, as `core.answer.Usage` and `core.ports.Reading` have it."""

    input: int
    output: int
    cached: int
    cache_write: int
    cache_write_1h: int
    reasoning: int
    audio_input: int
    audio_cached: int
    audio_output: int
    image_input: int
    image_cached: int
    image_output: int
    fees: dict[str, int]
    tier: str
    told_usd: float


class Bill(msgspec.Struct, frozen=True, gc=False):
    """What a call cost."""

    cost_usd: float
    """Of all parts that have a price."""
    parts: list[Part]
    price_id: str


class Rates:
    """A price that is made ready to be multiplied when it is first asked for, since few models of a catalog ever are.
    `name` is integration/model.
    """

    __slots__ = ("_known", "_name", "_price", "_steps", "_tiers", "_usual", "by_call", "fees", "step")

    def __init__(self, name: str, price: Price) -> None:
        self._name, self._price = name, price
        self.fees = {fee: _femto(usd) for fee, usd in price.fees.items()} if price.fees else {}
        self.by_call = "call" in self.fees
        """Each call costs something, whatever it tells."""
        self.step = price.long[0].above if price.long else sys.maxsize
        """The most input tokens for which the usual figures hold."""
        self._usual: tuple[Sheet, str] | None = None
        self._steps: list[tuple[int, Sheet]] = []
        self._tiers: dict[str, dict[int, Sheet]] = {}
        self._known: dict[tuple[str, int], tuple[Sheet, str]] = {}

    @property
    def id(self) -> str:
        """The same as long as no figure of it changes."""
        return self.usual[1]

    @property
    def usual(self) -> tuple[Sheet, str]:
        """The figures of a short request in no special tier, and their id."""
        return self._usual or self._ready()

    def _ready(self) -> tuple[Sheet, str]:
        price = self._price
        figures = hashlib.sha256(to_pack(replace(price, source="", date=""))).hexdigest()[:6]
        usual = _filled(price)
        self._steps = [(step.above, _over(usual, step)) for step in price.long]
        self._tiers = {word: _tier(usual, self._steps, tier) for word, tier in price.service.items()}
        self._usual = usual, f"{self._name}@{price.date or 'undated'}#{figures}"
        return self._usual

    def sheet(self, tier: str, tokens: int) -> tuple[Sheet, str]:
        """The figures for a request of so many input tokens, by the tier that served it, and their id."""
        usual = self._usual or self._ready()
        if tier in USUAL:
            tier = ""
        above = 0
        for step, _ in self._steps:
            above = step if tokens > step else above
        if not tier and not above:
            return usual
        found = self._known.get((tier, above))
        if found is None:
            if len(self._known) > 100:  # vendors choose the words
                self._known = {}
            found = self._known[tier, above] = self._made(tier, above, usual[0])
        return found

    def _made(self, tier: str, above: int, usual: Sheet) -> tuple[Sheet, str]:
        usual = dict(self._steps).get(above, usual)
        made, name = usual, self.id
        for word in tier.split("+"):
            if word in USUAL:
                continue
            steps = self._tiers.get(word)
            name += f"+{word}" if steps is not None else f"+{word}?"
            if steps is not None:
                made = tuple(_scaled(a, b, c) for a, b, c in zip(made, steps[above], usual, strict=True))
        return made, f"{name}>{above}" if above else name

    def about_usd(
        self, tokens_in: float, tokens_out: float, writes: bool = False, tiers: Iterable[str] = ()
    ) -> float:
        """What a call will cost, about; `writes`: its input may be written to a cache, for as long as it may be; `tiers`: words for
        tiers that it asks for. A cheaper tier than the usual one is not counted on.
        """
        sheet = (self.sheet("", int(tokens_in)) if tokens_in > self.step else self.usual)[0]
        for tier in tiers:
            sheet = tuple(map(max, sheet, self.sheet(tier, int(tokens_in))[0]))
        into = max(sheet[0], sheet[2], sheet[3]) if writes else sheet[0]
        return (tokens_in * into + tokens_out * sheet[_INPUTS] + self.fees.get("call", 0)) / FEMTO


def bill(rates: Rates | None, counts: Counts) -> Bill | None:
    """What was used, times what it costs; None where nobody knows either."""
    if counts.told_usd >= 0:
        return Bill(counts.told_usd, [(TOLD, 1, _femto(counts.told_usd))], TOLD)
    into, out = counts.input, counts.output
    if rates is None or (into < 0 and not counts.fees):
        return None
    sheet, name = rates.sheet(counts.tier, into) if counts.tier or into > rates.step else rates.usual
    if (
        counts.cache_write
        or counts.audio_input
        or counts.audio_output
        or counts.image_input
        or counts.image_output
        or counts.fees
        or rates.by_call
        or counts.cached > into
        or counts.reasoning > out
    ):
        parts = [*_parts(_kinds(counts, max(into, 0), max(out, 0)), sheet), *_fees(rates.fees, counts.fees)]
        total = sum([units * femto for _, units, femto in parts if femto > 0])
        return Bill(total / FEMTO, parts, name)
    return _of_text(counts, into, out, sheet, name)


def _of_text(counts: Counts, into: int, out: int, sheet: Sheet, name: str) -> Bill:
    """Of tokens of text alone, as nearly all calls are: the same as the long way gives, at a fifth of its time."""
    parts, total = [], 0
    cached, reasoning = counts.cached, counts.reasoning
    if into > cached:
        units, femto = into - cached, sheet[0]
        parts.append(("input", units, femto))
        total = units * femto
    if cached:
        parts.append(("cached", cached, sheet[1]))
        total += cached * sheet[1]
    if out > reasoning:
        units, femto = out - reasoning, sheet[_INPUTS]
        parts.append(("output", units, femto))
        total += units * femto
    if reasoning:
        parts.append(("reasoning", reasoning, sheet[_REASONING]))
        total += reasoning * sheet[_REASONING]
    return Bill(total / FEMTO, parts, name)


def _kinds(counts: Counts, into: int, out: int) -> tuple[int, ...]:
    """How many tokens of each of KINDS. No more than all of it: a vendor's parts that are too many are cut, the plain ones first."""
    cached = min(counts.cached, into)
    written = min(counts.cache_write, into - cached)
    hour = min(counts.cache_write_1h, written)
    left = into - written
    audio = min(counts.audio_input, left)
    image = min(counts.image_input, left - audio)
    audio_cached = min(max(counts.audio_cached, audio + cached + image - left), audio, cached)
    image_cached = min(
        max(counts.image_cached, audio + cached - audio_cached + image - left), image, cached - audio_cached
    )
    text_cached = cached - audio_cached - image_cached
    text = left - audio - image - text_cached
    reasoning = min(counts.reasoning, out)
    audio_out = min(counts.audio_output, out - reasoning)
    image_out = min(counts.image_output, out - reasoning - audio_out)
    return (
        text, text_cached, written - hour, hour, audio - audio_cached, audio_cached, image - image_cached, image_cached,
        out - reasoning - audio_out - image_out, reasoning, audio_out, image_out,
    )  # fmt: skip


def _parts(numbers: tuple[int, ...], sheet: Sheet) -> list[Part]:
    return [(kind, n, femto) for kind, n, femto in zip(KINDS, numbers, sheet, strict=True) if n]


def _fees(known: Mapping[str, int], used: Mapping[str, int]) -> list[Part]:
    parts = [
        (name, n, known.get(name, UNPRICED))
        for name, n in used.items()
        if n and (name in known or not priced_fee(known, name))
    ]
    if "call" in known and "call" not in used:
        parts.append(("call", 1, known["call"]))
    return parts


def priced_fee(known: Mapping[str, int], name: str) -> bool:
    """Whether it is known what a fee costs: by its own figure, by another count of the same thing, or because it is free."""
    return name in known or name in _FREE or (name in _SEARCHES and any(same in known for same in _SEARCHES))


def lacks_price(parts: Iterable[Part]) -> bool:
    """Whether something was used of which nobody knows what it costs, so that the cost is more than is known."""
    return any(femto < 0 for _, _, femto in parts)


def cost_of(part: Part) -> float | None:
    """What a part cost, in USD; None where nobody knows."""
    _, units, femto = part
    return units * femto / FEMTO if femto >= 0 else None


def _femto(usd: float) -> int:
    """The shortest decimal that is this number, which is what was written, as femtodollars."""
    return int((Decimal(repr(float(usd))) * FEMTO).to_integral_value())


def _per_token(usd_per_million: float) -> int:
    return int((Decimal(repr(float(usd_per_million))) * (FEMTO // 10**6)).to_integral_value())


def _filled(figures: Figures) -> Sheet:
    told = {kind: getattr(figures, kind) for kind in KINDS}
    for kind, other in _IS_AS.items():
        if told[kind] < 0:
            told[kind] = told[other]
    return tuple(_per_token(max(told[kind], 0.0)) for kind in KINDS)


def _over(usual: Sheet, figures: Figures, factor: float = 1.0) -> Sheet:
    """What is not said changes as input or output does, or else by the factor."""
    sheet = []
    for n, kind in enumerate(KINDS):
        told, lead = getattr(figures, kind), 0 if n < _INPUTS else _INPUTS
        led = getattr(figures, KINDS[lead])
        if told >= 0:
            sheet.append(_per_token(told))
        elif led >= 0:
            sheet.append(_scaled(usual[n], _per_token(led), usual[lead]))
        else:
            sheet.append(int((usual[n] * Decimal(repr(factor))).to_integral_value()))
    return tuple(sheet)


def _tier(usual: Sheet, steps: list[tuple[int, Sheet]], tier: Tier) -> dict[int, Sheet]:
    """The figures of a tier, by the step that holds (0: none)."""
    own = _over(usual, tier, tier.factor)
    found = {0: own}
    said = {step.above: _over(own, step) for step in tier.long}
    for above, sheet in steps:
        found[above] = said.get(above) or tuple(
            _scaled(a, b, c) for a, b, c in zip(sheet, own, usual, strict=True)
        )
    return found


def _scaled(amount: int, by: int, of: int) -> int:
    """Amount x by / of, rounded; a ratio to nothing changes nothing."""
    return (2 * amount * by + of) // (2 * of) if of else amount
