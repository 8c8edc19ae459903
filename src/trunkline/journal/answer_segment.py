"""The files of the answer store: segments of fixed-size heads and, beside them, the sealed bodies. Format and files only.

    {number:012d}.heads    slots of 112 bytes; the first says what the file is, each other one is a head
    {number:012d}.bodies   sealed boxes, one after the other; heads say where

A head has a fixed size and its own checksum, seeded with the number of its segment: a torn, lost or damaged one is passed over and
costs no other, and a copy of another file's passes for nothing. The file of heads has all its blocks from the start, so that
a full disk can never keep the outcome of a running call from being written, nor kill the process that writes to the map.
Nothing in a head is readable: keys and requests are keyed hashes. Not for: which head counts (`answers.py`).
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import struct
from collections.abc import Set
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from trunkline.journal import files

MAGIC = b"TRNKANSW"
VERSION = 1
MARK_BYTES = 16
NONCE_BYTES = 12

_HEAD = struct.Struct("<IBxH16s16s32sQQQI12s")
_SLOT = struct.Struct(f"<I{_HEAD.size - 4}s")
_FIRST = struct.Struct("<8sIQ")
_FIRST_BYTES = _FIRST.size + 4
HEAD_BYTES = _HEAD.size
_CALL = 40
"""Where `call_id` stands in a slot."""
_EXPIRES = 76
"""Where `expires_us` stands after the checksum."""
_NAME = re.compile(r"(\d{12})\.heads")


class AnswersVersion(OSError):
    """The folder was written by another version of Trunkline, whose keys this one cannot know."""


class Head(NamedTuple):
    """One record of a key. Times are epoch microseconds."""

    kind: int
    """core/idempotency.py"""
    status: int
    mark: bytes
    """Keyed hash of the key in its scope."""
    fingerprint: bytes
    """Keyed hash of the request."""
    call_id: str
    at_us: int
    expires_us: int
    body_at: int = 0
    body_bytes: int = 0
    nonce: bytes = bytes(NONCE_BYTES)


def encode(head: Head, number: int) -> bytes:
    """The slot of a head in the segment with this number."""
    kind, status, mark, fingerprint, call_id, *rest = head
    packed = _HEAD.pack(0, kind, status, mark, fingerprint, call_id.encode("ascii", "replace")[:32], *rest)
    return crc32(packed[4:], number & 0xFFFFFFFF).to_bytes(4, "little") + packed[4:]


def decode(slot: bytes, number: int) -> Head | None:
    """The head in a slot; None for an empty or damaged one."""
    if len(slot) != HEAD_BYTES or int.from_bytes(slot[:4], "little") != crc32(slot[4:], number & 0xFFFFFFFF):
        return None
    _, kind, status, mark, fingerprint, call_id, *rest = _HEAD.unpack(slot)
    return (
        Head(kind, status, mark, fingerprint, call_id.rstrip(b"\0").decode("ascii", "replace"), *rest)
        if kind
        else None
    )


def numbers(folder: Path) -> list[int]:
    """The segments of a folder, oldest first."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        return sorted(int(found[1]) for entry in entries if (found := _NAME.fullmatch(entry.name)))
    return []


def heads_path(folder: Path, number: int) -> Path:
    """Where the heads of a segment stand."""
    return folder / f"{number:012d}.heads"


def bodies_path(folder: Path, number: int) -> Path:
    """Where its bodies stand."""
    return folder / f"{number:012d}.bodies"


def bytes_of(folder: Path, number: int) -> int:
    """Room that a segment takes."""
    size = 0
    for path in (heads_path(folder, number), bodies_path(folder, number)):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


class Scan(NamedTuple):
    """What the heads of a segment say: the last slot of each key, when the last of them expires, how many are damaged."""

    last: dict[bytes, int]
    expires_us: int
    damaged: int


def scan(folder: Path, number: int) -> Scan:
    """Walks over the heads alone, whatever lies beside them. Raises AnswersVersion."""
    data = heads_path(folder, number).read_bytes()
    _judge(folder, data[:_FIRST_BYTES])
    used = -(-len(data.rstrip(b"\0")) // HEAD_BYTES) * HEAD_BYTES
    whole = data[HEAD_BYTES : min(used, len(data) // HEAD_BYTES * HEAD_BYTES)]
    seed, blank, last, latest = number & 0xFFFFFFFF, bytes(HEAD_BYTES - 4), {}, 0
    damaged = int(used > len(data))
    for slot, (check, packed) in enumerate(_SLOT.iter_unpack(whole), start=1):
        if crc32(packed, seed) == check:
            last[packed[4:20]] = slot
            latest = max(latest, int.from_bytes(packed[_EXPIRES : _EXPIRES + 8], "little"))
        elif check or packed != blank:
            damaged += 1
    return Scan(last, latest, damaged)


def of_call(folder: Path, call_id: str) -> Head | None:
    """The newest head that a call wrote; reads them all, so it is for people who look at one call."""
    found = None
    for number in numbers(folder):
        try:
            data = heads_path(folder, number).read_bytes()
        except OSError:
            continue
        for at in range(HEAD_BYTES, len(data) - HEAD_BYTES + 1, HEAD_BYTES):
            if data.startswith(call_id.encode(), at + _CALL):
                head = decode(data[at : at + HEAD_BYTES], number)
                if head is not None and head.call_id == call_id:
                    found = head
    return found


def blot(folder: Path, call_ids: Set[str], *, act: bool) -> int:
    """Overwrites the bodies that these calls left, in the files of a gateway that may be running; how many there are.

    A box that was overwritten does not open: its key stays used, and a repeat under it is told that the answer is not kept.
    """
    count = 0
    for number in numbers(folder):
        try:
            data = heads_path(folder, number).read_bytes()
            with files.opened(bodies_path(folder, number), os.O_RDWR) as fd:
                for at in range(HEAD_BYTES, len(data) - HEAD_BYTES + 1, HEAD_BYTES):
                    head = decode(data[at : at + HEAD_BYTES], number)
                    if head is None or not head.body_bytes or head.call_id not in call_ids:
                        continue
                    if not any(os.pread(fd, head.body_bytes, head.body_at)):
                        continue
                    count += 1
                    if act:
                        os.pwrite(fd, bytes(head.body_bytes), head.body_at)
                if act:
                    os.fsync(fd)
        except FileNotFoundError:
            continue
    return count


def _judge(folder: Path, first: bytes) -> None:
    """A first slot that was lost costs nothing; one that names another version means that the rest cannot be read."""
    packed, check = first[: _FIRST.size], first[_FIRST.size :]
    if packed.startswith(MAGIC) and check == crc32(packed).to_bytes(4, "little"):
        version = _FIRST.unpack(packed)[1]
        if version != VERSION:
            raise AnswersVersion(
                f"{folder} holds idempotent answers of version {version}, and this Trunkline knows {VERSION}: "
                "use the version that wrote them, or move the folder away and lose the keys in it"
            )


def read_head(folder: Path, number: int, slot: int) -> Head | None:
    """One head of a segment that nobody writes any more; None if it is gone or damaged."""
    try:
        with files.opened(heads_path(folder, number), os.O_RDONLY) as fd:
            return decode(os.pread(fd, HEAD_BYTES, slot * HEAD_BYTES), number)
    except OSError:
        return None


def read_body(folder: Path, number: int, head: Head) -> bytes:
    """The sealed box that a head names; shorter or empty if the file has lost it."""
    try:
        with files.opened(bodies_path(folder, number), os.O_RDONLY) as fd:
            return os.pread(fd, head.body_bytes, head.body_at)
    except OSError:
        return b""


def drop(folder: Path, number: int) -> None:
    """Deletes a segment, bodies first, so that no box is ever left without its head."""
    for path in (bodies_path(folder, number), heads_path(folder, number)):
        path.unlink(missing_ok=True)


def shrink(folder: Path, number: int) -> None:
    """Gives back the slots that an earlier process left blank."""
    path = heads_path(folder, number)
    with path.open("r+b") as file:
        used = -(-len(file.read().rstrip(b"\0")) // HEAD_BYTES) * HEAD_BYTES
        file.truncate(max(used, HEAD_BYTES))


class Writer:
    """The segment that is being written. All methods but `sync` are called from one thread."""

    def __init__(self, folder: Path, number: int, slot_count: int) -> None:
        """Makes the files. Raises OSError when there is no room for the heads; nothing is left behind then."""
        self.number = number
        self.count = slot_count
        self.next = 1
        self.tail = 0
        self.expires_us = 0
        self.changed = 0
        """Counts writes, so that `sync` need not ask the disk."""
        self._folder = folder
        self._synced = -1
        heads = heads_path(folder, number)
        self._heads = os.open(heads, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._bodies = -1
        try:
            files.allocate(self._heads, slot_count * HEAD_BYTES)
            self._map = mmap.mmap(self._heads, slot_count * HEAD_BYTES)
            self._bodies = os.open(bodies_path(folder, number), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            self._close_files()
            drop(folder, number)
            raise
        first = _FIRST.pack(MAGIC, VERSION, number)
        self._map[:_FIRST_BYTES] = first + crc32(first).to_bytes(4, "little")

    def put_body(self, box: bytes) -> int:
        """Writes a sealed body; its place. Raises OSError on a full disk, and nothing of it counts then."""
        written = os.pwrite(self._bodies, box, self.tail)
        if written != len(box):
            raise OSError("the disk took only a part of an answer")
        place, self.tail = self.tail, self.tail + written
        self.changed += 1
        return place

    def put(self, head: Head) -> int:
        """Writes a head; its slot. One copy into mapped memory: no system call, and `kill -9` does not lose it."""
        slot = self.next
        at = slot * HEAD_BYTES
        self._map[at : at + HEAD_BYTES] = encode(head, self.number)
        self.next = slot + 1
        self.expires_us = max(self.expires_us, head.expires_us)
        self.changed += 1
        return slot

    def head(self, slot: int) -> Head | None:
        return decode(self._map[slot * HEAD_BYTES : (slot + 1) * HEAD_BYTES], self.number)

    def sync(self) -> None:
        """Brings everything to the disk; does nothing when nothing is new."""
        changed = self.changed
        if changed == self._synced:
            return
        if self._synced < 0:
            files.sync_folder(self._folder)
        files.sync_data(self._bodies)
        if not hasattr(os, "fdatasync"):
            self._map.flush()
        files.sync_data(self._heads)
        self._synced = changed

    def close(self) -> None:
        self._map.close()
        self._close_files()

    def _close_files(self) -> None:
        for fd in (self._heads, self._bodies):
            if fd >= 0:
                os.close(fd)
