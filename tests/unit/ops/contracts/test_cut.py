"""JSON that was cut off."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.codec import DecodeError
from trunkline.ops.contracts.cut import read

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=25,
)


def begins(part: Any, whole: Any, incomplete: set[int]) -> bool:
    """Whether one tree is the begin of another: equal, but for what is missing at the end of what was not closed."""
    if isinstance(part, dict) and isinstance(whole, dict):
        if id(part) not in incomplete and len(part) != len(whole):
            return False
        return all(key in whole and begins(value, whole[key], incomplete) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        if id(part) not in incomplete and len(part) != len(whole):
            return False
        return all(begins(a, b, incomplete) for a, b in zip(part, whole, strict=False))
    return bool(part == whole)


@given(
    st.lists(VALUES, min_size=1, max_size=5)
    | st.dictionaries(st.text(max_size=5), VALUES, min_size=1, max_size=5),
    st.data(),
)
def test_what_is_read_is_the_begin_of_the_whole(tree: Any, data: st.DataObject) -> None:
    text = json.dumps(tree).encode()
    at = data.draw(st.integers(1, len(text)))
    try:
        part, incomplete = read(text[:at])
    except DecodeError:
        return
    assert begins(part, tree, incomplete)


def test_the_last_whole_item_counts() -> None:
    part, incomplete = read(b'{"has_more": true, "data": [{"id": 1, "a": "x"}, {"id": 2, "a": "y')
    assert part == {"has_more": True, "data": [{"id": 1, "a": "x"}, {"id": 2}]}
    assert incomplete == {id(part), id(part["data"]), id(part["data"][1])}


@pytest.mark.parametrize("text", [b"", b"<html>", b"]", b'{"a": ]'])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(DecodeError):
        read(text)
