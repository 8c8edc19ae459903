"""Limits toward vendors through a real gateway: declared ones in several dimensions, and those that vendors tell and ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.gateway import Trunkline, running_trunkline
from tests.support.site import Site, reply

REGISTRY = """
version: 1
defaults: {{retry: {{attempts: 1}}}}
integrations:
  told: {{base_url: "{site}", auth: {{kind: none}}, limit_headers: plain}}
  deaf: {{base_url: "{site}", auth: {{kind: none}}}}
  paused: {{base_url: "{site}", auth: {{kind: none}}}}
  brief: {{base_url: "{site}", auth: {{kind: none}}}}
  sized:
    base_url: "{site}"
    auth: {{kind: none}}
    limits: [{{tokens: 1000, per: 1h}}, {{requests: 100, per: 1h}}]
    dialects: [{{name: openai-chat, path: /v1/chat/completions}}]
    models: [{{id: tiny}}]
  models:
    base_url: "{site}"
    auth: {{kind: none}}
    dialects: [{{name: openai-chat, path: /v1/chat/completions}}]
    models: [{{id: big}}, {{id: small}}]
"""


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, site_process: Site) -> Iterator[Trunkline]:
    """A gateway with several limits."""
    registry = REGISTRY.format(site=site_process.address)
    with running_trunkline(tmp_path_factory.mktemp("limited"), registry) as running:
        yield running


def left(remaining: int, reset: str) -> bytes:
    """A good answer that tells what is left."""
    lines = ("x-ratelimit-limit: 100", f"x-ratelimit-remaining: {remaining}", f"x-ratelimit-reset: {reset}")
    return reply(b"{}", *lines)


def used(tokens: int) -> bytes:
    """A chat reply that used so many tokens."""
    usage = b'{"prompt_tokens":%d,"completion_tokens":0}' % tokens
    return reply(b'{"model":"tiny","choices":[],"usage":' + usage + b"}")


def chat(trunkline: Trunkline, model: str, **more: int) -> tuple[int, str]:
    body = {"model": model, "messages": [], **more}
    answer = trunkline.call("POST", "/v1/chat/completions", body)
    return answer.status, "" if answer.status == 200 else answer.json["error"]["code"]


@pytest.mark.row("F8")
def test_what_is_left_by_a_vendors_good_answers_is_kept_to_and_nothing_is_sent_in_vain(
    limited: Trunkline, site: Site
) -> None:
    site.script.extend([left(0, "120")])
    first, second = [limited.call("GET", "/api/proxy/told/x") for _ in range(2)]

    assert [first.status, second.status, len(site.seen)] == [200, 429, 1]
    assert (second.json["source"], second.json["code"]) == ("trunkline", "rate_limited")
    assert 115 <= float(second.field("x-trunkline-queue-wait") or 0) <= 120


def test_a_service_that_names_no_dialect_is_asked_until_it_refuses(limited: Trunkline, site: Site) -> None:
    site.script.extend([left(0, "120")])
    assert [limited.call("GET", "/api/proxy/deaf/x").status for _ in range(2)] == [200, 200]


@pytest.mark.row("F8")
def test_a_pause_holds_every_later_call_until_its_end(limited: Trunkline, site: Site) -> None:
    site.script.extend([reply(b"{}", "retry-after: 300", status="429 Too Many Requests")])
    answers = [limited.call("GET", "/api/proxy/paused/x") for _ in range(4)]

    assert ([answer.status for answer in answers], len(site.seen)) == ([429] * 4, 1)
    assert [answer.json["source"] for answer in answers] == ["paused", *["trunkline"] * 3]
    waits = [float(answer.field("x-trunkline-queue-wait") or 0) for answer in answers[1:]]
    assert [295 <= wait <= 300 for wait in waits] == [True] * 3


@pytest.mark.row("F9")
def test_a_short_pause_is_waited_for(limited: Trunkline, site: Site) -> None:
    site.script.extend([reply(b"{}", "retry-after: 2", status="429 Too Many Requests")])
    first, second = [limited.call("GET", "/api/proxy/brief/x") for _ in range(2)]

    assert [first.status, second.status, len(site.seen)] == [429, 200, 2]
    assert limited.recorded(second).end.queued_us >= 500_000


@pytest.mark.row("F8")
def test_tokens_are_reserved_and_then_settled_with_what_was_used(limited: Trunkline, site: Site) -> None:
    site.script.extend([used(10), used(900)])
    outcomes = [chat(limited, "sized/tiny", max_tokens=700) for _ in range(3)]

    assert outcomes == [(200, ""), (200, ""), (429, "rate_limited")]
    assert len(site.seen) == 2


@pytest.mark.row("F8")
def test_a_pause_of_one_model_holds_no_other(limited: Trunkline, site: Site) -> None:
    body = b'{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}'
    site.script.extend([reply(body, "retry-after: 300", status="429 Too Many Requests"), used(1)])
    outcomes = [chat(limited, f"models/{model}")[0] for model in ("big", "big", "small")]

    assert (outcomes, len(site.seen)) == ([429, 429, 200], 2)
