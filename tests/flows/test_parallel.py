"""`POST /v1/parallel` in a whole process: mixed calls, partial failures, hanging up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway import Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import OK, SILENCE, Site

REGISTRY = """
version: 1
defaults: {{retry: {{attempts: 1}}}}
integrations:
  openai: {{base_url: "{simulator}/openai", secret: "env:OPENAI_API_KEY"}}
  anthropic: {{base_url: "{simulator}/anthropic", secret: "env:ANTHROPIC_API_KEY"}}
  shop: {{base_url: "{site}", auth: {{kind: none}}}}
  one: {{base_url: "{site}", auth: {{kind: none}}, limits: [{{concurrency: 1}}]}}
"""
CHAT = {
    "path": "/v1/chat/completions",
    "body": {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]},
}
CLAUDE = {
    "path": "/v1/messages",
    "headers": {"anthropic-version": "2023-06-01"},
    "body": {
        "model": "anthropic/claude-haiku-4-5",
        "max_tokens": 20,
        "messages": [{"role": "user", "content": "hi"}],
    },
}


@pytest.fixture(scope="module")
def many(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess, site_process: Site
) -> Iterator[Trunkline]:
    """A gateway with model vendors and a plain one."""
    registry = REGISTRY.format(simulator=simulator_process.address(), site=site_process.address)
    with running_trunkline(tmp_path_factory.mktemp("many"), registry) as running:
        yield running


def things(n: int, integration: str = "shop") -> dict[str, Any]:
    return {"id": f"thing-{n}", "method": "GET", "path": f"/api/proxy/{integration}/things/{n}"}


@pytest.mark.row("F10")
def test_models_of_two_vendors_and_a_plain_api_in_one_request(many: Trunkline) -> None:
    streamed = {**CHAT, "id": "stream", "body": {**CHAT["body"], "stream": True}}  # type: ignore[dict-item]
    heard = many.call(
        "POST",
        "/v1/parallel",
        {"calls": [CHAT, CLAUDE, things(1), streamed]},
        {"x-correlation-id": "batch-7"},
    )
    told = heard.json
    assert (heard.status, told["succeeded"], told["failed"], heard.field("x-correlation-id")) == (
        200,
        4,
        0,
        "batch-7",
    )
    chat, claude, thing, stream = told["results"]
    assert chat["body"]["choices"][0]["message"]["role"] == "assistant"
    assert (claude["body"]["type"], claude["headers"]["x-trunkline-integration"]) == ("message", "anthropic")
    assert (thing["id"], thing["body"]) == ("thing-1", {"ok": True})
    assert stream["body"].endswith("data: [DONE]\n\n")
    records = [many.recorded(f"batch-7.{n}") for n in range(1, 5)]
    assert [(c.begin.correlation_id, c.begin.integration, c.end.state) for c in records] == [
        ("batch-7.1", "openai", "ok"), ("batch-7.2", "anthropic", "ok"), ("batch-7.3", "shop", "ok"), ("batch-7.4", "openai", "ok"),
    ]  # fmt: skip
    assert sum(c.end.cost_usd for c in records if c.end.cost_usd > 0) > 0


@pytest.mark.row("F10")
def test_failures_stay_where_they_happen(many: Trunkline, site: Site) -> None:
    site.script.append(
        b'HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{"error":"no"}'
    )
    told = many.call(
        "POST",
        "/v1/parallel",
        {"calls": [things(1), things(2), {"path": "/api/proxy/nowhere/x"}], "concurrency": 1},
    ).json
    assert [(r["id"], r["status"]) for r in told["results"]] == [
        ("thing-1", 404),
        ("thing-2", 200),
        ("2", 404),
    ]
    assert (told["succeeded"], told["failed"]) == (1, 2)
    assert many.call("POST", "/v1/parallel", {"calls": []}).status == 400
    assert many.call("POST", "/v1/parallel", {"calls": [things(1)]}, key="").status == 401


@pytest.mark.row("F10")
def test_the_limits_of_the_vendor_hold_for_them(many: Trunkline, site: Site) -> None:
    calls = [things(n, "one") for n in range(20)]
    told = many.call("POST", "/v1/parallel", {"calls": calls, "concurrency": 20}).json
    assert told["succeeded"] == 20
    assert sorted(seen.target for seen in site.seen) == sorted(f"/things/{n}" for n in range(20))


@pytest.mark.row("F10")
def test_hanging_up_ends_all_of_them(many: Trunkline, site: Site) -> None:
    site.script.extend([SILENCE] * 4)
    body = {"calls": [things(n) for n in range(10)], "concurrency": 4}
    with many.unanswered("POST", "/v1/parallel", body, {"x-correlation-id": "hung-up"}) as line:
        eventually(lambda: len(site.seen) == 4, "four calls at the vendor")
        line.close()

    def states() -> list[str]:
        ours = [c for c in many.calls().values() if c.begin.correlation_id.startswith("hung-up.")]
        return [c.end.state for c in ours if c.ends]

    eventually(lambda: len(states()) == 4, "all of them to be given up")
    assert (states(), len(site.seen)) == (["cancelled"] * 4, 4)


@pytest.mark.row("F10")
def test_a_long_request_is_taken(many: Trunkline, site: Site) -> None:
    words = "x" * 300_000
    calls = [{"path": "/api/proxy/shop/long", "body": {"words": words, "n": n}} for n in range(8)]
    told = many.call("POST", "/v1/parallel", json.dumps({"calls": calls}).encode()).json
    assert told["succeeded"] == 8
    assert {len(seen.body) for seen in site.seen} == {300_000 + len('{"words": "", "n": 0}')}


@pytest.mark.row("F2", "F10")
def test_a_key_holds_for_the_whole_request_over_a_kill(many: Trunkline, site: Site) -> None:
    acts = [{"path": "/api/proxy/shop/pay", "body": {"n": n}} for n in range(3)]
    asked = {"calls": acts, "concurrency": 1}
    headers = [("Idempotency-Key", "order-17")]
    site.script.extend([OK, SILENCE])
    with many.unanswered("POST", "/v1/parallel", asked, headers):
        eventually(lambda: len(site.seen) == 2, "the second act to be at the vendor")
        many.kill()
    again = many.call("POST", "/v1/parallel", asked, headers).json["results"]
    assert [one["status"] for one in again] == [200, 502, 200]
    assert again[0]["headers"]["x-trunkline-idempotent-replay"] == "true"
    assert again[1]["body"]["code"] == "outcome_unknown"
    assert [seen.json["n"] for seen in site.seen] == [0, 1, 2], "each act once"
    other = many.call("POST", "/v1/parallel", {"calls": acts[:1]}, headers)
    assert (other.status, other.json["code"]) == (422, "idempotency_conflict")
