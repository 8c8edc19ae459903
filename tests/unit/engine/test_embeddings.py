"""Merging and splitting embedding requests: what each gets is what it would have got alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.embeddings import Part, merged, part, shares, split

OPENAI, GEMINI = "openai-embeddings", "gemini-embed"
PATH = b"/v1/embeddings"
SINGLE, MANY = b"/v1beta/models/tiny:embedContent", b"/v1beta/models/tiny:batchEmbedContents"


def body(given: Any, **more: Any) -> bytes:
    return json.dumps({"model": "tiny", "input": given, **more}).encode()


def openai(given: Any, **more: Any) -> Part:
    found = part(OPENAI, PATH, body(given, **more))
    assert found is not None
    return found


def vendor(request: bytes, *, usage: dict[str, Any] | None = None, backwards: bool = False) -> bytes:
    """What a vendor answers: a vector that tells its input, in the encoding that was asked for."""
    asked = json.loads(request)
    packed = asked.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "embedding": vector(one, packed), "index": n}
        for n, one in enumerate(asked["input"])
    ]
    told = {"prompt_tokens": sum(tokens(one) for one in asked["input"])} if usage is None else usage
    told.setdefault("total_tokens", told.get("prompt_tokens", 0))
    return json.dumps(
        {"object": "list", "data": data[::-1] if backwards else data, "model": "tiny-1", "usage": told}
    ).encode()


def vector(one: Any, packed: bool) -> Any:
    return f"base64 of {one}" if packed else [float(len(str(one))), 0.12345678901234567]


def tokens(one: Any) -> int:
    return len(one)


# Merging.


@pytest.mark.row("F10")
def test_texts_and_lists_of_texts_become_one_list_in_their_order() -> None:
    parts = [openai("a"), openai(["b", "c"]), openai(["d"])]
    path, whole = merged(OPENAI, PATH, "tiny", body("a"), parts)
    assert (path, json.loads(whole)) == (PATH, {"model": "tiny", "input": ["a", "b", "c", "d"]})


def test_tokens_become_a_list_of_lists() -> None:
    parts = [openai([1, 2]), openai([[3], [4, 5]])]
    assert json.loads(merged(OPENAI, PATH, "tiny", body([1, 2]), parts)[1])["input"] == [[1, 2], [3], [4, 5]]
    assert [one.weights for one in parts] == [[2], [1, 2]]


def test_every_setting_and_every_byte_of_a_text_stays() -> None:
    first = b'{"model":"x/tiny", "input": "\\u00e9\\n\\"", "dimensions":256,"x_new":{"a":1.10}}'
    own = part(OPENAI, PATH, first)
    assert own is not None
    _, whole = merged(OPENAI, PATH, "tiny", first, [own, own])
    assert (
        whole
        == b'{"model":"x/tiny","input":["\\u00e9\\n\\"","\\u00e9\\n\\""],"dimensions":256,"x_new":{"a":1.10}}'
    )


def test_requests_agree_when_all_but_the_input_is_the_same() -> None:
    plain = openai("a")
    assert openai(["b"]).agrees == plain.agrees
    spaced = part(OPENAI, PATH, b'{ "input" : "z", "model" : "tiny" }')
    assert spaced is not None
    assert spaced.agrees == plain.agrees
    others = [
        openai("a", dimensions=8),
        openai("a", user="u"),
        openai("a", encoding_format="base64"),
        openai([1]),
    ]
    assert len({one.agrees for one in [plain, *others]}) == 5


@pytest.mark.parametrize(
    "odd",
    [
        body(""), body([]), body([""]), body(["a", ""]), body([1, "a"]), body([[]]), body(None), body({"text": "a"}),
        body([{"image": "x"}]), body([True]), body([[1, True]]), body([1.5]), b'{"model":"tiny"}', b"[]", b"", b"nonsense",
        b'{"model":"tiny","input":"a","input":"b"}', b'{"input":"\xff"}', body("x" * (300 << 10)),
    ],
)  # fmt: skip
def test_what_the_vendor_should_judge_goes_alone(odd: bytes) -> None:
    assert part(OPENAI, PATH, odd) is None


def test_other_dialects_go_alone() -> None:
    assert part("openai-chat", b"/v1/chat/completions", body("a")) is None


# Splitting.


def whole_of(*inputs: Any, **more: Any) -> tuple[bytes, list[Part]]:
    parts = [openai(given, **more) for given in inputs]
    return merged(OPENAI, PATH, "tiny", body(inputs[0], **more), parts)[1], parts


@pytest.mark.row("F10")
@pytest.mark.parametrize("more", [{}, {"encoding_format": "base64"}], ids=["float", "base64"])
@pytest.mark.parametrize("backwards", [False, True])
def test_each_gets_what_it_would_have_got_alone(more: dict[str, Any], backwards: bool) -> None:
    inputs = ["a", ["bb", "ccc"], "dddd"]
    request, parts = whole_of(*inputs, **more)
    slices = split(OPENAI, PATH, vendor(request, backwards=backwards), parts)
    alone = [
        vendor(merged(OPENAI, PATH, "tiny", body(one, **more), [own])[1])
        for one, own in zip(inputs, parts, strict=True)
    ]
    assert [json.loads(one.body) for one in slices] == [json.loads(one) for one in alone]


def test_digits_and_unknown_fields_pass_as_they_stand() -> None:
    parts = [openai("a"), openai("b")]
    reply = (
        b'{"object":"list","id":"e1","data":[{"index":1,"embedding":[1.10,2e-3],"x":null},{"index":0,"embedding":[0.10000000000000000001]}],'
        b'"model":"m"}'
    )
    assert [one.body for one in split(OPENAI, PATH, reply, parts)] == [
        b'{"object":"list","id":"e1","data":[{"index":0,"embedding":[0.10000000000000000001]}],"model":"m"}',
        b'{"object":"list","id":"e1","data":[{"index":0,"embedding":[1.10,2e-3],"x":null}],"model":"m"}',
    ]


@pytest.mark.row("F10")
def test_usage_is_split_in_proportion_whatever_its_members() -> None:
    usage = {
        "prompt_tokens": 10,
        "total_tokens": 10,
        "details": {"text": 7, "cached": [1, 2]},
        "cost": 0.5,
        "tier": "x",
        "ok": True,
    }
    request, parts = whole_of("aa", "b")
    told = [json.loads(one.body)["usage"] for one in split(OPENAI, PATH, vendor(request, usage=usage), parts)]
    assert told == [
        {
            "prompt_tokens": 7,
            "total_tokens": 7,
            "details": {"text": 5, "cached": [1, 1]},
            "cost": 0.5 * 2 / 3,
            "tier": "x",
            "ok": True,
        },
        {
            "prompt_tokens": 3,
            "total_tokens": 3,
            "details": {"text": 2, "cached": [0, 1]},
            "cost": 0.5 / 3,
            "tier": "x",
            "ok": True,
        },
    ]


def test_a_reply_without_usage_or_index_is_split_all_the_same() -> None:
    parts = [openai("a"), openai("b")]
    reply = b'{"data":[{"embedding":[1]},{"embedding":[2]}]}'
    assert [one.body for one in split(OPENAI, PATH, reply, parts)] == [
        b'{"data":[{"embedding":[1],"index":0}]}', b'{"data":[{"embedding":[2],"index":0}]}',
    ]  # fmt: skip


@pytest.mark.parametrize(
    "reply",
    [
        b"", b"[]", b"{}", b'{"data":1}', b'{"data":[]}', b'{"data":[{"index":0}]}', b'{"data":[{"index":0},{"index":0}]}',
        b'{"data":[{"index":0},{"index":2}]}', b'{"data":[{"index":0},{"index":1},{"index":2}]}', b'{"data":[{"index":"a"},{"index":1}]}',
        b'{"data":[{"index":0},{"index":1}],"usage":', b"\xff",
    ],
)  # fmt: skip
def test_a_reply_that_does_not_answer_each_input_once_cannot_be_split(reply: bytes) -> None:
    with pytest.raises(ValueError):
        split(OPENAI, PATH, reply, [openai("a"), openai("b")])


# Gemini.


def gemini(path: bytes, given: dict[str, Any]) -> Part:
    found = part(GEMINI, path, json.dumps(given).encode())
    assert found is not None
    return found


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"content": {"parts": [{"text": words}]}, **more}


@pytest.mark.row("F10")
def test_single_gemini_requests_become_a_batch_and_its_reply_single_replies() -> None:
    given = [text("a", taskType="RETRIEVAL_QUERY"), text("bb", model="models/alias", outputDimensionality=8)]
    parts = [gemini(SINGLE, one) for one in given]
    assert parts[0].agrees == parts[1].agrees
    path, whole = merged(GEMINI, SINGLE, "tiny", b"", parts)
    assert (path, json.loads(whole)) == (
        MANY,
        {"requests": [{**one, "model": "models/tiny"} for one in given]},
    )
    slices = split(GEMINI, SINGLE, b'{"embeddings":[{"values":[1.10]},{"values":[2]}]}', parts)
    assert [one.body for one in slices] == [
        b'{"embedding":{"values":[1.10]}}',
        b'{"embedding":{"values":[2]}}',
    ]


def test_gemini_batches_become_a_larger_batch() -> None:
    parts = [gemini(MANY, {"requests": [text("a"), text("b")]}), gemini(MANY, {"requests": [text("c")]})]
    path, whole = merged(GEMINI, MANY, "tiny", b"", parts)
    assert (path, [one["content"]["parts"][0]["text"] for one in json.loads(whole)["requests"]]) == (
        MANY,
        ["a", "b", "c"],
    )
    reply = b'{"embeddings":[{"values":[1]},{"values":[2]},{"values":[3]}],"usageMetadata":{"promptTokenCount":4}}'
    assert [json.loads(one.body) for one in split(GEMINI, MANY, reply, parts)] == [
        {"embeddings": [{"values": [1]}, {"values": [2]}], "usageMetadata": {"promptTokenCount": 3}},
        {"embeddings": [{"values": [3]}], "usageMetadata": {"promptTokenCount": 1}},
    ]


@pytest.mark.parametrize(
    "odd",
    [
        b"{}",
        b"[]",
        b'{"requests":[]}',
        b'{"requests":[{}]}',
        b'{"requests":1}',
        b'{"requests":[],"x":1}',
        b"?",
    ],
)
def test_odd_gemini_requests_go_alone(odd: bytes) -> None:
    assert part(GEMINI, MANY, odd) is None
    assert part(GEMINI, SINGLE, odd) is None


@pytest.mark.parametrize(
    "reply", [b"{}", b"?", b'{"embeddings":[]}', b'{"embeddings":[{"values":[1]}]}', b'{"embeddings":{}}']
)
def test_odd_gemini_replies_cannot_be_split(reply: bytes) -> None:
    with pytest.raises(ValueError):
        split(GEMINI, SINGLE, reply, [gemini(SINGLE, text("a")), gemini(SINGLE, text("b"))])


# Laws.

WORDS = st.text(min_size=1, max_size=20).filter(lambda words: words.isprintable())
INPUT = st.one_of(WORDS, st.lists(WORDS, min_size=1, max_size=4))
TOKENS = st.lists(st.integers(0, 200_000), min_size=1, max_size=6)
TOKEN_INPUT = st.one_of(TOKENS, st.lists(TOKENS, min_size=1, max_size=3))


@given(
    st.one_of(st.lists(INPUT, min_size=1, max_size=6), st.lists(TOKEN_INPUT, min_size=1, max_size=6)),
    st.booleans(),
)
def test_for_any_requests_merging_and_splitting_changes_nothing_but_the_number_of_requests(
    inputs: list[Any], packed: bool
) -> None:
    more = {"encoding_format": "base64"} if packed else {}
    request, parts = whole_of(*inputs, **more)
    reply = vendor(request)
    slices = [json.loads(one.body) for one in split(OPENAI, PATH, reply, parts)]
    for given_input, own, told in zip(inputs, parts, slices, strict=True):
        alone = json.loads(vendor(merged(OPENAI, PATH, "tiny", body(given_input, **more), [own])[1]))
        assert (told["data"], told["model"], told["object"]) == (
            alone["data"],
            alone["model"],
            alone["object"],
        )
    told_tokens = [one["usage"]["prompt_tokens"] for one in slices]
    assert sum(told_tokens) == json.loads(reply)["usage"]["prompt_tokens"]
    if isinstance(inputs[0], list) and not isinstance(inputs[0][0], str):
        assert told_tokens == [
            sum(own.weights) for own in parts
        ]  # where tokens are given the shares are exact


@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=50))
def test_shares_add_up_and_stray_by_less_than_one(total: int, weights: list[int]) -> None:
    found = shares(total, weights)
    assert sum(found) == total
    assert all(
        abs(one - total * weight / sum(weights)) < 1 for one, weight in zip(found, weights, strict=True)
    )


@given(st.sampled_from([OPENAI, GEMINI]), st.sampled_from([PATH, SINGLE, MANY]), st.binary(max_size=120))
def test_no_bytes_make_it_fail(dialect: str, path: bytes, odd: bytes) -> None:
    assert part(dialect, path, odd) is None or odd
    try:
        slices = split(dialect, path, odd, [openai("a"), openai("b")])
    except ValueError:
        slices = []
    assert len(slices) in (0, 2)
