"""The laws of the journal: nothing acknowledged is lost to `kill -9`, and damage costs only what was hit.

These are the experiments K1 and K3 of the acceptance battery, without the gateway around the journal."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from trunkline.journal.append import Journal
from trunkline.journal.files import segments
from trunkline.journal.reader import Cursor, Reader, discard
from trunkline.journal.segment import HEAD_BYTES, HEADER_BYTES, record_bytes

PAGE = os.sysconf("SC_PAGESIZE")
ROUNDS_OF_DAMAGE = 250
"""A thousand are experiment K3 of the battery."""
KILLS = 20

WRITER = """
import sys
from pathlib import Path
from trunkline.journal.append import Journal

journal = Journal(Path(sys.argv[1]), segment_bytes=65536, max_bytes=1 << 30)
journal.open()
number = int(sys.argv[2])
while True:
    journal.append(b"%d:" % number + b"x" * (number * 37 % 2000))
    sys.stdout.buffer.write(b"%d\\n" % number)
    sys.stdout.buffer.flush()
    number += 1
"""


@pytest.mark.row("Q2")
def test_kill_nine_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(9)
    read: list[int] = []
    following: list[int] = []
    appended = 0
    reader = Reader(tmp_path)
    for _ in range(KILLS):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(appended)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            for _ in range(chance.randrange(1, 600)):
                acknowledged = int(writer.stdout.readline())
                if acknowledged % 50 == 0:
                    following += [int(payload.split(b":")[0]) for _, payload in reader.read(40)]
            writer.kill()
            unread = writer.stdout.read().split(b"\n")[:-1]
        acknowledged = int(unread[-1]) if unread else acknowledged
        with Reader(tmp_path, writer_gone=True) as fresh:
            read = [int(payload.split(b":")[0]) for _, payload in fresh.read(1_000_000)]
        assert read == list(range(len(read)))
        # One more than acknowledged may be there: appended, and killed before it could be said.
        assert acknowledged < len(read) <= acknowledged + 2
        appended = len(read)
    with Journal(tmp_path, segment_bytes=65536, max_bytes=1 << 30) as journal:
        journal.append(b"%d:" % appended)
        following += [int(payload.split(b":")[0]) for _, payload in reader.read(1_000_000)]
    assert following == list(range(appended + 1))
    reader.close()


class Stored(NamedTuple):
    """Where a record of the undamaged journal lies."""

    segment: int
    start: int
    end: int
    payload: bytes


def build(folder: Path) -> list[Stored]:
    """A journal of two lives, the first of which was killed and left its last segment unsealed."""
    chance = random.Random(3)
    first = Journal(folder / "first", segment_bytes=2 * PAGE, max_bytes=100 * PAGE, background=False)
    first.open()
    for number in range(40):
        first.append(b"%d:" % number + chance.randbytes(chance.randrange(700)))
    shutil.copytree(folder / "first", folder / "whole")
    first.close()
    with Journal(folder / "whole", segment_bytes=2 * PAGE, max_bytes=100 * PAGE, background=False) as second:
        for number in range(40, 80):
            second.append(b"%d:" % number + chance.randbytes(chance.randrange(700)))
        shutil.copytree(folder / "whole", folder / "killed", ignore=shutil.ignore_patterns("lock"))
    with Reader(folder / "killed", writer_gone=True) as reader:
        records = reader.read(1000)
    assert len(records) == 80
    return [
        Stored(cursor.segment, cursor.offset - record_bytes(len(payload)), cursor.offset, payload)
        for cursor, payload in records
    ]


def hit(record: Stored, segment: int, offset: int, cut: bool) -> bool:
    """Whether this damage touched bytes that the record needs; padding is not needed."""
    needed = record.start + HEAD_BYTES + len(record.payload)
    return record.segment == segment and (offset < needed if cut else record.start <= offset < needed)


@pytest.mark.row("Q2")
def test_damage_at_random_places_costs_only_what_was_hit(tmp_path: Path) -> None:
    stored = build(tmp_path)
    chance = random.Random(1000)
    names = segments(tmp_path / "killed")
    folder = tmp_path / "damaged"
    for round_number in range(ROUNDS_OF_DAMAGE):
        shutil.copytree(tmp_path / "killed", folder)
        name = chance.choice(names)
        path = folder / str(name)
        offset = chance.randrange(path.stat().st_size)
        cut = round_number % 2 == 0
        if cut:
            os.truncate(path, offset)
        else:
            data = bytearray(path.read_bytes())
            data[offset] ^= 1 << chance.randrange(8)
            path.write_bytes(data)
        lost = [record for record in stored if hit(record, name.number, offset, cut)]
        kept = [record.payload for record in stored if record not in lost]
        story = f"round {round_number}: {name} {'cut' if cut else 'flipped'} at {offset}"

        journal = Journal(folder, segment_bytes=2 * PAGE, max_bytes=100 * PAGE, background=False)
        recovery = journal.open()
        journal.append(b"new life")
        reader = Reader(folder)
        assert [payload for _, payload in reader.read(1000)] == [*kept, b"new life"], story
        assert reader.read(1000) == [], story
        if lost:
            assert reader.damaged, story
            if not cut:
                assert reader.damaged[0].quarantined, story
        if offset < HEADER_BYTES:
            assert [damage.reason for damage in reader.damaged][:1] == ["header"], story
        if lost and name == names[-1]:
            assert recovery.damaged, story
        discard(folder, reader.cursor)
        reader.close()
        journal.close()
        shutil.rmtree(folder)


@pytest.mark.row("Q2")
def test_rubbish_in_the_folder_keeps_nothing_from_starting(tmp_path: Path) -> None:
    chance = random.Random(5)
    for number in range(1, 30):
        path = tmp_path / f"{number:012d}-{number:08x}.seg"
        path.write_bytes(chance.randbytes(chance.randrange(3000)))
    (tmp_path / "lock").write_bytes(b"rubbish")
    with Journal(tmp_path, segment_bytes=PAGE, max_bytes=100 * PAGE, background=False) as journal:
        journal.append(b"alive")
        with Reader(tmp_path, Cursor()) as reader:
            assert [payload for _, payload in reader.read(10)] == [b"alive"]
            assert len(reader.damaged) >= 29
