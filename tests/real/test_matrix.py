"""Every SDK with the models of every vendor: its own answer, whole and streamed, tools called and their results handed back; and
embeddings.

The simulated vendors answer alike whoever asks, so what an SDK must give is known to the letter. Not for: what is special to one SDK
or to one pair (`test_<sdk>.py`, `test_crossing.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from google import genai
from google.genai import errors, types
from openai import APIStatusError, OpenAI

from tests.support.gateway import Call, Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.sdk_clients import CLIENTS, TOOL, Client, Said
from tests.support.simulator import SimulatorProcess
from trunkline.simulator.vectors import embedding
from trunkline.simulator.words import answer_to, seed_of, tokens_of

pytestmark = [pytest.mark.real, pytest.mark.row("A1", "A2", "P2")]

QUESTION = "What is the weather in Paris and in Rome?"
CITIES = [(TOOL, {"city": "Paris"}), (TOOL, {"city": "Rome"})]


CHAT, RESPONSES, MESSAGES, GEMINI = "openai-chat", "openai-responses", "anthropic-messages", "gemini-generate"


class Vendor(NamedTuple):
    """`dialects` that it serves: a caller's own is taken if it is among them, else the first. The model goes by `NAME/MODEL`."""

    name: str
    model: str
    dialects: tuple[str, ...]
    simulated: str = ""
    """As whom the simulator plays it, where that is another name."""
    plan: str = ""
    """What it says before it calls tools."""

    def says(self, dialect: str) -> str:
        """Its answer to QUESTION; the words follow from whom the simulator plays, in which dialect, and from the model."""
        spoken = dialect if dialect in self.dialects else self.dialects[0]
        seeds = {
            RESPONSES: (self.model,),
            MESSAGES: ("anthropic", self.model),
            GEMINI: ("gemini", self.model),
        }
        return answer_to(
            QUESTION, seed_of(*seeds.get(spoken, (self.simulated or self.name, self.model)), QUESTION)
        )


VENDORS = (
    Vendor("openai", "gpt-4o-mini", (CHAT, RESPONSES)),
    Vendor("responses", "gpt-4o-mini", (RESPONSES,)),
    Vendor("anthropic", "claude-sonnet-4-5", (MESSAGES,)),
    Vendor("gemini", "gemini-2.5-flash", (GEMINI,)),
    Vendor("mistral", "mistral-small-latest", ("mistral-chat",)),
    Vendor("cohere", "command-a-03-2025", ("cohere-chat",), plan=f"I will use {TOOL}."),
    Vendor("azure", "gpt-4o", (CHAT, RESPONSES), "azure-openai"),
    Vendor("ollama", "llama3.2", (CHAT, RESPONSES, MESSAGES)),
    Vendor("local", "llama3.2", ("ollama-chat",), "ollama"),
)

REGISTRY = """
version: 1
integrations:
  openai: {{base_url: "{sim}/openai", secret: env:OPENAI_API_KEY}}
  responses:
    base_url: "{sim}/openai"
    auth: {{kind: bearer, secret: env:OPENAI_API_KEY}}
    dialects: [{{name: openai-responses, path: /v1/responses}}]
    models: [{{id: gpt-4o-mini}}]
  anthropic: {{base_url: "{sim}/anthropic", secret: env:ANTHROPIC_API_KEY}}
  gemini: {{base_url: "{sim}/gemini", secret: env:GEMINI_API_KEY}}
  mistral: {{base_url: "{sim}/mistral", secret: env:OPENAI_API_KEY}}
  voyage: {{base_url: "{sim}/voyage", secret: env:OPENAI_API_KEY}}
  cohere: {{base_url: "{sim}/cohere", secret: env:OPENAI_API_KEY}}
  azure:
    vendor: azure-openai
    base_url: "{sim}/azure-openai"
    secret: env:OPENAI_API_KEY
    models: [{{id: gpt-4o}}, {{id: text-embedding-3-small, kind: embedding}}]
  ollama:
    base_url: "{sim}/ollama"
    secret: env:OPENAI_API_KEY
    models: [{{id: llama3.2}}, {{id: nomic-embed-text, kind: embedding}}]
  local: {{vendor: ollama, speak: ollama-chat, base_url: "{sim}/ollama", secret: env:OPENAI_API_KEY, models: [{{id: llama3.2}}]}}
  native:
    base_url: "{sim}/ollama"
    auth: {{kind: bearer, secret: env:OPENAI_API_KEY}}
    dialects: [{{name: ollama-embed, path: /api/embed}}]
    models: [{{id: nomic-embed-text, kind: embedding}}]
models:
  found:
    strategy: priority
    targets: [cohere/embed-v4.0, gemini/gemini-embedding-001, openai/text-embedding-3-small]
"""


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess
) -> Iterator[Trunkline]:
    registry = REGISTRY.format(sim=simulator_process.address())
    with running_trunkline(tmp_path_factory.mktemp("matrix"), registry) as running:
        yield running


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.dialect)
def client(request: pytest.FixtureRequest, gateway: Trunkline) -> Client:
    made: Client = request.param(gateway.url, gateway.key)
    return made


def ended_since(gateway: Trunkline, before: set[str], count: int) -> list[Call]:
    """The calls that came after those of `before`, in their order, once all have ended."""

    def ended() -> list[Call]:
        made = [call for name, call in gateway.calls().items() if name not in before and call.ends]
        return made if len(made) == count else []

    return eventually(ended, f"{count} calls to have ended")


def story(gateway: Trunkline, client: Client, vendor: Vendor, stream: bool) -> None:
    """Tools are called, their results handed back and spoken of; then a question without tools."""
    model, text = f"{vendor.name}/{vendor.model}", vendor.says(client.dialect)
    done, wants_tools = client.stops
    turns = client.begin(QUESTION)
    before = set(gateway.calls())

    asked = client.ask(model, turns, tools=True, stream=stream)
    client.results(turns, ["sunny", "rain"])
    told = client.ask(model, turns, tools=True, stream=stream)
    plain = client.ask(model, client.begin(QUESTION), stream=stream)

    tokens = [(one.end.input_tokens, one.end.output_tokens) for one in ended_since(gateway, before, 3)]
    assert [asked, told, plain] == [
        Said(vendor.plan, CITIES, wants_tools, tokens[0]),
        Said(text, [], done, tokens[1]),
        Said(text, [], done, tokens[2]),
    ]
    assert [used for _, used in tokens[1:]] == [tokens_of(text)] * 2
    assert tokens[1][0] > tokens[0][0] > tokens[2][0] > 0


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_tools_are_called_answered_and_spoken_of(
    gateway: Trunkline, client: Client, vendor: Vendor, stream: bool
) -> None:
    story(gateway, client, vendor, stream)


TEXTS = ["blue shoes of size 42", "red hats"]
EMBEDDERS = (
    "openai/text-embedding-3-small", "gemini/gemini-embedding-001", "mistral/mistral-embed", "cohere/embed-v4.0", "voyage/voyage-4",
    "azure/text-embedding-3-small", "ollama/nomic-embed-text", "native/nomic-embed-text",
)  # fmt: skip
VECTORS = [embedding(text, 64) for text in TEXTS]


@pytest.fixture(scope="module")
def openai(gateway: Trunkline) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture(scope="module")
def gemini(gateway: Trunkline) -> genai.Client:
    return genai.Client(
        api_key=gateway.key, http_options=types.HttpOptions(base_url=gateway.url, timeout=60_000)
    )


def by_openai(client: OpenAI, model: str, **more: Any) -> tuple[list[list[float]], int]:
    """Vectors, and tokens as the SDK tells them; it asks for base64 unless told otherwise, and unpacks it."""
    answer = client.embeddings.create(model=model, input=TEXTS, dimensions=64, **more)
    return [row.embedding for row in answer.data], answer.usage.prompt_tokens


@pytest.mark.parametrize("model", EMBEDDERS)
def test_openais_sdk_embeds_with_every_vendor(gateway: Trunkline, openai: OpenAI, model: str) -> None:
    before = set(gateway.calls())
    (packed, tokens), (plain, _) = by_openai(openai, model), by_openai(openai, model, encoding_format="float")
    first, _ = ended_since(gateway, before, 2)

    assert packed == [pytest.approx(vector, abs=1e-6) for vector in VECTORS]
    assert plain == VECTORS
    assert first.end.input_tokens == tokens > 0
    assert first.end.usage_estimated is model.startswith("gemini/")
    as_it_is = model.startswith(("openai/", "azure/", "ollama/"))
    assert ("translation=openai-embeddings>" in first.end.notes) is not as_it_is


@pytest.mark.parametrize("model", EMBEDDERS)
def test_googles_sdk_embeds_with_every_vendor(gateway: Trunkline, gemini: genai.Client, model: str) -> None:
    config = types.EmbedContentConfig(output_dimensionality=64, task_type="RETRIEVAL_DOCUMENT", title="Shop")
    before = set(gateway.calls())
    answer = gemini.models.embed_content(model=model, contents=list(TEXTS), config=config)
    [call] = ended_since(gateway, before, 1)

    assert [one.values for one in answer.embeddings or ()] == VECTORS
    assert call.end.state == "ok"
    assert ("dropped title" in call.end.notes) is not model.startswith("gemini/")


def test_tokens_pass_to_openais_models_and_to_no_others(openai: OpenAI) -> None:
    tokens = [[9906, 1917], [1]]
    answer = openai.embeddings.create(model=EMBEDDERS[0], input=tokens)
    assert (len(answer.data), answer.usage.prompt_tokens) == (2, 3)
    for model in EMBEDDERS[1:5]:
        with pytest.raises(APIStatusError, match="send the texts themselves") as refused:
            openai.embeddings.create(model=model, input=tokens)
        assert refused.value.status_code == 400


def test_more_texts_than_a_vendor_takes_are_refused_or_go_to_the_next(
    openai: OpenAI, gemini: genai.Client
) -> None:
    many = ["a text"] * 130
    with pytest.raises(APIStatusError, match="at most 96 texts") as refused:
        openai.embeddings.create(model="cohere/embed-v4.0", input=many)
    assert refused.value.status_code == 413
    with pytest.raises(errors.ClientError, match="at most 96 texts"):
        gemini.models.embed_content(model="cohere/embed-v4.0", contents=list(many))

    raw = openai.embeddings.with_raw_response.create(model="found", input=many)
    assert len(raw.parse().data) == len(many)
    assert raw.headers["x-trunkline-fallback"].endswith("target=openai/text-embedding-3-small")
    chosen = openai.embeddings.with_raw_response.create(model="found", input="a text")
    assert chosen.headers["x-trunkline-translation"].startswith("openai-embeddings>cohere-embed")


def test_nothing_is_lost_for_who_forbids_it(openai: OpenAI) -> None:
    strict = {"x-trunkline-translation-mode": "strict"}
    with pytest.raises(APIStatusError, match="emulated input_type") as refused:
        openai.embeddings.create(model="cohere/embed-v4.0", input="a", extra_headers=strict)
    said = {"input_type": "search_query"}
    told = openai.embeddings.with_raw_response.create(
        model="cohere/embed-v4.0", input="a", extra_headers=strict, extra_body=said
    )
    assert refused.value.status_code == 400
    assert told.headers["x-trunkline-translation"] == "openai-embeddings>cohere-embed"
