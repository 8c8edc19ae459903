"""Limits toward callers, as callers meet them: what they are told with every answer, and when they are held back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.caller import Answer
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import Site, reply

CHAT = "/v1/chat/completions"
REGISTRY = """
version: 1
defaults: {{retry: {{attempts: 1}}}}
integrations:
  openai: {{base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY}}
  steady: {{base_url: "{simulator}/steady", auth: {{kind: none}}}}
  site:
    base_url: "{site}"
    auth: {{kind: none}}
    dialects: [{{name: openai-chat, path: /v1/chat/completions}}]
    models: [{{id: tiny}}]
limits:
  per-team: {{requests: 3, per: 1h, scope: {{each: team, integration: steady}}}}
  words: {{tokens: 1000, per: 1h, scope: {{team: writers}}}}
  batch-at-once: {{concurrency: 1, scope: {{feature: nightly}}}}
  told: {{requests: 1000, per: 1m, scope: {{team: told}}}}
"""


@pytest.fixture(scope="module")
def limited(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess, site_process: Site
) -> Iterator[Trunkline]:
    """A gateway with limits toward its callers."""
    registry = REGISTRY.format(simulator=simulator_process.address(), site=site_process.address)
    with running_trunkline(tmp_path_factory.mktemp("limited"), registry) as running:
        yield running


def chat(model: str, **more: object) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}], **more}).encode()


def told(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers if "ratelimit" in name}


@pytest.mark.row("F8")
def test_a_team_has_its_share_and_hears_of_it_with_every_answer(limited: Trunkline) -> None:
    shop, ops = limited.new_key("shop", "*", team="shop"), limited.new_key("ops", "*", team="ops")
    twin = limited.new_key("shop too", "*", team="shop")
    first = limited.call("GET", "/api/proxy/steady/echo", key=shop)
    assert told(first) == {"ratelimit-policy": '"per-team";q=3;w=3600', "ratelimit": '"per-team";r=2;t=1200'}
    for _ in range(2):
        assert limited.call("GET", "/api/proxy/steady/echo", key=twin).status == 200
    refused = limited.call("GET", "/api/proxy/steady/echo", key=shop)
    assert (refused.status, refused.json["code"], refused.json["scope"], refused.json["retryable"]) == (
        429, "caller_rate_limited", "team", True,
    )  # fmt: skip
    assert refused.json["message"] == "the limit 'per-team' of 3 requests per 3600 s is used up"
    assert told(refused)["ratelimit"].startswith('"per-team";r=0;t=')
    assert refused.field("retry-after") == "60"
    assert limited.recorded(refused).end.tried == []
    assert limited.call("GET", "/api/proxy/steady/echo", key=ops).status == 200


@pytest.mark.row("F8")
def test_tokens_are_counted_as_the_vendor_says_and_told_as_openai_does(
    limited: Trunkline, site: Site
) -> None:
    key = limited.new_key("writer", "*", team="writers")
    usage = {"model": "tiny", "choices": [], "usage": {"prompt_tokens": 200, "completion_tokens": 500}}
    site.script.append(reply(json.dumps(usage).encode()))
    first = limited.call("POST", CHAT, chat("site/tiny", max_tokens=20), key=key)
    names = told(first)
    assert (names["x-ratelimit-limit-tokens"], names["ratelimit-policy"]) == (
        "1000",
        '"words";q=1000;w=3600;qu="tokens"',
    )
    assert int(names["x-ratelimit-remaining-tokens"]) > 900, "told before the vendor had answered"
    small = limited.call("POST", CHAT, chat("site/tiny", max_tokens=20), key=key)
    assert 200 < int(told(small)["x-ratelimit-remaining-tokens"]) < 300, (
        "700 are gone, and what this one asks for"
    )
    large = limited.call("POST", CHAT, chat("site/tiny", max_tokens=600), key=key)
    assert (large.status, large.json["error"]["code"]) == (429, "caller_rate_limited")
    assert told(large)["x-ratelimit-remaining-tokens"] == "0"
    assert limited.call("GET", "/api/proxy/steady/echo", key=key).status == 200


@pytest.mark.row("F8")
def test_a_vendors_own_figures_pass_only_where_no_limit_of_ours_is_told(
    limited: Trunkline, site: Site
) -> None:
    """A caller must not take the vendor's account for its own."""
    lines = (
        "x-ratelimit-limit-requests: 5000",
        "x-ratelimit-remaining-requests: 4999",
        "ratelimit: 9;r=9",
        "x-other: 1",
    )
    for _ in range(2):
        site.script.append(reply(b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}', *lines))
    free = limited.call("POST", CHAT, chat("site/tiny"), key=limited.new_key("free", "*"))
    ours = limited.call("POST", CHAT, chat("site/tiny"), key=limited.new_key("told", "*", team="told"))
    assert told(free)["x-ratelimit-limit-requests"] == "5000"
    assert (told(ours)["x-ratelimit-limit-requests"], told(ours)["x-ratelimit-remaining-requests"]) == (
        "1000",
        "999",
    )
    assert [value for name, value in ours.headers if name == "ratelimit"] == ['"told";r=999;t=1']
    assert ours.field("x-other") == "1"


@pytest.mark.row("F8")
def test_calls_at_once_are_held_to_the_end_of_the_stream(
    limited: Trunkline, simulator: SimulatorProcess
) -> None:
    key, nightly = limited.new_key("batch", "*"), {"x-trunkline-feature": "nightly"}
    simulator.latency("steady", per_chunk_ms=20)
    with limited.stream("GET", "/api/proxy/steady/sse?n=3000", headers=nightly, key=key) as stream:
        stream.piece()
        second = limited.call("GET", "/api/proxy/steady/echo", headers=nightly, key=key)
        assert limited.call("GET", "/api/proxy/steady/echo", key=key).status == 200, "another feature"
        stream.hang_up()
    assert (second.status, second.json["message"]) == (
        429, "the limit 'batch-at-once' allows 1 calls at once, and 1 are running",
    )  # fmt: skip
    assert told(second) == {
        "ratelimit-policy": '"batch-at-once";q=1;qu="concurrent-requests"', "ratelimit": '"batch-at-once";r=0',
    }  # fmt: skip
    eventually(
        lambda: limited.call("GET", "/api/proxy/steady/echo", headers=nightly, key=key).status == 200,
        "the place",
    )


@pytest.mark.row("W1")
def test_the_rate_of_a_key_is_told_in_the_same_fields(limited: Trunkline) -> None:
    key = limited.new_key("rated", "*", rate=2, rate_per=60.0)
    answers = [limited.call("POST", CHAT, chat("openai/gpt-4o-mini"), key=key) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [told(answer)["x-ratelimit-remaining-requests"] for answer in answers] == ["1", "0", "0"]
    assert told(answers[0])["ratelimit-policy"] == '"key";q=2;w=60'


@pytest.mark.row("F8", "R5")
def test_a_new_limit_holds_at_once_and_what_is_used_of_an_old_one_stays_used(
    start: Callable[..., Trunkline], tmp_path: Path
) -> None:
    registry = """
version: 1
integrations:
  steady: {base_url: "{simulator}/steady", auth: {kind: none}}
limits:
  all: {requests: %d, per: 1h}
"""
    gateway = start(registry % 2)
    for _ in range(2):
        assert gateway.call("GET", "/api/proxy/steady/echo").status == 200
    assert gateway.call("GET", "/api/proxy/steady/echo").status == 429
    address = gateway.config.read_text().partition('base_url: "')[2].partition("/steady")[0]
    assert gateway.reload(registry.replace("{simulator}", address) % 4).ok
    answer = gateway.call("GET", "/api/proxy/steady/echo")
    assert (answer.status, told(answer)["ratelimit"].split(";")[1]) == (200, "r=1")
