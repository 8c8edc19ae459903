"""Who used a credential: calls and last use by integration, key, team, feature and version, from the attempts of the ledger.

Records name a credential by its reference, with `@version` where its store counts versions. Not for: sums over all calls (`usage.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from trunkline.ledger.days import Days, day_of
from trunkline.ledger.usage import Rollups

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


class Use(NamedTuple):
    """Attempts that have these things in common."""

    credential: str
    """As recorded: reference, and version where there is one."""
    integration: str
    key_id: str
    team: str
    feature: str
    what: str
    """Model, else operation."""
    attempts: int
    failed: int
    last_us: int


class Uses(NamedTuple):
    """What was found, and how far back was looked; `partial` when the time was over before the end."""

    uses: list[Use]
    since_us: int
    partial: bool


class Answered(NamedTuple):
    """Attempts of one version of a credential that have ended since the last look."""

    credential: str
    attempts: int
    refused: int
    """Answered with the credential refused (`auth_invalid`)."""
    last_us: int


_IS = "(a.credential = :ref OR (a.credential >= :from_version AND a.credential < :to_version))"
_USES = f"""
SELECT a.credential, c.integration, c.key_id, c.team, c.feature,
       CASE WHEN c.model <> '' THEN c.model ELSE c.operation END AS what,
       count(*) AS attempts, sum(a.state = 'error') AS failed, max(c.begun_us) AS last_us
FROM calls AS c INDEXED BY calls_scan JOIN attempts AS a ON a.call_id = c.call_id
WHERE c.begun_us >= :since AND c.begun_us < :until AND {_IS}
GROUP BY 1, 2, 3, 4, 5, 6
"""
_ANSWERED = f"""
SELECT a.credential, count(*) AS attempts, sum(a.code = 'auth_invalid') AS refused, max(c.begun_us + a.offset_us) AS last_us
FROM calls AS c INDEXED BY calls_changed JOIN attempts AS a ON a.call_id = c.call_id
WHERE c.changed_us > :after AND c.state <> 'running' AND {_IS}
GROUP BY 1
"""


class Credentials:
    """The attempts of one ledger folder, for reading."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._days = Days(folder, read_only=True, keep_open=2)
        self._rollups = Rollups(folder)
        self._clock = clock

    def uses(self, ref: str, since_us: int, until_us: int, *, within_s: float = 10.0) -> Uses:
        """Newest first, hour by hour, until it is through or the time is over."""
        end = self._clock() + within_s
        found: dict[tuple[str, ...], list[int]] = {}
        for day, begin, stop in self._hours(since_us, until_us):
            if self._clock() > end:
                return Uses(_sorted(found), stop, True)
            for row in self._ask(day, _USES, {"since": begin, "until": stop, **_versions(ref)}):
                sums = found.setdefault(tuple(row[:6]), [0, 0, 0])
                sums[0] += row[6]
                sums[1] += row[7]
                sums[2] = max(sums[2], row[8])
        return Uses(_sorted(found), since_us, False)

    def place(self) -> int:
        """Where the ledger ends now: a place for `answered`."""
        return max(self._rollups.changed_days(-1).values(), default=0)

    def answered(self, ref: str, after: int) -> tuple[int, list[Answered]]:
        """What has ended since a place, by version; and the place after it."""
        days = self._rollups.changed_days(after)
        rows = [row for day in days for row in self._ask(day, _ANSWERED, {"after": after, **_versions(ref)})]
        merged: dict[str, Answered] = {}
        for row in rows:
            one, before = Answered(*row), merged.get(row[0])
            merged[one.credential] = one if before is None else _added(before, one)
        return max([after, *days.values()]), list(merged.values())

    def close(self) -> None:
        self._days.close()
        self._rollups.close()

    def _hours(self, since_us: int, until_us: int) -> Iterator[tuple[str, int, int]]:
        """(day, begin, end) of each hour, newest first, of the days that have a file."""
        known = set(self._days.list())
        stop = until_us
        while stop > since_us:
            begin = max(since_us, (stop - 1) // HOUR_US * HOUR_US)
            if day_of(begin) in known:
                yield day_of(begin), begin, stop
                stop = begin
            else:
                stop = max(since_us, begin // DAY_US * DAY_US)

    def _ask(self, day: str, query: str, values: Mapping[str, Any]) -> list[Any]:
        try:
            with self._days.engine(day).connect() as connection:
                return list(connection.execute(text(query), values).all())
        except OperationalError as fault:
            if "no such table" in str(fault.orig) or "unable to open" in str(fault.orig):
                return []
            raise


def _versions(ref: str) -> dict[str, str]:
    """The range of texts that begin with `ref@`: `A` follows `@`."""
    return {"ref": ref, "from_version": f"{ref}@", "to_version": f"{ref}A"}


def _added(one: Answered, other: Answered) -> Answered:
    return Answered(
        one.credential,
        one.attempts + other.attempts,
        one.refused + other.refused,
        max(one.last_us, other.last_us),
    )


def _sorted(found: Mapping[tuple[str, ...], list[int]]) -> list[Use]:
    uses = [Use._make((*key, *sums)) for key, sums in found.items()]
    return sorted(uses, key=lambda one: (-one.attempts, one[:6]))
