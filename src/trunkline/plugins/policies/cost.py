"""What an attempt will use of a vendor's limits, guessed before it is sent, and what it did use; pure.

Tokens in: a quarter of the body's bytes. Tokens out: the most that the call allows (`max_tokens` and its like), else what calls to
this model have taken on average. Money: by the model's price. What cannot be guessed is taken as the average. A limit toward a
vendor is met on average, so nothing here leans to the high side. Not for: what a caller may spend (budgets), nor what a call
cost (`engine/diary.py`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from trunkline.core.dialects import WORDLESS
from trunkline.core.exchange import Attempt, Exchange

BYTES_PER_TOKEN = 4
GUESSED_BYTES = 256 << 10
"""A longer body holds images or sound, whose bytes say little about tokens."""
FIRST_INPUT = 16_000.0
"""Tokens of such a body until an average is known."""
FIRST_OUTPUT = 500.0
"""Tokens of an answer until an average is known."""
_WEIGHT = 0.1
_MODELS_MAX = 1000
# In a string of the body these quotes would be escaped, so only members match.
_ASKED = re.compile(rb'"max(?:_(?:completion_|output_)?t|OutputT)okens"\s*:\s*(\d{1,9})')


class Cost(NamedTuple):
    """What an attempt uses, by the dimensions that a limit can have."""

    requests: float = 1.0
    tokens: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    usd: float = 0.0

    def more_than(self, other: Cost) -> Cost:
        """By how much it is more, below 0 where it is less."""
        return Cost(*(mine - its for mine, its in zip(self, other, strict=True)))

    def times(self, n: int) -> Cost:
        """What so many attempts use."""
        return Cost(*(each * n for each in self))


ONE = Cost()
NOTHING = Cost(0.0)


class Means:
    """What attempts used on average of late, by model; the empty name stands for what is no model call."""

    __slots__ = ("_by_model",)

    def __init__(self) -> None:
        self._by_model: dict[str, Cost] = {}

    def of(self, model: str) -> Cost | None:
        """The average of a model, else of any other."""
        found = self._by_model.get(model)
        return found if found is not None else next(iter(self._by_model.values()), None)

    def note(self, model: str, spent: Cost) -> None:
        """One attempt succeeded and used this."""
        old = self._by_model.get(model)
        if old is not None:
            spent = Cost(*(was + _WEIGHT * (now - was) for was, now in zip(old, spent, strict=True)))
        elif len(self._by_model) >= _MODELS_MAX:
            return
        self._by_model[model] = spent


def expected(exchange: Exchange, mean: Cost | None) -> Cost:
    """What an attempt of this call will use."""
    if exchange.adapter is None and not exchange.model:
        return mean if mean is not None else ONE
    size = len(exchange.body) if exchange.rest is None else exchange.rest.length or GUESSED_BYTES + 1
    tokens_in = size / BYTES_PER_TOKEN
    if size > GUESSED_BYTES:
        tokens_in = mean.input_tokens if mean is not None else FIRST_INPUT
    tokens_out = _output(exchange, mean)
    usd = mean.usd if mean is not None else 0.0
    if exchange.rates is not None:
        usd = exchange.rates.about_usd(tokens_in, tokens_out)
    return Cost(1.0, tokens_in + tokens_out, tokens_in, tokens_out, usd)


def _output(exchange: Exchange, mean: Cost | None) -> float:
    if exchange.dialect in WORDLESS:
        return 0.0
    asked = _ASKED.search(exchange.body, 0, GUESSED_BYTES)
    if asked is not None:
        return float(asked[1])
    return mean.output_tokens if mean is not None else FIRST_OUTPUT


def used(attempt: Attempt, reserved: Cost) -> Cost:
    """What an attempt that has ended did use, as far as it is known; else what was reserved for it."""
    exchange, response = attempt.exchange, attempt.response
    if attempt.error is not None:
        if response is None or not response.sent:
            return NOTHING
        if attempt.status >= 300:
            return ONE
        if exchange.attempt is not attempt:
            return reserved
    usd = exchange.cost_usd if exchange.cost_usd >= 0 else reserved.usd
    reading = exchange.reading
    if reading is None or reading.input < 0:
        return reserved._replace(usd=usd)
    tokens_in, tokens_out = float(reading.input), float(max(0, reading.output))
    # Anthropic does not count what it reads from its cache.
    told_apart = exchange.adapter is not None and exchange.adapter.name.startswith("anthropic")
    counted = tokens_in - reading.cached if told_apart else tokens_in
    return Cost(1.0, tokens_in + tokens_out, counted, tokens_out, usd)
