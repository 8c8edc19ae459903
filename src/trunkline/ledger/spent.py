"""The checkpoint of what was spent, made anew from the roll-ups: after a restore, or when the file is lost or broken.

The roll-ups know hours, which lie in UTC days and months as windows do, and how far the journal was drained into them. Not for
keeping the checkpoint up with the journal (`journal/spend.py`, called by `drain.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.exc import DatabaseError

from trunkline.core.scope import Labels, model_label
from trunkline.core.spend import Spend, charge, window
from trunkline.journal.files import segments
from trunkline.journal.reader import Cursor
from trunkline.journal.spend import SpendBook, write_checkpoint
from trunkline.ledger.engine import open_engine
from trunkline.ledger.rollup import HOUR_US
from trunkline.ledger.rollup_tables import ROLLUPS, hours, progress

_WHO = ("key_id", "team", "feature", "integration", "model", "hour")


def kept_book(journal: Path, ledger: Path, checkpoint: Path, now_us: int) -> SpendBook:
    """The book to be kept by whoever drains; its checkpoint is made from the roll-ups if it has none that can be used."""
    book = SpendBook(journal, checkpoint)
    if book.found or not made_anew(journal, ledger, checkpoint, now_us):
        return book
    book.close()
    return SpendBook(journal, checkpoint)


def made_anew(journal: Path, ledger: Path, checkpoint: Path, now_us: int) -> bool:
    """Writes the checkpoint as the roll-ups have it; False, with nothing written, where nothing was drained yet."""
    read = _read(ledger, now_us)
    if read is None:
        return False
    spend, place = read
    numbers = [name.number for name in segments(journal)]
    # As the drain judges: a journal younger than our place in it was made anew, and is read from its begin.
    anew = not numbers or place.segment > max(numbers) + 1
    write_checkpoint(checkpoint, spend, Cursor() if anew else place)
    return True


def _read(ledger: Path, now_us: int) -> tuple[Spend, Cursor] | None:
    path = ledger / ROLLUPS
    if not path.exists():
        return None
    engine = open_engine(path, read_only=True)
    try:
        with engine.connect() as connection:
            place = connection.execute(select(progress.c.segment, progress.c.offset)).first()
            since = window("month", window("month", now_us).start_us - 1).start_us
            rows = connection.execute(_sums(since // HOUR_US)).all() if place else []
    except DatabaseError:
        return None
    finally:
        engine.dispose()
    if place is None:
        return None
    spend = Spend()
    for row in rows:
        model = model_label(row.integration, row.model)
        labels = Labels(row.key_id, row.team, row.feature, row.integration, model)
        unpriced = row.unpriced if row.model and row.state == "ok" else 0
        spent = charge(row.cost_usd, row.wasted_usd)
        if spent or unpriced:
            spend.add(row.hour * HOUR_US, labels, spent, unpriced)
    return spend, Cursor(place.segment, place.offset)


def _sums(since_hour: int) -> Select[Any]:
    who = [hours.c[name] for name in _WHO]
    sums = [func.sum(hours.c[name]).label(name) for name in ("cost_usd", "wasted_usd", "unpriced")]
    chosen = select(*who, hours.c.state, *sums).where(hours.c.hour >= since_hour)
    return chosen.group_by(*who, hours.c.state).order_by(hours.c.hour)
