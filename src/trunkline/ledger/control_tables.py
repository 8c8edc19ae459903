"""The control database (`control.db`): caller keys, stored secrets, keys of the installation, the audit chain. All its SQL.

Functions take an open connection, so that a change and its audit row share one transaction. Nothing is deleted but refresh tokens
that vendors have replaced: keys are revoked, secrets marked removed (their values erased), audit rows only added (triggers
refuse the rest).
Not for: who may change what and why (`control/`), nor calls (`ledger/query.py`). Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import sqlalchemy as sa

AUDIT_BATCH = 1000

metadata = sa.MetaData()

caller_keys = sa.Table(
    "caller_keys",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, index=True),
    sa.Column("team", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("revoked_at", sa.Float, nullable=False, default=0.0),
    sa.Column("role", sa.String, nullable=False, server_default="caller"),
    sa.Column("created_by", sa.String, nullable=False, server_default=""),
)

caller_key_versions = sa.Table(
    "caller_key_versions",
    metadata,
    sa.Column("key_id", sa.ForeignKey("caller_keys.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("hint", sa.String, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("first_used_at", sa.Float, nullable=False, server_default=sa.text("0")),
    sa.Column("last_used_at", sa.Float, nullable=False, server_default=sa.text("0")),
)

secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("current", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("removed_at", sa.Float, nullable=False, default=0.0),
)

secret_versions = sa.Table(
    "secret_versions",
    metadata,
    sa.Column("name", sa.ForeignKey("secrets.name"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("ciphertext", sa.LargeBinary, nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("kek_id", sa.String, nullable=False),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("last4", sa.String, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)

installation_keys = sa.Table(
    "installation_keys",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("ciphertext", sa.LargeBinary, nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("kek_id", sa.String, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("seal", sa.LargeBinary, nullable=False),
)

AUDIT_TRIGGERS = (
    "CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END",
    "CREATE TRIGGER audit_keeps_text BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END",
)
for _statement in AUDIT_TRIGGERS:
    sa.event.listen(metadata, "after_create", sa.DDL(_statement))  # type: ignore[no-untyped-call]

Row = sa.RowMapping


# Caller keys


def insert_key(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Adds a key."""
    connection.execute(caller_keys.insert().values(**row))


def insert_key_version(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Adds a version of a key."""
    connection.execute(caller_key_versions.insert().values(**row))


def all_keys(connection: sa.Connection) -> list[Row]:
    """Every key that ever was, oldest first."""
    return list(
        connection.execute(
            caller_keys.select().order_by(caller_keys.c.created_at, caller_keys.c.id)
        ).mappings()
    )


def key_versions(connection: sa.Connection) -> list[Row]:
    """Every version of every key, in order."""
    table = caller_key_versions
    return list(connection.execute(table.select().order_by(table.c.key_id, table.c.version)).mappings())


def update_key(connection: sa.Connection, key_id: str, values: dict[str, Any]) -> None:
    """Replaces columns of a key."""
    connection.execute(caller_keys.update().where(caller_keys.c.id == key_id).values(**values))


def set_key_revoked(connection: sa.Connection, key_id: str, at: float) -> None:
    """Marks a key revoked."""
    connection.execute(caller_keys.update().where(caller_keys.c.id == key_id).values(revoked_at=at))


def cap_key_versions(connection: sa.Connection, key_id: str, before: int, expires_at: float) -> None:
    """Lets the versions older than `before` end at `expires_at`, unless they end sooner."""
    table = caller_key_versions
    later = sa.or_(table.c.expires_at == 0.0, table.c.expires_at > expires_at)
    chosen = sa.and_(table.c.key_id == key_id, table.c.version < before, later)
    connection.execute(table.update().where(chosen).values(expires_at=expires_at))


# Stored secrets


def all_secrets(connection: sa.Connection) -> list[Row]:
    """Each secret that is not removed, with the facts of its current version."""
    joined = secrets.join(
        secret_versions,
        sa.and_(secret_versions.c.name == secrets.c.name, secret_versions.c.version == secrets.c.current),
    )
    chosen = sa.select(
        secrets.c.name,
        secrets.c.current.label("version"),
        secret_versions.c.fingerprint,
        secret_versions.c.last4,
        secret_versions.c.created_at,
    )
    query = chosen.select_from(joined).where(secrets.c.removed_at == 0.0).order_by(secrets.c.name)
    return list(connection.execute(query).mappings())


def find_secret(connection: sa.Connection, name: str) -> Row | None:
    """The head of a secret, also of a removed one."""
    return connection.execute(secrets.select().where(secrets.c.name == name)).mappings().first()


def put_secret(connection: sa.Connection, name: str, current: int, at: float) -> None:
    """Makes a version the current one; a new or removed secret comes (back) to life."""
    if find_secret(connection, name) is None:
        connection.execute(secrets.insert().values(name=name, current=current, created_at=at, removed_at=0.0))
    else:
        connection.execute(
            secrets.update().where(secrets.c.name == name).values(current=current, removed_at=0.0)
        )


def set_secret_removed(connection: sa.Connection, name: str, at: float) -> None:
    """Marks a secret removed and erases the values of all its versions for good."""
    connection.execute(secrets.update().where(secrets.c.name == name).values(removed_at=at))
    chosen = secret_versions.c.name == name
    connection.execute(secret_versions.update().where(chosen).values(ciphertext=b"", wrapped_key=b""))


def secret_history(connection: sa.Connection, name: str | None = None) -> list[Row]:
    """All versions (of one secret), in order; those of removed secrets have an empty ciphertext."""
    query = secret_versions.select().order_by(secret_versions.c.name, secret_versions.c.version)
    return list(
        connection.execute(query if name is None else query.where(secret_versions.c.name == name)).mappings()
    )


def insert_secret_version(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Adds a version of a secret."""
    connection.execute(secret_versions.insert().values(**row))


def drop_secret_versions(connection: sa.Connection, name: str, versions: list[int]) -> None:
    """Deletes versions of a secret; their numbers are not used again as long as a newer one is there."""
    chosen = sa.and_(secret_versions.c.name == name, secret_versions.c.version.in_(versions))
    connection.execute(secret_versions.delete().where(chosen))


def rewrap_secret_version(
    connection: sa.Connection, name: str, version: int, wrapped_key: bytes, kek_id: str
) -> None:
    """Replaces the wrapped data key of a version."""
    chosen = sa.and_(secret_versions.c.name == name, secret_versions.c.version == version)
    connection.execute(secret_versions.update().where(chosen).values(wrapped_key=wrapped_key, kek_id=kek_id))


# Keys of the installation (pepper, token key, ...)


def all_installation_keys(connection: sa.Connection) -> list[Row]:
    """All of them, wrapped."""
    return list(connection.execute(installation_keys.select().order_by(installation_keys.c.name)).mappings())


def insert_installation_key(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Adds one, wrapped."""
    connection.execute(installation_keys.insert().values(**row))


def rewrap_installation_key(connection: sa.Connection, name: str, wrapped_key: bytes, kek_id: str) -> None:
    """Replaces the wrapped data key of one."""
    chosen = installation_keys.c.name == name
    connection.execute(
        installation_keys.update().where(chosen).values(wrapped_key=wrapped_key, kek_id=kek_id)
    )


# The audit chain


def last_audit(connection: sa.Connection) -> Row | None:
    """The newest row."""
    return connection.execute(audit.select().order_by(audit.c.seq.desc()).limit(1)).mappings().first()


def insert_audit(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    """Adds rows at the end of the chain."""
    connection.execute(audit.insert(), rows)


def audit_chain(connection: sa.Connection) -> Iterator[Row]:
    """Every row in order of the chain, some at a time."""
    query = audit.select().order_by(audit.c.seq).limit(AUDIT_BATCH)
    rows = list(connection.execute(query).mappings())
    while rows:
        yield from rows
        rows = list(connection.execute(query.where(audit.c.seq > rows[-1]["seq"])).mappings())


class AuditSearch(Protocol):
    """What rows are searched by; an empty value asks for nothing."""

    @property
    def since(self) -> float: ...
    @property
    def until(self) -> float: ...
    @property
    def actor(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def subject(self) -> str: ...


def audit_search(connection: sa.Connection, wanted: AuditSearch, limit: int) -> list[Row]:
    """The newest rows that fit, in order of the chain."""
    query = audit.select()
    if wanted.since:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until:
        query = query.where(audit.c.at < wanted.until)
    if wanted.actor:
        query = query.where(audit.c.actor == wanted.actor)
    if wanted.subject:
        query = query.where(audit.c.subject == wanted.subject)
    if wanted.action:
        below = audit.c.action.startswith(f"{wanted.action}.", autoescape=True)
        query = query.where(sa.or_(audit.c.action == wanted.action, below))
    return list(connection.execute(query.order_by(audit.c.seq.desc()).limit(limit)).mappings())[::-1]


def audit_rows(connection: sa.Connection, since: float = 0.0, limit: int = 0) -> list[Row]:
    """Rows in order of the chain; with a limit the newest ones."""
    query = audit.select().where(audit.c.at >= since)
    if not limit:
        return list(connection.execute(query.order_by(audit.c.seq)).mappings())
    return list(connection.execute(query.order_by(audit.c.seq.desc()).limit(limit)).mappings())[::-1]
