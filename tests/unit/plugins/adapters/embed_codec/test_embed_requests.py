"""Requests for embeddings: what is read of callers, what each vendor is told, what is refused and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.conversation import Change, Untranslatable
from trunkline.core.embedding import EmbedRequest, TooMany, embed_request, guessed_tokens
from trunkline.core.ports import Facts
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A1", "A2")

VENDORS = (
    "openai-embeddings",
    "gemini-embed",
    "mistral-embed",
    "voyage-embed",
    "cohere-embed",
    "ollama-embed",
)


def asked(dialect: str, **said: Any) -> EmbedRequest:
    return embed_request(CODECS[dialect].read_request(json.dumps(said).encode(), []))


def openai(given: Any = "x", **more: Any) -> EmbedRequest:
    return asked("openai-embeddings", model="m", input=given, **more)


def written(request: EmbedRequest, dialect: str, vendor: str = "") -> tuple[Any, list[Change]]:
    changes: list[Change] = []
    body = CODECS[dialect].write_request(request, Facts("m", vendor=vendor), changes).body
    return json.loads(body), changes


def text(words: str) -> dict[str, Any]:
    return {"content": {"parts": [{"text": words}]}}


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": [1, "a"]}, "input"),
        ({"input": [[]]}, "input"),
        ({"input": [True]}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "a", "dimensions": "8"}, "dimensions"),
        ({"input": "a", "input_type": 3}, "input_type"),
        ({"input": "a", "truncate": "MIDDLE"}, "truncate"),
    ],
)
def test_what_is_no_request_of_openais_is_named(said: dict[str, Any], named: str) -> None:
    with pytest.raises(Untranslatable, match=f"`{named}`"):
        asked("openai-embeddings", **said)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({}, "content"),
        ({"requests": []}, "requests"),
        ({"requests": 3}, "requests"),
        ({"requests": [3]}, "requests"),
        ({"content": {"parts": []}}, "content.parts"),
        ({"content": {"parts": [{"text": "a"}, {"inlineData": {"mimeType": "image/png"}}]}}, "content.parts"),
        ({**text("a"), "outputDimensionality": 2.5}, "outputDimensionality"),
        ({"requests": [{**text("a"), "taskType": "CLUSTERING"}, text("b")]}, "taskType"),
    ],
)
def test_what_is_no_request_of_geminis_is_named(said: dict[str, Any], named: str) -> None:
    with pytest.raises(Untranslatable, match=named):
        asked("gemini-embed", **said)


def test_geminis_requests_may_differ_in_their_titles_alone() -> None:
    config = {"taskType": "RETRIEVAL_DOCUMENT", "outputDimensionality": 8}
    request = asked(
        "gemini-embed",
        requests=[
            {"model": "models/a", **text("one"), "title": "First", **config},
            {"model": "models/a", **text("two"), "embedContentConfig": config},
        ],
    )
    assert (request.inputs, request.titles) == (["one", "two"], ["First", ""])
    assert (request.dimensions, request.purpose, request.extra) == (8, "document", {})
    assert written(request, "gemini-embed")[0]["requests"][0] == {
        "model": "models/m",
        "taskType": "RETRIEVAL_DOCUMENT",
        "outputDimensionality": 8,
        "title": "First",
        **text("one"),
    }


@pytest.mark.parametrize(
    ("vendor", "word", "told", "changes"),
    [
        ("cohere-embed", "search_query", {"input_type": "search_query"}, []),
        ("cohere-embed", "RETRIEVAL_QUERY", {"input_type": "search_query"}, []),
        ("cohere-embed", "QUESTION_ANSWERING", {"input_type": "search_query"}, [("changed", "search_query")]),
        ("cohere-embed", "CLUSTERING", {"input_type": "clustering"}, []),
        (
            "cohere-embed",
            "similarity",
            {"input_type": "search_document"},
            [("emulated", "search_document unless it is said")],
        ),
        (
            "cohere-embed",
            "",
            {"input_type": "search_document"},
            [("emulated", "search_document unless it is said")],
        ),
        ("gemini-embed", "query", {"taskType": "RETRIEVAL_QUERY"}, []),
        ("gemini-embed", "fact_verification", {"taskType": "FACT_VERIFICATION"}, []),
        ("gemini-embed", "novel", {}, [("dropped", "")]),
        ("gemini-embed", "", {}, []),
        ("voyage-embed", "passage", {"input_type": "document"}, []),
        ("voyage-embed", "CODE_RETRIEVAL_QUERY", {"input_type": "query"}, [("changed", "query")]),
        ("voyage-embed", "clustering", {}, [("dropped", "")]),
        ("mistral-embed", "query", {}, [("dropped", "")]),
        ("ollama-embed", "query", {}, [("dropped", "")]),
    ],
)
def test_what_texts_are_for_is_said_in_the_vendors_words(
    vendor: str, word: str, told: dict[str, str], changes: list[tuple[str, str]]
) -> None:
    body, lost = written(openai("x", **({"input_type": word} if word else {})), vendor)
    said = body["requests"][0] if "requests" in body else body
    assert {name: said[name] for name in ("input_type", "taskType") if name in said} == told
    assert lost == [Change(act, "purpose", how) for act, how in changes]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("vendor", "said", "told", "changes"),
    [
        ("cohere-embed", "START", {"truncate": "START"}, []),
        ("cohere-embed", False, {"truncate": "NONE"}, []),
        ("voyage-embed", "NONE", {"truncation": False}, []),
        ("voyage-embed", "start", {"truncation": True}, [Change("changed", "truncate", "end")]),
        ("ollama-embed", True, {"truncate": True}, []),
        ("mistral-embed", True, {}, [Change("dropped", "truncate")]),
        ("gemini-embed", "END", {}, [Change("dropped", "truncate")]),
    ],
)
def test_so_is_what_becomes_of_long_texts(
    vendor: str, said: Any, told: dict[str, Any], changes: list[Change]
) -> None:
    body, lost = written(openai("x", truncate=said, input_type="search_query"), vendor)
    assert {name: body[name] for name in ("truncate", "truncation") if name in body} == told
    assert [change for change in lost if change.field == "truncate"] == changes


@pytest.mark.parametrize(
    ("vendor", "name"),
    [
        ("mistral-embed", "output_dimension"),
        ("voyage-embed", "output_dimension"),
        ("cohere-embed", "output_dimension"),
        ("ollama-embed", "dimensions"),
    ],
)
def test_dimensions_have_the_vendors_name(vendor: str, name: str) -> None:
    assert written(openai("x", dimensions=8, input_type="search_query"), vendor)[0][name] == 8


def test_members_of_a_vendors_own_pass_and_others_are_told() -> None:
    said = {"keep_alive": "5m", "options": {"num_ctx": 99}, "output_dtype": "int8", "x_odd": 1, "user": "u"}
    lost = {
        vendor: [change.field for change in written(openai("x", **said, input_type="query"), vendor)[1]]
        for vendor in ("ollama-embed", "mistral-embed", "voyage-embed", "cohere-embed", "gemini-embed")
    }
    assert lost == {
        "ollama-embed": ["purpose", "user", "output_dtype", "x_odd"],
        "mistral-embed": ["purpose", "user", "keep_alive", "options", "x_odd"],
        "voyage-embed": ["user", "keep_alive", "options", "x_odd"],
        "cohere-embed": ["user", "keep_alive", "options", "output_dtype", "x_odd"],
        "gemini-embed": ["user", "keep_alive", "options", "output_dtype", "x_odd"],
    }
    assert written(openai("x", **said), "ollama-embed")[0]["options"] == {"num_ctx": 99}


def test_voyage_gives_numbers_unasked() -> None:
    assert "encoding_format" not in written(openai(encoding_format="float"), "voyage-embed")[0]
    assert written(openai(encoding_format="float"), "mistral-embed")[0]["encoding_format"] == "float"
    assert written(openai(encoding_format="base64"), "voyage-embed")[0]["encoding_format"] == "base64"


@pytest.mark.parametrize("vendor", [one for one in VENDORS if one != "openai-embeddings"])
@pytest.mark.parametrize("given", [[1, 2], [[1, 2], [3]]])
def test_tokens_go_to_nobody_elses_model(vendor: str, given: Any) -> None:
    with pytest.raises(Untranslatable, match="send the texts themselves"):
        written(openai(given), vendor)


@pytest.mark.parametrize(("vendor", "most"), [("cohere-embed", 96), ("gemini-embed", 100)])
def test_more_texts_than_a_vendor_takes_are_refused_with_the_number(vendor: str, most: int) -> None:
    body, _ = written(openai(["x"] * most), vendor)
    assert len(body.get("texts") or body["requests"]) == most
    with pytest.raises(TooMany, match=f"at most {most} texts in one call, not {most + 1}"):
        written(openai(["x"] * (most + 1)), vendor)


def test_one_text_and_a_list_of_one_stay_what_they_were() -> None:
    assert written(openai("x"), "mistral-embed")[0]["input"] == "x"
    assert written(openai(["x"]), "mistral-embed")[0]["input"] == ["x"]
    assert written(asked("gemini-embed", **text("x")), "openai-embeddings")[0]["input"] == "x"
    many = asked("gemini-embed", requests=[text("x")])
    assert written(many, "openai-embeddings", "nvidia")[0] == {"model": "m", "input": ["x"]}


def test_tokens_are_guessed_of_each_input() -> None:
    assert guessed_tokens(openai(["a", "four" * 3, "äöü" * 4])) == 1 + 3 + 6
    assert guessed_tokens(openai([[1, 2, 3], [4]])) == 4


@pytest.mark.parametrize(
    ("said", "gets", "told"),
    [
        ("search_query", "task: search result | query: x", ["emulated purpose"]),
        ("RETRIEVAL_DOCUMENT", "title: none | text: x", ["emulated purpose"]),
        ("odd", "x", ["dropped purpose"]),
        (None, "x", []),
    ],
)
def test_a_model_without_task_types_is_told_of_them_before_the_text(
    said: str | None, gets: str, told: list[str]
) -> None:
    more = {} if said is None else {"input_type": said}
    changes: list[Change] = []
    body = json.dumps({"model": "m", "input": "x", **more}).encode()
    request = CODECS["openai-embeddings"].read_request(body, changes)
    out = CODECS["gemini-embed"].write_request(request, Facts("gemini-embedding-2"), changes).body
    assert json.loads(out)["requests"] == [
        {"model": "models/gemini-embedding-2", "content": {"parts": [{"text": gets}]}}
    ]
    assert [f"{one.act} {one.field}" for one in changes] == told


@pytest.mark.parametrize(
    ("model", "gets", "told"),
    [
        ("jina-embeddings-v4", {"task": "retrieval.query"}, []),
        ("jina-embeddings-v2-base-en", {}, ["dropped purpose"]),
    ],
)
def test_jina_is_told_of_purposes_in_its_own_member(
    model: str, gets: dict[str, str], told: list[str]
) -> None:
    changes: list[Change] = []
    body = b'{"taskType":"RETRIEVAL_QUERY","content":{"parts":[{"text":"x"}]}}'
    request = CODECS["gemini-embed"].read_request(body, changes)
    out = CODECS["openai-embeddings"].write_request(request, Facts(model, "jina", "jina"), changes).body
    assert json.loads(out) == {"model": model, "input": "x", **gets}
    assert [f"{one.act} {one.field}" for one in changes] == told
