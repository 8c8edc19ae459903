"""A request that is refused for what can be mended is mended as declared and sent again, and it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.gateway import Trunkline, running_trunkline
from tests.support.simulator import SimulatorProcess
from tests.support.site import Site, reply

pytestmark = pytest.mark.row("F13")

REGISTRY = """
version: 1
defaults: {{retry: {{backoff: 10ms, backoff_max: 20ms}}}}
integrations:
  openai:
    base_url: "{sim}/openai"
    secret: env:OPENAI_API_KEY
    repair: {{bigger_context: openai/gpt-4.1}}
  site:
    base_url: "{site}"
    auth: {{kind: none}}
    dialects: [{{name: openai-chat, path: /v1/chat/completions}}]
    models: [{{id: tiny}}]
    repair: {{trim: oldest_messages, drop_unsupported: true, malformed_again: true}}
"""
TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "first question"},
    {"role": "assistant", "content": "first answer"},
    {"role": "user", "content": "second question"},
]
GOOD = b'{"model":"tiny","choices":[{"message":{"content":"{}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'


@pytest.fixture(scope="module")
def mending(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess, site_process: Site
) -> Iterator[Trunkline]:
    """A gateway that mends what it can."""
    registry = REGISTRY.format(sim=simulator_process.address(), site=site_process.address)
    with running_trunkline(tmp_path_factory.mktemp("mending"), registry) as running:
        yield running


def refused(code: str, message: str, param: str | None = None) -> bytes:
    said = {"error": {"message": message, "type": "invalid_request_error", "code": code, "param": param}}
    return reply(json.dumps(said).encode(), status="400 Bad Request")


def test_a_longer_context_is_found(mending: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("context", "openai", times=1)
    answer = mending.call("POST", "/v1/chat/completions", {"model": "openai/gpt-4o-mini", "messages": TURNS})

    assert (answer.status, answer.json["model"][:7]) == (200, "gpt-4.1")
    assert answer.field("x-trunkline-repair") == "bigger_context:openai/gpt-4.1"
    assert answer.field("x-trunkline-model") == "openai/gpt-4.1"
    assert mending.recorded(answer).end.notes == "repair=bigger_context:openai/gpt-4.1"


def test_a_conversation_is_shortened_and_an_unknown_parameter_left_out(
    mending: Trunkline, site: Site
) -> None:
    site.script.extend([
        refused("unsupported_parameter", "Unsupported parameter: 'seed' is not supported with this model.", "seed"),
        refused("context_length_exceeded", "This model's maximum context length is 100 tokens; you sent 180 tokens."),
        reply(GOOD),
    ])  # fmt: skip
    answer = mending.call(
        "POST", "/v1/chat/completions", {"model": "site/tiny", "seed": 7, "messages": TURNS}
    )

    assert answer.status == 200
    assert answer.field("x-trunkline-repair") == "drop:seed, trim:oldest_messages"
    assert [json.loads(seen.body) for seen in site.seen][1:] == [
        {"model": "tiny", "messages": TURNS},
        {"model": "tiny", "messages": [TURNS[0], TURNS[3]]},
    ]


def test_what_should_have_been_json_is_asked_for_once_more(mending: Trunkline, site: Site) -> None:
    site.script.extend([reply(GOOD.replace(b'"{}"', b'"Sure, here it is"')), reply(GOOD)])
    body = {"model": "site/tiny", "messages": TURNS, "response_format": {"type": "json_object"}}
    answer = mending.call("POST", "/v1/chat/completions", body)

    assert (answer.status, answer.body, answer.field("x-trunkline-repair")) == (200, GOOD, "malformed_again")
    assert len(site.seen) == 2


def test_what_cannot_be_mended_is_told_as_it_is(mending: Trunkline, site: Site) -> None:
    site.script.append(refused("invalid_value", "'messages' must not be empty", "messages"))
    answer = mending.call("POST", "/v1/chat/completions", {"model": "site/tiny", "messages": []})

    assert (answer.status, answer.json["code"], len(site.seen)) == (400, "invalid_request", 1)
    assert answer.field("x-trunkline-repair") is None
