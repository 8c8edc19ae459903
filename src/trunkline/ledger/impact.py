"""What failed within a time, for one integration: sums by kind of failure, caller and feature, and since when it fails. Reads days only.

Counts the calls that named the integration. Not for: sums over hours and days (`usage.py`), nor single calls (`query.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Select, case, column, func, or_, select, text
from sqlalchemy.exc import OperationalError

from trunkline.ledger.day_tables import calls
from trunkline.ledger.days import DAY_US, Days, day_of

SUBJECTS_MAX = 100_000
LOOK_BACK_US = 2 * DAY_US
GROUPS = ("code", "state", "feature", "team", "key_id", "otherwise")
_INDEXED = text("calls INDEXED BY calls_integration")


class Impact:
    """Reads the days of one ledger folder; close it to let go of the files."""

    def __init__(self, folder: Path) -> None:
        self._days = Days(folder, read_only=True)

    def groups(self, integration: str, since_us: int, until_us: int) -> list[dict[str, Any]]:
        """One row for each combination of `GROUPS`, with `calls`, `repeated`, `cost_usd`, `wasted_usd`.

        `otherwise`: a fallback was tried; with the state `ok` it has answered.
        """
        names = [_otherwise().label(name) if name == "otherwise" else _column(name) for name in GROUPS]
        sums = [
            func.count().label("calls"),
            func.sum(case((_column("attempt_count") > 1, 1), else_=0)).label("repeated"),
            func.sum(func.coalesce(_column("cost_usd"), 0.0)).label("cost_usd"),
            func.sum(_column("wasted_usd")).label("wasted_usd"),
        ]
        query = select(*names, *sums).select_from(_INDEXED).where(*_within(integration, since_us, until_us))
        query = query.group_by(*(_column(name) for name in GROUPS if name != "otherwise"), _otherwise())
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in self._rows(query, since_us, until_us):
            values = dict(row._mapping)
            values["otherwise"] = bool(values["otherwise"])
            key = tuple(values[name] for name in GROUPS)
            known = found.setdefault(
                key, {**values, "calls": 0, "repeated": 0, "cost_usd": 0.0, "wasted_usd": 0.0}
            )
            for name in ("calls", "repeated", "cost_usd", "wasted_usd"):
                known[name] += values[name] or 0
        return list(found.values())

    def subjects(self, integration: str, since_us: int, until_us: int, codes: Collection[str]) -> int:
        """Distinct subjects (end users, by their hash) whose calls ended with one of these kinds; at most `SUBJECTS_MAX` are counted."""
        query = select(_column("subject_hash")).distinct().select_from(_INDEXED)
        query = query.where(
            *_within(integration, since_us, until_us),
            _column("code").in_(list(codes)),
            text("subject_hash <> ''"),
        ).limit(SUBJECTS_MAX)
        return len({row[0] for row in self._rows(query, since_us, until_us)})

    def failing_since(self, integration: str, at_us: int, codes: Collection[str]) -> int | None:
        """When the first call after the last good one failed, looking back two days at most; None if the last one was good."""
        since_us = at_us - LOOK_BACK_US
        within = _within(integration, since_us, at_us + 1)
        good = select(func.max(_column("begun_us"))).select_from(_INDEXED)
        good = good.where(*within, text("state = 'ok'"), ~_otherwise(), ~_column("notes").contains("cache="))
        lasts = [row[0] for row in self._rows(good, since_us, at_us) if row[0] is not None]
        after = max(lasts, default=since_us)
        bad = select(func.min(_column("begun_us"))).select_from(_INDEXED)
        bad = bad.where(
            *_within(integration, after + 1, at_us + 1), or_(_column("code").in_(list(codes)), _otherwise())
        )
        firsts = [row[0] for row in self._rows(bad, after, at_us) if row[0] is not None]
        return min(firsts, default=None)

    def close(self) -> None:
        self._days.close()

    def _rows(self, query: Select[Any], since_us: int, until_us: int) -> Iterator[Any]:
        """Asks each day; a file that is just being made, or was just dropped, has no calls."""
        first, last = day_of(since_us), day_of(until_us)
        for day in self._days.list():
            if not first <= day <= last:
                continue
            try:
                with self._days.engine(day).connect() as connection:
                    yield from connection.execute(query).all()
            except OperationalError as fault:
                if "no such" not in str(fault.orig) and "unable to open" not in str(fault.orig):
                    raise


def _column(name: str) -> Any:
    return column(name, calls.c[name].type)


def _within(integration: str, since_us: int, until_us: int) -> list[Any]:
    begun = _column("begun_us")
    return [_column("integration") == integration, begun >= since_us, begun < until_us]


def _otherwise() -> Any:
    """Whether something else than the integration itself was to answer."""
    return _column("notes").contains("fallback=")
