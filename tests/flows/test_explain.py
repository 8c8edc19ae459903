"""What would become of a call: told by the parts that would decide it, with nothing sent, spent or counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.gateway import Trunkline
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.row("O5")

REGISTRY = """
version: 1
integrations:
  openai: {base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY, cache: {ttl: 60s}}
  anthropic: {base_url: "{simulator}/anthropic", secret: env:ANTHROPIC_API_KEY}
  cohere: {base_url: "{simulator}/cohere", secret: env:OPENAI_API_KEY}
  stripe: {base_url: "{simulator}/stripe", secret: env:STRIPE_SECRET_KEY}
  gone: {vendor: openai, base_url: "{simulator}/openai", secret: env:NOT_THERE}
models:
  cheap:
    strategy: cost
    targets: [openai/gpt-4o, openai/gpt-4o-mini, anthropic/claude-haiku-4-5]
    fallback: [{kind: static, body: {a: 1}}]
  choosy:
    targets:
      - openai/gpt-4o
      - {target: openai/gpt-4o-mini, when: 'tags.tier == "gold"'}
      - {target: anthropic/claude-haiku-4-5, when: 'tokens / size(tools) > 1'}
      - {target: cohere/command-a-03-2025, when: 'stream'}
budgets:
  tiny: {usd: 0.000001, per: day, scope: {model: openai/gpt-4o}}
limits:
  slow: {requests: 1, per: 1h, scope: {integration: anthropic}}
"""


@pytest.fixture
def gateway(start: Callable[..., Trunkline]) -> Trunkline:
    return start(REGISTRY)


def explained(
    gateway: Trunkline, path: str = "/v1/chat/completions", key: str | None = None, **more: Any
) -> Any:
    answer = gateway.call("POST", "/v1/explain", {"path": path, **more}, key=key)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def chat(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}


def test_each_candidate_is_told_with_breaker_limits_price_and_why(gateway: Trunkline) -> None:
    told = explained(gateway, body=chat("cheap"))
    assert told["would"] == "go to openai/gpt-4o-mini"
    first, *others = told["candidates"]
    assert first["target"] == "openai/gpt-4o-mini"
    assert first["why"].startswith("about $")
    assert first["credentials"] == [
        {
            "credential": "env:OPENAI_API_KEY",
            "weight": 1,
            "ready": True,
            "problem": None,
            "breaker": "closed",
            "breaker_until": None,
            "limits_left": 1.0,
            "waits": False,
        }
    ]
    assert first["price"]["priced"] is True
    assert first["price"]["source"]
    assert first["price"]["date"]
    assert [one["target"] for one in others] == ["anthropic/claude-haiku-4-5", "openai/gpt-4o"]
    assert [one["does"] for one in told["fallbacks"]][-1] == "static"


def test_targets_that_are_not_for_the_call_are_told_with_the_reason(gateway: Trunkline) -> None:
    told = explained(gateway, body=chat("choosy"))
    assert [one["target"] for one in told["candidates"]] == ["openai/gpt-4o"]
    assert {one["target"]: one["why"] for one in told["left_out"]} == {
        "openai/gpt-4o-mini": "`tags.tier == \"gold\"` has no value: there is no 'tier'",
        "anthropic/claude-haiku-4-5": "`tokens / size(tools) > 1` has no value: division by zero",
        "cohere/command-a-03-2025": "`stream` does not hold",
    }
    assert explained(gateway, body=chat("cheap"))["left_out"] == []


def test_nothing_is_sent_spent_or_counted(gateway: Trunkline, simulator: SimulatorProcess) -> None:
    before, records = len(simulator.ledger()), len(gateway.calls())
    for _ in range(3):
        explained(gateway, body=chat("cheap"))
        explained(gateway, body=chat("anthropic/claude-haiku-4-5"))
    assert len(simulator.ledger()) == before
    assert len(gateway.calls()) == records
    assert gateway.call("POST", "/v1/chat/completions", chat("anthropic/claude-haiku-4-5")).status == 200


def test_what_translation_would_lose_is_told(gateway: Trunkline) -> None:
    told = explained(gateway, body=chat("anthropic/claude-haiku-4-5", logit_bias={"5": 1}, seed=3))
    made = told["candidates"][0]["translation"]
    assert made["needed"] is True
    assert made["exact"] is False
    assert {"logit_bias", "seed"} <= {change["field"] for change in made["changes"]}
    same = explained(gateway, body=chat("openai/gpt-4o-mini"))["candidates"][0]["translation"]
    assert same == {"needed": False, "exact": True, "changes": []}
    given = {"model": "cohere/embed-v4.0", "input": ["a", "b"], "user": "u-1"}
    embeds = explained(gateway, path="/v1/embeddings", body=given)["candidates"][0]
    assert embeds["translation"]["dialects"] == "openai-embeddings>cohere-embed"
    assert [change["field"] for change in embeds["translation"]["changes"]] == ["input_type", "user"]
    assert embeds["price"]["estimate_usd"] > 0


def test_a_call_that_a_limit_or_a_budget_would_refuse(gateway: Trunkline) -> None:
    told = explained(gateway, body=chat("openai/gpt-4o"))
    assert told["would"] == "be refused: the budget tiny cannot hold it"
    (budget,) = told["budgets"]
    assert (budget["spent_usd"], budget["refuses"]) == (0.0, True)
    gateway.call("POST", "/v1/chat/completions", chat("anthropic/claude-haiku-4-5"))
    told = explained(gateway, body=chat("anthropic/claude-haiku-4-5"))
    assert told["would"].startswith("be refused: the limit slow leaves no room for")
    assert told["limits"][0]["remaining"] == 0


def test_what_the_cache_holds(gateway: Trunkline) -> None:
    body = chat("openai/gpt-4o-mini", temperature=0)
    assert explained(gateway, body=body)["cache"]["verdict"] == "miss"
    gateway.call("POST", "/v1/chat/completions", body)
    told = explained(gateway, body=body)
    assert told["cache"]["verdict"] == "hit"
    assert told["would"] == "be answered from the cache"
    assert explained(gateway, body=chat("anthropic/claude-haiku-4-5"))["cache"]["verdict"] == "off"


@pytest.mark.row("A4")
def test_calls_through_the_proxy_are_explained_alike_with_what_they_may_cost_and_do(
    gateway: Trunkline,
) -> None:
    told = explained(gateway, "/api/proxy/stripe/v1/charges", body={"amount": 2000, "currency": "usd"})
    assert told["would"] == "go to stripe"
    assert (told["call"]["operation"], told["call"]["repeat"]) == ("create_charge", "with_key")
    price = told["candidates"][0]["price"]
    assert (price["priced"], price["estimate_usd"]) == (True, 1.18), "as if the card were from abroad"
    us_card = next(one for one in price["tariffs"] if one["id"].startswith("stripe/us-card@2026-09-20#"))
    assert us_card["source"] == "https://stripe.com/pricing"
    form = (("content-type", "application/x-www-form-urlencoded"),)
    paid = gateway.call(
        "POST", "/api/proxy/stripe/v1/charges", b"amount=2000&currency=usd&source=tok_visa", form
    )
    assert (paid.status, paid.field("x-trunkline-cost-usd")) == (200, "0.88")
    declined = b"amount=2000&currency=usd&source=tok_chargeDeclined"
    refused = gateway.call("POST", "/api/proxy/stripe/v1/charges", declined, form)
    assert (refused.status, gateway.recorded(refused).end.cost_usd) == (402, 0.0)
    assert gateway.recorded(paid).end.price_id == us_card["id"]


def test_a_missing_secret_is_a_reason(gateway: Trunkline) -> None:
    told = explained(gateway, body=chat("gone/gpt-4o-mini"))
    assert told["would"].startswith("wait, fall back, or be refused")
    assert "NOT_THERE" in told["candidates"][0]["credentials"][0]["problem"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/chat/completions", {"model": "nope", "messages": []}, "unknown_model"),
        ("/v1/chat/completions", {"messages": []}, "invalid_request"),
        ("/api/proxy/nobody/x", {}, "unknown_route"),
    ],
)
def test_a_call_that_cannot_be_bound_is_told_why(gateway: Trunkline, path: str, body: Any, code: str) -> None:
    told = explained(gateway, path, body=body)
    assert (told["would"], told["refused"]["code"]) == ("be refused", code)


def test_it_is_explained_for_the_key_that_asks(gateway: Trunkline) -> None:
    key = gateway.new_key("narrow", "integration:stripe")
    told = explained(gateway, body=chat("openai/gpt-4o-mini"), key=key)
    assert told["refused"]["code"] == "forbidden"
    assert told["call"]["key"]["name"] == "narrow"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"path": 5}', b'{"path": "/v1/models"}', b'{"path": "/v1/tokens"}']
)
def test_what_names_no_call_is_refused(gateway: Trunkline, body: bytes) -> None:
    answer = gateway.call("POST", "/v1/explain", body, [("content-type", "application/json")])
    assert answer.status in (400, 404)
    assert json.loads(answer.body)["code"] in ("invalid_request", "unknown_route")
