"""Embeddings: what is read of a dialect and written in it is what it was; vectors survive every way of telling them; no bytes make a
reader fail but by saying what is wrong.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.requests import TEXT, members, some
from trunkline.core.codec import DecodeError
from trunkline.core.conversation import Change
from trunkline.core.embedding import EmbedReply, EmbedRequest, embed_reply
from trunkline.core.ports import Facts
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A2")

EMBED = sorted(name for name, codec in CODECS.items() if codec.kind == "embed")
CALLERS = ("gemini-embed", "ollama-embed", "openai-embeddings")
_tokens = some(st.integers(0, 99999))
_openai = members(
    {"input": TEXT | some(TEXT) | _tokens | some(_tokens), "model": st.just("m")},
    {
        "dimensions": st.integers(1, 99),
        "encoding_format": st.sampled_from(["float", "base64"]),
        "user": TEXT,
        "input_type": st.sampled_from(["query", "search_document", "odd"]),
        "truncate": st.sampled_from(["END", "NONE"]),
    },
)
_settings = members(
    {},
    {
        "taskType": st.sampled_from(["RETRIEVAL_QUERY", "QUESTION_ANSWERING", "CLUSTERING"]),
        "outputDimensionality": st.integers(1, 99),
        "autoTruncate": st.booleans(),
    },
)
_item = members(
    {"content": TEXT.map(lambda text: {"parts": [{"text": text}]}), "model": st.just("models/m")},
    {"title": TEXT},
    st.just({}),
)
_gemini = st.tuples(_settings, some(_item)).map(
    lambda both: {"requests": [{**both[0], **one} for one in both[1]]}
)
_ollama = members(
    {"input": TEXT | some(TEXT), "model": st.just("m")},
    {
        "dimensions": st.integers(1, 99),
        "truncate": st.booleans(),
        "keep_alive": st.just("5m") | st.none(),
        "options": st.just({"num_ctx": 9}),
    },
)
REQUESTS = {"openai-embeddings": _openai, "gemini-embed": _gemini, "ollama-embed": _ollama}
SINGLE = st.floats(allow_nan=False, allow_infinity=False, width=32)
JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "input",
                    "requests",
                    "content",
                    "parts",
                    "text",
                    "data",
                    "embedding",
                    "embeddings",
                    "values",
                    "float",
                    "index",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("dialect", CALLERS)
@settings(deadline=None)
@given(data=st.data())
def test_a_request_read_and_written_in_its_own_dialect_is_what_it_was(dialect: str, data: Any) -> None:
    said, changes = data.draw(REQUESTS[dialect]), list[Change]()
    request = CODECS[dialect].read_request(json.dumps(said).encode(), changes)

    assert json.loads(CODECS[dialect].write_request(request, Facts("m"), changes).body) == said
    assert changes == []


@pytest.mark.parametrize("dialect", CALLERS)
@pytest.mark.parametrize("encoding", ["float", "base64"])
@settings(deadline=None)
@given(vectors=st.lists(st.lists(SINGLE, min_size=1, max_size=5), min_size=1, max_size=3))
def test_vectors_survive_every_way_of_telling_them(dialect: str, encoding: Any, vectors: Any) -> None:
    asked = EmbedRequest(dialect=dialect, inputs=["x"] * len(vectors), encoding=encoding, form={})
    codec = CODECS[dialect]
    told = codec.write_reply(EmbedReply(dialect=dialect, vectors=vectors), asked, [])
    again = codec.write_reply(codec.read_reply(told, asked), asked, [])
    asked.encoding = "float"
    numbers = embed_reply(
        CODECS["gemini-embed"].read_reply(
            CODECS["gemini-embed"].write_reply(codec.read_reply(told, asked), asked, []), asked
        )
    )

    assert json.loads(again) == json.loads(told)
    assert numbers.vectors == vectors


@pytest.mark.parametrize("dialect", EMBED)
@settings(deadline=None)
@given(value=JSONISH, inputs=st.integers(1, 2))
def test_no_body_makes_a_reader_fail_but_by_saying_what_is_wrong(
    dialect: str, value: Any, inputs: int
) -> None:
    codec, body = CODECS[dialect], json.dumps(value).encode()
    asked = EmbedRequest(dialect="openai-embeddings", inputs=["x"] * inputs, form={})
    for read in (lambda: codec.read_request(body, []), lambda: codec.read_reply(body, asked)):
        try:
            read()
        except (ValueError, DecodeError):
            continue
