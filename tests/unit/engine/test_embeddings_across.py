"""Embeddings whose vendor speaks another dialect than the caller, through a gateway in memory: limits, fallbacks, gathering, usage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.engine.test_batch import Bench
from tests.unit.engine.test_body import Arriving
from trunkline.core.flow import Fallback
from trunkline.core.price import Price
from trunkline.core.service import Dialect, Model
from trunkline.engine.embeddings import renamed
from trunkline.testing import Heard, Play, Sent, Trial, answers, request, service

pytestmark = pytest.mark.row("A1", "A2")

COHERE = [Dialect(name="cohere-embed", path="/v2/embed")]
GEMINI = [Dialect(name="gemini-embed", path="/v1beta/models/{model}:{method}")]
OPENAI = [Dialect(name="openai-embeddings", path="/v1/embeddings")]
MODELS = [Model(id="tiny", price=Price(input=1.0, output=1.0))]


def asked(given: Any = "hello", **more: Any) -> bytes:
    return json.dumps({"model": "acme/tiny", "input": given, **more}).encode()


def across(*plays: Play, dialects: list[Dialect], **more: Any) -> Trial:
    other = service("other", dialects=OPENAI, models=MODELS)
    return Trial(*plays, services=[service(dialects=dialects, models=MODELS, **more), other])


async def embed(trial: Trial, body: bytes, *headers: tuple[str, str]) -> Heard:
    return await trial.ask("POST", "/v1/embeddings", body, *headers)


def as_cohere(sent: Sent) -> None:
    texts = json.loads(sent.body)["texts"]
    vectors = {"float": [[float(len(text))] for text in texts]}
    meta = {"billed_units": {"input_tokens": sum(map(len, texts))}}
    sent.reply(200, json.dumps({"embeddings": vectors, "meta": meta}).encode())


def as_gemini(sent: Sent) -> None:
    texts = [one["content"]["parts"][0]["text"] for one in json.loads(sent.body)["requests"]]
    sent.reply(200, json.dumps({"embeddings": [{"values": [len(text)]} for text in texts]}).encode())


def as_openai(sent: Sent) -> None:
    data = [{"index": n, "embedding": [1.0]} for n, _ in enumerate(json.loads(sent.body)["input"])]
    sent.reply(200, json.dumps({"data": data, "usage": {"prompt_tokens": 5}}).encode())


def vectors(heard: Heard) -> list[Any]:
    return [row["embedding"][0] for row in json.loads(heard.body)["data"]]


async def test_too_many_texts_are_refused_before_the_vendor_is_asked() -> None:
    trial = across(dialects=COHERE)
    heard = await embed(trial, asked(["x"] * 97, input_type="search_query"))

    error = json.loads(heard.body)["error"]
    assert (heard.status, error["code"], error["param"]) == (413, "request_too_large", "input")
    assert "at most 96 texts in one call, not 97" in error["message"]
    assert trial.wire.sent == []


async def test_a_vendor_that_takes_more_answers_instead() -> None:
    trial = across(as_openai, dialects=COHERE, fallback=[Fallback(kind="target", target="other/tiny")])
    heard = await embed(trial, asked(["x"] * 97))

    assert (heard.status, len(vectors(heard))) == (200, 97)
    assert heard.field(b"x-trunkline-fallback") == b"target=other/tiny"
    assert heard.field(b"x-trunkline-translation") is None
    assert [sent.origin.host for sent in trial.wire.sent] == ["other.test"]
    assert trial.ends[0].input_tokens == 5


async def test_a_fallback_of_another_dialect_is_translated_from_what_the_caller_sent() -> None:
    busy = answers(401, b'{"error":{"message":"bad key"}}')
    other = service("other", dialects=COHERE, models=MODELS)
    first = service(dialects=OPENAI, models=MODELS, fallback=[Fallback(kind="target", target="other/tiny")])
    trial = Trial(busy, as_cohere, services=[first, other])
    heard = await embed(trial, asked(["four", "a"], input_type="search_query"))

    assert (heard.status, vectors(heard)) == (200, [4.0, 1.0])
    assert heard.field(b"x-trunkline-translation") == b"openai-embeddings>cohere-embed"
    assert json.loads(trial.wire.sent[1].body)["input_type"] == "search_query"
    assert (trial.ends[0].input_tokens, trial.ends[0].cost_usd) == (5, pytest.approx(5e-6))


async def test_usage_that_the_vendor_does_not_tell_is_the_same_guess_for_caller_and_record() -> None:
    trial = across(as_gemini, dialects=GEMINI)
    heard = await embed(trial, asked(["four" * 5, "a"]))

    end = trial.ends[0]
    assert json.loads(heard.body)["usage"] == {"prompt_tokens": 6, "total_tokens": 6}
    assert (end.input_tokens, end.usage_estimated, end.cost_usd) == (6, True, pytest.approx(6e-6))
    told = b"openai-embeddings>gemini-embed, emulated usage (guessed from the texts)"
    assert heard.field(b"x-trunkline-translation") == told


@pytest.mark.parametrize(
    ("dialects", "play", "sent"),
    [
        (COHERE, as_cohere, {"texts": ["four"]}),
        (OPENAI, answers(200, b'{"data":[{"embedding":[4.0]}]}'), {"input": "four"}),
    ],
)
async def test_geminis_single_form_gets_a_single_answer(
    dialects: list[Dialect], play: Play, sent: Mapping[str, Any]
) -> None:
    trial = across(play, dialects=dialects)
    body = b'{"content":{"parts":[{"text":"four"}]},"outputDimensionality":1}'
    heard = await trial.ask("POST", "/v1beta/models/acme%2Ftiny:embedContent", body)

    assert heard.status == 200
    assert json.loads(heard.body)["embedding"] == {"values": [4.0]}
    assert json.loads(trial.wire.sent[0].body).items() >= sent.items()


async def test_a_wish_for_a_stream_makes_none_of_an_embedding() -> None:
    trial = across(as_cohere, dialects=COHERE)
    heard = await embed(trial, asked("four", stream=True, input_type="query"))

    assert (heard.status, vectors(heard)) == (200, [4.0])
    assert heard.field(b"content-type") == b"application/json"


@pytest.mark.row("F10")
async def test_calls_that_are_gathered_are_translated_as_one() -> None:
    vendor = {"dialects": GEMINI, "models": MODELS, "batch_inputs": 128}
    t = Bench(as_gemini, as_gemini, vendor=vendor)
    heard = [t.embed("a" * 8), t.embed(["b" * 12, "c"])]
    await t.send()
    await t.over()

    assert len(t.wire.sent) == 1
    assert t.wire.sent[0].target == b"/v1beta/models/tiny:batchEmbedContents"
    assert [vectors(one) for one in heard] == [[8], [12, 1]]
    assert [json.loads(one.body)["usage"]["prompt_tokens"] for one in heard] == [
        end.input_tokens for end in sorted(t.ends, key=lambda end: end.call_id)
    ]
    assert [end.usage_estimated for end in t.ends] == [True, True]
    assert all(one.field(b"x-trunkline-translation") for one in heard)


@pytest.mark.row("F10")
async def test_no_more_are_gathered_than_the_vendor_takes() -> None:
    t = Bench(as_cohere, as_cohere, vendor={"dialects": COHERE, "models": MODELS})
    first, second = t.embed(["x"] * 60), t.embed(["y"] * 60)
    await t.send()
    await t.over()

    assert [len(json.loads(sent.body)["texts"]) for sent in t.wire.sent] == [60, 60]
    assert (first.status, second.status) == (200, 200)
    assert not any("batch=" in end.notes for end in t.ends)  # nor were they sent as one, and refused


@pytest.mark.parametrize("method", ["embedContent", "batchEmbedContents"])
async def test_gemini_is_told_its_own_name_of_the_model_wherever_one_stands(method: str) -> None:
    one: dict[str, Any] = {"model": "models/acme/tiny", "content": {"parts": [{"text": "four"}]}}
    given, told = (
        ({"requests": [one, one]}, {"requests": [{**one, "model": "models/tiny"}] * 2})
        if method.startswith("batch")
        else (one, {**one, "model": "models/tiny"})
    )
    spare = service("spare", dialects=GEMINI, models=[Model(id="small")])
    trial = Trial(
        answers(401, b"{}"),
        answers(200, b'{"embedding":{"values":[1.0]},"embeddings":[]}'),
        services=[
            service(dialects=GEMINI, models=MODELS, fallback=[Fallback(kind="target", target="spare/small")]),
            spare,
        ],
    )
    await trial.ask("POST", f"/v1beta/models/acme%2Ftiny:{method}", json.dumps(given).encode())

    assert json.loads(trial.wire.sent[0].body) == told
    assert b'"models/small"' in trial.wire.sent[1].body
    assert b"tiny" not in trial.wire.sent[1].body


async def test_so_is_one_whose_body_is_still_arriving() -> None:
    one = {"model": "models/acme/tiny", "content": {"parts": [{"text": "x" * 5000}]}}
    body = json.dumps({"requests": [one, one]}).encode()
    trial = across(answers(200, b'{"embeddings":[]}'), dialects=GEMINI)
    given = request("POST", "/v1beta/models/acme%2Ftiny:batchEmbedContents", b"")
    given.body, given.stream = body[:100], Arriving(body[100:6000], body[6000:])
    given.stream.length = len(body) - 100
    heard = trial.hand(given)
    await trial.until(lambda: heard.closed)

    assert heard.status == 200
    assert json.loads(trial.wire.sent[0].body) == {"requests": [{**one, "model": "models/tiny"}] * 2}


async def test_a_body_that_names_no_model_keeps_its_bytes() -> None:
    body = b'{ "content": {"parts": [{"text": "four"}]} }'
    trial = across(answers(200, b'{"embedding":{"values":[1.0]}}'), dialects=GEMINI)
    await trial.ask("POST", "/v1beta/models/acme%2Ftiny:embedContent", body)

    assert trial.wire.sent[0].body == body


@pytest.mark.parametrize("body", [b'{"model"', b'["model"]', b'{"model":"a","requests":3}'])
def test_what_is_no_request_is_the_vendors_to_refuse(body: bytes) -> None:
    assert renamed(body, "tiny") == body
