"""The format of one journal segment, as pure functions over bytes: names, header, records, finding the next one.

Not for files, maps or threads: `files.py` makes segments, `append.py` fills them, `reader.py` reads them back.

A segment is a file `{number:012d}-{salt:08x}.seg` of zeros with a header of 64 bytes and then records:

    commit word, 8 bytes | length, 4 | CRC-32, 4 | payload | zeros up to the next multiple of 8

The commit word of a record is its offset (low half) and the salt of the journal's opening (high half), and is
stored last, in one aligned store: a reader never sees a record half written as a whole one. Because the word names the place
and the opening, neither zeros, nor a record copied elsewhere, nor a payload that imitates a record can pass for one; and because
its high half is the same for all records of a segment, the next good record after damage is found by a plain byte search.
The salt stands in the file's name too, so that a damaged header costs no record.

The checksum starts from length + 1, so that it covers the length and the zeros of a lost page never check.
All numbers are little-endian, as on every machine that Trunkline supports.
"""

import enum
import re
import struct
from typing import NamedTuple
from zlib import crc32

MAGIC = b"TRNKJRNL"
VERSION = 1
HEADER_BYTES = 64
HEAD_BYTES = 16
"""What a record takes besides its payload and the padding."""

_HEADER = struct.Struct("<8sI4xQQQ16s4x")
_HEADER_CHECK = struct.Struct("<I")
_HEAD = struct.Struct("<QII")
_NAME = re.compile(r"(\d{12})-([0-9a-f]{8})\.seg")


class SegmentName(NamedTuple):
    """What the name of a segment file says: its place in the order, and which opening of the journal wrote it."""

    number: int
    salt: int

    def __str__(self) -> str:
        return f"{self.number:012d}-{self.salt:08x}.seg"


class Header(NamedTuple):
    """What the first 64 bytes of a segment say.

    A segment is `segment_bytes` long; its file may end earlier, at `file_bytes`, when only zeros would follow.
    A file shorter than `file_bytes` has lost something.
    """

    number: int
    segment_bytes: int
    file_bytes: int
    boot_id: bytes
    version: int = VERSION


class State(enum.Enum):
    """What stands at a place where a record could begin."""

    RECORD = "record"
    EMPTY = "empty"
    CUT = "cut"
    """A plausible head whose record reaches beyond the bytes at hand."""
    BAD = "bad"


class Found(NamedTuple):
    """The answer of `look`: what stands there, where it ends, and its payload if it is a record."""

    state: State
    end: int
    payload: bytes = b""


def parse_name(name: str) -> SegmentName | None:
    """Read a file's name; None when it is not a segment."""
    match = _NAME.fullmatch(name)
    return SegmentName(int(match[1]), int(match[2], 16)) if match else None


def record_bytes(payload_bytes: int) -> int:
    """Give the room that a record with such a payload takes."""
    return (payload_bytes + HEAD_BYTES + 7) & ~7


def encode_header(header: Header) -> bytes:
    """Write a header, its own checksum in its last four bytes."""
    packed = _HEADER.pack(
        MAGIC, header.version, header.number, header.segment_bytes, header.file_bytes, header.boot_id
    )
    return packed + _HEADER_CHECK.pack(crc32(packed))


def decode_header(data: bytes) -> Header | None:
    """Read a header; None when it is not whole and sound."""
    if len(data) < HEADER_BYTES:
        return None
    packed, check = data[: HEADER_BYTES - 4], data[HEADER_BYTES - 4 : HEADER_BYTES]
    magic, version, number, segment_bytes, file_bytes, boot_id = _HEADER.unpack(packed)
    if magic != MAGIC or _HEADER_CHECK.unpack(check)[0] != crc32(packed):
        return None
    return Header(number, segment_bytes, file_bytes, boot_id, version)


def look(data: bytes, at: int, offset: int, salt: int) -> Found:
    """Say what stands at `data[at:]`, which is the place `offset` of a segment with this salt."""
    if at + HEAD_BYTES > len(data):
        return Found(State.CUT, offset + HEAD_BYTES)
    word, length, check = _HEAD.unpack_from(data, at)
    if word == 0:
        return Found(State.EMPTY, offset)
    if word != salt << 32 | offset:
        return Found(State.BAD, offset)
    end = offset + record_bytes(length)
    start = at + HEAD_BYTES
    if start + length > len(data):
        return Found(State.CUT, end)
    payload = data[start : start + length]
    if crc32(payload, length + 1 & 0xFFFFFFFF) != check:
        return Found(State.BAD, offset)
    return Found(State.RECORD, end, payload)


def next_head(data: bytes, base: int, salt: int, start: int) -> int | None:
    """Find the first place from `start` on that holds a commit word; `base` is the offset of `data[0]`, a multiple of 8.

    The record there may still be bad: it is for the caller to look.
    """
    mark = salt.to_bytes(4, "little")
    at = data.find(mark, start - base + 4)
    while at >= 4:
        offset = base + at - 4
        if offset % 8 == 0 and int.from_bytes(data[at - 4 : at], "little") == offset:
            return offset
        at = data.find(mark, at + 1)
    return None
