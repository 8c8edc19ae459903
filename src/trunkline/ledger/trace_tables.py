"""Deletion requests of persons in the control database: each with one task for each vendor that got data. All its SQL.

A person stands here as keyed hashes only. Not for: finding the calls (`persons.py`). Times are epoch seconds, those of calls
microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from trunkline.ledger.control_tables import Row, metadata

requests = sa.Table(
    "trace_requests",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("persons", sa.JSON, nullable=False),
    sa.Column("mark", sa.String, nullable=False, index=True),
    sa.Column("made_at", sa.Float, nullable=False),
    sa.Column("made_by", sa.String, nullable=False),
    sa.Column("due", sa.String, nullable=False),
    sa.Column("erased_at", sa.Float, nullable=False),
)
"""`persons`: keyed hashes, emptied when our own stores were erased; `mark`: how the person is named in audit rows."""

tasks = sa.Table(
    "trace_tasks",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("request", sa.String, nullable=False, index=True),
    sa.Column("integration", sa.String, nullable=False),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("first_us", sa.BigInteger, nullable=False),
    sa.Column("last_us", sa.BigInteger, nullable=False),
    sa.Column("ids", sa.JSON, nullable=False),
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("changed_at", sa.Float, nullable=False),
    sa.Column("changed_by", sa.String, nullable=False),
    sa.Column("note", sa.String, nullable=False),
)
"""`ids`: lists of time, correlation id and the vendor's request id, to be quoted to the vendor."""


def add(connection: sa.Connection, request: dict[str, Any], rows: Iterable[dict[str, Any]]) -> None:
    """Writes a request down with its tasks."""
    connection.execute(requests.insert().values(**request))
    for row in rows:
        connection.execute(tasks.insert().values(**row))


def add_task(connection: sa.Connection, row: dict[str, Any]) -> None:
    """One task more."""
    connection.execute(tasks.insert().values(**row))


def request_of(connection: sa.Connection, mark: str) -> Row | None:
    """The newest request about a person."""
    query = requests.select().where(requests.c.mark == mark).order_by(requests.c.made_at.desc()).limit(1)
    return connection.execute(query).mappings().first()


def tasks_of(connection: sa.Connection, request: str) -> list[Row]:
    """The tasks of a request, by integration."""
    query = tasks.select().where(tasks.c.request == request).order_by(tasks.c.integration)
    return list(connection.execute(query).mappings())


def task(connection: sa.Connection, task_id: str) -> Row | None:
    """One task."""
    return connection.execute(tasks.select().where(tasks.c.id == task_id)).mappings().first()


def change(connection: sa.Connection, task_id: str, values: dict[str, Any]) -> None:
    """Replaces columns of a task."""
    connection.execute(tasks.update().where(tasks.c.id == task_id).values(**values))


def listed(connection: sa.Connection, *, states: Iterable[str] = (), limit: int = 1000) -> list[Row]:
    """Tasks with `mark`, `made_at`, `due` and `erased_at` of their request, the oldest request first."""
    told = (requests.c.mark, requests.c.made_at, requests.c.due, requests.c.erased_at)
    query = sa.select(tasks, *told).join(requests, requests.c.id == tasks.c.request)
    query = query.order_by(requests.c.made_at, tasks.c.id).limit(limit)
    wanted = list(states)
    if wanted:
        query = query.where(tasks.c.state.in_(wanted))
    return list(connection.execute(query).mappings())


def erased(connection: sa.Connection, mark: str, at: float) -> int:
    """Our own stores hold nothing of a person any more: the hashes go, what is to be asked of vendors stays; how many requests."""
    connection.exec_driver_sql("PRAGMA secure_delete = ON")
    values = {"persons": [], "erased_at": at}
    return connection.execute(requests.update().where(requests.c.mark == mark).values(**values)).rowcount
