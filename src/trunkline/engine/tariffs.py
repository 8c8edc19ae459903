"""Prices of calls that are no model calls: which tariff fits a call, what it tells of what counts, and what it cost.

What tells how much stands in the request or in the answer (`core/tariff.py` says where); it is looked at only for operations that
have a tariff, and only in bodies that are whole and no longer than a model's are. What cannot be read has no price, which is never 0.
Not for: multiplying (`core/tariff.py`), models (`costs.py`), budgets (policies).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from math import ceil
from typing import Any
from urllib.parse import parse_qsl

from trunkline.core import spend
from trunkline.core.codec import DecodeError, from_json
from trunkline.core.exchange import Exchange
from trunkline.core.ports import Response
from trunkline.core.pricing import UNPRICED, Bill, lacks_price
from trunkline.core.service import Service
from trunkline.core.tariff import Rate, counted
from trunkline.engine.costs import PAID
from trunkline.engine.pointer import found, scalar
from trunkline.engine.reply import PARSED_MAX, plain

_MOST_DIGITS = 18
"""Beyond it a number is no amount of anything."""
_ANSWERS = ("answer:", "count:answer:")


class Tally:
    """How much of each tariff with steps was used in each month; known anew from the journal after a start."""

    def __init__(self) -> None:
        self._months: dict[str, dict[str, int]] = {}

    def take_over(self, months: Mapping[str, Mapping[str, int]]) -> None:
        """What the journal says, which holds the end of every call that was counted here."""
        self._months = {month: dict(counts) for month, counts in months.items()}

    def before(self, key: str, at_us: int) -> int:
        """Units so far, in the month of an instant."""
        return self._months.get(spend.window("month", at_us).name, {}).get(key, 0)

    def add(self, key: str, at_us: int, units: int) -> None:
        """A call was counted."""
        counts = self._months.setdefault(spend.window("month", at_us).name, {})
        counts[key] = counts.get(key, 0) + units


class Tariffs:
    """The tariffs that an operation of an integration may fall under, in their order."""

    __slots__ = ("_tally", "name", "rates")

    def __init__(self, name: str, rates: Sequence[Rate], tally: Tally) -> None:
        self.name = name
        """Integration and operation, for people."""
        self.rates = [(rate, _conditions(rate)) for rate in rates]
        self._tally = tally

    def charge(self, exchange: Exchange, response: Response) -> None:
        """Sets what a call cost that its vendor has answered well; once."""
        if exchange.parts or exchange.cost_usd >= 0:
            return
        if not 200 <= response.status < 300:
            exchange.cost_usd = 0.0
            return
        told = Told(exchange, response)
        rate = next((rate for rate, when in self.rates if _fits(rate, when, told)), None)
        if rate is None:
            self._unknown(exchange, told)
            return
        at_us, tariff = int(exchange.started_wall * 1e6), rate.tariff
        amount, units = told.number(tariff.amount), told.number(tariff.units)
        bill = rate.bill(amount, units if tariff.units else Decimal(1), self._tally.before(rate.key, at_us))
        if tariff.steps:
            self._tally.add(rate.key, at_us, counted(bill.price_id, bill.parts)[1])
        _tell(exchange, rate, bill)
        self._waste(exchange)

    def _waste(self, exchange: Exchange) -> None:
        """Reads that were answered too late or badly, or lost a race, were paid like this one; what acts was done once."""
        integration = self.name.partition("/")[0]
        if exchange.repeat != "always" or exchange.cost_usd <= 0:
            return
        for one in exchange.tried:
            answered = one.code == "cancelled" or (one.code in PAID and 200 <= one.status < 300)
            if one.sent and one.target == integration and answered:
                exchange.wasted_usd += exchange.cost_usd
                exchange.wasted_at += ((one.target, exchange.cost_usd),)

    def _unknown(self, exchange: Exchange, told: Told) -> None:
        """No tariff fits: that is not free."""
        places = [place for rate, _ in self.rates for place in rate.tariff.currency_at]
        currency = told.text(places).upper()[:3]
        exchange.parts = [("call", 1, UNPRICED)]
        exchange.notes = (*exchange.notes, f"unpriced={self.name}" + (f"({currency})" if currency else ""))

    def expected(self, exchange: Exchange) -> int | None:
        """What a call may cost at most as far as its request tells, in nanodollars; None where nobody knows."""
        told = Told(exchange, None)
        at_us = int(exchange.started_wall * 1e6)
        most: int | None = None
        for rate, when in self.rates:
            tariff = rate.tariff
            if not _fits(rate, when, told) or tariff.currency != "USD":
                continue
            amount = told.number(tariff.amount) or Decimal(0)
            units = told.number(tariff.units) or Decimal(1)
            bill = rate.bill(amount, units, self._tally.before(rate.key, at_us))
            most = max(most or 0, ceil(bill.cost_usd * spend.NANO))
            if not any(place.startswith(_ANSWERS) for place in when):
                break  # no later one can hold
        return most

    def listed(self, exchange: Exchange) -> list[dict[str, Any]]:
        """The tariffs that may hold for a call, for people."""
        told = Told(exchange, None)
        return [
            {
                "id": rate.id,
                "title": rate.tariff.title or None,
                "source": rate.tariff.source or None,
                "date": rate.tariff.date or None,
            }
            for rate, when in self.rates
            if _fits(rate, when, told)
        ]


def compiled(spec: Service, tally: Tally) -> dict[str, Tariffs] | None:
    """By the name of the operation (empty: of what is not declared); None for an integration without tariffs."""
    if not spec.tariffs:
        return None
    rates = [Rate(spec.name, tariff) for tariff in spec.tariffs]
    by_operation = {}
    for name in ("", *(operation.name for operation in spec.operations)):
        fitting = [rate for rate in rates if not rate.tariff.operations or name in rate.tariff.operations]
        if fitting:
            by_operation[name] = Tariffs(f"{spec.name}/{name}" if name else spec.name, fitting, tally)
    return by_operation


class Told:
    """What a call tells of itself; bodies are read at first need, once."""

    def __init__(self, exchange: Exchange, response: Response | None) -> None:
        self._exchange, self._response = exchange, response
        self._trees: dict[str, Any] = {}

    def number(self, places: Iterable[str]) -> Decimal | None:
        """The sum of the numbers at the first of these places that tells one."""
        for place in places:
            counts = place.startswith("count:")
            values = list(self._values(place.removeprefix("count:")))
            if counts:
                if values:
                    return Decimal(len(values))
                continue
            numbers = [_number(value) for value in values]
            known = [number for number in numbers if number is not None]
            if known and len(known) == len(values):
                return sum(known, Decimal(0))
        return None

    def text(self, places: Iterable[str]) -> str:
        """The first text that is told at one of these places; empty where there is none."""
        for place in places:
            if place.startswith("count:"):
                return str(len(list(self._values(place.removeprefix("count:")))))
            text = next((scalar(value) for value in self._values(place)), "")
            if text:
                return text
        return ""

    def answered(self) -> bool:
        """Whether there is an answer to look at."""
        return self._response is not None

    def _values(self, place: str) -> Iterable[Any]:
        side, _, rest = place.partition(":")
        if side == "answer" and self._response is None:
            return ()
        if rest.startswith("/"):
            return found(self._tree(side), rest)
        if rest == "bytes":
            return self._size(side)
        kind, _, name = rest.partition(":")
        exchange = self._exchange
        if kind == "query":
            pairs = parse_qsl(exchange.query.decode("latin-1"), keep_blank_values=True)
            return [value for key, value in pairs if key == name]
        fields = (
            exchange.request.fields if side == "request" or self._response is None else self._response.fields
        )
        value = fields.get(name.lower().encode())
        return () if value is None else (value.decode("latin-1"),)

    def _size(self, side: str) -> Iterable[int]:
        exchange, response = self._exchange, self._response
        if side == "request":
            size = len(exchange.body) if exchange.rest is None else exchange.rest.length
        else:
            size = len(response.body) if response is not None and response.complete else exchange.bytes_out
        return () if size is None else (size,)

    def _tree(self, side: str) -> Any:
        if side not in self._trees:
            self._trees[side] = self._read(side)
        return self._trees[side]

    def _read(self, side: str) -> Any:
        exchange, response = self._exchange, self._response
        if side == "request":
            body, kind = (exchange.body if exchange.rest is None else b""), exchange.request.fields
        elif response is not None and response.complete:
            body, kind = plain(response.headers, response.body, PARSED_MAX), response.fields
        else:
            return None
        if not body or len(body) > PARSED_MAX:
            return None
        if kind.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
            return _form(body)
        try:
            return from_json(body)
        except DecodeError:
            return None


def _form(body: bytes) -> Any:
    """A form as a tree: `card[number]` lies at /card/number, as those write it who send forms to APIs."""
    tree: dict[str, Any] = {}
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return None
    for name, value in pairs:
        first, *others = name.replace("]", "").split("[")
        steps = [first, *others][:8]
        node = tree
        for step in steps[:-1]:
            inner = node.setdefault(step, {})
            node = inner if isinstance(inner, dict) else {}
        node[steps[-1] or str(len(node))] = value
    return tree


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int):
        return Decimal(value) if 0 <= value < 1 << 64 else None
    if isinstance(value, str) and len(value) > 40:
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or number < 0 or abs(number.adjusted()) > _MOST_DIGITS:
        return None if number else Decimal(0)
    return number


def _conditions(rate: Rate) -> dict[str, re.Pattern[str]]:
    return {place: re.compile(pattern) for place, pattern in rate.tariff.when.items()}


def _fits(rate: Rate, when: Mapping[str, re.Pattern[str]], told: Told) -> bool:
    """What only the answer tells holds as long as there is none."""
    for place, pattern in when.items():
        if not told.answered() and place.startswith(_ANSWERS):
            continue
        if pattern.fullmatch(told.text((place,))) is None:
            return False
    if not rate.tariff.currency_at:
        return True
    currency = told.text(rate.tariff.currency_at).upper()
    return currency == rate.tariff.currency or (not currency and not told.answered())


def _tell(exchange: Exchange, rate: Rate, bill: Bill) -> None:
    """In the record: as a cost, or beside it where it is in another currency or lacks something."""
    exchange.price_id, exchange.parts = bill.price_id, bill.parts
    currency = rate.tariff.currency
    if currency != "USD":
        exchange.parts = [(currency, 1, UNPRICED)]
        exchange.notes = (
            *exchange.notes,
            f"cost={currency}:{bill.cost_usd:.{rate.digits + 4}f}",
            f"unpriced={currency}",
        )
        return
    if any(femto >= 0 for _, _, femto in bill.parts) or not bill.parts:
        exchange.cost_usd = bill.cost_usd
    if lacks_price(bill.parts):
        without = ",".join(what for what, _, femto in bill.parts if femto < 0)
        exchange.notes = (*exchange.notes, f"unpriced={without}")
