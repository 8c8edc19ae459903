"""Drains the journal into the day files: batch by batch, so that a crash at any instant loses nothing and doubles nothing.

Order of a batch: the day files (rows and hourly sums in one transaction each), then `rollups.db` (copies of the sums, and how
far we are), then whole journal segments are deleted. A crash in between replays the batch; final rows are never touched
again, so replaying is harmless. Not for waiting and trying again: `follow.py` does that.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
from sqlalchemy import Connection, Engine

from trunkline.core.codec import pack_decoder
from trunkline.core.record import Begin, End, Persons, Record
from trunkline.journal.files import segments
from trunkline.journal.reader import START, Cursor, Damage, Reader, discard
from trunkline.journal.spend import SpendBook
from trunkline.ledger import rollup, rows, unknown
from trunkline.ledger.days import DAY_US, Days, day_of
from trunkline.ledger.engine import BUSY_TIMEOUT_S, open_engine
from trunkline.ledger.fold import Folded, Running, fold, lost_begin
from trunkline.ledger.migrate import upgrade
from trunkline.ledger.rollup_tables import ROLLUPS

BATCH_RECORDS = 2000
CHECKPOINT_US = 5_000_000
"""A checkpoint of what was spent is written so often; after it the gateway reads the journal itself."""


class Source(Protocol):
    """What is needed of `journal.reader.Reader`."""

    damaged: list[Damage]

    def read(self, max_records: int) -> list[tuple[Cursor, bytes]]: ...
    def close(self) -> None: ...


class DrainBusy(Exception):
    """Another process drains into this ledger."""


class _Changes:
    """What a batch changes in one day's file."""

    def __init__(self) -> None:
        self.running: list[Running] = []
        self.ended: list[tuple[Begin, End]] = []
        self.persons: list[Persons] = []


class Drain:
    """The one writer of a ledger folder. `on_ended` hears of each call once it is final and committed."""

    def __init__(
        self,
        journal_folder: Path,
        ledger_folder: Path,
        *,
        read_from: Callable[[Path, Cursor], Source] = Reader,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        on_ended: Callable[[list[tuple[Begin, End]]], None] | None = None,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        book: SpendBook | None = None,
    ) -> None:
        """`book` is kept up with what was drained; the journal is let go only as far as its checkpoint goes."""
        ledger_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(ledger_folder)
        self._journal = journal_folder
        self._now_us = now_us
        self._on_ended = on_ended or (lambda ended: None)
        self._busy_timeout_s = busy_timeout_s
        self._decoder: msgspec.msgpack.Decoder[Record] = pack_decoder(cast(Any, Record))
        self._days = Days(ledger_folder, busy_timeout_s=busy_timeout_s)
        self._ledger = ledger_folder
        self._read_from = read_from
        self._rollups: Engine | None = None
        self._source: Source | None = None
        self._running: dict[str, Running] = {}
        self._revisions: dict[str, int] = {}
        self._dropped: set[str] = set()
        self._names: dict[str, rollup.Names] = {}
        self._stamp = 0
        self._book = book
        self._booked_us = 0
        self._let_go = 0
        self._batch: list[tuple[Cursor, bytes]] = []
        self._counted: list[tuple[Begin, End]] = []
        self.cursor = START
        self.drained_us = 0
        """When the newest record that was drained was written."""

    def step(self, max_records: int = BATCH_RECORDS) -> int:
        """Drain up to so many records; 0 when there is nothing new.

        Raises what the database raises, e.g. when it is locked; the next step then does the same batch again.
        """
        source = self._source or self.open()
        self._batch = self._batch or source.read(max_records)
        if not self._batch and not source.damaged:
            self._keep_book()
            return 0
        damaged = list(source.damaged)
        records, unreadable = self._decode(self._batch)
        folded = fold(records, self._running)
        changes = self._by_day(folded, [record for record in records if isinstance(record, Persons)])
        for day, change in sorted(changes.items()):
            self._counted += self._write_day(day, change)
            unknown.settle(self._days, change.ended)
        done = self._batch[-1][0] if self._batch else self.cursor
        newest_us = max((record.at_us for record in records), default=self.drained_us)
        self._commit(sorted(changes), done, newest_us, damaged + unreadable)
        self._settle(folded, done, newest_us, len(damaged))
        counted, self._counted = self._counted, []
        taken, self._batch = len(self._batch), []
        self._on_ended(counted)
        return taken

    def open(self) -> Source:
        """Take up where the last drain left off: what was running, and which sums were not copied any more."""
        copied: dict[str, int] = {}
        with self._rollup_engine().begin() as rollups:
            place = rollups.exec_driver_sql('SELECT segment, "offset", drained_us FROM progress').first()
            for day, revision, dropped in rollups.exec_driver_sql("SELECT day, revision, dropped FROM days"):
                self._revisions[day] = revision
                if dropped:
                    self._dropped.add(day)
            for day in self._days.list():
                if day in self._dropped:
                    self._days.drop(day)
                else:
                    self._take_up(day, rollups, copied)
        self._revisions |= copied
        if place:
            self.cursor, self.drained_us = Cursor(place[0], place[1]), place[2]
        self._source = self._read_from(self._journal, self._begin_of_journal())
        return self._source

    def running(self) -> int:
        """How many calls have begun and not ended, as far as was drained."""
        return len(self._running)

    def prune(self, day: str) -> None:
        """Drop a day: its file goes, its hourly sums stay, and it takes no more calls."""
        with self._rollup_engine().begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO days (day, revision, dropped) VALUES (?, 0, 1) "
                "ON CONFLICT (day) DO UPDATE SET dropped = 1",
                (day,),
            )
        self._dropped.add(day)
        self._running = {key: call for key, call in self._running.items() if day_of(call.begin.at_us) != day}
        self._days.drop(day)

    def days(self) -> list[str]:
        """The days that have a file, oldest first."""
        return self._days.list()

    def close(self) -> None:
        if self._book:
            self._keep_book(at_once=True)
            self._book.close()
        if self._source:
            self._source.close()
        if self._rollups:
            self._rollups.dispose()
        self._days.close()
        os.close(self._lock)

    def _rollup_engine(self) -> Engine:
        if self._rollups is None:
            engine = open_engine(self._ledger / ROLLUPS, busy_timeout_s=self._busy_timeout_s)
            upgrade(engine, "rollup")
            self._rollups = engine
        return self._rollups

    def _begin_of_journal(self) -> Cursor:
        """Where to read on; from the start when the journal is younger than our place in it, because it was made anew."""
        numbers = [name.number for name in segments(self._journal)]
        if numbers and self.cursor.segment > max(numbers) + 1:
            return START
        return self.cursor

    def _take_up(self, day: str, rollups: Connection, copied: dict[str, int]) -> None:
        with self._days.engine(day).begin() as connection:
            for call in rows.load_running(connection):
                self._running[call.begin.call_id] = call
            stamp = connection.exec_driver_sql("SELECT max(changed_us) FROM calls").scalar_one() or 0
            self._stamp = max(self._stamp, stamp)
            self._copy(day, connection, rollups, copied)

    def _decode(self, batch: list[tuple[Cursor, bytes]]) -> tuple[list[Record], list[Damage]]:
        records, unreadable = [], []
        for cursor, payload in batch:
            try:
                records.append(self._decoder.decode(payload))
            except msgspec.DecodeError:
                unreadable.append(Damage(str(cursor.segment), cursor.offset, len(payload), "unreadable"))
        return records, unreadable

    def _by_day(self, folded: Folded, persons: list[Persons]) -> dict[str, _Changes]:
        days: defaultdict[str, _Changes] = defaultdict(_Changes)
        for call in folded.running.values():
            if call:
                days[day_of(call.begin.at_us)].running.append(call)
        for ended in folded.ended.values():
            begin = ended.begin or self._lost_begin(ended.end)
            if begin:
                days[day_of(begin.at_us)].ended.append((begin, ended.end))
        for record in persons:
            days[day_of(record.at_us)].persons.append(record)
        return {day: change for day, change in days.items() if day not in self._dropped}

    def _lost_begin(self, end: End) -> Begin | None:
        """A stand-in for a begin that the journal has lost; None when the call stands in the ledger already."""
        begin = lost_begin(end)
        nearby = {day_of(at) for at in (begin.at_us, end.at_us, begin.at_us - DAY_US, end.at_us + DAY_US)}
        for day in nearby & set(self._days.list()):
            with self._days.engine(day).begin() as connection:
                if rows.final_ids(connection, [end.call_id]):
                    return None
        return begin

    def _write_day(self, day: str, change: _Changes) -> list[tuple[Begin, End]]:
        """Write a day's part of the batch; returns the calls that became final by it."""
        with self._days.engine(day).begin() as connection:
            ids = [begin.call_id for begin, _ in change.ended] + [
                call.begin.call_id for call in change.running
            ]
            known = rows.final_ids(connection, ids)
            fresh = [call for call in change.ended if call[0].call_id not in known]
            running = [call for call in change.running if call.begin.call_id not in known]
            stamp = rows.write(connection, running, fresh, max(self._stamp, self._now_us()))
            rows.write_persons(connection, change.persons)
            sums: rollup.Sums = {}
            for begin, end in fresh:
                rollup.add(sums, begin, end)
            names = self._names.pop(day, None) or rollup.load_names(connection)
            if sums:
                rollup.write(connection, rollup.bound(sums, names), stamp)
        self._names = {day: names, **self._names} if len(self._names) < 3 else {day: names}
        self._stamp = stamp
        return fresh

    def _commit(self, days: list[str], done: Cursor, newest_us: int, damaged: list[Damage]) -> None:
        copied: dict[str, int] = {}
        with self._rollup_engine().begin() as rollups:
            for day in days:
                with self._days.engine(day).begin() as connection:
                    self._copy(day, connection, rollups, copied)
            now = self._now_us()
            rollups.exec_driver_sql("INSERT OR REPLACE INTO progress VALUES (1, ?, ?, ?)", (*done, newest_us))
            for one in damaged:
                row = (one.segment, one.offset, one.size, one.reason, str(one.quarantined or ""), now)
                rollups.exec_driver_sql("INSERT OR IGNORE INTO damage VALUES (?, ?, ?, ?, ?, ?)", row)
        self._revisions |= copied

    def _copy(self, day: str, connection: Connection, rollups: Connection, copied: dict[str, int]) -> None:
        """Copy a day's changed sums; `copied` is believed once the transaction of the roll-ups has committed."""
        rollup.copy(connection, rollups, self._revisions.get(day, -1))
        newest = connection.exec_driver_sql("SELECT max(changed_us) FROM calls").scalar_one()
        if newest is not None:
            rollups.exec_driver_sql("INSERT OR REPLACE INTO days VALUES (?, ?, 0)", (day, newest))
            copied[day] = newest

    def _settle(self, folded: Folded, done: Cursor, newest_us: int, reported: int) -> None:
        """All is safe: remember it, and let go of what the journal need not keep any more."""
        for call_id, call in folded.running.items():
            if call:
                self._running[call_id] = call
            else:
                self._running.pop(call_id, None)
        assert self._source
        del self._source.damaged[:reported]
        self.cursor, self.drained_us = done, newest_us
        self._keep_book()
        needed = min(done, self._book.written) if self._book else done
        if needed.segment > self._let_go:
            discard(self._journal, needed)
            self._let_go = needed.segment

    def _keep_book(self, *, at_once: bool = False) -> None:
        """Bring the book up to where we are, and now and then write it down."""
        book, now = self._book, self._now_us()
        if book is None:
            return
        book.catch_up(self.cursor)
        due = abs(now - self._booked_us) >= CHECKPOINT_US or book.cursor.segment > book.written.segment
        if book.dirty and (due or at_once):
            with contextlib.suppress(OSError):  # the journal keeps what could not be written
                book.write()
            self._booked_us = now


def _lock(folder: Path) -> int:
    fd = os.open(folder / "drain.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise DrainBusy(f"another process drains the journal into {folder}; stop it first") from None
    return fd
