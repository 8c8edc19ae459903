"""Which of a vendor's own tools a request lets the model use, as far as they are billed by the use: what a budget must know that
lets no call pass whose cost is unknown. Seen in the bytes, and only under such a budget. Pure.

Not for: what was used in the end (`plugins/adapters/usage`), nor what it costs (`core/pricing.py`).
"""

from __future__ import annotations

import re

from trunkline.core.exchange import Exchange
from trunkline.core.pricing import Rates, priced_fee

_DECLARED = re.compile(
    rb'(?<!\\)"type"\s*:\s*"(web_search|file_search|code_interpreter|code_execution)'
    rb'|(?<!\\)"(web_search)_options"\s*:|(?<!\\)"(google_?[sS]earch)(?:_retrieval|Retrieval)?"\s*:'
)
_FEES = {b"code_interpreter": "container", b"google_search": "web_search", b"googleSearch": "web_search"}
"""The fee of a tool, where it has another name."""


def unpriced(exchange: Exchange, rates: Rates | None, model: str) -> str:
    """What of a call has no price: the model, or a tool of its vendor that it may use; empty where everything has one."""
    if rates is None:
        return model
    tool = unpriced_tool(exchange.body, rates)
    return f"{tool} of {model}" if tool else ""


def unpriced_tool(body: bytes, rates: Rates) -> str:
    """The fee of a tool that the body declares and the price says nothing of; empty where there is none."""
    for found in _DECLARED.finditer(body):
        name = found[1] or found[2] or found[3]
        fee = _FEES.get(name) or name.decode()
        if not priced_fee(rates.fees, fee):
            return fee
    return ""
