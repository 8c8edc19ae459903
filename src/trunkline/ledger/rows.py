"""Turns calls into the rows of a day's file and writes them; reads back those that were running. No decisions.

The statements are built once as text: at thousands of calls a second SQLAlchemy's per-row work would cost more than SQLite's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection

from trunkline.core.codec import to_json
from trunkline.core.record import Begin, End, Persons, Tried
from trunkline.ledger.day_tables import RESOLUTION, attempts, calls
from trunkline.ledger.fold import Running

_RENAMED = {"at_us": "begun_us"}
_BEGIN = [_RENAMED.get(field.name, field.name) for field in msgspec.structs.fields(Begin)]
_TRIED = [field.name for field in msgspec.structs.fields(Tried)]
_END = [column.name for column in calls.columns if column.name not in (*_BEGIN, *RESOLUTION)]
_CALLS = [*_BEGIN, *_END]
_ATTEMPTS = ["call_id", *_TRIED, "state"]
assert {*_CALLS, *RESOLUTION} == {*calls.columns.keys()}
assert {*_ATTEMPTS} == {*attempts.columns.keys()}
_CHUNK = 500


def final_ids(connection: Connection, call_ids: list[str]) -> set[str]:
    """Which of these calls have ended according to this file."""
    found: set[str] = set()
    for start in range(0, len(call_ids), _CHUNK):
        chunk = tuple(call_ids[start : start + _CHUNK])
        marks = ",".join("?" * len(chunk))
        sql = f"SELECT call_id FROM calls WHERE call_id IN ({marks}) AND state <> 'running'"
        found.update(connection.exec_driver_sql(sql, chunk).scalars())
    return found


def write(
    connection: Connection, running: Iterable[Running], ended: Iterable[tuple[Begin, End]], stamp: int
) -> int:
    """Write calls with their attempts, each with a stamp of its own, counted up from `stamp`; returns the last one."""
    call_rows: list[tuple[Any, ...]] = []
    attempt_rows: list[tuple[Any, ...]] = []
    for call in running:
        stamp += 1
        call_rows.append(_running_row(call, stamp))
        attempt_rows.extend(_attempt_row(call.begin.call_id, tried) for tried in call.tried)
        if call.n:
            attempt_rows.append(_open_attempt(call))
    for begin, end in ended:
        stamp += 1
        call_rows.append(_ended_row(begin, end, stamp))
        attempt_rows.extend(_attempt_row(begin.call_id, tried) for tried in end.tried)
    if call_rows:
        connection.exec_driver_sql(_WRITE_CALL, call_rows)
    if attempt_rows:
        connection.exec_driver_sql(_WRITE_ATTEMPT, attempt_rows)
    return stamp


def write_persons(connection: Connection, found: Iterable[Persons]) -> None:
    """Write down whom calls are about; what stands there already stays."""
    ties = [(one, record.call_id, "request") for record in found for one in record.hashes]
    if ties:
        connection.exec_driver_sql("INSERT OR IGNORE INTO persons VALUES (?, ?, ?)", ties)


def load_running(connection: Connection) -> list[Running]:
    """The calls that this file says are still running."""
    sql = f"SELECT {', '.join(_BEGIN)} FROM calls WHERE state = 'running' AND state <> 'ok'"
    begins = [
        msgspec.convert(list(_begin_order(row)), Begin, strict=False)
        for row in connection.exec_driver_sql(sql)
    ]
    return [_reload(connection, begin) for begin in begins]


def _begin_order(row: Any) -> Iterable[Any]:
    yield "b"
    yield from row


def _reload(connection: Connection, begin: Begin) -> Running:
    sql = f"SELECT {', '.join(_ATTEMPTS[1:])} FROM attempts WHERE call_id = ? ORDER BY n"
    rows = [tuple(row) for row in connection.exec_driver_sql(sql, (begin.call_id,))]
    tried = tuple(
        msgspec.convert(row[: len(_TRIED)], Tried, strict=False) for row in rows if row[-1] != "running"
    )
    out = [row for row in rows if row[-1] == "running"]
    if not out:
        return Running(begin, tried, 0, "", "", begin.acts, 0, loaded=True)
    last = dict(zip(_ATTEMPTS[1:], out[-1], strict=True))
    place = (last["n"], last["target"], last["credential"])
    return Running(begin, tried, *place, begin.acts, last["offset_us"], loaded=True)


def _running_row(call: Running, stamp: int) -> tuple[Any, ...]:
    count = len(call.tried) + (call.n > 0)
    blank = (None, "running", 0, "", "", "", 0, 0, 0, 0, "", 0, 0, 0, 0, 0, None, 0.0, False)
    return (*msgspec.structs.astuple(call.begin), *blank, count, stamp, "", 0, "", "")


def _ended_row(begin: Begin, end: End, stamp: int) -> tuple[Any, ...]:
    return (
        *msgspec.structs.astuple(begin),
        end.at_us,
        end.state,
        end.status,
        end.code,
        end.message,
        end.source,
        end.duration_us,
        end.overhead_us,
        end.first_byte_us,
        end.bytes_out,
        end.served_model,
        end.input_tokens,
        end.output_tokens,
        end.cached_tokens,
        end.cache_write_tokens,
        end.reasoning_tokens,
        end.cost_usd if end.cost_usd >= 0 else None,
        end.wasted_usd,
        end.usage_estimated,
        len(end.tried),
        stamp,
        end.notes,
        end.queued_us,
        end.price_id,
        to_json(end.parts).decode() if end.parts else "",
    )


def _attempt_row(call_id: str, tried: Tried) -> tuple[Any, ...]:
    state = "ok" if not tried.code else "outcome_unknown" if tried.code == "outcome_unknown" else "error"
    return (call_id, *msgspec.structs.astuple(tried), state)


def _open_attempt(call: Running) -> tuple[Any, ...]:
    out = Tried(
        n=call.n,
        target=call.target,
        credential=call.credential,
        offset_us=call.offset_us,
        connect_us=0,
        first_byte_us=0,
        duration_us=0,
        status=0,
        code="",
        message="",
        vendor_code="",
        vendor_request_id="",
        sent=True,
    )
    return (call.begin.call_id, *msgspec.structs.astuple(out), "running")


def _upsert(table: str, columns: list[str], keys: list[str], only: str) -> str:
    update = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    marks = ", ".join("?" * len(columns))
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {update}{only}"
    )


_WRITE_CALL = _upsert("calls", _CALLS, ["call_id"], " WHERE calls.state = 'running'")
_WRITE_ATTEMPT = _upsert("attempts", _ATTEMPTS, ["call_id", "n"], "")
