"""Vectors: read of every vendor, told as the caller wants them; and usage of bytes that pass unchanged."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from trunkline.core.codec import DecodeError
from trunkline.core.conversation import Change, Untranslatable
from trunkline.core.embedding import EmbedReply, EmbedRequest, Vector
from trunkline.core.ports import Reading
from trunkline.plugins.adapters import ADAPTERS, CODECS

pytestmark = pytest.mark.row("A1", "A2")

NUMBERS: Vector = [0.25, -0.5]
PACKED = base64.b64encode(struct.pack("<2f", 0.25, -0.5)).decode()


def wanted(encoding: Any = "", inputs: int = 1, form: str = "many") -> EmbedRequest:
    return EmbedRequest(
        dialect="openai-embeddings",
        model="m",
        inputs=["text"] * inputs,
        encoding=encoding,
        form={"input": form},
    )


def told(dialect: str, vector: Vector, asked: EmbedRequest, changes: list[Change]) -> Any:
    reply = EmbedReply(dialect="x", model="m", vectors=[vector])
    return json.loads(CODECS[dialect].write_reply(reply, asked, changes))


@pytest.mark.parametrize("vector", [NUMBERS, PACKED], ids=["numbers", "base64"])
@pytest.mark.parametrize(("encoding", "given"), [("", NUMBERS), ("float", NUMBERS), ("base64", PACKED)])
def test_callers_get_the_form_that_they_asked_for(vector: Vector, encoding: str, given: Vector) -> None:
    assert told("openai-embeddings", vector, wanted(encoding), [])["data"][0]["embedding"] == given
    assert told("gemini-embed", vector, wanted(encoding), []) == {"embeddings": [{"values": NUMBERS}]}


@pytest.mark.parametrize("odd", ["*", "QQ==", "QUJD"])
def test_base64_that_is_no_vector_is_none(odd: str) -> None:
    with pytest.raises(Untranslatable, match="an embedding is no"):
        told("gemini-embed", odd, wanted(), [])


def test_usage_that_nobody_told_is_guessed_for_those_who_need_it() -> None:
    changes: list[Change] = []
    assert told("openai-embeddings", NUMBERS, wanted(), changes)["usage"] == {
        "prompt_tokens": 1,
        "total_tokens": 1,
    }
    assert changes == [Change("emulated", "usage", "guessed from the texts")]
    assert "usageMetadata" not in told("gemini-embed", NUMBERS, wanted(), changes)


def test_gemini_has_another_form_for_one() -> None:
    assert told("gemini-embed", NUMBERS, wanted(form="one"), []) == {"embedding": {"values": NUMBERS}}


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai-embeddings", {}),
        ("openai-embeddings", {"data": [{"embedding": [0.5, "a"]}]}),
        ("openai-embeddings", {"data": []}),
        ("mistral-embed", {"data": [{"embedding": [0.5]}, {"embedding": [0.5]}]}),
        ("gemini-embed", {}),
        ("gemini-embed", {"embeddings": [{"values": None}]}),
        ("cohere-embed", {"embeddings": {"int8": [[1]]}}),
        ("cohere-embed", {"embeddings": {"float": []}}),
        ("ollama-embed", {"embeddings": [[0.5], [0.5]]}),
        ("ollama-embed", {"embedding": [0.5]}),
    ],
)
def test_what_does_not_answer_each_input_once_is_no_answer(dialect: str, body: Any) -> None:
    with pytest.raises((Untranslatable, DecodeError)):
        CODECS[dialect].read_reply(json.dumps(body).encode(), wanted())


def test_vectors_come_in_the_order_of_the_inputs() -> None:
    rows = [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}]
    read = CODECS["openai-embeddings"].read_reply
    first = read(json.dumps({"data": rows}).encode(), wanted(inputs=2))
    odd = [{"embedding": [1]}, {"index": 7, "embedding": [2]}]
    second = read(json.dumps({"data": odd}).encode(), wanted(inputs=2))
    assert isinstance(first, EmbedReply)
    assert isinstance(second, EmbedReply)
    assert (first.vectors, second.vectors) == ([[1], [2]], [[1], [2]])


@pytest.mark.parametrize(
    ("dialect", "body", "count"),
    [
        ("openai-embeddings", {"usage": {"prompt_tokens": 7, "total_tokens": 7}}, 7),
        ("mistral-embed", {"usage": {"prompt_tokens": 7, "total_tokens": 7, "completion_tokens": 0}}, 7),
        ("voyage-embed", {"usage": {"total_tokens": 7}}, 7),
        ("cohere-embed", {"meta": {"billed_units": {"input_tokens": 7}}}, 7),
        ("ollama-embed", {"prompt_eval_count": 7, "model": "m-1"}, 7),
        ("ollama-embed", {"prompt_eval_count": "7"}, -1),
        ("ollama-embed", [], -1),
        ("gemini-embed", {"usageMetadata": {"promptTokenCount": 7}}, 7),
        ("gemini-embed", {"embeddings": []}, -1),
    ],
)
def test_usage_of_bytes_that_pass_unchanged_is_read(dialect: str, body: Any, count: int) -> None:
    reading = Reading()
    ADAPTERS[dialect].read(json.dumps(body).encode(), reading)
    assert reading.input == count


def test_ollama_streams_no_embeddings() -> None:
    adapter = ADAPTERS["ollama-embed"]
    assert (adapter.watch(b"data: {}\n\n", Reading()), adapter.opens(b"")) == (None, False)
