"""The files of a journal folder: list, preallocate, seal and delete segments; one writer per folder.

Not for records: what stands inside a segment is `segment.py`'s.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from trunkline.journal.segment import (
    HEADER_BYTES,
    VERSION,
    Header,
    SegmentName,
    decode_header,
    encode_header,
    parse_name,
)

_UNBORN = ".unborn"
_ZEROS = bytes(1 << 20)
_UNSUPPORTED = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS)


class JournalBusy(OSError):
    """Another process writes to this journal folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.pid = pid
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"the journal in {folder} is being written by {who}: stop it first, or use another --state-dir"
        )


def segments(folder: Path) -> list[SegmentName]:
    """List the segments of a folder, oldest first."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        return sorted(name for entry in entries if (name := parse_name(entry.name)))
    return []


def file_bytes(folder: Path, name: SegmentName) -> int:
    """Give the size of a segment's file; 0 when it has been discarded meanwhile."""
    try:
        return (folder / str(name)).stat().st_size
    except FileNotFoundError:
        return 0


def folder_bytes(folder: Path) -> int:
    """Add up the sizes of the segments of a folder."""
    return sum(file_bytes(folder, name) for name in segments(folder))


def free_bytes(folder: Path) -> int:
    """Give the disk room that is left to this process."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def allocate(fd: int, size: int) -> None:
    """Give a new file its blocks now, so that a full disk is an OSError here and never a SIGBUS in a map.

    Where the system or the file system has no `posix_fallocate` (macOS), zeros are written.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as fault:
            if fault.errno not in _UNSUPPORTED:
                raise
        else:
            return
    offset = 0
    while offset < size:
        offset += os.pwrite(fd, _ZEROS[: size - offset], offset)


def sync_data(fd: int) -> None:
    """Bring a file's bytes to the disk."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of files to the disk, so that a new file is still there after a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def create(
    folder: Path, name: SegmentName, header: Header, reserve: Callable[[int, int], None] = allocate
) -> int:
    """Make a segment with all its blocks and return its descriptor; its name appears only when it is whole."""
    unborn = folder / f"{name}{_UNBORN}"
    fd = os.open(unborn, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        reserve(fd, header.segment_bytes)
        os.pwrite(fd, encode_header(header), 0)
        os.fsync(fd)
        unborn.rename(folder / str(name))
        sync_folder(folder)
    except OSError:
        os.close(fd)
        unborn.unlink(missing_ok=True)
        raise
    return fd


def sweep(folder: Path) -> None:
    """Put in order what earlier openings left: drop half-made files, shrink the segments that were last in use.

    Only for the one who holds the lock: nobody else may be writing.
    """
    for unborn in folder.glob(f"*{_UNBORN}"):
        unborn.unlink(missing_ok=True)
    last_two: dict[int, list[SegmentName]] = {}
    for name in segments(folder):
        last_two[name.salt] = [*last_two.get(name.salt, [])[-1:], name]
    for names in last_two.values():
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                seal(folder, name)


def seal(folder: Path, name: SegmentName) -> None:
    """Shrink a segment that nobody writes any more to its last byte that is not zero.

    An unused one shrinks to its header and is not deleted, so that no number is ever given twice. The header is
    rewritten before the file is cut: a file shorter than its header says has always lost something. One with a
    damaged header or a wrong size is left as it is, for the reader to report.
    """
    path = folder / str(name)
    with path.open("r+b") as file:
        header = decode_header(file.read(HEADER_BYTES))
        if (
            header is None
            or header.file_bytes != os.fstat(file.fileno()).st_size
            or header.version != VERSION
        ):
            return
        size = HEADER_BYTES + len(file.read().rstrip(b"\0"))
        if size < header.file_bytes:
            file.seek(0)
            file.write(encode_header(header._replace(file_bytes=size)))
            file.flush()
            os.fsync(file.fileno())
            file.truncate(size)


@contextlib.contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """Open a file by descriptor and close it again, whatever happens."""
    fd = os.open(path, flags, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def lock_folder(folder: Path) -> int:
    """Become the only writer of a folder; returns the descriptor that holds the lock. Raises JournalBusy."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(fd, 32).strip()
        os.close(fd)
        raise JournalBusy(folder, int(text) if text.isdigit() else None) from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, str(os.getpid()).encode(), 0)
    return fd
