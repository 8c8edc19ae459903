"""The database of durable tasks (`tasks.db`): what is to run, who runs it now, and the steps that are done. All its SQL.

A task is leased: whoever claims it gets a number (`fence`), and every later write of that run names it, so that a worker that was
thought dead changes nothing any more. Functions take an open connection. Inputs, outputs and progress are opaque
bytes (`tasks/lease.py` seals them). Times are epoch seconds. Not for: what tasks do (`tasks/`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("run_at", sa.Float, nullable=False),
    sa.Column("deadline", sa.Float, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float, nullable=False, default=0.0),
    sa.Column("erased_at", sa.Float, nullable=False, default=0.0),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("worker", sa.String, nullable=False, default=""),
    sa.Column("lease_until", sa.Float, nullable=False, default=0.0),
    sa.Column("fence", sa.Integer, nullable=False, default=0),
    sa.Column("cancel", sa.String, nullable=False, default=""),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("shown", sa.Integer, nullable=False, default=0),
    sa.Column("facts", sa.LargeBinary, nullable=False),
    sa.Column("input", sa.LargeBinary, nullable=False),
    sa.Column("progress", sa.LargeBinary, nullable=False, default=b""),
    sa.Column("output", sa.LargeBinary, nullable=False, default=b""),
    sa.Index("tasks_by_due", "state", "run_at"),
    sa.Index("tasks_by_owner", "owner", "id"),
    sa.Index("tasks_by_end", "ended_at"),
)

steps = sa.Table(
    "steps",
    metadata,
    sa.Column("task_id", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("begun_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float, nullable=False, default=0.0),
    sa.Column("output", sa.LargeBinary, nullable=False, default=b""),
)

Row = sa.RowMapping

_CHANGED: dict[str, Any] = {"version": tasks.c.version + 1}
WAITING = ("queued", "waiting")
ENDED = ("done", "failed", "cancelled", "timed_out")


def insert(connection: sa.Connection, row: dict[str, Any]) -> bool:
    """Adds a task; False if one of this id is there."""
    if get(connection, row["id"]) is not None:
        return False
    connection.execute(tasks.insert().values(**row))
    return True


def get(connection: sa.Connection, task_id: str) -> Row | None:
    """A task with everything."""
    return connection.execute(tasks.select().where(tasks.c.id == task_id)).mappings().first()


def claim(
    connection: sa.Connection,
    worker: str,
    now: float,
    lease_until: float,
    limit: int,
    *,
    without: Collection[str] = (),
    only: str | None = None,
) -> list[Row]:
    """Leases up to `limit` tasks that are due, or whose lease has run out, most urgent first; by their labels."""
    due = sa.and_(tasks.c.state.in_(WAITING), tasks.c.run_at <= now)
    lapsed = sa.and_(tasks.c.state == "running", tasks.c.lease_until < now)
    late = sa.and_(tasks.c.deadline > 0, tasks.c.deadline <= now)  # to be ended, whatever holds its label
    labels = tasks.c.label == only if only is not None else sa.or_(tasks.c.label.not_in(without), late)
    wanted = sa.select(tasks.c.id).where(sa.or_(due, lapsed), labels)
    order = (tasks.c.priority.desc(), tasks.c.run_at, tasks.c.id)
    ids = list(connection.execute(wanted.order_by(*order).limit(limit)).scalars())
    if not ids:
        return []
    connection.execute(
        tasks.update()
        .where(tasks.c.id.in_(ids))
        .values(
            state="running",
            worker=worker,
            lease_until=lease_until,
            fence=tasks.c.fence + 1,
            updated_at=now,
            version=tasks.c.version + 1,
        )
    )
    return list(connection.execute(tasks.select().where(tasks.c.id.in_(ids)).order_by(*order)).mappings())


def extend(connection: sa.Connection, worker: str, fences: dict[str, int], lease_until: float) -> list[Row]:
    """Prolongs the leases of a worker's running tasks; answers id, fence and cancel of those that are still its own."""
    own = sa.and_(tasks.c.worker == worker, tasks.c.state == "running", tasks.c.id.in_(list(fences)))
    connection.execute(tasks.update().where(own).values(lease_until=lease_until))
    found = connection.execute(sa.select(tasks.c.id, tasks.c.fence, tasks.c.cancel).where(own)).mappings()
    return [row for row in found if fences[row["id"]] == row["fence"]]


def workers(connection: sa.Connection) -> list[str]:
    """Who holds running tasks."""
    running = sa.select(tasks.c.worker).where(tasks.c.state == "running").distinct()
    return list(connection.execute(running).scalars())


def release(connection: sa.Connection, worker: str, now: float) -> int:
    """Gives all running tasks of a worker back; they are due at once."""
    own = sa.and_(tasks.c.worker == worker, tasks.c.state == "running")
    given_back = {"lease_until": now - 0.001, "updated_at": now}
    return connection.execute(tasks.update().where(own).values(**given_back)).rowcount


def change(connection: sa.Connection, task_id: str, fence: int, values: dict[str, Any]) -> bool:
    """A write of the run that holds the fence; False if it holds it no more."""
    own = sa.and_(tasks.c.id == task_id, tasks.c.fence == fence, tasks.c.state == "running")
    return connection.execute(tasks.update().where(own).values(**values, **_CHANGED)).rowcount == 1


def change_idle(
    connection: sa.Connection, task_id: str, states: Collection[str], values: dict[str, Any]
) -> bool:
    """A write from outside to a task in one of these states; False if it is in another."""
    chosen = sa.and_(tasks.c.id == task_id, tasks.c.state.in_(states))
    return connection.execute(tasks.update().where(chosen).values(**values, **_CHANGED)).rowcount == 1


def end_open(connection: sa.Connection, reason: str, now: float) -> int:
    """Cancels all that has not ended, and has every task shown anew."""
    ended = {
        "state": "cancelled",
        "cancel": reason,
        "ended_at": now,
        "updated_at": now,
        "worker": "",
        "lease_until": 0.0,
    }
    chosen = tasks.update().where(tasks.c.state.not_in(ENDED))
    count = connection.execute(chosen.values(**ended, **_CHANGED)).rowcount
    connection.execute(tasks.update().values(shown=0))
    return count


def holds(connection: sa.Connection, task_id: str, fence: int) -> bool:
    """Whether a run still holds its task."""
    own = sa.and_(tasks.c.id == task_id, tasks.c.fence == fence, tasks.c.state == "running")
    return connection.execute(sa.select(tasks.c.id).where(own)).first() is not None


# Steps


def steps_of(connection: sa.Connection, task_id: str) -> list[Row]:
    """The steps of a task, begun or done (`ended_at`)."""
    return list(connection.execute(steps.select().where(steps.c.task_id == task_id)).mappings())


def begin_step(connection: sa.Connection, task_id: str, name: str, attempt: int, now: float) -> None:
    """Notes that a step is about to run (again)."""
    chosen = sa.and_(steps.c.task_id == task_id, steps.c.name == name)
    if attempt == 1:
        connection.execute(steps.insert().values(task_id=task_id, name=name, attempt=1, begun_at=now))
    else:
        connection.execute(steps.update().where(chosen).values(attempt=attempt, begun_at=now))


def end_step(connection: sa.Connection, task_id: str, name: str, output: bytes, now: float) -> None:
    """Notes that a step is done, and what came of it."""
    chosen = sa.and_(steps.c.task_id == task_id, steps.c.name == name)
    connection.execute(steps.update().where(chosen).values(output=output, ended_at=now))


def forget_step(connection: sa.Connection, task_id: str, name: str) -> None:
    """Takes back that a step has begun, because nothing of it was done."""
    connection.execute(steps.delete().where(steps.c.task_id == task_id, steps.c.name == name))


def forget_steps(connection: sa.Connection, task_id: str) -> None:
    """Lets a task begin anew."""
    connection.execute(steps.delete().where(steps.c.task_id == task_id))


# Looking


def listed(
    connection: sa.Connection,
    *,
    names: Collection[str] = (),
    states: Collection[str] = (),
    owner: str = "",
    before: str = "",
    limit: int = 100,
) -> list[Row]:
    """Tasks, newest first; those before an id, for the next page. Without their input and output."""
    wanted: list[sa.ColumnElement[bool]] = [tasks.c.name.in_(names)] if names else []
    wanted += [tasks.c.state.in_(states)] if states else []
    wanted += [tasks.c.owner == owner] if owner else []
    wanted += [tasks.c.id < before] if before else []
    columns = [column for column in tasks.c if column.name not in ("input", "output")]
    query = sa.select(*columns).where(*wanted).order_by(tasks.c.id.desc()).limit(limit)
    return list(connection.execute(query).mappings())


def counts(connection: sa.Connection, name: str) -> dict[str, int]:
    """How many tasks of a name are in each state."""
    query = sa.select(tasks.c.state, sa.func.count()).where(tasks.c.name == name).group_by(tasks.c.state)
    return {str(row[0]): int(row[1]) for row in connection.execute(query)}


def oldest_waiting(connection: sa.Connection, name: str) -> float:
    """When the oldest task that waits or runs was made; 0 if none does."""
    alive = sa.and_(tasks.c.name == name, tasks.c.state.not_in(ENDED))
    return float(connection.execute(sa.select(sa.func.min(tasks.c.created_at)).where(alive)).scalar() or 0.0)


def next_due(connection: sa.Connection) -> float:
    """When the next task is due (or a lease runs out); 0 if nothing waits."""
    waiting = sa.select(sa.func.min(tasks.c.run_at)).where(tasks.c.state.in_(WAITING))
    leased = sa.select(sa.func.min(tasks.c.lease_until)).where(tasks.c.state == "running")
    found = [connection.execute(query).scalar() for query in (waiting, leased)]
    return min((at for at in found if at is not None), default=0.0)


def first_end(connection: sa.Connection) -> tuple[float, float]:
    """Ends of the oldest ended task with its bodies, and of the oldest of all; 0 where there is none."""
    ended = tasks.c.ended_at > 0
    bodies = sa.select(sa.func.min(tasks.c.ended_at)).where(ended, tasks.c.erased_at == 0)
    any_ = sa.select(sa.func.min(tasks.c.ended_at)).where(ended)
    first, oldest = (connection.execute(query).scalar() for query in (bodies, any_))
    return first or 0.0, oldest or 0.0


# Showing and erasing


def unshown(connection: sa.Connection, name: str, limit: int) -> list[Row]:
    """Tasks that have changed since they were last shown."""
    changed = sa.and_(tasks.c.name == name, tasks.c.version > tasks.c.shown)
    return list(
        connection.execute(tasks.select().where(changed).order_by(tasks.c.updated_at).limit(limit)).mappings()
    )


def set_shown(connection: sa.Connection, shown: dict[str, int]) -> None:
    """Notes which version of each task was shown."""
    for task_id, version in shown.items():
        connection.execute(tasks.update().where(tasks.c.id == task_id).values(shown=version))


def with_bodies(connection: sa.Connection, ended_before: float, limit: int) -> list[str]:
    """Ids of tasks that ended before an instant and still hold their bodies."""
    old = sa.and_(tasks.c.ended_at > 0, tasks.c.ended_at < ended_before, tasks.c.erased_at == 0)
    return list(connection.execute(sa.select(tasks.c.id).where(old).limit(limit)).scalars())


def erase(connection: sa.Connection, task_ids: list[str], now: float) -> None:
    """Erases input, output and steps of ended tasks."""
    blank = {"input": b"", "output": b"", "erased_at": now, "updated_at": now}
    connection.execute(tasks.update().where(tasks.c.id.in_(task_ids)).values(**blank, **_CHANGED))
    connection.execute(steps.delete().where(steps.c.task_id.in_(task_ids)))


def remove_ended(connection: sa.Connection, ended_before: float) -> list[Row]:
    """Removes tasks that ended before an instant; answers their ids and owners."""
    old = sa.and_(tasks.c.ended_at > 0, tasks.c.ended_at < ended_before)
    found = list(connection.execute(sa.select(tasks.c.id, tasks.c.owner).where(old)).mappings())
    connection.execute(steps.delete().where(steps.c.task_id.in_(sa.select(tasks.c.id).where(old))))
    connection.execute(tasks.delete().where(old))
    return found
