"""Models that stand for several: one is chosen for each call, the others are its fallbacks, and the record says why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.caller import Answer
from tests.support.gateway import Trunkline

pytestmark = pytest.mark.row("A3")

REGISTRY = """
version: 1
defaults: {retry: {attempts: 2, backoff: 10ms}}
integrations:
  openai: {base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY}
  anthropic: {base_url: "{simulator}/anthropic", secret: env:ANTHROPIC_API_KEY}
  broken: {vendor: openai, base_url: "http://127.0.0.1:1", secret: env:OPENAI_API_KEY, limits: [{requests: 2, per: 1h}]}
  small: {vendor: openai, base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY, limits: [{requests: 4, per: 1h}]}
models:
  cheap: {strategy: cost, targets: [openai/gpt-4o, openai/gpt-4o-mini, anthropic/claude-haiku-4-5]}
  first: {strategy: priority, targets: [broken/gpt-4o-mini, anthropic/claude-haiku-4-5]}
  turns: {strategy: round_robin, targets: [openai/gpt-4o-mini, anthropic/claude-haiku-4-5]}
  shared: {targets: [{target: openai/gpt-4o-mini, weight: 3}, anthropic/claude-haiku-4-5]}
  kept: {sticky: conversation, targets: [openai/gpt-4o-mini, anthropic/claude-haiku-4-5]}
  test: {strategy: canary, targets: [{target: openai/gpt-4o-mini, weight: 9}, {target: openai/gpt-4o, weight: 1}]}
  roomy: {strategy: headroom, targets: [small/gpt-4o-mini, openai/gpt-4o-mini]}
  choosy:
    strategy: priority
    targets:
      - {target: openai/gpt-4o, when: 'tokens > 1000'}
      - {target: anthropic/claude-haiku-4-5, when: '"search" in tools || tags.tier == "gold"'}
      - {target: openai/gpt-4o-mini, when: 'lane == "batch"'}
"""


@pytest.fixture
def gateway(start: Callable[..., Trunkline]) -> Trunkline:
    return start(REGISTRY)


def ask(gateway: Trunkline, model: str, text: str = "hi", headers: Any = (), **body: Any) -> Answer:
    messages = [{"role": "user", "content": text}]
    return gateway.call(
        "POST", "/v1/chat/completions", {"model": model, "messages": messages, **body}, headers
    )


def chosen(answer: Answer) -> str:
    return (answer.field("x-trunkline-choice") or "").partition(";")[0]


def test_the_cheapest_serves_and_the_record_says_why(gateway: Trunkline) -> None:
    answer = ask(gateway, "cheap")
    assert answer.status == 200
    assert (answer.field("x-trunkline-choice") or "").startswith("openai/gpt-4o-mini; cost; about $0.000")
    call = gateway.recorded(answer)
    assert call.begin.model == "cheap"
    assert call.begin.target == "openai/gpt-4o-mini"
    assert "choice=openai/gpt-4o-mini: about $" in call.end.notes


def test_when_the_first_fails_the_next_serves_in_its_own_dialect(gateway: Trunkline) -> None:
    answer = ask(gateway, "first")
    assert (answer.status, answer.field("x-trunkline-integration")) == (200, "anthropic")
    assert [one.target for one in gateway.recorded(answer).end.tried] == [
        "broken/gpt-4o-mini",
        "anthropic/claude-haiku-4-5",
    ]


def test_streams_are_chosen_alike(gateway: Trunkline) -> None:
    answer = ask(gateway, "first", stream=True)
    assert answer.status == 200
    assert b"[DONE]" in answer.body


def test_in_turn(gateway: Trunkline) -> None:
    assert [chosen(ask(gateway, "turns")).partition("/")[0] for _ in range(4)] == [
        "openai",
        "anthropic",
    ] * 2


def test_by_shares(gateway: Trunkline) -> None:
    counts = Counter(chosen(ask(gateway, "shared")) for _ in range(80))
    assert 48 <= counts["openai/gpt-4o-mini"] <= 72


def test_a_conversation_keeps_its_target_over_its_turns(gateway: Trunkline) -> None:
    def turn(name: str, more: list[dict[str, str]]) -> str:
        messages = [{"role": "user", "content": f"I am {name}"}, *more]
        return chosen(gateway.call("POST", "/v1/chat/completions", {"model": "kept", "messages": messages}))

    later = [{"role": "assistant", "content": "hello"}, {"role": "user", "content": "and now?"}]
    firsts = {name: turn(name, []) for name in map(str, range(12))}
    assert {name: turn(name, later) for name in firsts} == firsts
    assert len(set(firsts.values())) == 2


def test_a_conversation_may_be_named(gateway: Trunkline) -> None:
    named = [("x-trunkline-conversation", "c-42")]
    assert len({chosen(ask(gateway, "kept", f"text {n}", named)) for n in range(6)}) == 1


def test_a_canary_is_the_same_for_one_subject(gateway: Trunkline) -> None:
    def of(subject: str) -> str:
        return chosen(ask(gateway, "test", headers=[("x-trunkline-subject", subject)]))

    first = [of(f"user-{n}") for n in range(60)]
    assert [of(f"user-{n}") for n in range(60)] == first
    assert 1 <= Counter(first)["openai/gpt-4o"] <= 16


def test_calls_go_where_most_is_left(gateway: Trunkline) -> None:
    answers = [ask(gateway, "roomy") for _ in range(8)]
    assert {answer.status for answer in answers} == {200}
    assert Counter(map(chosen, answers))["small/gpt-4o-mini"] <= 2


@pytest.mark.parametrize(
    ("more", "target"),
    [
        ({"text": "long " * 1000}, "openai/gpt-4o"),
        ({"headers": [("x-trunkline-tags", "tier=gold,eu")]}, "anthropic/claude-haiku-4-5"),
        (
            {
                "tools": [
                    {"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}
                ]
            },
            "anthropic/claude-haiku-4-5",
        ),
        ({"headers": [("x-trunkline-priority", "batch")]}, "openai/gpt-4o-mini"),
    ],
)
def test_conditions_decide_who_may_serve(gateway: Trunkline, more: dict[str, Any], target: str) -> None:
    assert chosen(ask(gateway, "choosy", **more)) == target


def test_a_call_that_no_target_is_for_is_told_the_conditions(gateway: Trunkline) -> None:
    answer = ask(gateway, "choosy")
    assert answer.status == 400
    told = json.loads(answer.body)["error"]["message"]
    assert "none of its 3 targets is for this call" in told
    assert "openai/gpt-4o when tokens > 1000" in told


def test_a_key_for_the_name_may_use_what_stands_behind_it(gateway: Trunkline) -> None:
    key = gateway.new_key("first alone", "model:first")
    answer = gateway.call(
        "POST",
        "/v1/chat/completions",
        {"model": "first", "messages": [{"role": "user", "content": "x"}]},
        key=key,
    )
    assert (answer.status, answer.field("x-trunkline-integration")) == (200, "anthropic")


def test_other_dialects_may_name_it_too(gateway: Trunkline) -> None:
    body = {"model": "cheap", "max_tokens": 40, "messages": [{"role": "user", "content": "hi"}]}
    answer = gateway.call("POST", "/v1/messages", body)
    assert (answer.status, json.loads(answer.body)["type"]) == (200, "message")


def test_it_stands_among_the_models(gateway: Trunkline) -> None:
    listed = json.loads(gateway.call("GET", "/v1/models").body)["data"]
    assert {"cheap", "choosy"} <= {row["id"] for row in listed}
