"""Append to the journal: one copy into mapped memory, safe from `kill -9` when `append` returns.

Not for reading back (`reader.py`). The kernel keeps what was copied when the process dies; a thread brings it to the disk at most
10 ms later, for a power cut. The same thread makes the next segment ahead of need, so that `append` makes no system
call. Only if the thread has fallen behind does `append` make the segment itself; `fell_behind` counts that.
"""

import contextlib
import mmap
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self
from zlib import crc32

from trunkline.journal import files
from trunkline.journal.reader import Cursor, Damage, Reader
from trunkline.journal.segment import HEADER_BYTES, Header, SegmentName, record_bytes

SYNC_INTERVAL_S = 0.010
RETRY_ROUNDS = 25
"""How many rounds of the thread pass between two attempts to make a segment where there was no room."""
KEPT_BACK = 12
"""One part in so many of each segment is kept for `append_end`, so that what has begun can also be ended on a full disk."""
PRETENDED = "a full disk is pretended (`trunkline faults list`)"
RELEASE_BYTES = 1 << 20
"""How much is written before the pages behind are given back, so that the process stays small."""


class JournalFull(OSError):
    """There is no room for another record. It passes by itself once segments are drained or the disk has room again.

    It is an OSError so that those who append but know no journal (the engine) can tell it from a mistake.
    """


class Recovery(NamedTuple):
    """What `open` found of the last segment that was written before; older ones are judged by whoever reads them."""

    last_good: Cursor | None
    """The place after the last good record; None when there was no earlier journal."""
    records: int
    torn_bytes: int
    damaged: tuple[Damage, ...]

    @property
    def quarantined(self) -> tuple[Path, ...]:
        """Where the damaged bytes were copied to."""
        return tuple(damage.quarantined for damage in self.damaged if damage.quarantined)


class _Mapped:
    """A segment being written: its file, its map, and the map as words of eight bytes."""

    __slots__ = ("fd", "map", "name", "released", "words")

    def __init__(self, fd: int, name: SegmentName, size: int) -> None:
        self.fd = fd
        self.name = name
        self.released = 0
        self.map = mmap.mmap(fd, size)
        self.words = memoryview(self.map).cast("Q")

    def sync(self) -> None:
        """Bring what was copied to the disk. `fdatasync` covers the map on Linux; elsewhere the map must be flushed as well."""
        if not hasattr(os, "fdatasync"):
            self.map.flush()
        files.sync_data(self.fd)

    def release(self, tail: int) -> None:
        """Give back the memory of what lies on the disk behind `tail`; the kernel's cache still has it for readers."""
        end = tail & -mmap.PAGESIZE
        if end - self.released >= RELEASE_BYTES:
            self.map.madvise(mmap.MADV_DONTNEED, self.released, end - self.released)
            self.released = end

    def close(self) -> None:
        self.words.release()
        self.map.close()
        os.close(self.fd)


class Journal:
    """The one writer of a journal folder. `append` is called from one thread; everything else is done in the journal's own.

    `trouble` says in words what keeps the journal from doing its duty (no room, disk failing), and is None when all is well.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = 16 << 20,
        max_bytes: int = 2 << 30,
        allocate: Callable[[int, int], None] = files.allocate,
        background: bool = True,
    ) -> None:
        """Prepare; nothing is touched before `open`. Without `background` nothing is done unless you call `tend`."""
        if segment_bytes % mmap.PAGESIZE or not mmap.PAGESIZE <= segment_bytes < 1 << 32:
            raise ValueError(
                f"segment_bytes is {segment_bytes}: give a multiple of {mmap.PAGESIZE} below 4 GiB"
            )
        if max_bytes < 2 * segment_bytes:
            raise ValueError(f"max_bytes is {max_bytes}: give at least two segments, {2 * segment_bytes}")
        self.fell_behind = 0
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._allocate = allocate
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True) if background else None
        self._stop = threading.Event()
        self._making = threading.Lock()
        self._lock_fd = -1
        self._boot_id = b""
        self._next_number = 0
        self._segment: _Mapped | None = None
        self._spare: _Mapped | None = None
        self._retired: deque[_Mapped] = deque()
        self._full: str | None = None
        self._failing: str | None = None
        self._rest_rounds = 0
        self._pretended = False
        self._synced: tuple[_Mapped | None, int] = (None, 0)
        # What append needs, and nothing else: where to copy to, and the end beyond which it must ask for a segment.
        self._tail = self._limit = self._hard_limit = self._mark = 0
        self._map: mmap.mmap | bytearray = bytearray()
        self._words: memoryview = memoryview(bytearray()).cast("Q")

    @property
    def trouble(self) -> str | None:
        """What is wrong, in words for a person; None when all is well."""
        return self._full or self._failing or (PRETENDED if self._pretended else None)

    def pretend_full(self, full: bool) -> None:
        """For drills: act as on a full disk from now on, or no longer. Called from the thread that appends."""
        self._pretended = full
        self._limit = self._soft_limit()

    def open(self) -> Recovery:
        """Lock the folder, put in order what an earlier process left, and begin a new segment. Raises JournalBusy.

        A full disk does not keep the journal from opening: `trouble` says so, and `append` raises until there is room.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_fd = files.lock_folder(self._folder)
        earlier = files.segments(self._folder)
        files.sweep(self._folder)
        self._boot_id = os.urandom(16)
        # The clock keeps numbers rising even when somebody has emptied the folder: cursors into it stay behind us.
        self._next_number = max(earlier[-1].number + 1 if earlier else 1, int(time.time()))
        self._prepare()
        if self._spare:
            self._take_spare()
        recovery = self._recover()
        if self._thread:
            self._thread.start()
        return recovery

    def append(self, payload: bytes) -> None:
        """Keep a record. When this returns, `kill -9` does not lose it. Raises JournalFull, or ValueError for one over a segment."""
        size = len(payload)
        start = self._tail
        end = start + (size + 23 & -8)
        if end > self._limit:
            start = self._roll(size)
            end = start + (size + 23 & -8)
        place = start + 16
        self._map[place : place + size] = payload
        words = self._words
        at = start >> 3
        words[at + 1] = crc32(payload, size + 1) << 32 | size
        words[at] = self._mark | start
        self._tail = end

    def append_end(self, payload: bytes) -> None:
        """Keep the end of what has begun although `append` raised JournalFull for it: some room is kept back for that."""
        self._limit = self._hard_limit
        try:
            self.append(payload)
        finally:
            self._limit = self._soft_limit()

    def close(self) -> None:
        """Bring everything to the disk, give back unused room, and let the folder go."""
        if self._lock_fd < 0:
            return
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._limit = self._hard_limit = 0
        ours = [mapped for mapped in (*self._retired, self._segment, self._spare) if mapped]
        self._retired.clear()
        self._segment = self._spare = None
        self._words, self._map = memoryview(bytearray()).cast("Q"), bytearray()
        for mapped in ours:
            try:
                mapped.sync()
            finally:
                mapped.close()
        for mapped in ours:
            # It may have been drained and discarded already.
            with contextlib.suppress(FileNotFoundError):
                files.seal(self._folder, mapped.name)
        os.close(self._lock_fd)
        self._lock_fd = -1

    def tend(self) -> None:
        """Do one round of background work: bring to the disk what is not there yet, and have the next segment ready."""
        try:
            self._sync()
            self._failing = None
        except OSError as fault:
            self._failing = f"the journal in {self._folder} cannot be brought to the disk: {fault.strerror}"
        if self._rest_rounds:
            self._rest_rounds -= 1
        elif not self._spare:
            with self._making:
                self._prepare()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stop.wait(SYNC_INTERVAL_S):
            self.tend()

    def _sync(self) -> None:
        while self._retired:
            mapped = self._retired[0]
            mapped.sync()
            self._retired.popleft()
            mapped.close()
        # In this order: a roll between the two reads pairs the old segment with a new tail, which means one round more.
        segment, tail = self._segment, self._tail
        if segment and (segment, tail) != self._synced:
            segment.sync()
            self._synced = (segment, tail)
            if segment is self._segment:
                segment.release(tail)

    def _prepare(self) -> None:
        """Make the spare segment, or note why not."""
        if self._spare:
            return
        self._full = self._no_room()
        if not self._full:
            name = SegmentName(self._next_number, int.from_bytes(self._boot_id[:4], "little"))
            header = Header(name.number, self._segment_bytes, self._segment_bytes, self._boot_id)
            try:
                fd = files.create(self._folder, name, header, self._allocate)
                self._spare = _Mapped(fd, name, self._segment_bytes)
                self._next_number += 1
            except OSError as fault:
                self._full = (
                    f"the journal in {self._folder} cannot get {_mb(self._segment_bytes)}: {fault.strerror}"
                )
        self._rest_rounds = RETRY_ROUNDS if self._full else 0

    def _no_room(self) -> str | None:
        used, free = files.folder_bytes(self._folder), files.free_bytes(self._folder)
        if used + self._segment_bytes > self._max_bytes:
            return (
                f"the journal in {self._folder} holds {_mb(used)} of at most {_mb(self._max_bytes)} that wait to be drained: "
                "start the console, or allow more"
            )
        if free < self._segment_bytes:
            return f"the disk of {self._folder} has {_mb(free)} free and the journal needs {_mb(self._segment_bytes)}: make room"
        return None

    def _roll(self, size: int) -> int:
        """Go on in the next segment; returns where its first record begins."""
        if self._lock_fd < 0:
            raise RuntimeError("the journal is not open")
        if HEADER_BYTES + record_bytes(size) > self._segment_bytes:
            raise ValueError(
                f"a record of {size} bytes does not fit a journal segment of {self._segment_bytes}"
            )
        if self._pretended and self._limit != self._hard_limit:
            raise JournalFull(PRETENDED)
        if not self._spare and not self._full:
            with self._making:
                self.fell_behind += self._spare is None
                self._prepare()
        if not self._spare:
            raise JournalFull(self._full)
        return self._take_spare()

    def _take_spare(self) -> int:
        taken, self._spare = self._spare, None
        assert taken
        if self._segment:
            self._retired.append(self._segment)
        self._map, self._words = taken.map, taken.words
        self._mark = taken.name.salt << 32
        self._segment, self._tail, self._hard_limit = taken, HEADER_BYTES, self._segment_bytes
        self._limit = self._soft_limit()
        return HEADER_BYTES

    def _soft_limit(self) -> int:
        """Up to where `append` may go."""
        return 0 if self._pretended else max(0, self._hard_limit - self._segment_bytes // KEPT_BACK)

    def _recover(self) -> Recovery:
        """Walk through the last segment of earlier openings."""
        ours = int.from_bytes(self._boot_id[:4], "little")
        used = [
            name.number
            for name in files.segments(self._folder)
            if name.salt != ours and files.file_bytes(self._folder, name) > HEADER_BYTES
        ]
        if not used:
            return Recovery(None, 0, 0, ())
        last = used[-1]
        good, count = Cursor(last, HEADER_BYTES), 0
        with Reader(self._folder, Cursor(last), writer_gone=True) as reader:
            while records := reader.read(4096):
                count += len(records)
                good = records[-1][0]
        torn = sum(damage.size for damage in reader.damaged if damage.reason == "torn")
        return Recovery(good, count, torn, tuple(reader.damaged))


def _mb(size: int) -> str:
    return f"{size / (1 << 20):.0f} MB"
