"""G2 at full size: a ledger of millions of calls, written straight into day files, and how long it takes to find one person in it.

The rows are as the drain writes them (`ledger/rows.py`), without a journal, which would take an hour. Not for: judging the drain.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from trunkline.control.state import State
from trunkline.core.persons import person_hash
from trunkline.ledger import rows
from trunkline.ledger.days import DAY_US, Days, day_of
from trunkline.ledger.engine import tidy
from trunkline.ledger.measure import BEGIN_US, synthetic
from trunkline.ledger.persons import PersonCalls

SUBJECT, EMAIL = "user_17", "jane@example.com"
CHUNK = 10_000


class Found(NamedTuple):
    """What was asked, and how long the slowest and the usual answer took."""

    calls: int
    vendors: int
    first_ms: float
    """Files not open yet."""
    usual_ms: float


class Answered(NamedTuple):
    """What `trunkline trace` told, and how long it took from its start to its end."""

    told: dict[str, Any]
    first_ms: float
    """Of the first, which nothing was read for before."""
    fastest_ms: float
    usual_ms: float
    processor_ms: float
    """What it would take on a machine that does nothing else."""


def fill(state: State, *, days: int, per_day: int, theirs: int) -> int:
    """Writes calls of other people with `theirs` of one person on each day, half of them known by what requests said; how many in all.

    One day is written call by call, the others are copies of its file: what is looked for stands in each.
    """
    state.ledger.mkdir(parents=True, exist_ok=True)
    ledger, marks = Days(state.ledger), _marks(state)
    engine = ledger.engine(day_of(BEGIN_US))
    for start in range(0, per_day, CHUNK):
        with engine.begin() as connection:
            _chunk(connection, range(start, min(per_day, start + CHUNK)), per_day // theirs, marks)
    tidy(engine)
    ledger.close()
    for n in range(1, days):
        copied = ledger.path(day_of(BEGIN_US - n * DAY_US))
        shutil.copyfile(ledger.path(day_of(BEGIN_US)), copied)
        _move(copied, n, marks)
    return days * per_day


def _move(path: Path, n: int, marks: list[str]) -> None:
    """The person's calls of a copied day happened on that day, and are calls of their own."""
    theirs = (
        "SELECT call_id FROM calls WHERE subject_hash = ? UNION SELECT call_id FROM persons WHERE person = ?"
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        for (call_id,) in connection.execute(theirs, marks).fetchall():
            moved = f"{call_id}-{n}"
            connection.execute(
                "UPDATE calls SET call_id = ?, begun_us = begun_us - ? WHERE call_id = ?",
                (moved, n * DAY_US, call_id),
            )
            for table in ("attempts", "persons"):
                connection.execute(f"UPDATE {table} SET call_id = ? WHERE call_id = ?", (moved, call_id))


def find(state: State) -> Found:
    """Asks for the person five times."""
    times = []
    for _ in range(5):
        persons = PersonCalls(state.ledger)
        start = time.perf_counter()
        found = persons.find(_marks(state))
        times.append((time.perf_counter() - start) * 1000)
        persons.close()
    vendors = {one.target.partition("/")[0] for one in found.received}
    return Found(found.calls, len(vendors), times[0], sorted(times)[2])


def answer(state: State, *who: str, times: int = 7) -> Answered:
    """Gives `trunkline trace` as a person would, on an installation whose modules are compiled, as those are that pip has made."""
    command = [sys.executable, "-m", "trunkline.cli", "trace", *who, "--json", "--state-dir", str(state.path)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([*command[:4], "--help"], env=environ, capture_output=True, check=True, timeout=60)
    took, told = [], b""
    for n in range(times + 1):
        if n == 1:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        told = subprocess.run(command, env=environ, capture_output=True, check=True, timeout=60).stdout
        took.append((time.perf_counter() - start) * 1000)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    first, *rest = took
    return Answered(
        json.loads(told), first, min(rest), sorted(rest)[len(rest) // 2], spent / len(rest) * 1000
    )


def _marks(state: State) -> list[str]:
    return [person_hash(state.keys["subject_salt"], one) for one in (SUBJECT, EMAIL)]


def _chunk(connection: Connection, numbers: range, every: int, marks: list[str]) -> None:
    subject, email = marks
    pairs, ties = [], []
    for i in numbers:
        begin, end = synthetic(i)
        begin.call_id = end.call_id = f"call-{i:07d}"
        begin.at_us, begin.simulated = BEGIN_US + i, False
        begin.subject_hash = f"{(i * 2654435761) % (1 << 40):032x}"
        end.tried[0].target = begin.target
        if i % every == 0:
            ties += [(email, begin.call_id, "request")] if i % (2 * every) else []
            begin.subject_hash = subject if not i % (2 * every) else begin.subject_hash
        pairs.append((begin, end))
    rows.write(connection, (), pairs, BEGIN_US)
    if ties:
        connection.exec_driver_sql("INSERT INTO persons VALUES (?, ?, ?)", ties)
