"""Keys that somebody should look at: those that end soon, whose old text is still in use, or that nobody uses.

What is due is worked out purely (`due`); `attend` makes it findings, and resolves those that are so no more. Not for: sending alerts
(`ops/alerting`), nor for reviews (`review.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from trunkline.control import roster
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.ops import findings
from trunkline.ops.findings import Finding

DAY_S = 86400.0
SOON_S = 14 * DAY_S
VERY_SOON_S = 3 * DAY_S
UNUSED_S = 90 * DAY_S
STILL_S = 7 * DAY_S
"""A key that ends is told of if it was used so lately; one that nobody uses may end in peace."""
OVERLAP_SOON_S = DAY_S
KINDS = ("key.expiring", "key.overlap", "key.unused")


def due(there: roster.Roster, now: float) -> list[Finding]:
    """What is to be told now. Pure."""
    found = []
    for row in there.keys:
        standing = there.standings[row["id"]]
        if standing.dead:
            continue
        versions = [version for version in there.versions if version["key_id"] == row["id"]]
        found += [
            one
            for one in (_expiring(row, standing.wish.expires_at, versions, now), _unused(row, versions, now))
            if one
        ]
        found += _overlap(row, versions, now)
    return found


def attend(state: State, now: float | None = None) -> int:
    """Notes what is due and resolves what is so no more; answers how many are due."""
    at = time.time() if now is None else now
    with state.view() as connection:
        there = roster.read(connection, state, at)
    found = due(there, at)
    settle(state, KINDS, found, at)
    return len(found)


def settle(state: State, kinds: Iterable[str], found: Sequence[Finding], now: float) -> None:
    """Makes the open findings of these kinds exactly those that were found; one that is known and the same is left alone."""
    wanted = {(one.kind, one.integration, one.subject): one for one in found}
    for kind in kinds:
        for row in findings.listed(state, kind=kind):
            key = (row.kind, row.integration, row.subject)
            one = wanted.get(key)
            if one is None:
                findings.resolve(state, *key, "it is so no more", now)
            elif (row.severity, row.title, row.due) == (one.severity, one.title, one.due):
                del wanted[key]
    for one in wanted.values():
        findings.note(state, one, now)


def _expiring(row: Any, ends: float, versions: Sequence[Any], now: float) -> Finding | None:
    used = max(version["last_used_at"] for version in versions)
    if not ends or ends - now > SOON_S or now - used > STILL_S:
        return None
    return Finding(
        kind="key.expiring",
        integration="",
        subject=row["id"],
        severity="critical" if ends - now <= VERY_SOON_S else "warning",
        title=f"The caller key {row['name']} ends on {_day(ends)} and is in use.",
        detail={"name": row["name"], "team": row["team"], "expires_at": rfc3339(ends)},
        due=_day(ends),
    )


def _unused(row: Any, versions: Sequence[Any], now: float) -> Finding | None:
    used = max(max(version["last_used_at"], version["created_at"]) for version in versions)
    if now - used < UNUSED_S:
        return None
    never = not any(version["last_used_at"] for version in versions)
    return Finding(
        kind="key.unused",
        integration="",
        subject=row["id"],
        severity="info",
        title=f"The caller key {row['name']} was {'never used' if never else 'last used on ' + _day(used)}; revoke it if nobody needs it.",
        detail={"name": row["name"], "team": row["team"], "last_used_at": None if never else rfc3339(used)},
    )


def _overlap(row: Any, versions: Sequence[Any], now: float) -> list[Finding]:
    """Old texts that end within a day and are still in use since there is a new one."""
    renewed_at = versions[-1]["created_at"]
    found = []
    for version in versions[:-1]:
        left = version["expires_at"] - now
        if 0 < left <= OVERLAP_SOON_S and version["last_used_at"] > renewed_at:
            ends = rfc3339(version["expires_at"])
            found.append(
                Finding(
                    kind="key.overlap",
                    integration="",
                    subject=f"{row['id']} version {version['version']}",
                    severity="warning",
                    title=f"The old text of the caller key {row['name']} ends at {ends} and is still in use after the rotation.",
                    detail={"name": row["name"], "team": row["team"], "key": row["id"], "ends_at": ends},
                    due=_day(version["expires_at"]),
                )
            )
    return found


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
