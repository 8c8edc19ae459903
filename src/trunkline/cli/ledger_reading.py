"""The ledger as commands see it: brought up to date first when no console does that.

Not for: what is read (`ledger/query.py`, `ledger/usage.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trunkline.control.state import State


def up_to_date(state: State) -> None:
    """Drains what the journal still holds, unless a console is at it (then it is at most a moment behind)."""
    from trunkline.control.child import is_alive
    from trunkline.control.claim import read_pid

    if is_alive(read_pid(state.console_pid)) or not state.journal.is_dir():
        return
    import time

    from trunkline.journal.spend import FILE_NAME
    from trunkline.ledger.drain import Drain, DrainBusy
    from trunkline.ledger.spent import kept_book

    try:
        book = kept_book(state.journal, state.ledger, state.path / FILE_NAME, time.time_ns() // 1000)
        drain = Drain(state.journal, state.ledger, book=book)
    except DrainBusy:
        return
    try:
        while drain.step():
            continue
    finally:
        drain.close()
