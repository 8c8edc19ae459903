"""What of a call has a price, and what it will cost: what budgets ask before a call. Pure.

Not for: refusing (`budget.py`), how much a model will use (`token_estimate.py`), what a call did cost (`engine/costs.py`,
`engine/tariffs.py`).
"""

from __future__ import annotations

import math
import re
from typing import Any

from trunkline.core.call import Route
from trunkline.core.dialects import COUNTS
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.pricing import Rates
from trunkline.core.scope import model_label
from trunkline.core.spend import NANO
from trunkline.plugins.policies.caller_limits import labels_of
from trunkline.plugins.policies.hosted import unpriced
from trunkline.plugins.policies.token_estimate import Estimator, Tokens

_ASKED_TIER = re.compile(
    rb'(?<!\\)"(?:service_?[tT]ier|speed|inference_geo)"\s*:\s*"(?:SERVICE_TIER_)?([A-Za-z_]{1,30})"'
)
"""Members that ask for a dearer tier: OpenAI and Anthropic, Gemini, Anthropic's fast mode and places."""
_UNREAD = "(unread)"
"""Stands for the model of a call to a model endpoint whose body is too long to be read for it."""


def counted_as(exchange: Exchange) -> str:
    """What budgets count a call under: `integration/model`, `integration/` of what is no model call and has a tariff; empty for what
    has no price.
    """
    model = model_of(exchange)
    if model or exchange.tariffs is None or exchange.route is None:
        return model
    return f"{exchange.route.live.name}/"


def counted_at(exchange: Exchange, route: Route) -> str:
    """The same of an attempt by a route."""
    model = model_label(route.live.name, route.model or exchange.model)
    return model or ("" if tariffs_at(exchange, route) is None else f"{route.live.name}/")


def model_of(exchange: Exchange) -> str:
    """The label of the model that a call is made to; empty for what is no model call, or costs nothing."""
    if exchange.dialect in COUNTS:
        return ""
    model = labels_of(exchange).model
    if model:
        return model
    route = exchange.route
    assert route is not None
    live = route.live
    if exchange.method == b"POST" and live.dialects and live.path_prefix + exchange.path in live.dialects:
        return f"{live.name}/{_UNREAD}"
    return ""


def tariffs_at(exchange: Exchange, route: Route) -> Any:
    """The tariffs of a call that is no model call, by a route that it may go."""
    live = route.live
    if route is (exchange.via or exchange.route) or live.tariffs is None or exchange.adapter is not None:
        return exchange.tariffs if route is (exchange.via or exchange.route) else None
    operation = live.match.find(exchange.request.method, live.path_prefix + exchange.path)
    return live.tariffs.get(operation.name if operation is not None else "")


def rates_of(route: Route, asked_model: str) -> Rates | None:
    """What a model call by this route costs per token."""
    if route.dialect:
        return route.rates
    return route.live.rates.get(asked_model)


def rates_at(exchange: Exchange, route: Route) -> Rates | None:
    """The same, of a call that may have been led elsewhere."""
    current = route is (exchange.via or exchange.route)
    return exchange.rates if current else rates_of(route, exchange.model)


def model_cost(exchange: Exchange, rates: Rates, tokens: Tokens) -> int:
    """What a model call will likely cost, in nanodollars."""
    body = exchange.body
    writes, tiers = (
        b'"cache_control"' in body,
        [hit[1].decode().lower() for hit in _ASKED_TIER.finditer(body)][:4],
    )
    return math.ceil(rates.about_usd(tokens.input, tokens.output, writes, tiers) * NANO)


def expected(
    exchange: Exchange, route: Route, rates: Rates | None, estimator: Estimator, counted: str
) -> int | None:
    """What an attempt by a route will likely cost, in nanodollars; None where nobody knows. `counted` is what budgets count it
    under.
    """
    if counted.endswith("/"):
        tariffs = tariffs_at(exchange, route)
        amount: int | None = None if tariffs is None else tariffs.expected(exchange)
        return amount
    return None if rates is None else model_cost(exchange, rates, estimator.tokens(exchange, counted))


def lacks(exchange: Exchange, rates: Rates | None, counted: str, amount: int | None) -> str:
    """What of it has no price; empty where everything has one."""
    if counted.endswith("/"):
        return counted if amount is None else ""
    return unpriced(exchange, rates, counted)


def refused_as_unpriced(lacking: str, budget: str) -> CallError:
    """What a caller is told under a budget that wants to know."""
    text = f"{lacking} has no price, and the budget {budget!r} lets no call pass whose cost is unknown"
    return CallError("unpriced", text, scope="model")
