"""Segments of sampled bodies: sealed, read once, bounded in room and time; a torn or damaged record costs itself and no more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from trunkline.journal import bodies
from trunkline.journal.bodies import Reader, Writer

KEY = b"answer key of the tests, 32 byte"
NOW = 1_795_262_400.0
BODY = b'{"email":"jane.doe@example.com"}'


def writer(folder: Path, **given: float) -> Writer:
    made = Writer(folder, KEY, **given)  # type: ignore[arg-type]
    made.open()
    return made


def names(folder: Path) -> list[str]:
    return [one.path.name for one in bodies.segments(folder)]


def test_what_is_written_is_read_once_in_its_order(tmp_path: Path) -> None:
    out, into = writer(tmp_path), Reader(tmp_path, KEY)
    for n in range(5):
        out.append(b"%d" % n, NOW)
    assert into.read(3) == [b"0", b"1", b"2"]
    assert into.read(3) == [b"3", b"4"]
    assert into.read(3) == []
    out.append(b"5", NOW)
    assert into.read(3) == [b"5"]


def test_nothing_readable_lies_on_the_disk_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "bodies"
    out = writer(folder)
    out.append(BODY, NOW)
    out.seal()
    (segment,) = bodies.segments(folder)
    assert b"jane" not in segment.path.read_bytes()
    assert (folder.stat().st_mode & 0o777, segment.path.stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_segment_is_deleted_once_all_of_it_was_looked_at(tmp_path: Path) -> None:
    out, into = writer(tmp_path), Reader(tmp_path, KEY)
    out.append(BODY, NOW)
    out.seal()
    assert into.read(10) == [BODY]
    assert names(tmp_path) == ["000000000001.bodies"]  # not yet: a looker may still fail
    into.settle()
    assert names(tmp_path) == []
    out.append(b"next", NOW)
    assert into.read(10) == [b"next"]


def test_what_was_looked_at_is_not_read_again_after_a_restart(tmp_path: Path) -> None:
    out, into = writer(tmp_path), Reader(tmp_path, KEY)
    out.append(b"1", NOW)
    into.read(10)
    into.settle()
    out.append(b"2", NOW)
    assert Reader(tmp_path, KEY).read(10) == [b"2"]


def test_what_was_read_but_not_looked_at_is_read_again_after_a_crash(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.append(b"1", NOW)
    Reader(tmp_path, KEY).read(10)
    assert Reader(tmp_path, KEY).read(10) == [b"1"]


def test_a_writer_that_starts_again_goes_on_behind_what_was_looked_at(tmp_path: Path) -> None:
    out, into = writer(tmp_path), Reader(tmp_path, KEY)
    out.append(b"1", NOW)
    out.seal()
    into.read(10)
    into.settle()
    assert names(tmp_path) == []
    again = writer(tmp_path)
    again.append(b"2", NOW)
    assert Reader(tmp_path, KEY).read(10) == into.read(10) == [b"2"]


def test_what_a_dead_writer_left_is_complete_up_to_its_torn_end(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.append(b"1", NOW)
    out.append(b"2", NOW)
    path = tmp_path / "000000000001.live"
    path.write_bytes(path.read_bytes()[:-3])
    into = Reader(tmp_path, KEY)
    assert into.read(10) == [b"1"]  # the writer might be alive and in the middle of the second
    assert into.damaged == 0
    writer(tmp_path).append(b"3", NOW)
    assert into.read(10) == [b"3"]
    assert into.damaged == 1
    into.settle()
    assert names(tmp_path) == ["000000000002.live"]


def test_a_damaged_record_costs_itself_alone(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.append(b"1" * 100, NOW)
    middle = (tmp_path / "000000000001.live").stat().st_size + 60
    out.append(b"2" * 100, NOW)
    out.append(b"3" * 100, NOW)
    path = tmp_path / "000000000001.live"
    content = bytearray(path.read_bytes())
    content[middle] ^= 1
    path.write_bytes(content)
    into = Reader(tmp_path, KEY)
    assert into.read(10) == [b"1" * 100, b"3" * 100]
    assert into.damaged == 1


def test_a_segment_moved_to_another_number_does_not_open(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.append(BODY, NOW)
    out.seal()
    (tmp_path / "000000000001.bodies").rename(tmp_path / "000000000007.bodies")
    into = Reader(tmp_path, KEY)
    assert into.read(10) == []
    assert into.damaged == 1


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.append(BODY, NOW)
    into = Reader(tmp_path, b"another key of the tests 32 byte")
    assert into.read(10) == []
    assert into.damaged == 1


def test_any_bytes_are_read_without_a_failure(tmp_path: Path) -> None:
    chance = random.Random(4)
    out = writer(tmp_path)
    for n in range(8):
        out.append(b"%d" % n * 40, NOW)
    out.seal()
    whole = (tmp_path / "000000000001.bodies").read_bytes()
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        (tmp_path / "000000000001.bodies").write_bytes(content[: chance.randint(0, len(content))])
        found = Reader(tmp_path, KEY).read(100)
        assert {record[:1] for record in found} <= {b"%d" % n for n in range(8)}
        assert all(record == record[:1] * 40 for record in found)


def test_a_segment_is_completed_by_time_and_by_size(tmp_path: Path) -> None:
    out = writer(tmp_path, segment_bytes=1000, segment_s=60.0)
    out.append(b"1", NOW)
    out.tend(NOW + 59)
    assert names(tmp_path) == ["000000000001.live"]
    out.tend(NOW + 60)
    assert names(tmp_path) == ["000000000001.bodies"]
    out.append(b"x" * 2000, NOW + 61)
    out.append(b"2", NOW + 61)
    assert names(tmp_path) == ["000000000001.bodies", "000000000002.bodies", "000000000003.live"]


def test_what_nobody_looks_at_expires(tmp_path: Path) -> None:
    out = writer(tmp_path, keep_s=3600.0)
    out.append(b"1", NOW)
    out.tend(NOW + 3600)
    assert len(names(tmp_path)) == 1
    out.tend(NOW + 3601)
    assert names(tmp_path) == []
    assert out.unseen == 1


def test_the_oldest_goes_when_there_is_no_room(tmp_path: Path) -> None:
    out = writer(tmp_path, segment_bytes=1000, max_bytes=4000)
    for n in range(8):
        out.append(bytes([n]) * 1000, NOW + n)
    assert bodies.held_bytes(tmp_path) <= 4000 + 2200
    found = Reader(tmp_path, KEY).read(100)
    assert found[-1] == bytes([7]) * 1000
    assert found[0] != bytes([0]) * 1000
    assert out.unseen == 8 - len(found)


def test_a_clock_that_was_set_back_keeps_nothing_for_longer(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.append(b"1", NOW)
    out.tend(NOW - 7200)
    assert names(tmp_path) == []


def test_all_can_be_deleted_at_once(tmp_path: Path) -> None:
    out = writer(tmp_path, segment_bytes=1000)
    for n in range(4):
        out.append(bytes([n]) * 1000, NOW)
    assert out.clear() == 4
    assert names(tmp_path) == []
    out.append(b"after", NOW)
    assert Reader(tmp_path, KEY).read(10) == [b"after"]


def test_a_payload_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="longer than"):
        writer(tmp_path).append(bytes(bodies.RECORD_MAX + 1), NOW)


def test_how_much_waits_is_known(tmp_path: Path) -> None:
    out, into = writer(tmp_path), Reader(tmp_path, KEY)
    assert into.waiting() == 0
    out.append(b"x" * 500, NOW)
    assert into.waiting() > 500
    into.read(10)
    into.settle()
    assert into.waiting() == 0
