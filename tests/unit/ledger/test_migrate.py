from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import util
from pathlib import Path

import pytest

from trunkline.ledger import migrate
from trunkline.ledger.engine import open_engine
from trunkline.ledger.migrate import SchemaRefused, head, rehearse, upgrade

KINDS = ("day", "rollup", "control", "tasks")


def schema(path: Path) -> dict[str, str]:
    """Every table, index and trigger; words only, for Alembic and SQLAlchemy break lines differently."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: " ".join(re.sub(r'["(),]', " ", sql).split()) for name, sql in rows}


def made(path: Path, kind: str) -> None:
    engine = open_engine(path)
    upgrade(engine, kind)
    engine.dispose()


def by_migrations(path: Path, kind: str) -> None:
    engine = open_engine(path)
    with engine.begin() as connection:
        migrate._migrate(connection, kind)
    engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_the_tables_and_the_migrations_say_the_same(tmp_path: Path, kind: str) -> None:
    made(tmp_path / "tables.db", kind)
    by_migrations(tmp_path / "migrations.db", kind)
    one, other = schema(tmp_path / "tables.db"), schema(tmp_path / "migrations.db")
    assert set(one) == set(other)
    differing = {
        name: (one[name], other[name]) for name in one if set(one[name].split()) != set(other[name].split())
    }
    assert {name: both for name, both in differing.items() if name != "alembic_version"} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_revisions_are_the_numbers_of_their_files_in_a_row(kind: str) -> None:
    before = None
    for file in sorted((migrate.MIGRATIONS / kind / "versions").glob("*.py")):
        spec = util.spec_from_file_location("migration", file)
        assert spec is not None
        assert spec.loader is not None
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert (module.revision, module.down_revision) == (file.name[:4], before)
        before = module.revision


@pytest.mark.row("X5")
def test_nothing_to_do_costs_no_import_of_alembic(tmp_path: Path) -> None:
    made(tmp_path / "day.db", "day")
    program = (
        "import sys, pathlib; from trunkline.ledger.engine import open_engine; from trunkline.ledger.migrate import upgrade;"
        f"upgrade(open_engine(pathlib.Path({str(tmp_path / 'day.db')!r})), 'day');"
        f"upgrade(open_engine(pathlib.Path({str(tmp_path / 'new.db')!r})), 'day');"
        "print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A day's file of today, and migrations that know one revision more."""
    made(tmp_path / "day.db", "day")
    with closing(sqlite3.connect(tmp_path / "day.db")) as connection, connection:
        connection.execute("CREATE TABLE witness (n INTEGER)")
        connection.execute("INSERT INTO witness VALUES (7)")
    folder = tmp_path / "migrations"
    (folder / "day" / "versions").mkdir(parents=True)
    (folder / "env.py").write_text((migrate.MIGRATIONS / "env.py").read_text())
    for file in (migrate.MIGRATIONS / "day" / "versions").glob("*.py"):
        (folder / "day" / "versions" / file.name).write_text(file.read_text())
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    return tmp_path / "day.db"


def add_migration(path: Path, body: str) -> None:
    number = f"{int(head('day')) + 1:04d}"
    (path.parent / "migrations" / "day" / "versions" / f"{number}_next.py").write_text(
        f"from alembic import op\nrevision = '{number}'\ndown_revision = '{head('day')}'\n"
        f"def upgrade():\n    op.execute('ALTER TABLE witness ADD COLUMN more INTEGER')\n    {body}\n"
    )


def witness(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM witness").fetchall()


@pytest.mark.row("X5")
def test_an_older_database_is_upgraded_and_a_copy_of_it_kept(older: Path) -> None:
    add_migration(older, "op.execute('UPDATE witness SET more = 8')")
    newest = head("day")
    made(older, "day")
    assert (witness(older), witness(older.with_name(f"day.db.before-{newest}"))) == ([(7, 8)], [(7,)])


@pytest.mark.row("X5")
def test_an_upgrade_that_fails_half_way_leaves_the_database_as_it_was(older: Path) -> None:
    before = schema(older)
    add_migration(older, "op.execute('INSERT INTO nowhere VALUES (1)')")
    with pytest.raises(Exception, match="nowhere"):
        made(older, "day")
    assert (schema(older), witness(older)) == (before, [(7,)])


@pytest.mark.row("X5")
def test_an_upgrade_can_be_rehearsed_without_touching_the_database(older: Path) -> None:
    add_migration(older, "op.execute('UPDATE witness SET more = 8')")
    before = schema(older)
    assert rehearse(older, "day") == head("day")
    assert (schema(older), witness(older)) == (before, [(7,)])


@pytest.mark.row("X5")
def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "day.db"
    made(path, "day")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaRefused, match=r"day.db has schema 9999.*Use the version that wrote it"):
        made(path, "day")


@pytest.mark.row("X5")
def test_tables_without_a_version_are_refused_as_half_done(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "day.db")) as connection:
        connection.execute("CREATE TABLE calls (call_id TEXT)")
    with pytest.raises(SchemaRefused, match="tables but no schema version: an upgrade was cut off"):
        made(tmp_path / "day.db", "day")


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaRefused, match="no migrations are known for a database of kind 'colour'"):
        made(tmp_path / "x.db", "colour")
