"""Gemini's streams as one JSON array through the proxy: they pass byte for byte, and what they used is known."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.ports import Reading
from trunkline.core.price import Price
from trunkline.core.service import Dialect, Model
from trunkline.engine.json_items import Items
from trunkline.plugins.adapters import ADAPTERS
from trunkline.testing import Play, Trial, service

GOOGLE = service(
    "google",
    dialects=[Dialect(name="gemini-generate", path="/v1beta/models/{model}:{method}")],
    models=[Model(id="tiny", price=Price(input=1.0, output=2.0, fees={"grounded": 0.035}))],
)
ODD = 'a "quoted" {brace} [and] \\ back\\\\slash \\" end\\'
EVENTS: list[dict[str, Any]] = [
    {"candidates": [{"content": {"parts": [{"text": ODD}]}, "groundingMetadata": {"webSearchQueries": ["a", "b", ""]}}],
     "usageMetadata": {"promptTokenCount": 3}},
    {"candidates": [{"content": {"parts": [{"text": "{"}]}, "finishReason": "STOP"}],
     "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 200}, "modelVersion": "tiny-1"},
]  # fmt: skip
ARRAY = b"[" + b",\r\n".join(json.dumps(one, indent=1).encode() for one in EVENTS) + b"\n]\n"


def array(*pieces: bytes, kind: bytes = b"application/json; charset=UTF-8") -> Play:
    def play(sent: Any) -> None:
        sent.begin(200, (b"content-type", kind))
        for piece in pieces:
            sent.piece(piece)
        sent.end()

    return play


@pytest.mark.row("A4")
@pytest.mark.row("A1")
async def test_the_usage_of_an_array_through_the_proxy_is_known_and_nothing_of_it_changes() -> None:
    trial = Trial(array(ARRAY[:7], ARRAY[7:100], ARRAY[100:]), services=[GOOGLE])
    heard = await trial.ask(
        "POST", "/api/proxy/google/v1beta/models/tiny:streamGenerateContent", b'{"contents":[]}'
    )
    assert heard.body == ARRAY
    end = trial.ends[0]
    assert (end.input_tokens, end.output_tokens, end.served_model, end.usage_estimated) == (
        3,
        200,
        "tiny-1",
        False,
    )
    assert end.cost_usd == pytest.approx(0.035403)
    assert end.notes == ""


async def test_what_is_no_json_passes_and_its_usage_is_a_guess() -> None:
    trial = Trial(array(b'{"a":', b"oops}"), services=[GOOGLE])
    heard = await trial.ask("POST", "/api/proxy/google/v1beta/models/tiny:streamGenerateContent", b"{}")
    assert (heard.body, trial.ends[0].usage_estimated) == (b'{"a":oops}', True)


@given(st.lists(st.integers(0, len(ARRAY)), max_size=12))
def test_however_it_is_cut_the_same_is_read(cuts: list[int]) -> None:
    reading = Reading()
    items = Items(ADAPTERS["gemini-generate"], reading)
    edges = [0, *sorted(cuts), len(ARRAY)]
    for start, end in pairwise(edges):
        items.feed(ARRAY[start:end])
    assert (reading.input, reading.output, reading.fees, reading.model) == (
        3,
        200,
        {"web_search": 2, "grounded": 1},
        "tiny-1",
    )


def test_an_event_without_end_is_given_up_and_takes_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.engine.json_items.ITEM_MAX", 100)
    reading = Reading()
    items = Items(ADAPTERS["gemini-generate"], reading)
    for _ in range(10):
        items.feed(b'[{"a":"' + b"x" * 50)
    items.feed(ARRAY)
    assert (items.seen, len(items._held)) == (False, 0)
