"""What calls have cost, by window and by who made them: a fold over the records of the journal, and its checkpoint.

A call counts in the UTC day and month in which it began, as in the roll-ups. Money is kept in whole nanodollars, so that a sum does
not depend on the order of its parts: what the gateway counted while it ran is to the last digit what it counts from the
journal after a restart. Pure. Not for: limits on it (`plugins/policies/budget.py`), nor for reading files (`journal/spend.py`).
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from trunkline.core.codec import pack_decoder, to_pack
from trunkline.core.dialects import COUNTS
from trunkline.core.pricing import Part, lacks_price
from trunkline.core.record import Begin, Boot, End, Record
from trunkline.core.scope import Labels, model_label
from trunkline.core.tariff import counted

NANO = 1_000_000_000
DAY_US = 86_400_000_000
KEPT_WINDOWS = 3
"""Of each length, those used last: a clock that jumps ahead and back finds its window again."""
MOST_FEATURES = 10_000
"""Callers choose features; those of one window beyond so many are counted as `OTHER`."""
OTHER = "(other)"
TOKEN_S = 7200
"""What a browser token has spent is forgotten so long after its last call; it lives an hour at most."""

_TOKEN_TAG = "token:"  # noqa: S105 - the name of a tag
_FORMAT = 1

Per = Literal["day", "month"]


class Window(NamedTuple):
    """A UTC day (`2026-11-21`) or month (`2026-11`); the end is the begin of the next."""

    name: str
    start_us: int
    end_us: int


def window(per: Per, at_us: int) -> Window:
    """The window in which an instant lies."""
    day = at_us // DAY_US
    date = time.gmtime(day * 86_400)
    if per == "day":
        return Window(
            f"{date.tm_year:04d}-{date.tm_mon:02d}-{date.tm_mday:02d}", day * DAY_US, (day + 1) * DAY_US
        )
    after = (date.tm_year + date.tm_mon // 12, date.tm_mon % 12 + 1)
    return Window(
        f"{date.tm_year:04d}-{date.tm_mon:02d}",
        calendar.timegm((date.tm_year, date.tm_mon, 1, 0, 0, 0)) * 1_000_000,
        calendar.timegm((*after, 1, 0, 0, 0)) * 1_000_000,
    )


def length_of(name: str) -> Per:
    """Which length a window has, by its name."""
    return "day" if name.count("-") == 2 else "month"


def nano(usd: float) -> int:
    """Money as whole nanodollars."""
    return round(usd * NANO)


def usd(amount: int) -> float:
    """Nanodollars as money to show."""
    return amount / NANO


def charge(cost_usd: float, wasted_usd: float) -> int:
    """What a call has cost in all, in nanodollars: what its answer cost (-1: unknown) and what was paid beside it."""
    return nano(max(cost_usd, 0.0)) + nano(max(wasted_usd, 0.0))


def beside(wasted_usd: float, elsewhere: Mapping[str, float]) -> float:
    """What of `wasted_usd` was paid where the answer came from."""
    return wasted_usd - sum(elsewhere.values()) if elsewhere else wasted_usd


def elsewhere(wasted_at: Iterable[tuple[str, float]], target: str) -> dict[str, float]:
    """What was paid for nothing at other targets than this one, by target."""
    found: dict[str, float] = {}
    for name, cost_usd in wasted_at:
        if name != target:
            found[name] = found.get(name, 0.0) + cost_usd
    return found


def is_unpriced(cost_usd: float, parts: Sequence[Part], state: str, asked_model: str, ingress: str) -> bool:
    """Whether a call went well that has a price (to a model, or of an operation with a tariff, which then has parts), and yet
    nobody knows its cost, or all of it.
    """
    known = cost_usd >= 0 and not lacks_price(parts)
    return not known and state == "ok" and (bool(asked_model) or bool(parts)) and ingress not in COUNTS


def token_tag(tags: str, token_id: str) -> str:
    """The tags of a call made with a browser token; by the last one its money is found again in the journal."""
    return f"{tags},{_TOKEN_TAG}{token_id}" if tags else f"{_TOKEN_TAG}{token_id}"


def token_of(tags: str) -> str:
    """The browser token that a call was made with; empty if with none."""
    last = tags.rpartition(",")[2]
    return last[len(_TOKEN_TAG) :] if last.startswith(_TOKEN_TAG) else ""


def served(integration: str, asked_model: str, target: str, told_model: str) -> tuple[str, str]:
    """Integration and model label of what answered: the last attempt's target, where there was one.

    Without an attempt of its own (its request went with others of its kind) a call has the model that the vendor told.
    """
    if target:
        integration, _, model = target.partition("/")
        return integration, model_label(integration, model or asked_model)
    qualified = asked_model.startswith(f"{integration}/")
    return integration, model_label(integration, asked_model if qualified else told_model or asked_model)


class Open(NamedTuple):
    """A call that has begun and not ended: what its end will not say again."""

    at_us: int
    labels: Labels
    model: str
    ingress: str
    token: str


class Sum(msgspec.Struct, array_like=True):
    """What was counted under one set of labels in one window."""

    spent: int = 0
    """Nanodollars."""
    unpriced: int = 0
    """Calls whose cost nobody knows."""


class _Row(NamedTuple):
    labels: Labels
    sum: Sum


class _Checkpoint(msgspec.Struct, array_like=True, frozen=True):
    format: int
    segment: int
    offset: int
    windows: list[tuple[str, list[_Row]]]
    tokens: dict[str, tuple[int, int]]
    running: dict[str, Open]
    units: dict[str, dict[str, int]] = {}


_decoder = pack_decoder(_Checkpoint)


class Spend:
    """The sums of everything folded so far."""

    def __init__(self) -> None:
        self.windows: dict[str, dict[Labels, Sum]] = {}
        """By name, those used last behind."""
        self.tokens: dict[str, tuple[int, int]] = {}
        """By browser token: nanodollars, and when its last call began (epoch microseconds)."""
        self.running: dict[str, Open] = {}
        self.units: dict[str, dict[str, int]] = {}
        """By month, how much was used of what costs by steps of a month's count (`core/tariff.py`)."""
        self._features: dict[str, set[str]] = {}

    def note(self, record: Record) -> None:
        """Fold the next record in."""
        if isinstance(record, Begin):
            labels = Labels(record.key_id, record.team, record.feature, record.integration, "")
            self.running[record.call_id] = Open(
                record.at_us, labels, record.model, record.ingress, token_of(record.tags)
            )
        elif isinstance(record, End):
            self._ended(record)
        elif isinstance(record, Boot):
            # One gateway writes a journal: what an earlier one had running has no end and no known cost.
            self.running.clear()

    def _ended(self, end: End) -> None:
        call = self.running.pop(end.call_id, None) or _lost(end)
        if end.price_id:
            self._use(call.at_us, end)
        spent = charge(end.cost_usd, beside(end.wasted_usd, end.wasted_elsewhere))
        unpriced = is_unpriced(end.cost_usd, end.parts, end.state, call.model, call.ingress)
        if not spent and not unpriced and not end.wasted_elsewhere:
            return
        target = end.tried[-1].target if end.tried else ""
        self._count(call, target, end.served_model, spent, int(unpriced))
        for target, cost_usd in end.wasted_elsewhere.items():
            self._count(call, target, "", nano(cost_usd), 0)

    def _use(self, at_us: int, end: End) -> None:
        key, units = counted(end.price_id, end.parts)
        if not key:
            return
        counts = self.units.setdefault(window("month", at_us).name, {})
        counts[key] = counts.get(key, 0) + units
        for old in sorted(self.units)[:-KEPT_WINDOWS]:
            del self.units[old]

    def _count(self, call: Open, target: str, told_model: str, spent: int, unpriced: int) -> None:
        """Money of a call at one of its targets."""
        if not spent and not unpriced:
            return
        integration, model = served(call.labels.integration, call.model, target, told_model)
        self.add(call.at_us, call.labels._replace(integration=integration, model=model), spent, unpriced)
        if call.token:
            self.tokens[call.token] = (self.tokens.get(call.token, (0, 0))[0] + spent, call.at_us)

    def add(self, at_us: int, labels: Labels, spent: int, unpriced: int) -> None:
        """Count under these labels in the day and the month of an instant."""
        for per in ("day", "month"):
            name = window(per, at_us).name
            sums = self._window(name)
            bounded = self._bounded(name, labels)
            found = sums.get(bounded)
            if found is None:
                found = sums[bounded] = Sum()
            found.spent += spent
            found.unpriced += unpriced

    def _window(self, name: str) -> dict[Labels, Sum]:
        sums = self.windows.pop(name, None)
        self.windows[name] = sums = {} if sums is None else sums
        alike = [other for other in self.windows if len(other) == len(name)]
        for old in alike[:-KEPT_WINDOWS]:
            del self.windows[old]
            self._features.pop(old, None)
        return sums

    def _bounded(self, name: str, labels: Labels) -> Labels:
        features = self._features.get(name)
        if features is None:
            features = self._features[name] = {known.feature for known in self.windows[name]}
        if labels.feature in features or len(features) < MOST_FEATURES:
            features.add(labels.feature)
            return labels
        return labels._replace(feature=OTHER)

    def to_bytes(self, segment: int, offset: int) -> bytes:
        """The checkpoint: all of this, and the place in the journal up to which it goes."""
        newest = max((at_us for _, at_us in self.tokens.values()), default=0)
        self.tokens = {t: s for t, s in self.tokens.items() if newest - s[1] < TOKEN_S * 1_000_000}
        windows = [(n, [_Row(*row) for row in sums.items()]) for n, sums in self.windows.items()]
        return to_pack(_Checkpoint(_FORMAT, segment, offset, windows, self.tokens, self.running, self.units))


def from_bytes(data: bytes) -> tuple[Spend, int, int]:
    """A checkpoint again, with its place. Raises ValueError for bytes that are none, or of another version."""
    try:
        read = _decoder.decode(data)
    except msgspec.DecodeError as problem:
        raise ValueError(str(problem)) from None
    if read.format != _FORMAT:
        raise ValueError(f"format {read.format}, and this Trunkline reads {_FORMAT}")
    spend = Spend()
    spend.windows = {name: {row.labels: row.sum for row in rows} for name, rows in read.windows}
    spend.tokens, spend.running, spend.units = read.tokens, read.running, read.units
    return spend, read.segment, read.offset


def _lost(end: End) -> Open:
    """Stands for the begin of a call that the journal has lost: only what its attempts say is known."""
    return Open(end.at_us - end.duration_us, Labels("", "", "", "", ""), "", "", "")
