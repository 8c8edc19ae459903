"""What a call costs: of the answer that its caller got, and of attempts that were paid and thrown away.

A thrown-away attempt told its usage, or it is taken to have cost what the answer cost that came in its stead: all of a whole
answer, the input of a stream. Not for: prices (`registry/`), budgets (policies).
"""

from __future__ import annotations

from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.ports import Reading
from trunkline.engine.diary import cost_usd
from trunkline.engine.uncounted import fill_in

Rates = tuple[float, float, float, float]
_PAID = frozenset(("malformed_response", "network", "timeout_upstream"))
"""Failures of a model that had begun to answer well: its vendor bills what it has made so far."""


def account(exchange: Exchange, reading: Reading, answered: int) -> None:
    """Usage and cost of what was read of an answer, of which so many bytes came."""
    exchange.reading = reading
    exchange.served_model = reading.model
    fill_in(exchange, reading, answered)
    if exchange.rates is not None and reading.input >= 0:
        exchange.cost_usd = cost_usd(exchange.rates, reading)


def throw_away(attempt: Attempt, error: CallError) -> None:
    """An attempt has failed, or has lost a race: what it cost, or that it cost something, is kept."""
    exchange = attempt.exchange
    rates = exchange.rates
    if rates is None or exchange.adapter is None or exchange.gone:
        return
    reading = attempt.reading
    if reading is not None and reading.input >= 0:
        _waste(exchange, attempt.target.name, cost_usd(rates, reading))
    elif error.code in _PAID and 200 <= attempt.status < 300:
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
    like = Reading()
    like.input, like.cached, like.cache_write = reading.input, reading.cached, reading.cache_write
    like.output = -1 if exchange.stream else reading.output
    return cost_usd(rates, like)
