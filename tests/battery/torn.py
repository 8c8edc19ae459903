"""K3: a journal whose file is cut short or has a bit flipped at a random place is opened and read again."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import records
from trunkline.core.codec import to_pack
from trunkline.journal import files
from trunkline.journal.append import Journal
from trunkline.journal.reader import START, Cursor, Reader

SEGMENT_BYTES = 64 << 10
CALLS = 300


@dataclass
class Torn:
    """What K3 found. `wrong`: what was lost although it was not hit, or came back changed."""

    opened: int = 0
    with_loss: int = 0
    reported: int = 0
    """Of those with a loss: how many the reader or the recovery told of."""
    most_lost: int = 0
    """By one flipped bit."""
    wrong: list[str] = field(default_factory=list)


def damage_journal(folder: Path, *, offsets: int, seed: int) -> Torn:
    """Each offset damages a fresh copy of the same journal."""
    dice = random.Random(seed)
    original = folder / "original"
    with Journal(original, segment_bytes=SEGMENT_BYTES, max_bytes=64 * SEGMENT_BYTES) as journal:
        for number in range(CALLS):
            for record in records.call(f"call-{number}"):
                journal.append(to_pack(record))
    whole = _read(original)[0]
    found = Torn()
    for number in range(offsets):
        copy = folder / f"damaged-{number}"
        shutil.copytree(original, copy)
        _damage_and_judge(copy, whole, dice, found)
        shutil.rmtree(copy)
    return found


def _damage_and_judge(
    copy: Path, whole: list[tuple[Cursor, bytes]], dice: random.Random, found: Torn
) -> None:
    segment = dice.choice([name for name in files.segments(copy) if files.file_bytes(copy, name) > 4096])
    path = copy / str(segment)
    data = bytearray(path.read_bytes())
    offset = dice.randrange(len(data))
    cut = dice.random() < 0.5
    if cut:
        del data[offset:]
    else:
        data[offset] ^= 1 << dice.randrange(8)
    path.write_bytes(data)
    with Journal(copy, segment_bytes=SEGMENT_BYTES, max_bytes=64 * SEGMENT_BYTES) as journal:
        journal.append(b"after")
        found.opened += 1
    left, told = _read(copy)
    assert left[-1][1] == b"after"
    _judge(found, whole, left[:-1], told, (segment.number, offset), cut)


def _judge(
    found: Torn,
    whole: list[tuple[Cursor, bytes]],
    left: list[tuple[Cursor, bytes]],
    told: int,
    at: tuple[int, int],
    cut: bool,
) -> None:
    kept = set(left)
    if kept - set(whole):
        found.wrong.append(f"read what was never written, after damage at {at}")
    lost = [cursor for cursor, payload in whole if (cursor, payload) not in kept]
    found.with_loss += bool(lost)
    found.reported += bool(lost and told)
    # A cursor stands behind its record: a record can be hit only if it ends behind the damage, in the same segment.
    unhit = [cursor for cursor in lost if cursor.segment != at[0] or cursor.offset <= at[1]]
    if unhit:
        found.wrong.append(f"lost {unhit[0]} to damage at {at}")
    if not cut:
        found.most_lost = max(found.most_lost, len(lost))
        if len(lost) > 1:
            found.wrong.append(f"one bit at {at} cost {len(lost)} records")


def _read(folder: Path) -> tuple[list[tuple[Cursor, bytes]], int]:
    with Reader(folder, START, writer_gone=True) as reader:
        found: list[tuple[Cursor, bytes]] = []
        while batch := reader.read(1000):
            found += batch
        return found, len(reader.damaged)
