"""Sums over many calls: usage, cost, errors and latency by whatever one groups by. Reads the roll-ups only, never the calls.

Hours are the finest grain: `since` and `until` are rounded outwards to whole hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, func, select
from sqlalchemy.exc import OperationalError

from trunkline.ledger.days import rfc3339
from trunkline.ledger.engine import open_engine
from trunkline.ledger.histogram import percentile_us
from trunkline.ledger.hour_columns import COUNTS, DIMENSIONS, LATENCY, METRICS, MONEY, PARTS
from trunkline.ledger.rollup import HOUR_US
from trunkline.ledger.rollup_tables import ROLLUPS, damage, days, hours

GROUPS = ("day", *DIMENSIONS)
PERCENTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}


class UnknownGroup(ValueError):
    """Usage was asked by something that calls are not counted by."""


class Rollups:
    """The roll-ups of one ledger folder, for reading. May be used by several threads."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ROLLUPS
        self._engine: Engine | None = None

    def usage(
        self,
        group_by: Sequence[str] = (),
        since_us: int | None = None,
        until_us: int | None = None,
        *,
        teams: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """One row per group, the largest number of calls first, by time if grouped by day or hour. Raises UnknownGroup.

        `teams`: of these teams only.
        """
        wrong = [name for name in group_by if name not in GROUPS]
        if wrong:
            raise UnknownGroup(f"usage cannot be grouped by {wrong[0]!r}; choose from {', '.join(GROUPS)}")
        names = list(dict.fromkeys(group_by))
        query = select(
            *(_group(name) for name in names), *(func.sum(hours.c[name]).label(name) for name in METRICS)
        )
        query = query.group_by(*(_group(name) for name in names))
        if teams is not None:
            query = query.where(hours.c.team.in_(teams))
        if since_us is not None:
            query = query.where(hours.c.hour >= since_us // HOUR_US)
        if until_us is not None:
            query = query.where(hours.c.hour < -(-until_us // HOUR_US))
        found = [_row(row, names) for row in self._rows(query) if row.calls or row.wasted_usd]
        by_time = [name for name in names if name in ("day", "hour")]
        return sorted(
            found,
            key=lambda row: (
                [row[name] for name in by_time],
                -row["calls"],
                [str(row[name]) for name in names],
            ),
        )

    def totals(self) -> list[tuple[tuple[str, str, str, str], dict[str, float], list[int]]]:
        """Everything ever counted by (integration, model, state, code): sums by name, and the latency buckets."""
        keys = [hours.c[name] for name in ("integration", "model", "state", "code")]
        query = select(*keys, *(func.sum(hours.c[name]).label(name) for name in METRICS)).group_by(*keys)
        sums = (*COUNTS, *MONEY)
        return [
            (
                (row.integration, row.model, row.state, row.code),
                {name: row._mapping[name] for name in sums},
                [row._mapping[name] for name in LATENCY],
            )
            for row in self._rows(query)
        ]

    def unknown_days(self) -> set[str]:
        """The days that have calls of unknown outcome, resolved or not."""
        query = select(_group("day")).where(hours.c.state == "outcome_unknown").distinct()
        return {_shown("day", row.day) for row in self._rows(query)}

    def damage(self, limit: int = 100) -> list[dict[str, Any]]:
        """What was found broken in the journal, newest first."""
        query = (
            select(damage).order_by(damage.c.found_us.desc(), damage.c.segment, damage.c.offset).limit(limit)
        )
        return [{"found_at": rfc3339(row.found_us), **row._mapping} for row in self._rows(query)]

    def changed_days(self, after_us: int) -> dict[str, int]:
        """The days with a file that were written after a place in the tail, and the newest place in each."""
        query = (
            select(days.c.day, days.c.revision)
            .where(days.c.revision > after_us, ~days.c.dropped)
            .order_by(days.c.day)
        )
        return {row.day: row.revision for row in self._rows(query)}

    def close(self) -> None:
        if self._engine:
            self._engine.dispose()
            self._engine = None

    def _rows(self, query: Any) -> Sequence[Row[Any]]:
        """Ask the roll-ups; before the first drain there are none."""
        if not self._path.exists():
            return []
        self._engine = self._engine or open_engine(self._path, read_only=True)
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).all()
        except OperationalError as fault:
            if "no such table" in str(fault.orig):
                return []
            raise


def _group(name: str) -> ColumnElement[Any]:
    if name == "day":
        return (hours.c.hour - hours.c.hour % 24).label("day")
    return hours.c[name]


def _row(row: Row[Any], names: list[str]) -> dict[str, Any]:
    values = row._mapping
    counts = [values[name] for name in LATENCY]
    calls = values["calls"]
    return {
        **{name: _shown(name, values[name]) for name in names},
        **{name: values[name] for name in COUNTS if name != "duration_us"},
        **{name: round(values[name], 9) for name in (*MONEY, *PARTS)},
        "error_rate": round(values["errors"] / calls, 6) if calls else 0.0,
        **{name: _ms(percentile_us(counts, share)) for name, share in PERCENTILES.items()},
    }


def _shown(name: str, value: Any) -> Any:
    if name == "hour":
        return rfc3339(value * HOUR_US)
    if name == "day":
        return rfc3339(value * HOUR_US)[:10]
    if name == "status_class":
        return f"{value}xx" if value else "none"
    return bool(value) if name == "simulated" else value


def _ms(duration_us: int | None) -> float | None:
    return None if duration_us is None else round(duration_us / 1000, 3)
