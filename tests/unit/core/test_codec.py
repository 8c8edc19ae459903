"""One codec for everything; what no text may be is a DecodeError whose words hold nothing of the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.codec import DecodeError, from_json, mended, pack_decoder, to_json, to_pack, told_shortly
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


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (rb'{"a":"cut \ud83d"}', {"a": "cut \ufffd"}),
        (
            rb'["\ude00\ud83d\ude00", "\uD83Dx", "\ud83d\ud83d\ude00"]',
            ["\ufffd\U0001f600", "\ufffdx", "\ufffd\U0001f600"],
        ),
        (rb'["\\ud83d", "\\\ud83d"]', ["\\ud83d", "\\\ufffd"]),
    ],
)
def test_halves_of_characters_are_read_as_what_stands_for_the_unreadable(data: bytes, read: object) -> None:
    assert from_json(data) == from_json(data.decode()) == read


@pytest.mark.parametrize("data", [rb'{"a":"\ud83d\ude00"}', rb'{"a":"\\ud83d"}', b"{}"])
def test_whole_characters_are_left_alone(data: bytes) -> None:
    assert mended(data) is None


def test_what_is_broken_otherwise_stays_broken() -> None:
    with pytest.raises(DecodeError):
        from_json(rb'{"a":"\ud83d",}')
    with pytest.raises(DecodeError, match="not in UTF-8"):
        from_json(b'{"a":"\\ud83d", "b":"\xff"}')
