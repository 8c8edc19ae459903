"""Teams, users, their sessions and one-time links, lockouts, callers by token: the tables of who may come in, and their SQL.

Like `control_tables.py`, beside which they lie in the control database. Nothing of a team or user is deleted, so that what they did
keeps a name; links, sessions and lockouts go when nobody can ask for them any more. Not for: judging anybody (`control/`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from trunkline.ledger.control_tables import Row, metadata

teams = sa.Table(
    "teams",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("removed_at", sa.Float, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, index=True),
    sa.Column("email", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("teams", sa.JSON, nullable=False),
    sa.Column("password", sa.String, nullable=False),
    sa.Column("issuer", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("disabled_at", sa.Float, nullable=False),
    sa.Column("removed_at", sa.Float, nullable=False),
    sa.Column("last_login_at", sa.Float, nullable=False),
    sa.Column("password_at", sa.Float, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
)

sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("user_id", sa.String, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("used_at", sa.Float, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("user_id", sa.String, nullable=False),
    sa.Column("way", sa.String, nullable=False),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("agent", sa.String, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float, nullable=False),
)

lockouts = sa.Table(
    "lockouts",
    metadata,
    sa.Column("subject", sa.String, primary_key=True),
    sa.Column("plane", sa.String, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("locked_at", sa.Float, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
    sa.Column("unlocked_at", sa.Float, nullable=False),
)

token_callers = sa.Table(
    "token_callers",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("team", sa.String, nullable=False),
    sa.Column("first_used_at", sa.Float, nullable=False),
    sa.Column("last_used_at", sa.Float, nullable=False),
)


def rows(connection: sa.Connection, table: sa.Table, *where: sa.ColumnElement[bool]) -> list[Row]:
    """Rows of one of these tables in order of their key."""
    query = table.select().order_by(*table.primary_key.columns)
    return list(connection.execute(query.where(*where) if where else query).mappings())


def add(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> None:
    """Adds a row."""
    connection.execute(table.insert().values(**row))


def change(connection: sa.Connection, table: sa.Table, key: Any, values: dict[str, Any]) -> None:
    """Replaces columns of the row with this key."""
    (column,) = table.primary_key.columns
    connection.execute(table.update().where(column == key).values(**values))


def put(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> None:
    """Adds a row, in place of one with the same key."""
    (column,) = table.primary_key.columns
    connection.execute(table.delete().where(column == row[column.name]))
    add(connection, table, row)


# Links and sessions


def take_link(connection: sa.Connection, digest: bytes, now: float) -> Row | None:
    """Uses a link up; None if there is none that is fresh and unused. Of two who try, one gets it."""
    fresh = (sign_in_links.c.hash == digest, sign_in_links.c.used_at == 0.0, sign_in_links.c.expires_at > now)
    taken = connection.execute(sign_in_links.update().where(*fresh).values(used_at=now)).rowcount
    if not taken:
        return None
    return connection.execute(sign_in_links.select().where(sign_in_links.c.hash == digest)).mappings().one()


def session_of(connection: sa.Connection, digest: bytes) -> Row | None:
    """The session whose cookie has this hash."""
    return connection.execute(sessions.select().where(sessions.c.hash == digest)).mappings().first()


def end_sessions(
    connection: sa.Connection, now: float, *, session: str | None = None, user: str | None = None
) -> int:
    """Ends one session, or all of a user; answers how many were open."""
    chosen = [sessions.c.ended_at == 0.0, sessions.c.expires_at > now]
    chosen += [sessions.c.id == session] if session is not None else []
    chosen += [sessions.c.user_id == user] if user is not None else []
    return connection.execute(sessions.update().where(*chosen).values(ended_at=now)).rowcount


def tidy(connection: sa.Connection, before: float) -> None:
    """Forgets links and sessions that ended before an instant, and lockouts that are long over."""
    connection.execute(sign_in_links.delete().where(sign_in_links.c.expires_at < before))
    connection.execute(sessions.delete().where(sessions.c.expires_at < before))
    connection.execute(lockouts.delete().where(lockouts.c.until < before))


# Uses of keys and tokens


def used(
    connection: sa.Connection, table: sa.Table, where: Iterable[sa.ColumnElement[bool]], at: float
) -> bool:
    """Notes the last use of a key's version or of a token's caller; True if it was the first."""
    chosen = list(where)
    first = connection.execute(
        table.update().where(*chosen, table.c.first_used_at == 0.0).values(first_used_at=at)
    ).rowcount
    connection.execute(table.update().where(*chosen, table.c.last_used_at < at).values(last_used_at=at))
    return bool(first)
