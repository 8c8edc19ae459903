"""Bodies of sampled calls on their way from the gateway to those who look at contents: sealed, bounded, soon gone.

    {number:012d}.live      the segment that is being written
    {number:012d}.bodies    one that is complete

A segment is a short head and sealed records one after the other; each record is bound to its segment and place, so that none can be
moved. A torn end, a damaged record or one sealed under another key is passed over and counted. A segment is complete after
`segment_s`, is deleted once all of it was looked at, and at the latest after `keep_s`; when there is no room the oldest goes
first. Nothing is brought to the disk by force: a sample that a power cut takes is no loss.

One process writes, one reads. Payloads are opaque bytes here (`core/sample.py`). Not for: records of calls (`append.py`).
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FOLDER = "bodies"
"""Of the state folder."""
MAGIC = b"TRNKBODY"
VERSION = 1
_HEAD = struct.Struct("<8sIQQ")
_HEAD_BYTES = _HEAD.size + 4
_RECORD = struct.Struct("<II")
_NONCE = 12
_TAG = 16
RECORD_MAX = 4 << 20
_NAME = re.compile(r"(\d{12})\.(live|bodies)")
_CURSOR = "cursor"


class Found(NamedTuple):
    """A segment file."""

    number: int
    complete: bool
    path: Path


def box(key: bytes) -> AESGCM:
    """What seals and opens samples. `key`: 32 secret bytes of the installation."""
    return AESGCM(hmac.digest(key, b"bodies: samples", "sha256"))


def segments(folder: Path) -> list[Found]:
    """The segments of a folder, oldest first."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        return sorted(
            Found(int(name[1]), name[2] == "bodies", Path(entry.path))
            for entry in entries
            if (name := _NAME.fullmatch(entry.name))
        )
    return []


def held_bytes(folder: Path) -> int:
    """Room that all segments take."""
    return sum(_size(one.path) for one in segments(folder))


def delete_all(folder: Path) -> int:
    """Deletes every complete segment; their number. The live one is its writer's to delete."""
    gone = [one for one in segments(folder) if one.complete]
    for one in gone:
        one.path.unlink(missing_ok=True)
    return len(gone)


class Writer:
    """The one writer of a folder, used from one thread. Times are epoch seconds."""

    def __init__(
        self,
        folder: Path,
        key: bytes,
        *,
        segment_bytes: int = 4 << 20,
        segment_s: float = 60.0,
        max_bytes: int = 64 << 20,
        keep_s: float = 3600.0,
    ) -> None:
        self.max_bytes = max_bytes
        self.keep_s = keep_s
        self.unseen = 0
        """Segments that were deleted although nobody had looked at all of them."""
        self._folder = folder
        self._box = box(key)
        self._segment_bytes = segment_bytes
        self._segment_s = segment_s
        self._fd = -1
        self._number = 0
        self._made = 0.0
        self._tail = 0

    def open(self) -> None:
        """What an earlier process left is complete as it is. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = segments(self._folder)
        for one in known:
            if not one.complete:
                _complete(one.path)
        # Never a number again that somebody has looked at already.
        self._number = max(known[-1].number if known else 0, _read_cursor(self._folder / _CURSOR).number)

    def append(self, payload: bytes, now: float) -> None:
        """Keeps a payload. Raises OSError when there is no room, ValueError for one that is longer than RECORD_MAX."""
        if len(payload) > RECORD_MAX:
            raise ValueError(f"a sample of {len(payload)} bytes is longer than {RECORD_MAX}")
        if self._fd < 0 or self._tail >= self._segment_bytes or not 0 <= now - self._made < self._segment_s:
            self._begin(now)
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._box.encrypt(nonce, payload, _place(self._number, self._tail))
        record = _record_head(self._number, self._tail, len(sealed)) + sealed
        written = os.write(self._fd, record)
        self._tail += written
        if written != len(record):
            self.seal()
            raise OSError("the disk took only a part of a sample")

    def tend(self, now: float) -> None:
        """Once a second or so: completes a segment that has had its time, deletes what has expired or finds no room."""
        if self._fd >= 0 and not 0 <= now - self._made < self._segment_s:
            self.seal()
        known = segments(self._folder)
        sizes = {one.number: _size(one.path) for one in known}
        held = sum(sizes.values())
        for one in known:
            if one.complete and (held > self.max_bytes or _age_s(one.path, now) > self.keep_s):
                one.path.unlink(missing_ok=True)
                held -= sizes[one.number]
                self.unseen += 1

    def seal(self) -> None:
        """The segment at hand is complete."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            _complete(self._path())

    def clear(self) -> int:
        """Deletes everything, looked at or not; the number of segments."""
        self.seal()
        return delete_all(self._folder)

    def _begin(self, now: float) -> None:
        self.seal()
        self.tend(now)
        self._number += 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._fd = os.open(self._path(), flags, 0o600)
        head = _HEAD.pack(MAGIC, VERSION, self._number, int(now * 1e6))
        self._tail = os.write(self._fd, head + crc32(head).to_bytes(4, "little"))
        self._made = now

    def _path(self) -> Path:
        return self._folder / f"{self._number:012d}.live"


class Place(NamedTuple):
    """Up to where somebody has looked."""

    number: int
    offset: int


class Reader:
    """The one reader of a folder; follows the writer. What was read counts as looked at when `settle` is called."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.damaged = 0
        """Records, or rests of segments, that do not open."""
        self._folder = folder
        self._box = box(key)
        self._done: list[Path] = []
        self._place = self._next = _read_cursor(folder / _CURSOR)

    def read(self, max_records: int) -> list[bytes]:
        """The next payloads, oldest first; empty when nothing is new."""
        found: list[bytes] = []
        for one in segments(self._folder):
            if one.number < self._next.number:
                self._done.append(one.path)  # a crash came between the cursor and the deletion
                continue
            start = self._next.offset if one.number == self._next.number else 0
            for offset, payload in self._records(one, start):
                self._next = Place(one.number, offset)
                if payload is not None:
                    found.append(payload)
                if len(found) >= max_records:
                    return found
            if not one.complete:
                return found  # also when it was completed since it was listed: the next look sees its rest
            self._done.append(one.path)
            self._next = Place(one.number + 1, 0)
        return found

    def settle(self) -> None:
        """All that was read was looked at: it is not read again, and segments without anything else are deleted."""
        if self._next != self._place:
            self._place = self._next
            _write_cursor(self._folder / _CURSOR, self._place)
        for path in self._done:
            path.unlink(missing_ok=True)
        self._done.clear()

    def waiting(self) -> int:
        """Bytes that nobody has looked at yet."""
        return sum(
            max(0, _size(one.path) - (self._place.offset if one.number == self._place.number else 0))
            for one in segments(self._folder)
            if one.number >= self._place.number
        )

    def _records(self, one: Found, start: int) -> Iterator[tuple[int, bytes | None]]:
        """The place after each record, and its payload; None for one that does not open."""
        try:
            file = one.path.open("rb")
        except FileNotFoundError:
            # Completed or deleted a moment ago; the next look sees which.
            return
        with file:
            if not start:
                if not _is_head(file.read(_HEAD_BYTES), one.number):
                    self.damaged += one.complete
                    return
                start = _HEAD_BYTES
            file.seek(start)
            while head := file.read(_RECORD.size):
                size = _record_bytes(head, one.number, start)
                sealed = file.read(size) if size else b""
                if not size or len(sealed) < size:
                    # Still being written, or torn.
                    self.damaged += one.complete
                    return
                payload = self._opened(sealed, one.number, start)
                start += _RECORD.size + size
                yield start, payload

    def _opened(self, sealed: bytes, number: int, offset: int) -> bytes | None:
        try:
            return self._box.decrypt(sealed[:_NONCE], sealed[_NONCE:], _place(number, offset))
        except (InvalidTag, ValueError):
            self.damaged += 1
            return None


def _place(number: int, offset: int) -> bytes:
    return struct.pack("<QQ", number, offset)


def _record_head(number: int, offset: int, size: int) -> bytes:
    return _RECORD.pack(size, crc32(_place(number, offset), size))


def _record_bytes(head: bytes, number: int, offset: int) -> int:
    """How long the sealed part of a record is; 0 if the head is torn or damaged."""
    if len(head) < _RECORD.size:
        return 0
    size, check = _RECORD.unpack(head)
    fits = _NONCE + _TAG <= size <= RECORD_MAX + _NONCE + _TAG
    return size if fits and check == crc32(_place(number, offset), size) else 0


def _is_head(head: bytes, number: int) -> bool:
    if len(head) < _HEAD_BYTES or int.from_bytes(head[-4:], "little") != crc32(head[:-4]):
        return False
    magic, version, said, _ = _HEAD.unpack(head[:-4])
    return bool(magic == MAGIC and version == VERSION and said == number)


def _complete(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.rename(path.with_suffix(".bodies"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _age_s(path: Path, now: float) -> float:
    """Since the segment was begun, which is when its oldest sample was taken. A clock that was set back makes it old."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return 0.0
    if len(head) < _HEAD_BYTES:
        return float("inf")
    age_s = now - float(_HEAD.unpack(head[:-4])[3]) / 1e6
    return age_s if age_s > -60.0 else float("inf")


def _read_cursor(path: Path) -> Place:
    try:
        number, offset = (int(word) for word in path.read_text().split())
    except (OSError, ValueError):
        return Place(0, 0)
    return Place(number, offset)


def _write_cursor(path: Path, place: Place) -> None:
    part = path.with_name(f".{path.name}")
    part.write_text(f"{place.number} {place.offset}")
    part.chmod(0o600)
    part.replace(path)
