"""Adds up ended calls per hour and per what they have in common. Pure up to the two functions that write.

A call is counted in the transaction that makes its row final, in the same file, so that neither a crash nor a replay of the journal
counts it twice; `rollups.db` gets copies of the sums, never increments.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from trunkline.core.pricing import FEMTO, KINDS, TOLD, lacks_price
from trunkline.core.record import Begin, End
from trunkline.core.spend import beside
from trunkline.ledger.histogram import bucket
from trunkline.ledger.hour_columns import COUNTS, DIMENSIONS, LATENCY, METRICS, MONEY, PARTS

HOUR_US = 3_600_000_000
ERROR_STATES = frozenset(("error", "truncated", "outcome_unknown"))
_FIRST_LATENCY = len(COUNTS) + len(MONEY)
_FIRST_PART = _FIRST_LATENCY + len(LATENCY)
_INPUT, _CACHED, _WRITTEN, _OUTPUT, _REASONING, _TOOLS, _OTHER = range(_FIRST_PART, _FIRST_PART + len(PARTS))
_PLACE = {
    kind: _CACHED if kind.endswith("cached") else _WRITTEN if kind.startswith("cache_write") else
    _REASONING if kind == "reasoning" else _OUTPUT if kind.endswith("output") else _INPUT
    for kind in KINDS
}  # fmt: skip
_COLUMNS = (*DIMENSIONS, *METRICS, "revision")

Sums = dict[tuple[Any, ...], list[Any]]
"""Dimensions -> metrics, in the order of `hour_columns`."""

Names = dict[int, set[str]]
"""Place among the dimensions -> the names seen there on one day."""

MAX_NAMES = 1000
OTHER = "(other)"
BOUNDED = (DIMENSIONS.index("model"), DIMENSIONS.index("feature"))


def add(sums: Sums, begin: Begin, end: End) -> None:
    """Count one ended call. Its integration and model are those that served it last; as the caller named them if none did."""
    integration, model = served(begin, end)
    key = (
        begin.at_us // HOUR_US,
        integration,
        begin.operation,
        model,
        begin.team,
        begin.feature,
        begin.key_id,
        end.state,
        end.status // 100,
        end.code,
        int(begin.simulated),
    )
    row = _row(sums, key)
    row[0] += 1
    row[1] += end.state in ERROR_STATES
    row[2] += len(end.tried)
    row[3] += begin.bytes_in
    row[4] += end.bytes_out
    row[5] += max(end.input_tokens, 0)
    row[6] += max(end.output_tokens, 0)
    row[7] += end.cached_tokens
    row[8] += end.cache_write_tokens
    row[9] += end.reasoning_tokens
    row[10] += end.cost_usd < 0 or lacks_price(end.parts)
    row[11] += end.duration_us
    row[12] += max(end.cost_usd, 0.0)
    row[13] += beside(end.wasted_usd, end.wasted_elsewhere)
    for what, units, femto in end.parts:
        if femto > 0:
            row[_PLACE.get(what) or (_TOOLS if model and what != TOLD else _OTHER)] += units * femto / FEMTO
    if end.duration_us > 0:
        row[_FIRST_LATENCY + bucket(end.duration_us)] += 1
    for target, cost_usd in end.wasted_elsewhere.items():
        integration, model = at(target, begin)
        _row(sums, (key[0], integration, key[2], model, *key[4:]))[13] += cost_usd


def _row(sums: Sums, key: tuple[Any, ...]) -> list[Any]:
    row = sums.get(key)
    if row is None:
        row = sums[key] = [0] * len(METRICS)
    return row


def served(begin: Begin, end: End) -> tuple[str, str]:
    """The integration and model of the last attempt. Without an attempt the model is empty: a caller may name anything."""
    if not end.tried:
        return begin.integration, ""
    return at(end.tried[-1].target, begin)


def at(target: str, begin: Begin) -> tuple[str, str]:
    """The integration and model of a target of a call."""
    integration, _, model = target.partition("/")
    return integration, model or begin.model


def load_names(connection: Connection) -> Names:
    """The models and features that a day is counted by so far."""
    return {
        place: set(connection.exec_driver_sql(f"SELECT DISTINCT {DIMENSIONS[place]} FROM hours").scalars())
        for place in BOUNDED
    }


def bound(sums: Sums, names: Names) -> Sums:
    """The same sums with no more than `MAX_NAMES` models and features a day; what is beyond is `OTHER`. Adds to `names`.

    Callers choose these names; one that sends a new one with each call must not make the roll-ups as large as the calls.
    """
    bounded: Sums = {}
    for key, row in sums.items():
        changed = list(key)
        for place, known in names.items():
            if key[place] not in known and len(known) >= MAX_NAMES:
                changed[place] = OTHER
            else:
                known.add(key[place])
        there = bounded.setdefault(tuple(changed), [0] * len(METRICS))
        for i, value in enumerate(row):
            there[i] += value
    return bounded


def write(connection: Connection, sums: Sums, revision: int) -> None:
    """Add increments to a day's `hours`."""
    connection.exec_driver_sql(_ADD, [(*key, *row, revision) for key, row in sums.items()])


def copy(day: Connection, rollups: Connection, since: int) -> None:
    """Bring the sums of a day that changed after revision `since` into the roll-ups."""
    rows = [tuple(row) for row in day.exec_driver_sql(_CHANGED, (since,))]
    if rows:
        rollups.exec_driver_sql(_REPLACE, rows)


_NAMES = ", ".join(_COLUMNS)
_MARKS = ", ".join("?" * len(_COLUMNS))
_CHANGED = f"SELECT {_NAMES} FROM hours WHERE revision > ?"
_REPLACE = f"INSERT OR REPLACE INTO hours ({_NAMES}) VALUES ({_MARKS})"
_ADD = (
    f"INSERT INTO hours ({_NAMES}) VALUES ({_MARKS}) ON CONFLICT ({', '.join(DIMENSIONS)}) DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in METRICS)
    + ", revision = excluded.revision"
)
