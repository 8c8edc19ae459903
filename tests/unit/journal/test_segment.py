"""The format of a segment, over bytes alone."""

import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.journal.segment import (
    HEAD_BYTES,
    HEADER_BYTES,
    Found,
    Header,
    SegmentName,
    State,
    decode_header,
    encode_header,
    look,
    next_head,
    parse_name,
    record_bytes,
)

SALT = 0xA1B2C3D4
HEADER = Header(number=7, segment_bytes=65536, file_bytes=4000, boot_id=bytes(range(16)))


def record(payload: bytes, offset: int, salt: int = SALT) -> bytes:
    """A record as the module's docstring draws it, written a second time by hand."""
    check = crc32(payload, len(payload) + 1)
    packed = struct.pack("<IIII", offset, salt, len(payload), check) + payload
    return packed + bytes(-len(packed) % 8)


def test_a_name_says_number_and_salt() -> None:
    name = SegmentName(7, SALT)
    assert str(name) == "000000000007-a1b2c3d4.seg"
    assert parse_name(str(name)) == name


@pytest.mark.parametrize(
    "stranger",
    ["lock", "quarantine", "7-a1b2c3d4.seg", "000000000007-a1b2c3d4.seg.unborn", "000000000007-A1B2C3D4.seg"],
)
def test_other_files_are_no_segments(stranger: str) -> None:
    assert parse_name(stranger) is None


def test_a_header_reads_back() -> None:
    assert len(encode_header(HEADER)) == HEADER_BYTES
    assert decode_header(encode_header(HEADER)) == HEADER


@given(st.integers(0, HEADER_BYTES * 8 - 1))
def test_a_header_with_any_bit_flipped_is_refused(bit: int) -> None:
    data = bytearray(encode_header(HEADER))
    data[bit // 8] ^= 1 << bit % 8
    assert decode_header(bytes(data)) is None


def test_a_short_header_is_refused() -> None:
    assert decode_header(encode_header(HEADER)[:-1]) is None
    assert decode_header(b"") is None


@given(st.binary(max_size=300), st.integers(0, 1000))
def test_a_record_reads_back(payload: bytes, eighth: int) -> None:
    offset = eighth * 8
    data = record(payload, offset)
    assert len(data) == record_bytes(len(payload))
    assert look(data, 0, offset, SALT) == Found(State.RECORD, offset + len(data), payload)


@given(st.binary(max_size=60), st.data())
def test_a_record_with_any_bit_flipped_is_never_read(payload: bytes, data: st.DataObject) -> None:
    good = record(payload, 64)
    bit = data.draw(st.integers(0, (HEAD_BYTES + len(payload)) * 8 - 1))
    bad = bytearray(good + bytes(64))
    bad[bit // 8] ^= 1 << bit % 8
    assert look(bytes(bad), 0, 64, SALT).state in (State.BAD, State.CUT)


def test_a_record_of_another_place_or_opening_is_not_one() -> None:
    data = record(b"paid", 64)
    assert look(data, 0, 72, SALT).state is State.BAD
    assert look(data, 0, 64, SALT + 1).state is State.BAD


def test_a_commit_word_over_lost_zeros_is_no_empty_record() -> None:
    assert look(record(b"", 64)[:8] + bytes(50), 0, 64, SALT).state is State.BAD


def test_zeros_are_an_empty_place() -> None:
    assert look(bytes(100), 0, 64, SALT) == Found(State.EMPTY, 64)


@pytest.mark.parametrize("size", [0, 8, 15, 16, 30])
def test_a_record_that_goes_on_beyond_the_bytes_is_cut(size: int) -> None:
    assert look(record(b"x" * 40, 64)[:size], 0, 64, SALT).state is State.CUT


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_the_next_record_is_found_after_any_rubbish(rubbish: bytes, payload: bytes) -> None:
    rubbish += bytes(-len(rubbish) % 8)
    place = 64 + len(rubbish)
    data = rubbish + record(payload, place)
    assert next_head(data, 64, SALT, 64) == place
    assert next_head(data, 64, SALT, place + 8) is None


def test_the_salt_at_the_wrong_place_is_passed_over() -> None:
    mark = SALT.to_bytes(4, "little")
    rubbish = mark + b"\1" + mark + mark * 3 + b"\1\1\1"
    place = 64 + len(rubbish)
    assert len(rubbish) % 8 == 0
    assert next_head(rubbish + record(b"", place), 64, SALT, 64) == place
