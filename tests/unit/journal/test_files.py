"""The files of a journal folder."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline.journal import files
from trunkline.journal.segment import HEADER_BYTES, Header, SegmentName, decode_header

NAME = SegmentName(3, 0xABCD)
HEADER = Header(3, 4096, 4096, b"boot" * 4)


def create(folder: Path, name: SegmentName = NAME) -> Path:
    os.close(files.create(folder, name, HEADER._replace(number=name.number)))
    return folder / str(name)


def test_a_new_segment_has_its_header_and_all_its_room(tmp_path: Path) -> None:
    path = create(tmp_path)
    data = path.read_bytes()
    assert decode_header(data) == HEADER
    assert data[HEADER_BYTES:] == bytes(4096 - HEADER_BYTES)
    assert path.stat().st_blocks * 512 >= 4096
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cause", ["absent", "unsupported"])
def test_zeros_are_written_where_blocks_cannot_be_reserved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    if cause == "absent":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    else:
        monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    with files.opened(tmp_path / "zeros", os.O_RDWR | os.O_CREAT) as fd:
        files.allocate(fd, (1 << 20) + 5)
    assert (tmp_path / "zeros").read_bytes() == bytes((1 << 20) + 5)


def test_a_full_disk_leaves_nothing_half_made(tmp_path: Path) -> None:
    def full(fd: int, size: int) -> None:
        os.pwrite(fd, b"partly", 0)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        files.create(tmp_path, NAME, HEADER, full)
    assert list(tmp_path.iterdir()) == []


def test_sync_falls_back_to_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fdatasync", raising=False)
    with files.opened(tmp_path / "file", os.O_RDWR | os.O_CREAT) as fd:
        files.sync_data(fd)


def test_segments_are_listed_in_order_and_nothing_else(tmp_path: Path) -> None:
    for number in (12, 2, 100):
        create(tmp_path, SegmentName(number, 1))
    (tmp_path / "lock").touch()
    assert [name.number for name in files.segments(tmp_path)] == [2, 12, 100]
    assert files.folder_bytes(tmp_path) == 3 * 4096
    assert files.segments(tmp_path / "absent") == []


def test_sealing_cuts_trailing_zeros_and_nothing_else(tmp_path: Path) -> None:
    path = create(tmp_path)
    with path.open("r+b") as file:
        file.seek(HEADER_BYTES + 100)
        file.write(b"last byte")
    files.seal(tmp_path, NAME)
    size = HEADER_BYTES + 109
    assert path.read_bytes()[HEADER_BYTES:] == bytes(100) + b"last byte"
    assert decode_header(path.read_bytes()) == HEADER._replace(file_bytes=size)
    files.seal(tmp_path, NAME)
    assert path.stat().st_size == size


def test_sealing_leaves_the_header_of_an_unused_segment(tmp_path: Path) -> None:
    path = create(tmp_path)
    files.seal(tmp_path, NAME)
    assert decode_header(path.read_bytes()) == HEADER._replace(file_bytes=HEADER_BYTES)
    assert path.stat().st_size == HEADER_BYTES


@pytest.mark.parametrize("harm", ["header", "cut"])
def test_sealing_leaves_damaged_segments_alone(tmp_path: Path, harm: str) -> None:
    path = create(tmp_path)
    data = path.read_bytes()
    data = b"?" + data[1:] if harm == "header" else data[:-8]
    path.write_bytes(data)
    files.seal(tmp_path, NAME)
    assert path.read_bytes() == data


def test_sweeping_drops_unborn_files_and_seals_the_last_two_of_each_opening(tmp_path: Path) -> None:
    (tmp_path / "000000000009-00000001.seg.unborn").touch()
    for number, salt in ((1, 1), (2, 1), (3, 1), (4, 2)):
        create(tmp_path, SegmentName(number, salt))
    files.sweep(tmp_path)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes == {
        "000000000001-00000001.seg": 4096,
        "000000000002-00000001.seg": HEADER_BYTES,
        "000000000003-00000001.seg": HEADER_BYTES,
        "000000000004-00000002.seg": HEADER_BYTES,
    }


def test_only_one_process_may_write(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from trunkline.journal.files import lock_folder;"
        "lock_folder(Path(sys.argv[1])); print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(
            files.JournalBusy, match=f"being written by process {other.pid}: stop it"
        ) as refusal:
            files.lock_folder(tmp_path)
        assert refusal.value.pid == other.pid
        other.kill()
    os.close(files.lock_folder(tmp_path))


def test_the_lock_is_told_without_a_pid_too(tmp_path: Path) -> None:
    held = files.lock_folder(tmp_path)
    os.ftruncate(held, 0)
    with pytest.raises(files.JournalBusy, match="another process"):
        files.lock_folder(tmp_path)
    os.close(held)
