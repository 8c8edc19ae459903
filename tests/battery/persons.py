"""G2 at full size: a ledger of millions of calls, written straight into day files, and how long it takes to find one person in it.

The rows are as the drain writes them (`ledger/rows.py`), without a journal, which would take an hour. Not for: judging the drain.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from trunkline.ledger import rows
from trunkline.ledger.days import DAY_US, Days, day_of
from trunkline.ledger.measure import BEGIN_US, synthetic
from trunkline.ledger.persons import PersonCalls

PERSON, DECLARED = "ab" * 16, "cd" * 16
CHUNK = 10_000


class Found(NamedTuple):
    """What was asked, and how long the slowest and the usual answer took."""

    calls: int
    vendors: int
    first_ms: float
    """Files not open yet."""
    usual_ms: float


def fill(folder: Path, *, days: int, per_day: int, theirs: int) -> int:
    """Writes calls of other people with `theirs` of one person on each day, half of them known by what requests said; how many in all."""
    ledger = Days(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(days):
        at_us = BEGIN_US - n * DAY_US
        engine = ledger.engine(day_of(at_us))
        for start in range(0, per_day, CHUNK):
            with engine.begin() as connection:
                _chunk(connection, n, at_us, range(start, min(per_day, start + CHUNK)), per_day // theirs)
    ledger.close()
    return days * per_day


def find(folder: Path) -> Found:
    """Asks for the person five times."""
    times = []
    for _ in range(5):
        persons = PersonCalls(folder)
        start = time.perf_counter()
        found = persons.find([PERSON, DECLARED])
        times.append((time.perf_counter() - start) * 1000)
        persons.close()
    vendors = {one.target.partition("/")[0] for one in found.received}
    return Found(found.calls, len(vendors), times[0], sorted(times)[2])


def _chunk(connection: Connection, n: int, at_us: int, numbers: range, every: int) -> None:
    pairs = []
    ties = []
    for i in numbers:
        begin, end = synthetic(i)
        begin.call_id = end.call_id = f"call-{n:03d}-{i:07d}"
        begin.at_us = at_us + i
        begin.subject_hash = f"{(i * 2654435761) % (1 << 40):032x}"
        end.tried[0].target = begin.target
        if i % every == 0:
            ties += [(DECLARED, begin.call_id, "request")] if i % (2 * every) else []
            begin.subject_hash = PERSON if not i % (2 * every) else begin.subject_hash
        pairs.append((begin, end))
    rows.write(connection, (), pairs, at_us)
    if ties:
        connection.exec_driver_sql("INSERT INTO persons VALUES (?, ?, ?)", ties)
