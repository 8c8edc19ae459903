"""What an attempt will use of a vendor's limits, and what it did use."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.call import Live, Member, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.ports import Reading
from trunkline.core.price import Price
from trunkline.core.pricing import Rates
from trunkline.plugins.adapters import ADAPTERS
from trunkline.plugins.policies.cost import (
    FIRST_INPUT,
    FIRST_OUTPUT,
    NOTHING,
    ONE,
    Cost,
    Means,
    expected,
    used,
)
from trunkline.testing import FakeClock, Heard, request, service

RATES = Rates("acme/tiny", Price(input=1.0, cached=0.5, output=2.0))
MEAN = Cost(1, 900, 600, 300, 0.5)


class Sent:
    """A response of which only this matters."""

    def __init__(self, sent: bool = True) -> None:
        self.sent = sent


def call(body: bytes = b"", **changes: Any) -> Exchange:
    """A chat call with this body."""
    clock = FakeClock()
    exchange = Exchange(
        request("POST", "/v1/chat/completions", body), Heard(), "call-1", clock(), clock.wall()
    )
    given = {"model": "acme/tiny", "dialect": "openai-chat", "adapter": ADAPTERS["openai-chat"], **changes}
    for name, value in given.items():
        setattr(exchange, name, value)
    return exchange


def attempt(exchange: Exchange, code: str = "", status: int = 200, sent: bool | None = True) -> Attempt:
    target = Target(Live(service()), Member("env:A", 1, None, b"", b""), "tiny")
    one = exchange.attempt = Attempt(exchange, target, 1, 0.0)
    one.status = status
    one.response = None if sent is None else Sent(sent)
    one.error = CallError(code, "x", source="acme") if code else None
    return one


def reading(**values: int) -> Reading:
    found = Reading()
    for name, value in values.items():
        setattr(found, name, value)
    return found


BODY = b'{"messages":[{"content":"say \\"max_tokens\\": 9"}],%b}'


@pytest.mark.row("F8")
@pytest.mark.parametrize(
    ("asked", "output"),
    [
        (b'"max_tokens":70', 70),
        (b'"max_completion_tokens" : 71', 71),
        (b'"max_output_tokens":72', 72),
        (b'"generationConfig":{"maxOutputTokens":73}', 73),
        (b'"max_tokens":"many"', FIRST_OUTPUT),
        (b'"x":1', FIRST_OUTPUT),
    ],
)
def test_tokens_are_guessed_from_the_body_and_the_most_that_it_allows(asked: bytes, output: float) -> None:
    body = BODY % asked
    guess = expected(call(body), None)
    assert guess == (1.0, len(body) / 4 + output, len(body) / 4, output, 0.0)


def test_without_a_most_the_average_is_taken() -> None:
    assert expected(call(b"x" * 400), MEAN) == (1.0, 400.0, 100.0, 300.0, 0.5)
    assert expected(call(b"x" * 400, rates=RATES), MEAN).usd == pytest.approx(100e-6 + 600e-6)


def test_a_body_of_images_says_nothing_of_its_tokens() -> None:
    large = b"x" * (300 << 10)
    assert expected(call(large), None).input_tokens == FIRST_INPUT
    assert expected(call(large), MEAN).input_tokens == 600


def test_what_is_no_model_call_takes_the_average() -> None:
    plain = call(b"x" * 400, model="", adapter=None, dialect="")
    assert (expected(plain, None), expected(plain, MEAN)) == (ONE, MEAN)


@pytest.mark.parametrize("dialect", ["openai-embeddings", "gemini-embed", "anthropic-count-tokens"])
def test_what_gives_no_text_takes_no_output(dialect: str) -> None:
    assert expected(call(b"x" * 400, dialect=dialect), MEAN).output_tokens == 0


@pytest.mark.parametrize(
    ("one", "spent"),
    [
        (attempt(call(), "network", 0, sent=None), NOTHING),
        (attempt(call(), "network", 0, sent=False), NOTHING),
        (attempt(call(), "rate_limited", 429), ONE),
        (attempt(call(), "network", 0), MEAN),
        (attempt(call()), MEAN),
        (attempt(call(cost_usd=0.02)), MEAN._replace(usd=0.02)),
        (attempt(call(reading=reading(input=70, output=5))), Cost(1, 75, 70, 5, 0.5)),
        (attempt(call(reading=reading(input=70), cost_usd=0.1)), Cost(1, 70, 70, 0, 0.1)),
        (attempt(call(reading=reading(input=70, output=5)), "network"), Cost(1, 75, 70, 5, 0.5)),
        (
            attempt(call(reading=reading(input=70, output=5, cached=50), adapter=ADAPTERS["anthropic-messages"])),
            Cost(1, 75, 20, 5, 0.5),
        ),
    ],
    ids=["not sent", "nothing sent", "refused", "no answer", "nothing told", "cost", "usage", "input", "cut", "cached"],
)  # fmt: skip
def test_what_was_used(one: Attempt, spent: Cost) -> None:
    assert used(one, MEAN) == spent


def test_the_loser_of_a_race_does_not_take_the_winners_usage() -> None:
    exchange = call(reading=reading(input=70, output=5))
    loser = attempt(exchange, "cancelled")
    attempt(exchange)
    assert used(loser, MEAN) == MEAN


def test_averages_follow_slowly_and_stand_in_for_models_not_seen_yet() -> None:
    means = Means()
    assert means.of("tiny") is None
    means.note("tiny", Cost(1, 100, 60, 40, 1.0))
    assert (means.of("tiny"), means.of("huge")) == (Cost(1, 100, 60, 40, 1.0),) * 2
    means.note("tiny", Cost(1, 200, 160, 40, 1.0))
    assert means.of("tiny") == Cost(1, 110, 70, 40, 1.0)
