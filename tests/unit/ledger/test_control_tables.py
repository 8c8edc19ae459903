"""The control database's schema: its migrations and its tables say the same."""

import sqlite3

from alembic import command
from alembic.config import Config

from trunkline.ledger import migrate
from trunkline.ledger.engine import open_engine


def schema(path):
    with sqlite3.connect(path) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
        ]
        columns = {table: connection.execute(f"PRAGMA table_info({table})").fetchall() for table in tables}
        others = connection.execute(
            "SELECT type, name, tbl_name FROM sqlite_master WHERE type != 'table' ORDER BY name"
        ).fetchall()
    return columns, others


def test_a_migrated_database_is_the_same_as_a_new_one(tmp_path):
    new, migrated = tmp_path / "new.db", tmp_path / "migrated.db"
    migrate.upgrade(open_engine(new), "control")
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(migrate.MIGRATIONS / "control" / "versions"))
    with open_engine(migrated).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert schema(migrated) == schema(new)
