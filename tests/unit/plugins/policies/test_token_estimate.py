"""How many tokens a call will use: what it asks for, else what its model used lately, never less than is likely."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.exchange import Exchange
from trunkline.core.ports import Reading
from trunkline.plugins.policies.token_estimate import (
    FIRST_OUTPUT,
    MOST_INPUT,
    Estimator,
    Tokens,
    asked_output,
)
from trunkline.testing import Heard, request

MODEL = "acme/tiny"


def call(body: bytes = b"", *, output: int = -1, state: str = "ok") -> Exchange:
    exchange = Exchange(request(body=body), Heard(), "call-1", 1.0, 2.0)
    exchange.reading, exchange.state = Reading(), state
    exchange.reading.output = output
    return exchange


@pytest.mark.parametrize(
    ("asked", "output"),
    [
        ({"max_tokens": 50}, 50),
        ({"max_completion_tokens": 60, "max_tokens": 50}, 60),
        ({"max_output_tokens": 70}, 70),
        ({"generationConfig": {"maxOutputTokens": 80, "candidateCount": 2}}, 160),
        ({"max_tokens": 50, "n": 3}, 150),
        ({"max_tokens": None}, 0),
        ({"max_tokens": -5}, 0),
        ({"max_tokens": "many"}, 0),
        ({"messages": [{"content": '"max_tokens": 5', "max_tokens": 5}]}, 0),
        ({}, 0),
    ],
)
def test_what_a_request_asks_for_is_read_of_every_dialect(asked: dict[str, Any], output: int) -> None:
    assert asked_output(json.dumps(asked).encode()) == output


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail(body: bytes) -> None:
    assert asked_output(body) >= 0
    assert asked_output(b"[" * 3000) == 0


def test_a_model_is_learned_from_its_answers() -> None:
    estimator = Estimator()
    assert estimator.tokens(call(b"x" * 300), MODEL) == Tokens(108, FIRST_OUTPUT)
    for _ in range(40):
        estimator.learn(call(output=200), MODEL)
    assert estimator.tokens(call(), MODEL) == Tokens(8, 201), (
        "what always comes is expected, and a little more"
    )
    estimator.learn(call(output=1000), MODEL)
    assert estimator.tokens(call(), MODEL).output > 1000, "one long answer widens the expectation"
    assert estimator.tokens(call(), "acme/other").output == FIRST_OUTPUT


def test_what_failed_or_said_nothing_teaches_nothing() -> None:
    estimator = Estimator()
    estimator.learn(call(output=-1), MODEL)
    estimator.learn(call(output=5, state="cancelled"), MODEL)
    assert estimator.tokens(call(), MODEL).output == FIRST_OUTPUT


def test_an_image_of_megabytes_is_no_million_tokens() -> None:
    assert Estimator().tokens(call(b"x" * 5_000_000), MODEL).input == MOST_INPUT
