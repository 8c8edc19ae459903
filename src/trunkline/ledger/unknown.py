"""Calls of unknown outcome: how many are open, and writing down what was found out about one.

The only writes to a call's row besides the drain's, and to columns that the drain never touches. Not for: who may say so, and
telling the gateway (`control/unknown.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from trunkline.core.errors import KINDS
from trunkline.core.idempotency import AGAIN, SETTLED
from trunkline.core.record import Begin, End
from trunkline.ledger.day_tables import calls
from trunkline.ledger.days import DAY_US, Days, day_of
from trunkline.ledger.usage import Rollups

_LONGEST_DAYS = 32
"""No key lives longer, so that no later call can settle an earlier one."""
_LONGEST_CHAIN = 20
"""Calls under one key that stayed in doubt one after the other."""


def open_count(folder: Path, rollups: Rollups) -> int:
    """Calls whose outcome nobody knows. The roll-ups tell which days have any."""
    days = Days(folder, read_only=True)
    there = set(days.list())
    query = select(text("count(*)")).select_from(calls)
    query = query.where(text("state = 'outcome_unknown' AND state <> 'ok' AND resolution = ''"))
    found = 0
    try:
        for day in sorted(there & rollups.unknown_days()):
            try:
                with days.engine(day).connect() as connection:
                    found += connection.execute(query).scalar_one()
            except OperationalError as fault:
                # A file that is just being dropped, or was not upgraded yet.
                if "no such" not in str(fault.orig) and "unable to open" not in str(fault.orig):
                    raise
    finally:
        days.close()
    return found


def resolve(
    folder: Path, begun_us: int, call_id: str, resolution: str, *, by: str, note: str, now_us: int
) -> bool:
    """Writes the resolution of one call; False if its day holds it no more."""
    days = Days(folder)
    day = day_of(begun_us)
    try:
        return day in days.list() and _write(days, day, call_id, resolution, by, note, now_us)
    finally:
        days.close()


def settle(days: Days, ended: Iterable[tuple[Begin, End]]) -> None:
    """Where a call went out again under the key of one in doubt and brought the vendor's answer, that answers both.

    Harmless to do twice; what a person has said stays.
    """
    for begin, end in ended:
        if AGAIN not in end.notes or not _is_answer(end):
            continue
        note = f"the same request with the same key was answered: call {end.call_id}"
        oldest = day_of(begin.at_us - _LONGEST_DAYS * DAY_US)
        notes: str | None = end.notes
        for _ in range(_LONGEST_CHAIN):
            earlier = next((n[3:] for n in (notes or "").split(";") if n.startswith("of=")), "")
            day = _day_of(days, earlier, oldest) if earlier else None
            if day is None:
                break
            _write(days, day, earlier, SETTLED, "a later call", note, end.at_us, over_people=False)
            notes = _notes(days, day, earlier)


def _day_of(days: Days, call_id: str, oldest: str) -> str | None:
    """The day whose file holds a call, among those that are not too old."""
    for day in reversed(days.list()):
        if day < oldest:
            return None
        if _notes(days, day, call_id) is not None:
            return day
    return None


def _notes(days: Days, day: str, call_id: str) -> str | None:
    with days.engine(day).begin() as connection:
        return connection.execute(select(calls.c.notes).where(calls.c.call_id == call_id)).scalar()


def _is_answer(end: End) -> bool:
    """The vendor's last word: an answer, or a refusal that blames the request."""
    kind = KINDS.get(end.code)
    return end.state == "ok" or (kind is not None and kind.who == "caller" and not kind.acted)


def _write(
    days: Days,
    day: str,
    call_id: str,
    resolution: str,
    by: str,
    note: str,
    now_us: int,
    *,
    over_people: bool = True,
) -> bool:
    change = update(calls).where(calls.c.call_id == call_id, calls.c.state != "running")
    if not over_people:
        change = change.where(calls.c.resolution == "")
    values = {
        "resolution": resolution,
        "resolved_us": now_us,
        "resolved_by": by,
        "resolution_note": note,
    }
    with days.engine(day).begin() as connection:
        return connection.execute(change.values(values)).rowcount > 0
