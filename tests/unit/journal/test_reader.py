"""Reading back: following, damage, discarding."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.journal import reader as reader_module
from trunkline.journal.append import Journal
from trunkline.journal.files import segments
from trunkline.journal.reader import START, Cursor, Damage, JournalVersion, Reader, discard
from trunkline.journal.segment import HEADER_BYTES, Header, decode_header, encode_header, record_bytes

PAGE = os.sysconf("SC_PAGESIZE")
PAYLOADS = [bytes([65 + n]) * 500 for n in range(20)]
SIZE = record_bytes(500)
PER_SEGMENT = (PAGE - HEADER_BYTES) // SIZE


def small(folder: Path) -> Journal:
    return Journal(folder, segment_bytes=PAGE, max_bytes=1000 * PAGE, background=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed journal of twenty records over several segments."""
    with small(tmp_path / "journal") as journal:
        for payload in PAYLOADS:
            journal.append(payload)
    return tmp_path / "journal"


def change(folder: Path, index: int, edit: Callable[[bytearray], object]) -> str:
    """Edit the bytes of one segment; returns its name."""
    path = folder / str(segments(folder)[index])
    data = bytearray(path.read_bytes())
    edit(data)
    path.write_bytes(data)
    return path.name


def flip(at: int) -> Callable[[bytearray], object]:
    def edit(data: bytearray) -> None:
        data[at] ^= 0x10

    return edit


def read_all(folder: Path) -> tuple[list[bytes], list[Damage]]:
    with Reader(folder, writer_gone=True) as reader:
        return [payload for _, payload in reader.read(1000)], reader.damaged


def test_reads_all_segments_in_order(folder: Path) -> None:
    assert len(segments(folder)) == -(-20 // PER_SEGMENT)
    assert read_all(folder) == (PAYLOADS, [])


def test_goes_on_after_any_cursor_it_gave(folder: Path) -> None:
    with Reader(folder) as reader:
        records = reader.read(1000)
    assert [cursor for cursor, _ in records] == sorted({cursor for cursor, _ in records})
    for index, (cursor, _) in enumerate(records):
        with Reader(folder, cursor) as later:
            assert later.read(1000) == records[index + 1 :]


def test_gives_no_more_than_asked_for(folder: Path) -> None:
    with Reader(folder) as reader:
        got = [[payload for _, payload in reader.read(7)] for _ in range(4)]
    assert got == [PAYLOADS[:7], PAYLOADS[7:14], PAYLOADS[14:], []]


def test_an_absent_or_empty_folder_has_nothing_new(tmp_path: Path) -> None:
    assert Reader(tmp_path / "absent").read(10) == []
    assert Reader(tmp_path).read(10) == []


def test_follows_a_live_journal_over_segments_and_restarts(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        for life in range(3):
            with small(tmp_path) as journal:
                for number in range(2 * PER_SEGMENT + 1):
                    payload = b"%d %d" % (life, number) + b"x" * 500
                    journal.append(payload)
                    assert [got for _, got in reader.read(10)] == [payload]
                    assert reader.read(10) == []
        assert reader.damaged == []


@given(
    st.lists(
        st.one_of(
            st.lists(st.binary(max_size=700), max_size=12),
            st.integers(1, 9),
            st.just("restart"),
        ),
        max_size=12,
    )
)
def test_whatever_is_appended_comes_out_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, acts: list[list[bytes] | int | str]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = small(folder)
    journal.open()
    reader = Reader(folder)
    appended: list[bytes] = []
    got: list[bytes] = []
    for act in acts:
        if isinstance(act, list):
            for payload in act:
                journal.append(payload)
            appended += act
        elif isinstance(act, int):
            got += [payload for _, payload in reader.read(act)]
            discard(folder, reader.cursor)
        else:
            journal.close()
            journal = small(folder)
            journal.open()
    got += [payload for _, payload in reader.read(1000)]
    journal.close()
    reader.close()
    shutil.rmtree(folder)
    assert (got, reader.damaged) == (appended, [])


def test_a_record_larger_than_the_window_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "WINDOW_BYTES", 256)
    payloads = [b"a" * 100, b"b" * 3000, b"c" * 241, b"d" * 20, bytes(300)]
    with small(tmp_path) as journal:
        for payload in payloads:
            journal.append(payload)
        assert read_all(tmp_path) == (payloads, [])
    assert read_all(tmp_path) == (payloads, [])


@pytest.mark.parametrize("place", [0, 5, 8, 12, 16, 200])
def test_steps_over_a_corrupt_record_and_keeps_its_bytes(folder: Path, place: int) -> None:
    at = HEADER_BYTES + SIZE
    name = change(folder, 1, flip(at + place))
    hit = PER_SEGMENT + 1
    payloads, (damage,) = read_all(folder)
    assert payloads == PAYLOADS[:hit] + PAYLOADS[hit + 1 :]
    kept = folder / "quarantine" / f"{name[:-4]}-{at}.bin"
    assert damage == Damage(name, at, SIZE, "corrupt", kept)
    stored = (folder / name).read_bytes()[at : at + SIZE]
    assert kept.read_bytes() == stored.rstrip(b"\0")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_steps_over_lost_pages(folder: Path) -> None:
    at = HEADER_BYTES + SIZE

    def zero(data: bytearray) -> None:
        data[at : at + 2 * SIZE] = bytes(2 * SIZE)

    name = change(folder, 0, zero)
    assert read_all(folder) == (PAYLOADS[:1] + PAYLOADS[3:], [Damage(name, at, 2 * SIZE, "corrupt")])


def test_damage_at_the_end_of_a_segment_is_torn(folder: Path) -> None:
    at = HEADER_BYTES + (PER_SEGMENT - 1) * SIZE
    name = change(folder, 0, flip(at + 20))
    payloads, (damage,) = read_all(folder)
    assert payloads == PAYLOADS[: PER_SEGMENT - 1] + PAYLOADS[PER_SEGMENT:]
    assert damage[:4] == (name, at, 516, "torn")


def test_a_damaged_header_costs_no_record(folder: Path) -> None:
    name = change(folder, 1, flip(3))
    payloads, (damage,) = read_all(folder)
    assert payloads == PAYLOADS
    assert damage[:4] == (name, 0, HEADER_BYTES, "header")


def test_a_cut_file_loses_what_was_cut_and_says_so(folder: Path) -> None:
    cut = HEADER_BYTES + SIZE + 100
    size = (folder / str(segments(folder)[0])).stat().st_size

    def edit(data: bytearray) -> None:
        del data[cut:]

    name = change(folder, 0, edit)
    payloads, damages = read_all(folder)
    assert payloads == PAYLOADS[:1] + PAYLOADS[PER_SEGMENT:]
    assert [damage[:4] for damage in damages] == [
        (name, HEADER_BYTES + SIZE, 100, "torn"),
        (name, cut, size - cut, "truncated"),
    ]


def test_an_emptied_file_is_reported(folder: Path) -> None:
    name = change(folder, 0, bytearray.clear)
    payloads, damages = read_all(folder)
    assert payloads == PAYLOADS[PER_SEGMENT:]
    assert [damage[:4] for damage in damages] == [(name, 0, HEADER_BYTES, "header")]


def test_a_lost_segment_is_reported(folder: Path) -> None:
    lost = segments(folder)[1]
    (folder / str(lost)).unlink()
    payloads, damages = read_all(folder)
    assert payloads == PAYLOADS[:PER_SEGMENT] + PAYLOADS[2 * PER_SEGMENT :]
    assert damages == [Damage(str(lost), 0, 0, "missing")]


def test_a_copy_of_a_record_inside_a_payload_is_no_record(tmp_path: Path) -> None:
    with small(tmp_path) as journal:
        journal.append(b"paid 10 USD")
        (name,) = segments(tmp_path)
        copy = (tmp_path / str(name)).read_bytes()[HEADER_BYTES : HEADER_BYTES + 32]
        journal.append(copy * 8)
        journal.append(b"end")
    change(tmp_path, 0, flip(HEADER_BYTES + 32))
    payloads, damages = read_all(tmp_path)
    assert payloads == [b"paid 10 USD", b"end"]
    assert [damage.reason for damage in damages] == ["corrupt"]


def test_waits_at_a_bad_end_while_the_writer_lives(tmp_path: Path) -> None:
    with small(tmp_path) as journal, Reader(tmp_path) as reader:
        journal.append(b"one")
        journal.append(b"two")
        (name,) = segments(tmp_path)
        with (tmp_path / str(name)).open("r+b") as file:
            file.seek(HEADER_BYTES + 24 + 17)
            file.write(b"?")
        assert [payload for _, payload in reader.read(10)] == [b"one"]
        assert (reader.read(10), reader.damaged) == ([], [])
        journal.append(b"three")
        assert [payload for _, payload in reader.read(10)] == [b"three"]
        assert [damage[1:4] for damage in reader.damaged] == [(HEADER_BYTES + 24, 24, "corrupt")]


def test_never_reads_a_record_before_its_commit_word(tmp_path: Path) -> None:
    with small(tmp_path) as journal:
        journal.append(b"one")
        journal.append(b"two")
        (name,) = segments(tmp_path)
        path = tmp_path / str(name)
        at = HEADER_BYTES + 24
        word = path.read_bytes()[at : at + 8]
        with path.open("r+b", buffering=0) as file, Reader(tmp_path) as reader:
            file.seek(at)
            file.write(bytes(8))
            assert [payload for _, payload in reader.read(10)] == [b"one"]
            file.seek(at)
            file.write(word)
            assert [payload for _, payload in reader.read(10)] == [b"two"]
            assert reader.damaged == []


def test_a_cursor_from_nowhere_finds_the_next_record(folder: Path) -> None:
    number = segments(folder)[0].number
    with Reader(folder, Cursor(number, HEADER_BYTES + 3), writer_gone=True) as reader:
        assert [payload for _, payload in reader.read(1000)] == PAYLOADS[1:]
    with Reader(folder, Cursor(number, 10 * PAGE), writer_gone=True) as reader:
        assert [payload for _, payload in reader.read(1000)] == PAYLOADS[PER_SEGMENT:]
    with Reader(folder, Cursor(number + 1000, 0), writer_gone=True) as reader:
        assert reader.read(1000) == []


def test_a_later_format_is_refused_in_words(folder: Path) -> None:
    def edit(data: bytearray) -> None:
        header = decode_header(bytes(data))
        assert header
        data[:HEADER_BYTES] = encode_header(Header(*header[:4], version=2))

    name = change(folder, 0, edit)
    with pytest.raises(JournalVersion, match=f"journal segment {name} has format 2, this Trunkline reads 1"):
        Reader(folder).read(1)


def test_quarantine_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "QUARANTINE_BYTES", 600)
    change(folder, 0, flip(HEADER_BYTES + 20))
    change(folder, 1, flip(HEADER_BYTES + 20))
    _, damages = read_all(folder)
    assert [damage.quarantined is not None for damage in damages] == [True, False]


def test_a_quarantine_that_cannot_be_written_hides_no_damage(folder: Path) -> None:
    (folder / "quarantine").touch()
    change(folder, 0, flip(HEADER_BYTES + 20))
    payloads, (damage,) = read_all(folder)
    assert payloads == PAYLOADS[1:]
    assert (damage.reason, damage.quarantined) == ("corrupt", None)


def test_discard_deletes_whole_segments_before_the_cursor(folder: Path) -> None:
    names = segments(folder)
    with Reader(folder) as reader:
        cursor = reader.read(PER_SEGMENT + 1)[-1][0]
    assert discard(folder, START) == 0
    assert discard(folder, cursor) == 1
    assert segments(folder) == names[1:]
    assert discard(folder, cursor) == 0
    with Reader(folder, cursor) as reader:
        assert [payload for _, payload in reader.read(1000)] == PAYLOADS[PER_SEGMENT + 1 :]
