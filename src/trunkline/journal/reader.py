"""Read the journal back: follow a live one, step over damage and say what was lost.

Not for meaning: a payload is handed on as it was appended. Readers change nothing but `quarantine/`, hold no lock, and may
be several; they read by `pread`, so that a file cut short under them is a short answer and never a SIGBUS.
"""

import contextlib
import os
from pathlib import Path
from typing import NamedTuple, Self

from trunkline.journal.files import opened, segments
from trunkline.journal.segment import (
    HEADER_BYTES,
    VERSION,
    Found,
    Header,
    SegmentName,
    State,
    decode_header,
    look,
    next_head,
)

WINDOW_BYTES = 1 << 20
QUARANTINE_BYTES = 64 << 20


class Cursor(NamedTuple):
    """A place between two records. Cursors compare in the order of the records; `START` is before the first."""

    segment: int = 0
    offset: int = 0


START = Cursor()


class Damage(NamedTuple):
    """Bytes that should have been records, or could have been, and are not.

    `reason` is `corrupt` (good records follow), `torn` (none follows: a record that was being written, or damage at the very
    end), `header` (costs no record), `truncated` (the file is shorter than it was made), or `missing` (a whole segment).
    """

    segment: str
    offset: int
    size: int
    reason: str
    quarantined: Path | None = None


class JournalVersion(Exception):
    """A segment was written by another version of Trunkline in a format that this one does not read."""


class _Opened(NamedTuple):
    """One segment being read. `segment_bytes` is where it would end if all its zeros were in the file."""

    name: SegmentName
    fd: int
    segment_bytes: int

    def file_bytes(self) -> int:
        return os.fstat(self.fd).st_size

    def bytes_at(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes; the zeros that a sealed file leaves out are put back."""
        size = max(0, min(size, self.segment_bytes - offset))
        pieces, got = [], 0
        while got < size and (piece := os.pread(self.fd, size - got, offset + got)):
            pieces.append(piece)
            got += len(piece)
        return b"".join(pieces).ljust(size, b"\0")


class Reader:
    """Hands out the records after a cursor, each once, in order, and never one that was not wholly appended.

    `damaged` grows by what was found broken on the way; clear it when you have told somebody.
    """

    def __init__(self, folder: Path, cursor: Cursor = START, *, writer_gone: bool = False) -> None:
        """Begin after `cursor`. `writer_gone` says that nobody appends, so that the last segment too can be judged to its end."""
        self.damaged: list[Damage] = []
        self._folder = folder
        self._cursor = Cursor(cursor.segment, -(-cursor.offset // 8) * 8)
        self._writer_gone = writer_gone
        self._open: _Opened | None = None
        self._left: SegmentName | None = None

    @property
    def cursor(self) -> Cursor:
        """The place after everything read so far; good for `discard` and for a later Reader."""
        return self._cursor

    def read(self, max_records: int) -> list[tuple[Cursor, bytes]]:
        """Give the next records, each with the cursor of the place right after it; an empty list when there is nothing new."""
        records: list[tuple[Cursor, bytes]] = []
        while self._open or self._enter():
            # Asked before the bytes are read: what was appended in between is then among them.
            over = self._is_over()
            self._collect(records, max_records)
            if len(records) >= max_records or not self._pass(over):
                break
        return records

    def close(self) -> None:
        """Let go of the open file; a later `read` opens it again."""
        if self._open:
            os.close(self._open.fd)
            self._open = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _enter(self) -> bool:
        name = next((name for name in segments(self._folder) if name.number >= self._cursor.segment), None)
        if name is None:
            return False
        try:
            fd = os.open(self._folder / str(name), os.O_RDONLY)
        except FileNotFoundError:
            return False
        header = decode_header(os.pread(fd, HEADER_BYTES, 0))
        size = os.fstat(fd).st_size
        if header and header.version != VERSION:
            os.close(fd)
            text = f"journal segment {name} has format {header.version}, this Trunkline reads {VERSION}: use the Trunkline that wrote it"
            raise JournalVersion(text)
        self._open = _Opened(name, fd, header.segment_bytes if header else size)
        self._arrive(name, header)
        return True

    def _arrive(self, name: SegmentName, header: Header | None) -> None:
        left = self._left
        if left and left.salt == name.salt and name.number > left.number + 1:
            self.damaged.append(Damage(str(left._replace(number=left.number + 1)), 0, 0, "missing"))
        offset = self._cursor.offset if name.number == self._cursor.segment else 0
        if offset < HEADER_BYTES:
            offset = HEADER_BYTES
            if header is None or header.number != name.number:
                self._report(0, HEADER_BYTES, "header")
        self._cursor = Cursor(name.number, offset)

    def _is_over(self) -> bool:
        """Whether nothing more can be appended to the open segment: the writer has died or gone on to a later one."""
        assert self._open
        name = self._open.name
        later = [other for other in segments(self._folder) if other.number > name.number]
        return self._writer_gone or any(other.salt != name.salt or self._is_started(other) for other in later)

    def _is_started(self, name: SegmentName) -> bool:
        with contextlib.suppress(FileNotFoundError), opened(self._folder / str(name), os.O_RDONLY) as fd:
            return bool(os.pread(fd, 4096, HEADER_BYTES).strip(b"\0"))
        return False

    def _collect(self, records: list[tuple[Cursor, bytes]], max_records: int) -> None:
        """Take the run of good records at the cursor."""
        assert self._open
        number, offset = self._cursor
        salt, want = self._open.name.salt, WINDOW_BYTES
        while len(records) < max_records:
            data = self._open.bytes_at(offset, want)
            base = offset
            while len(records) < max_records:
                found = look(data, offset - base, offset, salt)
                if found.state is not State.RECORD:
                    break
                offset = found.end
                records.append((Cursor(number, offset), found.payload))
            if offset == base:
                if (
                    found.state is not State.CUT
                    or not len(data) < found.end - base <= self._open.segment_bytes - base
                ):
                    break
                want = found.end - base
        self._cursor = Cursor(number, offset)

    def _pass(self, over: bool) -> bool:
        """Get over a place where no good record stands; False when one may still come there."""
        assert self._open
        number, offset = self._cursor
        if not over and self._look(offset).state is State.EMPTY:
            return False
        place = self._resync(offset)
        if place is not None:
            if place > offset:
                self._report(offset, place - offset, "corrupt")
            self._cursor = Cursor(number, place)
            return True
        if over:
            self._leave(offset)
        return over

    def _leave(self, offset: int) -> None:
        assert self._open
        size = self._open.file_bytes()
        rest = self._open.bytes_at(offset, max(0, size - offset)).rstrip(b"\0")
        if rest:
            self._report(offset, len(rest), "torn")
        # Read after the size: whoever seals a segment writes the header first.
        header = decode_header(self._open.bytes_at(0, HEADER_BYTES))
        if header and size < header.file_bytes:
            self._report(size, header.file_bytes - size, "truncated")
        self._left = self._open.name
        self._cursor = Cursor(self._open.name.number + 1, 0)
        self.close()

    def _look(self, offset: int) -> Found:
        """Say what stands at a place, with as many bytes at hand as it takes."""
        assert self._open
        name = self._open.name
        found = look(self._open.bytes_at(offset, 4096), 0, offset, name.salt)
        if found.state is State.CUT and found.end <= self._open.segment_bytes:
            found = look(self._open.bytes_at(offset, found.end - offset), 0, offset, name.salt)
        return found

    def _resync(self, offset: int) -> int | None:
        """Find the first good record from a place on."""
        assert self._open
        end = self._open.file_bytes()
        for base in range(offset, end, WINDOW_BYTES):
            data = self._open.bytes_at(base, WINDOW_BYTES)
            place = next_head(data, base, self._open.name.salt, base)
            while place is not None:
                if self._look(place).state is State.RECORD:
                    return place
                place = next_head(data, base, self._open.name.salt, place + 8)
        return None

    def _report(self, offset: int, size: int, reason: str) -> None:
        assert self._open
        name = str(self._open.name)
        kept = self._quarantine(f"{Path(name).stem}-{offset}.bin", self._open.bytes_at(offset, size))
        self.damaged.append(Damage(name, offset, size, reason, kept))

    def _quarantine(self, name: str, data: bytes) -> Path | None:
        """Keep a copy of damaged bytes for a person to look at; None when there is no room for it."""
        folder = self._folder / "quarantine"
        data = data.rstrip(b"\0")
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            if (
                not data
                or sum(file.stat().st_size for file in folder.iterdir()) + len(data) > QUARANTINE_BYTES
            ):
                return None
            with opened(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as fd:
                os.write(fd, data)
        except OSError:
            return None
        return folder / name


def discard(folder: Path, upto: Cursor) -> int:
    """Delete the segments that lie wholly before a cursor; returns how many. What they said must be safe elsewhere."""
    done = [name for name in segments(folder) if name.number < upto.segment]
    for name in done:
        (folder / str(name)).unlink(missing_ok=True)
    return len(done)
