"""A product keeps working when a vendor does not: other vendors, other models, older answers, declared ones. Never in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.caller import events
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.row("F4")

REGISTRY = """
version: 1
defaults:
  retry: {{backoff: 10ms, backoff_max: 20ms, budget_floor: 1000000}}
  breaker: {{volume: 1000000}}
  adaptive: {{enabled: false}}
integrations:
  openai: {{base_url: "{sim}/openai", secret: env:OPENAI_API_KEY, fallback: spare/gpt-4o-mini}}
  spare: {{vendor: openai, base_url: "{sim}/openai~spare", secret: env:OPENAI_API_KEY}}
  anthropic: {{base_url: "{sim}/anthropic", secret: env:ANTHROPIC_API_KEY, fallback: claude2/claude-haiku-4-5}}
  claude2: {{vendor: anthropic, base_url: "{sim}/anthropic~two", secret: env:ANTHROPIC_API_KEY}}
  stripe: {{base_url: "{sim}/stripe", secret: env:STRIPE_SECRET_KEY, fallback: [{{kind: static, body: {{queued: true}}}}]}}
  gotenberg:
    base_url: "{sim}/gotenberg"
    fallback:
      - kind: template
        status: 203
        body: {{order: "{{{{ /order }}}}", pdf: null, because: "{{{{ code }}}}"}}
  crm:
    base_url: "{sim}/crm/api"
    auth: {{kind: bearer, secret: env:CRM_TOKEN}}
    cache: {{ttl: 1s, stale_if_error: 1h}}
    fallback: [{{kind: static, body: {{queued: true}}}}]
models:
  fast:
    target: openai/gpt-4o-mini
    fallback:
      - {{kind: target, target: spare/gpt-4.1-mini, "on": [context_too_long]}}
      - {{kind: template, "on": [auth_invalid], body: {{sorry: "{{{{ message }}}}"}}}}
"""
CHAT = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Tell me a story"}]}
CLAUDE = {"model": "anthropic/claude-haiku-4-5", "max_tokens": 99, "messages": CHAT["messages"]}
RESPONSES = {"model": "openai/gpt-4o-mini", "input": "Tell me a story"}
AI = [
    ("/v1/chat/completions", CHAT, "openai"),
    ("/v1/messages", CLAUDE, "anthropic"),
    ("/v1/responses", RESPONSES, "openai"),
]
ai = pytest.mark.parametrize(("target", "body", "vendor"), AI, ids=["chat", "claude", "responses"])


@pytest.fixture(scope="module")
def steady(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess
) -> Iterator[Trunkline]:
    """A gateway with something to fall back on for everything."""
    registry = REGISTRY.format(sim=simulator_process.address())
    with running_trunkline(tmp_path_factory.mktemp("steady"), registry) as running:
        yield running


@ai
@pytest.mark.parametrize(
    "fault", ["server_error", "overloaded", "auth", "quota", "reset", "never", "html", "rate_limit_bare"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_another_vendor_answers_whatever_is_wrong_with_the_first(
    steady: Trunkline,
    simulator: SimulatorProcess,
    target: str,
    body: dict[str, Any],
    vendor: str,
    fault: str,
    stream: bool,
) -> None:
    simulator.fault(fault, vendor)
    headers = {"x-trunkline-timeout-first-byte": "0.3"} if fault == "never" else {}
    answer = steady.call("POST", target, {**body, "stream": stream}, headers)
    call = steady.recorded(answer)

    other = {"openai": "spare/gpt-4o-mini", "anthropic": "claude2/claude-haiku-4-5"}[vendor]
    assert (answer.status, answer.field("x-trunkline-fallback")) == (200, f"target={other}")
    assert answer.field("x-trunkline-model") == other
    assert call.end.notes == f"fallback=target:{other}"
    assert (call.end.state, call.codes[-1], call.end.tried[-1].target) == ("ok", "", other)
    assert len(call.end.tried) <= 4
    assert call.end.cost_usd > 0
    if stream:
        assert len(events(answer.body)) > 3


@pytest.mark.row("F7")
@ai
def test_a_stream_fails_over_unseen_after_its_opening(
    steady: Trunkline, simulator: SimulatorProcess, target: str, body: dict[str, Any], vendor: str
) -> None:
    """Battery F16: of a hundred streams not one shows that its first vendor failed."""
    simulator.fault("error_first", vendor)
    whole = steady.call("POST", target, {**body, "stream": True}).body
    for _ in range(20):
        answer = steady.call("POST", target, {**body, "stream": True})
        assert (answer.status, answer.body) == (200, whole)
        assert answer.field("x-trunkline-fallback") is not None
    assert b'"type":"error"' not in whole


def test_a_degraded_answer_is_declared_and_says_so(steady: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("server_error", "gotenberg")
    answer = steady.call(
        "POST", "/api/proxy/gotenberg/forms/chromium/convert/url", {"order": {"id": 7, "total": 19.5}}
    )

    assert (answer.status, answer.field("x-trunkline-fallback")) == (203, "template")
    assert answer.json == {"order": {"id": 7, "total": 19.5}, "pdf": None, "because": "server_error"}
    assert steady.recorded(answer).end.notes == "fallback=template"


def test_an_act_that_may_have_happened_is_not_papered_over(
    steady: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("reset", "crm")
    answer = steady.call("POST", "/api/proxy/crm/orders", {"n": 1})

    assert (answer.status, answer.json["code"]) == (502, "outcome_unknown")
    assert answer.field("x-trunkline-fallback") is None
    assert len(simulator.ledger()) == 1


def test_a_refusal_that_did_nothing_may_be(steady: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("auth", "stripe")
    answer = steady.call("GET", "/api/proxy/stripe/v1/charges")

    assert (answer.status, answer.json, answer.field("x-trunkline-fallback")) == (
        200,
        {"queued": True},
        "static",
    )


def test_an_alias_has_a_chain_of_its_own_by_class_of_failure(
    steady: Trunkline, simulator: SimulatorProcess
) -> None:
    asked = {**CHAT, "model": "fast"}
    simulator.fault("context", "openai", times=1)
    answer = steady.call("POST", "/v1/chat/completions", asked)
    assert (answer.status, answer.field("x-trunkline-fallback")) == (200, "target=spare/gpt-4.1-mini")
    simulator.no_faults()
    simulator.fault("auth", "openai", times=1)
    answer = steady.call("POST", "/v1/chat/completions", asked)
    assert (answer.status, answer.field("x-trunkline-fallback"), "sorry" in answer.json) == (
        200,
        "template",
        True,
    )
    simulator.no_faults()
    simulator.fault("quota", "openai", times=1)
    assert steady.call("POST", "/v1/chat/completions", asked).json["code"] == "spend_exhausted"


def test_a_key_that_may_not_use_the_other_vendor_gets_the_failure(
    steady: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("auth", "openai")
    narrow = steady.new_key("narrow", "model:openai/*")
    answer = steady.call("POST", "/v1/chat/completions", CHAT, key=narrow)

    assert (answer.status, answer.json["code"], answer.field("x-trunkline-fallback")) == (
        401,
        "auth_invalid",
        None,
    )


@pytest.mark.row("F11")
def test_an_older_answer_stands_in(steady: Trunkline, simulator: SimulatorProcess) -> None:
    first = steady.call("GET", "/api/proxy/crm/items")
    simulator.fault("server_error", "crm")
    answer = steady.call("GET", "/api/proxy/crm/items", None, {"x-trunkline-cache": "no-cache"})

    assert (answer.status, answer.body) == (200, first.body)
    assert answer.field("x-trunkline-fallback") == "stale"
    assert (answer.field("x-trunkline-cache") or "").startswith("stale")


@pytest.mark.row("F1")
def test_four_attempts_at_most_over_all_of_it(steady: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("server_error")
    answer = steady.call("POST", "/v1/chat/completions", CHAT)

    assert (answer.status, answer.field("x-should-retry"), len(simulator.ledger())) == (500, "false", 4)
    assert [tried.target for tried in steady.recorded(answer).end.tried] == ["openai/gpt-4o-mini"] * 3 + [
        "spare/gpt-4o-mini"
    ]
