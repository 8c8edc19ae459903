"""Brings a database to the schema of this version, all or nothing; refuses one that it does not know.

Convention: `migrations/<kind>/versions/NNNN_title.py` with `revision = "NNNN"`, each following the one before. The newest number
is the head. When the version table names the head nothing is imported; a new file is made from the tables at once and
stamped; only an older database costs the import of Alembic. Before that, a copy is kept beside the file.
"""

from __future__ import annotations

import tempfile
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.dialects import sqlite

from trunkline.ledger.engine import copy_database, open_engine

MIGRATIONS = Path(__file__).parent / "migrations"
TABLES = {
    "day": "trunkline.ledger.day_tables",
    "rollup": "trunkline.ledger.rollup_tables",
    "control": "trunkline.ledger.control_schema",
    "tasks": "trunkline.ledger.task_tables",
}
"""Kind of database -> module whose `metadata` is its newest schema."""


class SchemaRefused(Exception):
    """A database has a schema that this version can neither use nor upgrade; the text says why and what to do."""


def head(kind: str) -> str:
    """The newest revision of a kind of database that this version knows."""
    return max(_revisions(kind))


def upgrade(engine: Engine, kind: str) -> str:
    """Make the schema the newest one and return its revision. Raises SchemaRefused; the database is then as it was."""
    newest = head(kind)
    with engine.connect() as connection:
        if _stamp(connection) == newest:
            return newest
    return _upgrade(engine, kind, newest)


def revision(engine: Engine) -> str | None:
    """The schema that a database has now; None for an empty one."""
    with engine.connect() as connection:
        return _stamp(connection)


def rehearse(path: Path, kind: str) -> str:
    """Try the upgrade on a copy of a database and check the result; returns the revision reached. The original is not touched."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy_database(path, copy)
        engine = open_engine(copy)
        try:
            reached = upgrade(engine, kind)
            with engine.connect() as connection:
                verdict = connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
        finally:
            engine.dispose()
    if verdict != "ok":
        raise SchemaRefused(f"the rehearsed upgrade of {path} leaves a damaged database: {verdict}")
    return reached


def _upgrade(engine: Engine, kind: str, newest: str) -> str:
    """The write lock is held from the look at the old schema to the stamp of the new one, so two starts cannot both upgrade."""
    with engine.begin() as connection:
        path = Path(connection.exec_driver_sql("PRAGMA database_list").one()[2])
        stamp = _stamp(connection)
        if stamp == newest:
            return newest
        tables = set(sqlalchemy.inspect(connection).get_table_names()) - {"alembic_version"}
        if stamp is None and not tables:
            _create(connection, kind, newest)
            return newest
        _judge(path, kind, stamp, newest)
        copy_database(path, path.with_name(f"{path.name}.before-{newest}"))
        _migrate(connection, kind)
        if _stamp(connection) != newest:
            raise SchemaRefused(f"the upgrade of {path} ended at {_stamp(connection)} instead of {newest}")
    return newest


def _judge(path: Path, kind: str, stamp: str | None, newest: str) -> None:
    if stamp is None:
        raise SchemaRefused(
            f"{path} has tables but no schema version: an upgrade was cut off, or it is another program's. "
            f"Restore it from a backup (`trunkline restore`), or move it away to start with an empty one."
        )
    if stamp not in _revisions(kind):
        raise SchemaRefused(
            f"{path} has schema {stamp}, and this version of Trunkline knows {kind} schemas up to {newest}. "
            f"Use the version that wrote it, or restore a backup from before its upgrade."
        )


def _revisions(kind: str) -> list[str]:
    found = sorted(
        file.name[:4] for file in (MIGRATIONS / kind / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")
    )
    if kind not in TABLES or not found:
        raise SchemaRefused(
            f"no migrations are known for a database of kind {kind!r}; there are {', '.join(TABLES)}"
        )
    return found


def _stamp(connection: Connection) -> str | None:
    """What the version table says; None without one. Several rows never happen by our hand."""
    there = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").first()
    if there is None:
        return None
    rows = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
    return str(rows[0]) if len(rows) == 1 else None


def _create(connection: Connection, kind: str, newest: str) -> None:
    for statement in _statements(TABLES[kind]):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (newest,))


@lru_cache(maxsize=len(TABLES))
def _statements(module: str) -> tuple[str, ...]:
    """What makes the tables of a module. Made once: it takes longer than the tables themselves, and each day has a database."""
    metadata: MetaData = import_module(module).metadata
    said: list[str] = []
    dialect = sqlite.dialect()

    def note(statement: Any, *_: Any, **__: Any) -> None:
        said.append(str(statement.compile(dialect=dialect)))

    metadata.create_all(sqlalchemy.create_mock_engine("sqlite://", note), checkfirst=False)
    return tuple(said)


def _migrate(connection: Connection, kind: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(MIGRATIONS / kind / "versions").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
