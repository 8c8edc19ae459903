"""Gemini: thoughts are output, each event holds the usage so far."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.readings import noted
from trunkline.core.ports import Adapter, Reading
from trunkline.plugins.adapters.gemini import Gemini

GEMINI = Gemini("gemini-generate")
USAGE = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 3,
    "cachedContentTokenCount": 4,
}


def read(adapter: Adapter, body: Any) -> dict[str, Any]:
    into = Reading()
    adapter.read(json.dumps(body).encode(), into)
    return noted(into)


@pytest.mark.row("A1", "O1")
def test_a_whole_reply_counts_thoughts_as_output() -> None:
    wanted = {"input": 10, "output": 8, "cached": 4, "reasoning": 3, "model": "g-x", "finished": True}
    body = {"modelVersion": "g-x", "candidates": [{"finishReason": "STOP"}], "usageMetadata": USAGE}
    assert read(GEMINI, body) == wanted
    assert read(GEMINI, [{"modelVersion": "g-x"}, body]) == wanted, "without alt=sse a stream is a list"
    assert read(GEMINI, {"usageMetadata": {"promptTokenCount": "x"}}) == {"finished": True}


@pytest.mark.row("F7")
@pytest.mark.parametrize(
    ("event", "finished"),
    [
        ({"candidates": [{"content": {}}], "usageMetadata": USAGE}, False),
        ({"candidates": [{"finishReason": "MAX_TOKENS"}]}, True),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, True),
        ({"candidates": []}, False),
        ({"candidates": "odd"}, False),
    ],
)
def test_a_stream_is_finished_by_its_reason(event: dict[str, Any], finished: bool) -> None:
    into = Reading()
    assert GEMINI.watch(b"data: " + json.dumps(event).encode() + b"\r\n\r\n", into) is None
    assert into.finished is finished


@pytest.mark.row("F7")
def test_an_error_in_a_stream_is_an_error() -> None:
    data = b'{"error":{"code":503,"status":"UNAVAILABLE"}}'
    assert GEMINI.watch(b"data: " + data + b"\r\n\r\n", Reading()) == data
    assert GEMINI.watch(b'data: {"error":\r\n\r\n', Reading()) is None
