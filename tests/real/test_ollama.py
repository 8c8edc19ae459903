"""Ollama's own Python client, unmodified: chats with any vendor's model, whole and streamed, calls tools, embeds, lists models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ollama import Client, ResponseError

from tests.support.gateway import Trunkline, running_trunkline
from tests.support.simulator import SimulatorProcess
from trunkline.simulator.vectors import embedding
from trunkline.simulator.words import answer_to, seed_of, tokens_of

pytestmark = [pytest.mark.real, pytest.mark.row("A1", "A2", "P2")]

QUESTION = "What is the weather in Paris and in Rome?"
ASK: Any = [{"role": "user", "content": QUESTION}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}]
REGISTRY = """
version: 1
integrations:
  openai: {{base_url: "{sim}/openai", secret: env:OPENAI_API_KEY}}
  anthropic: {{base_url: "{sim}/anthropic", secret: env:ANTHROPIC_API_KEY}}
  gemini: {{base_url: "{sim}/gemini", secret: env:GEMINI_API_KEY}}
  ollama:
    base_url: "{sim}/ollama"
    secret: env:OPENAI_API_KEY
    models: [{{id: llama3.2}}, {{id: nomic-embed-text, kind: embedding}}]
"""
MODELS = {
    "ollama/llama3.2": ("ollama", "llama3.2"),
    "openai/gpt-4o-mini": ("openai", "gpt-4o-mini"),
    "anthropic/claude-sonnet-4-5": ("anthropic", "claude-sonnet-4-5"),
    "gemini/gemini-2.5-flash": ("gemini", "gemini-2.5-flash"),
}
"""What the words of the simulated vendor follow from."""


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess
) -> Iterator[Trunkline]:
    registry = REGISTRY.format(sim=simulator_process.address())
    with running_trunkline(tmp_path_factory.mktemp("ollama"), registry) as running:
        yield running


@pytest.fixture
def client(gateway: Trunkline, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("OLLAMA_API_KEY", gateway.key)
    return Client(host=gateway.url, timeout=60)


@pytest.mark.parametrize("model", MODELS)
def test_it_gets_the_same_answer_whole_and_streamed(client: Client, model: str) -> None:
    text = answer_to(QUESTION, seed_of(*MODELS[model], QUESTION))
    whole = client.chat(model, ASK)
    lines = list(client.chat(model, ASK, stream=True))

    assert whole.message.content == "".join(one.message.content or "" for one in lines) == text
    assert len(lines) > 3
    assert [one.done for one in lines] == [*[False] * (len(lines) - 1), True]
    assert (whole.done_reason, lines[-1].done_reason) == ("stop", "stop")
    assert whole.eval_count == lines[-1].eval_count == tokens_of(text)
    assert whole.prompt_eval_count == lines[-1].prompt_eval_count


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_it_calls_tools_and_hands_their_results_back(client: Client, model: str, stream: bool) -> None:
    turns: list[Any] = [*ASK]
    said = client.chat(model, turns, tools=TOOLS, stream=stream)
    messages = [one.message for one in said] if stream else [said.message]  # type: ignore[union-attr]
    calls = [call for message in messages for call in message.tool_calls or ()]
    assert [(one.function.name, one.function.arguments) for one in calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]
    turns.append({"role": "assistant", "content": "", "tool_calls": calls})
    turns += [{"role": "tool", "tool_name": "get_weather", "content": text} for text in ("sunny", "rain")]
    last = client.chat(model, turns, tools=TOOLS)
    assert last.message.content == answer_to(QUESTION, seed_of(*MODELS[model], QUESTION))


def test_options_and_formats_reach_the_vendor(client: Client) -> None:
    said = client.chat("anthropic/claude-sonnet-4-5", ASK, options={"num_predict": 3}, format=CITY)
    assert said.message.content is not None
    short = client.chat("openai/gpt-4o-mini", ASK, options={"num_predict": 3})
    assert (short.done_reason, short.eval_count) == ("length", 3)


def test_it_understands_what_went_wrong(client: Client) -> None:
    with pytest.raises(ResponseError, match="no integration serves a model named 'nope'") as unknown:
        client.chat("nope", ASK)
    with pytest.raises(ResponseError, match="does-not-exist") as gone:
        client.chat("anthropic/claude-does-not-exist", ASK)
    assert (unknown.value.status_code, gone.value.status_code) == (404, 404)


@pytest.mark.parametrize(
    "model", ["ollama/nomic-embed-text", "openai/text-embedding-3-small", "gemini/gemini-embedding-001"]
)
def test_it_embeds_with_any_vendor(client: Client, model: str) -> None:
    texts = ["blue shoes", "red hats"]
    said = client.embed(model, texts, dimensions=64)
    assert [list(one) for one in said.embeddings] == [embedding(text, 64) for text in texts]


def test_it_lists_and_shows_the_models(client: Client) -> None:
    names = [one.model for one in client.list().models]
    assert {"ollama/llama3.2", "anthropic/claude-sonnet-4-5"} <= set(names)
    shown = client.show("ollama/nomic-embed-text")
    assert (shown.capabilities, shown.details and shown.details.family) == (["embedding"], "ollama")
