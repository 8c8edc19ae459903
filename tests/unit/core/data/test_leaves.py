"""Bodies are taken apart with keys and places; nothing that claims to be a body makes it fail."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.data.leaves import leaves

JSON = "application/json"
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8).filter(lambda key: key != "[]"), inner, max_size=4)
    ),
    max_leaves=25,
)


def walked(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in walked(one, (*path, key))]
    if isinstance(value, list):
        return [leaf for one in value for leaf in walked(one, (*path, "[]"))]
    if isinstance(value, bool) or value is None:
        return []
    return [(path, str(value))]


@given(DOCUMENTS, st.booleans())
def test_json_is_taken_apart_as_a_parser_would(document: Any, ascii_only: bool) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    found = list(leaves(body, JSON))
    assert [(leaf.keys, leaf.value) for leaf in found] == walked(document)
    for leaf in found:
        assert str(json.loads(body[leaf.start : leaf.end])) == leaf.value


@given(DOCUMENTS, st.integers(0, 200))
def test_a_body_that_is_cut_gives_a_part_of_the_whole(document: Any, cut: int) -> None:
    body = json.dumps(document).encode()
    whole = [(leaf.keys, leaf.value) for leaf in leaves(body, JSON)]
    found = [(leaf.keys, leaf.value) for leaf in leaves(body[:cut], JSON)]
    assert found[:-1] == whole[: len(found[:-1])]


@given(
    st.binary(max_size=300),
    st.sampled_from(
        [
            JSON,
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "text/event-stream",
            "multipart/form-data; boundary=x",
            "image/png",
        ]
    ),
)
def test_any_bytes_are_borne(body: bytes, media: str) -> None:
    for leaf in leaves(body, media):
        assert 0 <= leaf.start <= leaf.end <= len(body)
        assert isinstance(leaf.path, str)


def test_keys_that_may_be_somebodys_own_are_not_shown() -> None:
    body = b'{"users":{"jane@example.com":{"v":"a"},"Jane Doe":{"v":"b"},"u_20260401":{"v":"c"},"a1b2c3d4e5f60718":["d"]}}'
    assert [leaf.path for leaf in leaves(body, JSON)] == ["users.*.v", "users.*.v", "users.*.v", "users.*[]"]


def test_a_form_is_taken_apart_by_its_brackets() -> None:
    body = b"a[b][0][c]=x%40y&a[b][]=1&plain=%C3%A9+z&=&odd"
    assert [
        (leaf.path, leaf.value) for leaf in leaves(body, "application/x-www-form-urlencoded; charset=utf-8")
    ] == [
        ("a.b[].c", "x@y"),
        ("a.b[]", "1"),
        ("plain", "é z"),
        ("*", ""),
    ]


def test_lines_of_json_and_nesting_beyond_reason() -> None:
    assert [leaf.value for leaf in leaves(b'{"a":"1"}\n{"a":"2"}', "application/x-ndjson")] == ["1", "2"]
    assert list(leaves(b"[" * 10_000, JSON)) == []
