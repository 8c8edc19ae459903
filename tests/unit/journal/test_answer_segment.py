"""Heads: what is written is read, what is damaged passes for nothing, and the files of a segment come and go together."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.idempotency import ANSWER
from trunkline.journal import answer_segment as segment
from trunkline.journal import files
from trunkline.journal.answer_segment import HEAD_BYTES, AnswersVersion, Head, Writer

HEAD = Head(ANSWER, 201, b"m" * 16, b"f" * 16, "0193abcd", 5, 9, 7, 30, b"n" * 12)
HEADS = st.builds(
    Head,
    st.integers(1, 5),
    st.integers(0, 999),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=16, max_size=16),
    st.text("0123456789abcdef-_", max_size=32),
    *[st.integers(0, 2**63)] * 3,
    st.integers(0, 2**32 - 1),
    st.binary(min_size=12, max_size=12),
)


@given(HEADS, st.integers(0, 2**40))
def test_a_head_is_read_as_it_was_written(head: Head, number: int) -> None:
    assert segment.decode(segment.encode(head, number), number) == head


@given(HEADS, st.integers(0, HEAD_BYTES * 8 - 1))
def test_a_head_with_one_bit_turned_is_no_head(head: Head, bit: int) -> None:
    slot = bytearray(segment.encode(head, 3))
    slot[bit // 8] ^= 1 << bit % 8
    assert segment.decode(bytes(slot), 3) is None


def test_a_head_copied_from_another_segment_is_no_head() -> None:
    assert segment.decode(segment.encode(HEAD, 3), 4) is None


@pytest.mark.parametrize("slot", [b"", bytes(HEAD_BYTES), bytes(HEAD_BYTES - 1), b"\xff" * HEAD_BYTES])
def test_what_was_never_a_head_is_none(slot: bytes) -> None:
    assert segment.decode(slot, 1) is None


def test_a_segment_is_written_scanned_and_read_back(tmp_path: Path) -> None:
    writer = Writer(tmp_path, 7, 8)
    places = [writer.put_body(b"first"), writer.put_body(b"second")]
    heads = [HEAD._replace(mark=bytes([n]) * 16, body_at=at, body_bytes=6) for n, at in enumerate(places)]
    slots = [writer.put(head) for head in heads]
    again = writer.put(heads[0]._replace(expires_us=99))
    assert (places, slots, again, writer.head(2)) == ([0, 5], [1, 2], 3, heads[1])
    writer.sync()
    writer.close()

    assert segment.numbers(tmp_path) == [7]
    assert segment.scan(tmp_path, 7) == ({bytes(16): 3, b"\1" * 16: 2}, 99, 0)
    assert segment.read_head(tmp_path, 7, 2) == heads[1]
    assert segment.read_body(tmp_path, 7, heads[1]) == b"second"
    segment.shrink(tmp_path, 7)
    assert segment.heads_path(tmp_path, 7).stat().st_size == 4 * HEAD_BYTES
    assert segment.scan(tmp_path, 7).last == {bytes(16): 3, b"\1" * 16: 2}
    segment.drop(tmp_path, 7)
    assert list(tmp_path.iterdir()) == []
    assert (segment.read_head(tmp_path, 7, 2), segment.read_body(tmp_path, 7, heads[1])) == (None, b"")


@given(st.integers(0, 4 * HEAD_BYTES), st.binary(min_size=1, max_size=30))
def test_damage_anywhere_costs_at_most_the_heads_it_touches(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes
) -> None:
    folder = tmp_path_factory.mktemp("answers")
    writer = Writer(folder, 1, 8)
    marks = [bytes([n]) * 16 for n in (1, 2, 3)]
    for mark in marks:
        writer.put(HEAD._replace(mark=mark))
    writer.close()
    path = segment.heads_path(folder, 1)
    data = bytearray(path.read_bytes())
    touched = {place // HEAD_BYTES for place in range(at, at + len(junk))}
    data[at : at + len(junk)] = junk
    path.write_bytes(data)

    found = segment.scan(folder, 1)
    assert {mark for slot, mark in enumerate(marks, 1) if slot not in touched} <= set(found.last)
    assert found.damaged <= len(touched)


def test_the_folder_of_another_version_is_refused_with_the_cure(tmp_path: Path) -> None:
    Writer(tmp_path, 1, 4).close()
    path = segment.heads_path(tmp_path, 1)
    data = bytearray(path.read_bytes())
    data[8] = 99
    data[20:24] = crc32(data[:20]).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(AnswersVersion, match="of version 99, and this Trunkline knows 1: use the version"):
        segment.scan(tmp_path, 1)


def test_a_segment_that_finds_no_room_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "allocate", full)
    with pytest.raises(OSError, match="No space"):
        Writer(tmp_path, 1, 4)
    assert list(tmp_path.iterdir()) == []
