"""Reads the ledger: search calls, show one with its attempts, follow the newest. Never writes.

Works beside a running drain (readers do not block it) and without one. Sums over many calls are `usage.py`'s.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import ColumnClause, ColumnElement, Row, Select, TextClause, column, or_, select, text
from sqlalchemy.exc import OperationalError

from trunkline.core.codec import from_json
from trunkline.core.pricing import FEMTO, cost_of
from trunkline.ledger.day_tables import SCANNED, attempts, calls
from trunkline.ledger.days import Days, day_of, rfc3339
from trunkline.ledger.usage import Rollups

_MAX_LIMIT = 1000
_CALL: dict[str, ColumnClause[Any]] = {one.name: column(one.name, one.type) for one in calls.columns}
"""The columns without their table, because the table is named together with the index that SQLite shall use."""


class BadCursor(ValueError):
    """A `before` or `after` that this ledger did not give out."""


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to search for; every condition that is given must hold. Times are epoch microseconds."""

    call_id: str | None = None
    correlation_id: str | None = None
    vendor_request_id: str | None = None
    integration: str | None = None
    model: str | None = None
    key_id: str | None = None
    team: str | None = None
    teams: tuple[str, ...] | None = None
    """Only calls of these teams, whatever else is asked for; None: of all. For who may not see others'."""
    feature: str | None = None
    state: str | None = None
    code: str | None = None
    text: str | None = None
    """Somewhere in the message, ignoring the case of ASCII letters."""
    note: str | None = None
    """One of the notes on what flow control did, e.g. `cache=hit`, or how it begins: `fallback=`."""
    unresolved: bool = False
    """Only calls of which nothing was found out later."""
    min_latency_us: int | None = None
    since_us: int | None = None
    until_us: int | None = None


class Page(msgspec.Struct, frozen=True):
    """Calls, newest first, and the cursor of the next older page; empty when there is none."""

    calls: list[dict[str, Any]]
    next: str = ""


class Ledger:
    """The calls of one ledger folder. May be used by several threads; close it to let go of the files."""

    def __init__(self, folder: Path, *, keep_open: int = 4) -> None:
        self._days = Days(folder, read_only=True, keep_open=keep_open)
        self._rollups = Rollups(folder)

    def calls(self, wanted: CallFilter = CallFilter(), *, limit: int = 50, before: str = "") -> Page:  # noqa: B008
        """Search, newest first. Raises BadCursor."""
        limit = min(max(limit, 1), _MAX_LIMIT)
        edge = _read_cursor(before) if before else None
        found: list[dict[str, Any]] = []
        for day in self._days_between(wanted, edge):
            query = _search(wanted, edge)
            if wanted.vendor_request_id:
                query = query.where(_CALL["call_id"].in_(self._asked_with(day, wanted.vendor_request_id)))
            found += [_call(row) for row in self._rows(day, query.limit(limit + 1 - len(found)))]
            if len(found) > limit:
                break
        page = found[:limit]
        more = len(found) > limit
        with_attempts = self._attach(page)
        return Page(with_attempts, _write_cursor(page[-1]) if more else "")

    def call(
        self, call_or_correlation_id: str, teams: tuple[str, ...] | None = None
    ) -> dict[str, Any] | None:
        """One call with its attempts, by its call id, else the newest with that correlation id; only of these teams if given."""
        for wanted in (
            CallFilter(call_id=call_or_correlation_id, teams=teams),
            CallFilter(correlation_id=call_or_correlation_id, teams=teams),
        ):
            page = self.calls(wanted, limit=1)
            if page.calls:
                return page.calls[0]
        return None

    def tail(
        self, after: int | None = None, *, limit: int = 200, teams: tuple[str, ...] | None = None
    ) -> tuple[int, list[dict[str, Any]]]:
        """Calls that changed after a place in the tail, oldest first, and the place after them; None: its end.

        A call comes up when it is first seen and again when it has ended. `teams`: those of these teams only.
        """
        if after is None:
            return max(self._rollups.changed_days(-1).values(), default=0), []
        changed: list[dict[str, Any]] = []
        days = self._rollups.changed_days(after)
        for day in days:
            query = select(calls).where(calls.c.changed_us > after).order_by(calls.c.changed_us).limit(limit)
            if teams is not None:
                query = query.where(calls.c.team.in_(teams))
            changed += [_call(row) for row in self._rows(day, query)]
        changed = sorted(changed, key=lambda call: int(call["changed_us"]))[:limit]
        place = changed[-1]["changed_us"] if changed else after
        if teams is not None and len(changed) < limit:
            # What was passed over is not looked at again, however long nothing of these teams comes.
            place = max(place, *days.values()) if days else place
        return place, self._attach(changed)

    def close(self) -> None:
        self._days.close()
        self._rollups.close()

    def _asked_with(self, day: str, vendor_request_id: str) -> list[str]:
        """The calls whose attempts got this request id from the vendor."""
        same = (
            attempts.c.vendor_request_id == vendor_request_id,
            text("vendor_request_id <> ''"),
        )
        return [
            row.call_id for row in self._rows(day, select(attempts.c.call_id).where(*same).limit(_MAX_LIMIT))
        ]

    def _rows(self, day: str, query: Select[Any]) -> Sequence[Row[Any]]:
        """Ask one day; a file that is just being made, or was just dropped, has no calls."""
        try:
            with self._days.engine(day).connect() as connection:
                return connection.execute(query).all()
        except OperationalError as fault:
            if "no such table" in str(fault.orig) or "unable to open" in str(fault.orig):
                return []
            raise

    def _days_between(self, wanted: CallFilter, edge: tuple[int, str] | None) -> list[str]:
        """The days to look into, newest first."""
        uppers = [at for at in (wanted.until_us, edge[0] if edge else None) if at is not None]
        newest = day_of(min(uppers)) if uppers else "9999"
        oldest = day_of(wanted.since_us) if wanted.since_us is not None else ""
        return [day for day in reversed(self._days.list()) if oldest <= day <= newest]

    def _attach(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give each call its attempts, with one query a day."""
        by_day: dict[str, list[dict[str, Any]]] = {}
        for call in found:
            by_day.setdefault(day_of(call["begun_us"]), []).append(call)
        for day, some in by_day.items():
            tries: dict[str, list[dict[str, Any]]] = {}
            ids = [call["call_id"] for call in some]
            query = (
                select(attempts).where(attempts.c.call_id.in_(ids)).order_by(attempts.c.call_id, attempts.c.n)
            )
            for row in self._rows(day, query):
                tries.setdefault(row.call_id, []).append(_attempt(row))
            for call in some:
                call["attempts"] = tries.get(call["call_id"], [])
        return found


def _search(wanted: CallFilter, edge: tuple[int, str] | None) -> Select[Any]:
    newest_first = (_CALL["begun_us"].desc(), _CALL["call_id"].desc())
    query = select(*_CALL.values()).select_from(text(f"calls{_index(wanted)}"))
    query = query.where(*_conditions(wanted)).order_by(*newest_first)
    if edge:
        at_us, call_id = edge
        query = query.where(
            _CALL["begun_us"] <= at_us, or_(_CALL["begun_us"] < at_us, _CALL["call_id"] < call_id)
        )
    return query


def _index(wanted: CallFilter) -> str:
    """Which index to search by: SQLite knows too little of the values to choose well, and errs by half a second."""
    if wanted.call_id or wanted.vendor_request_id:
        return ""
    if wanted.correlation_id:
        return " INDEXED BY calls_correlation_id"
    if wanted.text:
        return " INDEXED BY calls_failed"
    given = [name for name in ("min_latency_us", *SCANNED) if getattr(wanted, name, None) is not None]
    if len(given) != 1 or given == ["min_latency_us"] or wanted.state == "ok":
        return " INDEXED BY calls_scan"
    return f" INDEXED BY calls_{given[0]}"


def _conditions(wanted: CallFilter) -> Iterator[ColumnElement[bool] | TextClause]:
    for name in (
        "call_id",
        "correlation_id",
        "integration",
        "model",
        "key_id",
        "team",
        "feature",
        "state",
        "code",
    ):
        value = getattr(wanted, name)
        if value is not None:
            yield _CALL[name] == value
    if wanted.teams is not None:
        yield _CALL["team"].in_(wanted.teams)
    # The indexes of states and codes hold only the exceptions; SQLite uses them when the query says the same words.
    if wanted.state not in (None, "ok"):
        yield text("state <> 'ok'")
    if wanted.code or wanted.text:
        yield text("code <> ''")
    if wanted.text:
        yield _CALL["message"].contains(wanted.text, autoescape=True)
    if wanted.note:
        # Notes are separated by `;`, so that one note is not found in the middle of another.
        yield (";" + _CALL["notes"]).contains(f";{wanted.note}", autoescape=True)
    if wanted.unresolved:
        yield _CALL["resolution"] == ""
    if wanted.min_latency_us is not None:
        yield _CALL["duration_us"] >= wanted.min_latency_us
    if wanted.since_us is not None:
        yield _CALL["begun_us"] >= wanted.since_us
    if wanted.until_us is not None:
        yield _CALL["begun_us"] < wanted.until_us


def _call(row: Row[Any]) -> dict[str, Any]:
    """A call as `logs --json` prints it (ruling 9); its attempts are attached afterwards."""
    call: dict[str, Any] = {"call_id": row.call_id, "correlation_id": row.correlation_id, "state": row.state}
    call["at"] = rfc3339(row.begun_us)
    call.update(row._mapping)
    call["notes"] = [note for note in row.notes.split(";") if note]
    call["cost_parts"] = [_part(part) for part in from_json(row.cost_parts)] if row.cost_parts else []
    for name in ("input_tokens", "output_tokens"):
        if call[name] is not None and call[name] < 0:
            call[name] = None
    call["attempts"] = []
    return call


def _part(part: tuple[str, int, int]) -> dict[str, Any]:
    """What was used, how much of it, and what it cost; None: nobody knows."""
    what, units, femto = part
    return {
        "what": what,
        "units": units,
        "unit_usd": femto / FEMTO if femto >= 0 else None,
        "cost_usd": cost_of(part),
    }


def _attempt(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "call_id"}


def _write_cursor(call: dict[str, Any]) -> str:
    place = f"{call['begun_us']} {call['call_id']}".encode()
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[int, str]:
    try:
        place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at_us, _, call_id = place.partition(" ")
        return int(at_us), call_id
    except (binascii.Error, ValueError):
        raise BadCursor(
            f"{cursor!r} is no cursor of this ledger: use the `next` of the page before, or none"
        ) from None
