"""Embedding calls that come together, in a whole process: one request at the vendor, each answer as it would be alone."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.caller import Answer
from tests.support.gateway import Call, Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess

REGISTRY = """
version: 1
defaults: {{retry: {{attempts: 2, backoff: 1ms}}}}
integrations:
  openai: {{base_url: "{simulator}/openai", secret: "env:OPENAI_API_KEY", batch_embeddings: {window}}}
  gemini: {{base_url: "{simulator}/gemini", secret: "env:GEMINI_API_KEY", batch_embeddings: {window}}}
"""
MODEL = "openai/text-embedding-3-small"
PATH = "/v1/embeddings"
TEXTS = [f"text number {n} " + "word " * n for n in range(12)]


@pytest.fixture(scope="module")
def gathering(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess
) -> Iterator[Trunkline]:
    """A gateway that gathers embedding calls for a good while, so that a busy machine gets them together."""
    registry = REGISTRY.format(simulator=simulator_process.address(), window="300ms")
    with running_trunkline(tmp_path_factory.mktemp("gathering"), registry) as running:
        yield running


@pytest.fixture(scope="module")
def plain(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess
) -> Iterator[Trunkline]:
    """The same without gathering: what each call gets alone."""
    registry = REGISTRY.format(simulator=simulator_process.address(), window="0s")
    with running_trunkline(tmp_path_factory.mktemp("plain"), registry) as running:
        yield running


def together(gateway: Trunkline, bodies: list[dict[str, Any]], path: str = PATH) -> list[Answer]:
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: gateway.call("POST", path, body), bodies))


def asking(given: Any, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "input": given, "dimensions": 8, **more}


def records(gateway: Trunkline, heard: list[Answer]) -> list[Call]:
    ids = [h.field("x-correlation-id") for h in heard]
    eventually(
        lambda: all(gateway.calls().get(i or "") and gateway.calls()[i or ""].ends for i in ids),
        "the records",
    )
    return [gateway.calls()[i or ""] for i in ids]


@pytest.mark.row("F10")
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_each_gets_what_it_would_get_alone(
    gathering: Trunkline, plain: Trunkline, simulator: SimulatorProcess, encoding: str
) -> None:
    bodies = [
        asking(text if n % 2 else [text, f"{text} again"], encoding_format=encoding)
        for n, text in enumerate(TEXTS)
    ]
    alone = [plain.call("POST", PATH, body) for body in bodies]
    before = len(simulator.ledger(vendor="openai"))
    heard = together(gathering, bodies)
    sent = simulator.ledger(vendor="openai")[before:]
    assert len(sent) < len(bodies) / 2
    assert [h.json["data"] for h in heard] == [a.json["data"] for a in alone]
    assert {h.status for h in heard} == {200}
    if encoding == "base64":
        assert len(array("f", base64.b64decode(heard[0].json["data"][0]["embedding"]))) == 8


@pytest.mark.row("F10", "O1")
def test_records_tell_of_one_request_and_shares_that_add_up(
    gathering: Trunkline, plain: Trunkline, simulator: SimulatorProcess
) -> None:
    bodies = [asking(text) for text in TEXTS]
    whole = plain.call("POST", PATH, asking(TEXTS)).json["usage"]["prompt_tokens"]
    before = len(simulator.ledger(vendor="openai"))
    heard = together(gathering, bodies)
    sent = len(simulator.ledger(vendor="openai")) - before
    found = records(gathering, heard)
    assert {(c.end.state, c.end.status) for c in found} == {("ok", 200)}
    assert sum(len(c.end.tried) for c in found) == sent
    assert (
        sum(c.end.input_tokens for c in found)
        == sum(h.json["usage"]["prompt_tokens"] for h in heard)
        == whole
    )
    assert (
        sum(c.end.notes.startswith("batch=carries:") for c in found)
        + sum(c.end.notes.startswith("batch=in:") for c in found)
        >= 10
    )
    carriers = {c.begin.call_id for c in found if c.end.tried}
    assert {c.end.notes.partition("batch=in:")[2] for c in found if not c.end.tried} <= carriers
    assert all(c.end.cost_usd > 0 for c in found)


@pytest.mark.row("F10")
def test_one_that_the_vendor_refuses_fails_alone(gathering: Trunkline) -> None:
    bodies = [*[asking(text) for text in TEXTS[:5]], asking("")]
    heard = together(gathering, bodies)
    assert [h.status for h in heard] == [200] * 5 + [400]


@pytest.mark.row("F10")
def test_a_repeat_carries_all_of_them(gathering: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("server_error", "openai", times=1)
    heard = together(gathering, [asking([text]) for text in TEXTS[:4]])
    assert {h.status for h in heard} == {200}
    codes = [c.codes for c in records(gathering, heard) if c.end.tried]
    assert ["server_error", ""] in codes


@pytest.mark.row("F10")
def test_gemini_is_asked_by_its_batch_endpoint(
    gathering: Trunkline, plain: Trunkline, simulator: SimulatorProcess
) -> None:
    path = "/v1beta/models/gemini/gemini-embedding-001:embedContent"
    bodies = [
        {"content": {"parts": [{"text": text}]}, "outputDimensionality": 4 + n}
        for n, text in enumerate(TEXTS[:6])
    ]
    alone = [plain.call("POST", path, body) for body in bodies]
    before = len(simulator.ledger(vendor="gemini"))
    heard = together(gathering, bodies, path)
    sent = simulator.ledger(vendor="gemini")[before:]
    assert [h.json for h in heard] == [a.json for a in alone]
    assert len(sent) < 6
    assert any("batchEmbedContents" in entry.path for entry in sent)


@pytest.mark.row("F10")
def test_a_call_alone_waits_its_few_milliseconds_and_goes_as_it_is(gathering: Trunkline) -> None:
    heard = gathering.call("POST", PATH, asking("alone"))
    (record,) = records(gathering, [heard])
    assert (heard.status, record.end.notes, len(record.end.tried)) == (200, "", 1)
