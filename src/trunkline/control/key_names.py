"""How keys are called, those too that have ended: for whoever shows or counts what was recorded by a key's id. Not for: anything
else of them (`keys.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from trunkline.control.state import State

REMEMBERED_S = 100 * 86_400.0
"""Longer than the months lie back whose spending is kept (`core/spend.py`)."""


def names(state: State) -> dict[str, str]:
    """The name of every key that ever was, by its id."""
    return {row["id"]: row["name"] for row in _rows(state)}


def former(state: State, living: Collection[str], now: float) -> dict[str, str]:
    """The names of keys that have ended lately, by id: of all but those that live."""
    ended = [row for row in _rows(state) if row["id"] not in living]
    return {row["id"]: row["name"] for row in ended if _ended_at(row, now) > now - REMEMBERED_S}


def _rows(state: State) -> list[Any]:
    from trunkline.ledger import control_tables as tables

    with state.view() as connection:
        return list(tables.all_keys(connection))


def _ended_at(row: Any, now: float) -> float:
    """When a key ended that does not live: by an order, by its time, or (killed, which no row tells yet) just now."""
    return min((end for end in (row["revoked_at"], row["expires_at"]) if end and end <= now), default=now)
