"""Tools of vendors that requests declare."""

from __future__ import annotations

import pytest

from trunkline.core.price import Price
from trunkline.core.pricing import Rates
from trunkline.plugins.policies.hosted import unpriced_tool

PLAIN, SEARCHING = Rates("a/m", Price(input=1.0)), Rates("a/m", Price(input=1.0, fees={"web_search": 0.01}))


@pytest.mark.row("O2")
@pytest.mark.parametrize(
    ("body", "fee"),
    [
        (b'{"tools":[{"type":"web_search_preview"}]}', "web_search"),
        (b'{"tools":[{"type" : "file_search","vector_store_ids":[]}]}', "file_search"),
        (b'{"tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}', "container"),
        (b'{"tools":[{"google_search":{}}]}', "web_search"),
        (b'{"tools":[{"googleSearch":{}}]}', "web_search"),
        (b'{"web_search_options":{}}', "web_search"),
        (b'{"tools":[{"type":"web_fetch_20250910"}]}', ""),
        (b'{"messages":[{"content":"{\\"type\\":\\"web_search\\"}"}]}', ""),
        (b'{"tools":[{"type":"function","function":{"name":"web_search"}}]}', ""),
    ],
)
def test_a_declared_tool_without_a_price_is_named(body: bytes, fee: str) -> None:
    assert unpriced_tool(body, PLAIN) == fee
    assert unpriced_tool(body, SEARCHING) == ("" if fee == "web_search" else fee)
