"""Deletion requests: who received a person's data, and a list of what is to be asked of each vendor, worked off by people.

A person is given by an identifier and kept as keyed hashes only; audit rows name them by the begin of the hash. Not for: finding the
calls (`ledger/persons.py`), nor for our own stores (`control/erase.py`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

import msgspec

from trunkline.control import audit
from trunkline.control.periods import rfc3339
from trunkline.control.published import read_snapshot
from trunkline.control.state import State
from trunkline.core.persons import LONGEST, hashes, mark_of
from trunkline.ledger import trace_tables as tables
from trunkline.ledger.persons import PersonCalls
from trunkline.ops.data.received import Vendor, nowhere, vendors

TaskState = Literal["open", "asked", "confirmed", "refused"]
STATES: tuple[str, ...] = get_args(TaskState)
DUE_DAYS = 30
IDS_KEPT = 200
"""Of one task; to be quoted to the vendor."""
LONGEST_NOTE = 2000


class TraceProblem(Exception):
    """What was asked about a person cannot be done; says why and the cure."""


class Person(msgspec.Struct, frozen=True):
    """Whom a request is about."""

    hashes: list[str]
    mark: str
    by: Literal["subject", "email"]


class TraceTask(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be asked of one vendor."""

    id: str
    person: str
    """As audit rows name them; not who they are."""
    integration: str
    state: TaskState
    calls: int
    first_at: str
    last_at: str
    made_at: str
    due: str
    overdue: bool
    changed_at: str
    changed_by: str
    note: str
    ids: list[list[str]]
    """Time, correlation id and vendor's request id of calls, newest first."""


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """Who received a person's data."""

    person: str
    calls: int
    nowhere: int
    """Of them, that reached no vendor."""
    since: str
    """The first day that the ledger holds; of older calls nothing is known any more."""
    more: bool
    """There are more calls than were looked at."""
    vendors: list[Vendor]
    tasks: list[TraceTask]


def person(state: State, *, subject: str = "", email: str = "") -> Person:
    """Whom an identifier stands for. Raises TraceProblem."""
    given = subject or email
    if bool(subject) == bool(email):
        raise TraceProblem("Name the person either by subject or by e-mail address.")
    if len(given) > LONGEST:
        raise TraceProblem(
            f"The identifier has {len(given)} characters; {LONGEST} are the most that is kept of one."
        )
    if email and "@" not in email:
        raise TraceProblem(f"{email!r} is no e-mail address; an id of your own is asked for as subject.")
    found = hashes(state.keys["subject_salt"], given)
    return Person(found, mark_of(found[0]), "email" if email else "subject")


def trace(state: State, who: Person, *, actor: str, now: float | None = None) -> Traced:
    """Looks a person up in the ledger, with an audit row."""
    at = time.time() if now is None else now
    ledger = PersonCalls(state.ledger)
    try:
        found = ledger.find(who.hashes)
    finally:
        ledger.close()
    its = vendors(found.received, read_snapshot(state))
    audit.append(
        state, actor, "trace.look", who.mark, {"by": who.by, "calls": found.calls, "vendors": len(its)}
    )
    return Traced(
        person=who.mark,
        calls=found.calls,
        nowhere=nowhere(found.received),
        since=found.since,
        more=found.more,
        vendors=its,
        tasks=_of(state, who.mark, at),
    )


def open_request(
    state: State, who: Person, found: Traced, *, actor: str, due: str = "", now: float | None = None
) -> list[TraceTask]:
    """Makes a task for each vendor; a request that is there already gets what is new. Audited."""
    at = time.time() if now is None else now
    with state.change() as connection:
        request = tables.request_of(connection, who.mark)
        if request is None or request["erased_at"]:
            request_id = f"del_{secrets.token_hex(5)}"
            made = {
                "id": request_id, "persons": who.hashes, "mark": who.mark, "made_at": at, "made_by": actor,
                "due": due or _day(at, DUE_DAYS), "erased_at": 0.0,
            }  # fmt: skip
            tables.add(connection, made, [_task(request_id, one, actor, at) for one in found.vendors])
        else:
            request_id = request["id"]
            there = {row["integration"]: row for row in tables.tasks_of(connection, request_id)}
            for one in found.vendors:
                _renew(connection, there.get(one.integration), _task(request_id, one, actor, at), at)
        detail = {"request": request_id, "vendors": [one.integration for one in found.vendors]}
        audit.add(connection, state, [audit.Entry(actor, "trace.open", who.mark, detail)], at)
    return _of(state, who.mark, at)


def listed(state: State, *, everything: bool = False, now: float | None = None) -> list[TraceTask]:
    """Tasks that are still to be worked off, the oldest request first."""
    at = time.time() if now is None else now
    with state.view() as connection:
        rows = tables.listed(connection, states=() if everything else ("open", "asked"))
    return [_shown(row, at) for row in rows]


def mark(
    state: State, task_id: str, to: str, *, note: str = "", actor: str, now: float | None = None
) -> TraceTask:
    """Says how far a task is. Raises TraceProblem. Audited."""
    at = time.time() if now is None else now
    if to not in STATES:
        raise TraceProblem(f"{to!r} is no state of a task; give one of {', '.join(STATES)}.")
    if len(note) > LONGEST_NOTE:
        raise TraceProblem(f"The note has {len(note)} characters; at most {LONGEST_NOTE} are kept.")
    with state.change() as connection:
        row = tables.task(connection, task_id)
        if row is None:
            raise TraceProblem(
                f"There is no task {task_id!r}. `trunkline trace tasks --all` shows every one."
            )
        values = {"state": to, "changed_at": at, "changed_by": actor, "note": note or row["note"]}
        tables.change(connection, task_id, values)
        detail = {"from": row["state"], "to": to, "note": note}
        audit.add(connection, state, [audit.Entry(actor, "trace.mark", task_id, detail)], at)
        found = next(one for one in tables.listed(connection, limit=1_000_000) if one["id"] == task_id)
    return _shown(found, at)


def _of(state: State, person_mark: str, at: float) -> list[TraceTask]:
    with state.view() as connection:
        rows = [row for row in tables.listed(connection, limit=1_000_000) if row["mark"] == person_mark]
    return [_shown(row, at) for row in rows]


def _task(request_id: str, one: Vendor, actor: str, at: float) -> dict[str, Any]:
    return {
        "id": f"{request_id}.{one.integration}",
        "request": request_id,
        "integration": one.integration,
        "calls": one.calls,
        "first_us": one.first_us,
        "last_us": one.last_us,
        "ids": [
            [quoted.at, quoted.correlation_id, quoted.vendor_request_id] for quoted in one.ids[:IDS_KEPT]
        ],
        "state": "open",
        "changed_at": at,
        "changed_by": actor,
        "note": "",
    }


def _renew(connection: Any, old: Any, new: dict[str, Any], at: float) -> None:
    """What has been received since; a vendor that had confirmed before and was sent data again is to be asked again."""
    if old is None:
        tables.add_task(connection, new)
        return
    values = {name: new[name] for name in ("calls", "first_us", "last_us", "ids")}
    if old["state"] == "confirmed" and new["last_us"] > old["changed_at"] * 1e6:
        values |= {"state": "open", "changed_at": at, "note": "it was sent data again after it had confirmed"}
    tables.change(connection, old["id"], values)


def _shown(row: Any, at: float) -> TraceTask:
    from trunkline.ledger.days import rfc3339 as instant

    is_open = row["state"] in ("open", "asked")
    return TraceTask(
        id=row["id"],
        person=row["mark"],
        integration=row["integration"],
        state=row["state"],
        calls=row["calls"],
        first_at=instant(row["first_us"]),
        last_at=instant(row["last_us"]),
        made_at=rfc3339(row["made_at"]) or "",
        due=row["due"],
        overdue=is_open and row["due"] < _day(at, 0),
        changed_at=rfc3339(row["changed_at"]) or "",
        changed_by=row["changed_by"],
        note=row["note"],
        ids=[list(one) for one in row["ids"]],
    )


def _day(at: float, days: int) -> str:
    return (datetime.fromtimestamp(at, UTC) + timedelta(days=days)).strftime("%Y-%m-%d")


def is_day(text: str) -> bool:
    """Whether a text is a day, `YYYY-MM-DD`."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").strftime("%Y-%m-%d") == text  # noqa: DTZ007
    except ValueError:
        return False


def unsettled(found: Sequence[TraceTask]) -> list[TraceTask]:
    """Those that nobody has finished."""
    return [one for one in found if one.state in ("open", "asked")]
