"""The calls of a person, over all days: by their subject, and by whom requests were about. Reads day files; a person is keyed hashes.

Also writes down whom sampled calls were about, and takes a person out of the ledger. Not for: who may ask (`control/trace.py`), nor
for calls in general (`query.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from trunkline.ledger.days import Days, day_of
from trunkline.ledger.engine import reader, tidy

T = TypeVar("T")
AT_ONCE = 8
"""Days."""
MOST_CALLS = 50_000
"""More calls of one person are counted, and not told one by one."""


class Received(NamedTuple):
    """One attempt by which an integration got data of a person; or a call that was sent nowhere (`target` empty)."""

    call_id: str
    at_us: int
    correlation_id: str
    target: str
    vendor_request_id: str
    sent: bool
    status: int
    simulated: bool
    feature: str
    source: str
    """How the call is known to be theirs: `subject`, `request`, `sample`, `answer`."""


class Found(NamedTuple):
    """What a ledger knows of a person."""

    received: list[Received]
    calls: int
    since: str
    """The first day that the ledger still holds; empty for an empty one."""
    more: bool
    """There are more calls than are told."""


class Tie(NamedTuple):
    """A sampled call is about a person."""

    person: str
    call_id: str
    at_us: int
    source: str


class Erased(NamedTuple):
    """What was taken out, or would be."""

    calls: int
    ties: int


Query = Callable[[str, tuple[Any, ...]], Iterable[Any]]
"""Runs a statement with its values."""

_SUBJECT = "SELECT call_id, 'subject' FROM calls INDEXED BY calls_subject WHERE subject_hash <> '' AND subject_hash IN ({})"
_TIED = "SELECT call_id, source FROM persons WHERE person IN ({})"
_ATTEMPTS = (
    "SELECT c.call_id, c.begun_us, c.correlation_id, a.target, a.vendor_request_id, a.sent, a.status, c.simulated, c.feature, c.notes "
    "FROM calls c LEFT JOIN attempts a ON a.call_id = c.call_id WHERE c.call_id IN ({}) ORDER BY c.begun_us, c.call_id, a.n"
)
_RANK = ("subject", "request", "sample", "answer")
_CHUNK = 500


class PersonCalls:
    """The days of one ledger folder; close it to let go of the files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._days = Days(folder, read_only=True)

    def find(self, hashes: Sequence[str], *, most: int = MOST_CALLS) -> Found:
        """Everything that stands under these hashes, oldest first."""
        days = self._days.list()
        found: list[Received] = []
        calls = 0
        for day, (theirs, received) in self._each(days, lambda query: _few(query, hashes)).items():
            room = max(0, most - calls)
            calls += len(theirs)
            found += received if len(theirs) <= min(room, _CHUNK) else self._some(day, theirs, room)
        return Found(found, calls, days[0] if days else "", calls > most)

    def call_ids(self, hashes: Sequence[str]) -> set[str]:
        """The ids of all calls that stand under these hashes."""
        by_day = self._each(self._days.list(), lambda query: _theirs(query, hashes))
        return {call_id for theirs in by_day.values() for call_id in theirs}

    def _some(self, day: str, theirs: dict[str, str], room: int) -> list[Received]:
        some = dict(list(theirs.items())[:room])
        return self._one(day, lambda query: _received(query, some)) or []

    def _each(self, days: Sequence[str], ask: Callable[[Query], T]) -> dict[str, T]:
        """What each day answers, in the order of days. Several are asked at once: a day that nobody read lately waits for the disk."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = threads.map(lambda day: self._one(day, ask), days)
            return {day: answer for day, answer in zip(days, answers, strict=True) if answer is not None}

    def _one(self, day: str, ask: Callable[[Query], T]) -> T | None:
        try:
            with closing(reader(self._days.path(day))) as connection:
                return ask(connection.execute)
        except sqlite3.OperationalError as fault:
            # A file that is just being made, or was just dropped, has no calls.
            if "no such" not in str(fault) and "unable to open" not in str(fault):
                raise
            return None

    def erase(self, hashes: Sequence[str], *, act: bool) -> Erased:
        """Takes a person out: no hash of theirs stays, and their calls lose every word that a caller chose. Without `act` only counts.

        The calls stay as figures: when, which integration, how it went, what it cost.
        """
        writing = Days(self._folder, read_only=not act)
        calls = ties = 0
        try:
            for day in writing.list():
                with writing.engine(day).begin() as connection:
                    theirs = _theirs(connection.exec_driver_sql, hashes)
                    calls += len(theirs)
                    ties += _count(connection, hashes)
                    if act and theirs:
                        _blank(connection, hashes, list(theirs))
                if act and theirs:
                    tidy(writing.engine(day))
        finally:
            writing.close()
        return Erased(calls, ties)

    def close(self) -> None:
        self._days.close()


def tie(folder: Path, ties: Iterable[Tie]) -> None:
    """Writes down whom sampled calls were about; only into days that there are."""
    by_day: dict[str, list[tuple[str, str, str]]] = {}
    for one in ties:
        by_day.setdefault(day_of(one.at_us), []).append((one.person, one.call_id, one.source))
    days = Days(folder)
    try:
        for day in by_day.keys() & set(days.list()):
            with days.engine(day).begin() as connection:
                connection.exec_driver_sql("INSERT OR IGNORE INTO persons VALUES (?, ?, ?)", by_day[day])
    finally:
        days.close()


def _theirs(query: Query, hashes: Sequence[str]) -> dict[str, str]:
    """Call ids with the best reason why each is theirs."""
    marks = _marks(hashes)
    found: dict[str, str] = {}
    for statement in (_SUBJECT, _TIED):
        for call_id, source in query(statement.format(marks), tuple(hashes)):
            if call_id not in found or _RANK.index(source) < _RANK.index(found[call_id]):
                found[call_id] = source
    return found


def _few(query: Query, hashes: Sequence[str]) -> tuple[dict[str, str], list[Received]]:
    """The calls of a day, and what became of them where they are few."""
    theirs = _theirs(query, hashes)
    return theirs, _received(query, theirs) if len(theirs) <= _CHUNK else []


def _received(query: Query, theirs: dict[str, str]) -> list[Received]:
    found: list[Received] = []
    ids = list(theirs)
    for start in range(0, len(ids), _CHUNK):
        chunk = tuple(ids[start : start + _CHUNK])
        for row in query(_ATTEMPTS.format(_marks(chunk)), chunk):
            facts = (row[3] or "", row[4] or "", bool(row[5]), row[6] or 0, bool(row[7]), row[8])
            found.append(Received(row[0], row[1], row[2], *facts, theirs[row[0]]))
    return sorted(found, key=lambda one: (one.at_us, one.call_id))


def _count(connection: Connection, hashes: Sequence[str]) -> int:
    query = f"SELECT count(*) FROM persons WHERE person IN ({_marks(hashes)})"
    return int(connection.exec_driver_sql(query, tuple(hashes)).scalar_one())


def _blank(connection: Connection, hashes: Sequence[str], call_ids: Sequence[str]) -> None:
    marks = _marks(hashes)
    connection.exec_driver_sql("PRAGMA secure_delete = ON")
    connection.exec_driver_sql(f"DELETE FROM persons WHERE person IN ({marks})", tuple(hashes))
    for start in range(0, len(call_ids), _CHUNK):
        chunk = tuple(call_ids[start : start + _CHUNK])
        some = _marks(chunk)
        connection.exec_driver_sql(
            "UPDATE calls SET subject_hash = '', correlation_id = '', tags = '', path = '', message = '', resolution_note = '' "
            f"WHERE call_id IN ({some})",
            chunk,
        )
        connection.exec_driver_sql(
            f"UPDATE attempts SET message = '', vendor_request_id = '' WHERE call_id IN ({some})",
            chunk,
        )


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))
