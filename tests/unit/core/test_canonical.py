"""Equal JSON is equal bytes, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.canonical import PARSED_MAX, canonical, digest


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_no_two_lists_of_parts_run_together(one: list[bytes], other: list[bytes]) -> None:
    assert (digest(one) == digest(other)) == (one == other)


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert digest([b"ab", b"c"]) != digest([b"a", b"bc"]) != digest([b"abc"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def shuffled(value: Any) -> Any:
    """The same value with the members of all objects in the opposite order."""
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in reversed(value)}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(JSON)
def test_the_same_value_is_the_same_however_it_is_laid_out(value: Any) -> None:
    plain = canonical(json.dumps(value).encode(), is_json=True)
    assert canonical(json.dumps(shuffled(value), indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"), is_json=True) == plain or (
        "\\ud" in json.dumps(value)
    )  # fmt: skip


@given(JSON, JSON)
def test_different_values_are_different(one: Any, other: Any) -> None:
    texts = json.dumps(one, sort_keys=True), json.dumps(other, sort_keys=True)
    keys = [canonical(text.encode(), is_json=True) for text in texts]
    assert (keys[0] == keys[1]) == (texts[0] == texts[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a":1,"a":2}', b'{"a":2}'),
        (b'{"a":{"b":1,"b":1}}', b'{"a":{"b":1}}'),
        (b'{"a":0.1}', b'{"a":0.1000000000000000055}'),
        (b'{"a":1}', b'{"a":1.0}'),
        (b'{"a":1e400}', b'{"a":1e401}'),
        (b'{"a":123456789012345678901}', b'{"a":123456789012345678902}'),
        (b'{"a":-0}', b'{"a":0}'),
        (b'{"a":true}', b'{"a":1}'),
        (b'{"a":null}', b'{}'),
        (b'{"a":"\\ud800"}', b'{"a":"\\udbff"}'),
        (b'{"a":NaN}', b'{"a":null}'),
        (b'{"a":"\xff"}', b'{"a":"\xfe"}'),
        (b'[1,2]', b'[12]'),
        (b'"j"', b'j'),
        (b'', b'""'),
    ],
)  # fmt: skip
def test_what_readers_may_read_differently_is_not_made_equal(one: bytes, other: bytes) -> None:
    assert canonical(one, is_json=True) != canonical(other, is_json=True)


def test_what_is_no_json_stays_as_it_is() -> None:
    assert canonical(b'{"a": 1}', is_json=False) != canonical(b'{"a":1}', is_json=False)
    assert canonical(b"a=1&b=2", is_json=True) == b"ra=1&b=2"
    assert canonical(b"[" * 100_000, is_json=True) == b"r" + b"[" * 100_000


def test_a_long_body_counts_as_the_bytes_that_it_is() -> None:
    long = b'{"a": "%b"}' % (b"x" * PARSED_MAX)
    assert canonical(long, is_json=True) == b"r" + long


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(body: bytes) -> None:
    assert canonical(body, is_json=True)[:1] in (b"j", b"r")
