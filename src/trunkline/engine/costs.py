"""What a call costs: of the answer that its caller got, and of attempts that were paid and thrown away.

A thrown-away attempt told its usage, or it is taken to have cost what the answer cost that came in its stead: all of a whole
answer, the input of a stream. Not for: prices (`registry/`), budgets (policies).
"""

from __future__ import annotations

import copy

from trunkline.core.dialects import WORDLESS
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.ports import Reading
from trunkline.core.pricing import Rates, bill, lacks_price
from trunkline.engine.uncounted import fill_in

PAID = frozenset(("malformed_response", "network", "timeout_upstream"))
"""Failures of a model that had begun to answer well: its vendor bills what it has made so far."""


def account(exchange: Exchange, reading: Reading, answered: int) -> None:
    """Usage and cost of what was read of an answer, of which so many bytes came."""
    exchange.reading = reading
    exchange.served_model = reading.model
    if reading.input >= 0 > reading.output and exchange.dialect in WORDLESS:
        reading.output = 0
    fill_in(exchange, reading, answered)
    billed = bill(exchange.rates, reading)
    if billed is not None:
        exchange.cost_usd, exchange.parts, exchange.price_id = billed.cost_usd, billed.parts, billed.price_id
        if reading.fees and lacks_price(billed.parts):
            without = ",".join(what for what, _, femto in billed.parts if femto < 0)
            exchange.notes = (*exchange.notes, f"unpriced={without}")


def throw_away(attempt: Attempt, error: CallError) -> None:
    """An attempt has failed, or has lost a race: what it cost, or that it cost something, is kept."""
    exchange = attempt.exchange
    rates = exchange.rates
    if rates is None or exchange.adapter is None or exchange.gone:
        return
    reading = attempt.reading
    billed = bill(rates, reading) if reading is not None else None
    if billed is not None:
        _waste(exchange, attempt.target.name, billed.cost_usd)
    elif error.code in PAID and 200 <= attempt.status < 300:
        exchange.thrown += ((attempt.target.name, rates),)


def settle_waste(exchange: Exchange) -> None:
    """The answer is known, and with it what a call like it costs."""
    for target, rates in exchange.thrown:
        _waste(exchange, target, like_it(exchange, rates))
    exchange.thrown = ()


def _waste(exchange: Exchange, target: str, paid_usd: float) -> None:
    exchange.wasted_usd += paid_usd
    exchange.wasted_at += ((target, paid_usd),)


def like_it(exchange: Exchange, rates: Rates) -> float:
    """What an attempt cost that was thrown away for the answer that the call got."""
    reading = exchange.reading
    if reading is None or reading.input < 0:
        return 0.0
    like = copy.copy(reading)
    like.told_usd = -1.0
    if exchange.stream:
        like.output = -1
    billed = bill(rates, like)
    return billed.cost_usd if billed is not None else 0.0
