"""One codec for everything; what no text may be is a DecodeError whose words hold nothing of the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.codec import DecodeError, from_json, pack_decoder, to_json, to_pack, told_shortly
from trunkline.core.flow import Limit

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_json_comes_back(value: object) -> None:
    assert from_json(to_json(value)) == value


@given(st.binary(max_size=64))
def test_any_bytes_are_json_or_a_decode_error_and_nothing_else(data: bytes) -> None:
    try:
        from_json(data)
    except DecodeError:
        return


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"[" * 100_000, "JSON is nested too deeply"),
        (b'"sk-test-not-a-real-key\xff"', "JSON is not in UTF-8"),
    ],
)
def test_odd_failures_are_decode_errors_that_show_nothing(data: bytes, told: str) -> None:
    with pytest.raises(DecodeError) as caught:
        from_json(data)
    assert str(caught.value) == told


def test_a_defect_of_the_decoder_is_told_by_its_kind_only() -> None:
    assert told_shortly(RecursionError("secret")) == "JSON is nested too deeply"
    assert told_shortly(ValueError("secret")) == "JSON is not in UTF-8"


def test_pack_keeps_shapes() -> None:
    limit = Limit(requests=5, per=60.0)
    assert pack_decoder(Limit).decode(to_pack(limit)) == limit


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError):
        to_json(object())
