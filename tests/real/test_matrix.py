"""Every SDK with the models of every vendor: its own answer, whole and streamed, tools called and their results handed back.

The simulated vendors answer alike whoever asks, so what an SDK must give is known to the letter. Not for: what is special to one SDK
or to one pair (`test_<sdk>.py`, `test_crossing.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support.gateway import Call, Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.sdk_clients import CLIENTS, TOOL, Client, Said
from tests.support.simulator import SimulatorProcess
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
  cohere: {{base_url: "{sim}/cohere", secret: env:OPENAI_API_KEY}}
  azure: {{vendor: azure-openai, base_url: "{sim}/azure-openai", secret: env:OPENAI_API_KEY, models: [{{id: gpt-4o}}]}}
  ollama: {{base_url: "{sim}/ollama", secret: env:OPENAI_API_KEY, models: [{{id: llama3.2}}]}}
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
