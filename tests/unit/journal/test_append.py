"""Appending: the map, the roll to the next segment, the bound, the full disk, recovery."""

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.journal import files
from trunkline.journal.append import RETRY_ROUNDS, Journal, JournalFull, Recovery
from trunkline.journal.files import JournalBusy
from trunkline.journal.reader import Cursor, Reader, discard

PAGE = os.sysconf("SC_PAGESIZE")


class Disk:
    """A disk that can be made full and given room again."""

    full = False

    def allocate(self, fd: int, size: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        files.allocate(fd, size)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def journal(tmp_path: Path, disk: Disk) -> Iterator[Journal]:
    """A journal of four small segments whose background work is done by hand."""
    made = Journal(tmp_path, segment_bytes=PAGE, max_bytes=4 * PAGE, allocate=disk.allocate, background=False)
    yield made
    made.close()


def read_all(folder: Path, *, writer_gone: bool = False) -> list[bytes]:
    with Reader(folder, writer_gone=writer_gone) as reader:
        payloads = [payload for _, payload in reader.read(100_000)]
        assert reader.damaged == []
        return payloads


def fill(journal: Journal, payload: bytes = b"x" * 1000) -> int:
    """Append until there is no room; returns how many records went in."""
    count = 0
    while True:
        try:
            journal.append(payload)
        except JournalFull:
            return count
        count += 1


def killed(folder: Path, to: Path) -> Path:
    """The folder as a `kill -9` at this moment would leave it."""
    return Path(shutil.copytree(folder, to))


def test_what_is_appended_reads_back_at_once(journal: Journal, tmp_path: Path) -> None:
    assert journal.open() == Recovery(None, 0, 0, ())
    payloads = [b"", b"a", b"12345678", b"x" * 300, bytes(40)]
    for payload in payloads:
        journal.append(payload)
    assert read_all(tmp_path) == payloads


def test_goes_on_in_the_next_segment_that_was_made_ahead(journal: Journal, tmp_path: Path) -> None:
    journal.open()
    payloads = [bytes([n]) * 1000 for n in range(10)]
    for payload in payloads:
        journal.tend()
        journal.append(payload)
    assert len(files.segments(tmp_path)) == 4
    assert journal.fell_behind == 0
    assert read_all(tmp_path) == payloads


def test_makes_the_segment_itself_when_the_thread_fell_behind(journal: Journal, tmp_path: Path) -> None:
    journal.open()
    for _ in range(7):
        journal.append(b"x" * 1000)
    assert journal.fell_behind == 2
    assert len(read_all(tmp_path)) == 7


def test_the_bound_is_told_and_passes_when_segments_are_discarded(journal: Journal, tmp_path: Path) -> None:
    journal.open()
    assert fill(journal) == 12
    assert journal.trouble == (
        f"the journal in {tmp_path} holds 0 MB of at most 0 MB that wait to be drained: "
        "start the console, or allow more"
    )
    with pytest.raises(JournalFull, match="wait to be drained"):
        journal.append(b"x" * 1000)
    with Reader(tmp_path) as reader:
        assert len(reader.read(1000)) == 12
        assert discard(tmp_path, reader.cursor) == 3
    for _ in range(RETRY_ROUNDS + 1):
        journal.tend()
    assert journal.trouble is None
    journal.append(b"again")


def test_small_records_still_fit_when_large_ones_do_not(journal: Journal) -> None:
    journal.open()
    fill(journal)
    journal.append(b"small")
    with pytest.raises(JournalFull):
        journal.append(b"x" * 1000)


def test_a_full_disk_is_told_and_passes_by_itself(journal: Journal, disk: Disk, tmp_path: Path) -> None:
    journal.open()
    disk.full = True
    assert fill(journal) == 3
    assert journal.trouble == f"the journal in {tmp_path} cannot get 0 MB: No space left on device"
    disk.full = False
    for _ in range(RETRY_ROUNDS):
        journal.tend()
    assert journal.trouble
    journal.tend()
    assert journal.trouble is None
    journal.append(b"room again")
    assert read_all(tmp_path)[-1] == b"room again"


def test_a_full_disk_is_seen_before_it_is_filled(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "free_bytes", lambda _: PAGE - 1)
    journal.open()
    with pytest.raises(JournalFull, match="has 0 MB free and the journal needs 0 MB: make room"):
        journal.append(b"")
    assert files.segments(tmp_path) == []


def test_a_full_journal_refuses_without_touching_the_disk(
    journal: Journal, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.open()
    disk.full = True
    fill(journal)

    def touched(*_: object) -> int:
        raise AssertionError("append touched the disk")

    monkeypatch.setattr(files, "folder_bytes", touched)
    monkeypatch.setattr(files, "free_bytes", touched)
    with pytest.raises(JournalFull):
        journal.append(b"x" * 1000)


def test_what_has_begun_can_be_ended_on_a_full_disk(journal: Journal, disk: Disk, tmp_path: Path) -> None:
    journal.open()
    disk.full = True
    begun = fill(journal, b"begin of a call") + fill(journal, b"b")
    ends = [b"end %d" % n for n in range(5)]
    for end in ends:
        with pytest.raises(JournalFull):
            journal.append(end)
        journal.append_end(end)
    with pytest.raises(JournalFull):
        journal.append_end(b"x" * 1000)
    assert read_all(tmp_path)[begun:] == ends
    disk.full = False
    for _ in range(RETRY_ROUNDS + 1):
        journal.tend()
    journal.append(b"again")
    assert read_all(tmp_path)[-1] == b"again"


def test_opens_on_a_full_disk_and_begins_when_there_is_room(
    journal: Journal, disk: Disk, tmp_path: Path
) -> None:
    disk.full = True
    journal.open()
    with pytest.raises(JournalFull):
        journal.append(b"early")
    disk.full = False
    for _ in range(RETRY_ROUNDS + 1):
        journal.tend()
    journal.append(b"late")
    assert read_all(tmp_path) == [b"late"]


def test_a_failing_disk_is_told(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.open()
    journal.append(b"one")

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_data", broken)
        journal.tend()
        assert (
            journal.trouble == f"the journal in {tmp_path} cannot be brought to the disk: Input/output error"
        )
    journal.tend()
    assert journal.trouble is None


def test_each_round_syncs_only_what_is_new(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.open()
    synced: list[int] = []
    monkeypatch.setattr(files, "sync_data", synced.append)
    journal.tend()
    begun = len(synced)
    journal.tend()
    assert len(synced) == begun
    journal.append(b"one")
    journal.append(b"two")
    journal.tend()
    journal.tend()
    assert len(synced) == begun + 1


def test_the_map_is_flushed_where_there_is_no_fdatasync(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "fdatasync", raising=False)
    journal.open()
    journal.append(b"one")
    journal.tend()
    assert journal.trouble is None
    assert read_all(tmp_path) == [b"one"]


def test_a_record_over_a_segment_is_refused_and_harms_nothing(journal: Journal, tmp_path: Path) -> None:
    journal.open()
    with pytest.raises(ValueError, match=f"a record of {PAGE} bytes does not fit"):
        journal.append(b"x" * PAGE)
    journal.append(b"x" * (PAGE - 80))
    assert len(read_all(tmp_path)) == 1


def test_append_needs_an_open_journal(journal: Journal) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        journal.append(b"x")
    journal.open()
    journal.close()
    with pytest.raises(RuntimeError, match="not open"):
        journal.append(b"x")


def test_a_second_journal_on_the_folder_is_refused(journal: Journal, tmp_path: Path) -> None:
    journal.open()
    with pytest.raises(JournalBusy) as refusal:
        Journal(tmp_path).open()
    assert refusal.value.pid == os.getpid()


def test_closing_gives_unused_room_back(journal: Journal, tmp_path: Path) -> None:
    journal.open()
    journal.append(b"kept")
    journal.tend()
    journal.close()
    sizes = [(tmp_path / str(name)).stat().st_size for name in files.segments(tmp_path)]
    assert sizes == [64 + 16 + 4, 64]
    assert read_all(tmp_path, writer_gone=True) == [b"kept"]


def test_after_a_kill_everything_is_there_and_the_next_opening_goes_on(
    journal: Journal, tmp_path: Path
) -> None:
    journal.open()
    payloads = [bytes([n]) * 900 for n in range(6)]
    for payload in payloads:
        journal.append(payload)
    left = killed(tmp_path, tmp_path / "left")
    last = files.segments(left)[-1]
    with Journal(left, segment_bytes=PAGE, max_bytes=8 * PAGE, background=False) as second:
        second.append(b"second life")
        assert read_all(left) == [*payloads, b"second life"]
    again = Journal(left, segment_bytes=PAGE, max_bytes=8 * PAGE, background=False)
    recovery = again.open()
    again.close()
    assert recovery.last_good is not None
    assert recovery.last_good.segment > last.number
    assert recovery == Recovery(recovery.last_good, 1, 0, ())


def test_a_torn_tail_is_recovered_and_reported(journal: Journal, tmp_path: Path) -> None:
    journal.open()
    journal.append(b"whole")
    left = killed(tmp_path, tmp_path / "left")
    (name,) = files.segments(left)
    end = 64 + 24
    with (left / str(name)).open("r+b") as file:
        file.seek(end + 8)
        file.write(b"\5\0\0\0\1\2\3\4half")
    again = Journal(left, segment_bytes=PAGE, max_bytes=8 * PAGE, background=False)
    recovery = again.open()
    again.close()
    assert recovery._replace(damaged=()) == Recovery(Cursor(name.number, end), 1, 20, ())
    (kept,) = recovery.quarantined
    assert kept.read_bytes().endswith(b"half")


@pytest.mark.parametrize(
    ("clock", "emptied", "number"), [(50, False, 102), (50, True, 50), (900, True, 900), (900, False, 900)]
)
def test_numbers_rise_over_clocks_set_back_and_folders_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: int, emptied: bool, number: int
) -> None:
    folder = tmp_path / "journal"
    monkeypatch.setattr("time.time", lambda: 100.9)
    with Journal(folder, segment_bytes=PAGE, max_bytes=8 * PAGE, background=False) as journal:
        for _ in range(4):
            journal.append(b"x" * 1000)
    assert [name.number for name in files.segments(folder)] == [100, 101]
    if emptied:
        shutil.rmtree(folder)
    monkeypatch.setattr("time.time", lambda: float(clock))
    with Journal(folder, segment_bytes=PAGE, max_bytes=8 * PAGE, background=False) as journal:
        assert files.segments(folder)[-1].number == number
        journal.append(b"new")


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"segment_bytes": 1000}, "segment_bytes is 1000: give a multiple of"),
        ({"segment_bytes": 1 << 32}, "below 4 GiB"),
        ({"segment_bytes": PAGE, "max_bytes": PAGE}, f"give at least two segments, {2 * PAGE}"),
    ],
)
def test_sizes_that_cannot_work_are_refused(tmp_path: Path, sizes: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Journal(tmp_path, **sizes)  # type: ignore[arg-type]


def test_memory_behind_the_tail_is_given_back_and_still_read(tmp_path: Path) -> None:
    with Journal(tmp_path, segment_bytes=4 << 20, max_bytes=8 << 20, background=False) as journal:
        payloads = [bytes([n]) * 100_000 for n in range(30)]
        for payload in payloads:
            journal.append(payload)
            journal.tend()
        assert read_all(tmp_path) == payloads


def test_the_thread_does_the_background_work(tmp_path: Path) -> None:
    rounds: list[str | None] = []
    done = threading.Event()

    class Watched(Journal):
        def tend(self) -> None:
            super().tend()
            rounds.append(self.trouble)
            if len(rounds) == 2:
                done.set()

    with Watched(tmp_path, segment_bytes=PAGE, max_bytes=8 * PAGE) as journal:
        journal.append(b"one")
        assert done.wait(60)
        assert len(files.segments(tmp_path)) == 2
    assert rounds[0] is None
    assert read_all(tmp_path, writer_gone=True) == [b"one"]


def test_a_pretended_full_disk_refuses_new_records_and_takes_ends(journal: Journal, tmp_path: Path) -> None:
    journal.open()
    journal.append(b"before")
    journal.pretend_full(True)
    assert journal.trouble
    with pytest.raises(JournalFull, match="pretended"):
        journal.append(b"refused")
    journal.append_end(b"the end of what had begun")
    with pytest.raises(JournalFull):
        journal.append(b"refused still")
    journal.pretend_full(False)
    assert journal.trouble is None
    journal.append(b"after")
    assert read_all(tmp_path) == [b"before", b"the end of what had begun", b"after"]


def test_a_pretended_full_disk_ends_although_the_segment_is_full(journal: Journal, tmp_path: Path) -> None:
    journal.open()
    journal.pretend_full(True)
    for _ in range(8):
        journal.append_end(b"e" * 1000)
    journal.pretend_full(False)
    journal.append(b"after")
    assert read_all(tmp_path) == [b"e" * 1000] * 8 + [b"after"]
