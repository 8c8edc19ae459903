from __future__ import annotations

import io
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.records import DAY_US, NOON_US, JournalInMemory, begin, call
from trunkline.ledger.backup import RestoreRefused, backup, restore
from trunkline.ledger.drain import Drain
from trunkline.ledger.query import Ledger
from trunkline.ledger.usage import Rollups


@pytest.fixture
def state(tmp_path: Path, make_drain: Callable[..., Drain]) -> Path:
    """A state folder with two days, roll-ups, a control database, a master key, and a drain that still has it open."""
    drain = make_drain(JournalInMemory(*call("a"), *call("b", NOON_US + DAY_US), begin("c")))
    while drain.step():
        pass
    with closing(sqlite3.connect(tmp_path / "control.db")) as control, control:
        control.execute("CREATE TABLE caller_keys (id TEXT)")
        control.execute("INSERT INTO caller_keys VALUES ('key-1')")
    (tmp_path / "master.key").write_text("not-a-real-master-key")
    return tmp_path


def archive_of(path: Path, name: str, content: bytes, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size, member.type, member.linkname = len(content), kind, "x"
        archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.row("X6")
def test_a_backup_taken_while_all_runs_gives_everything_back(state: Path, tmp_path: Path) -> None:
    names = backup(state, tmp_path / "backup.tar.gz")
    assert names == [
        "control.db",
        "ledger/calls-2026-11-21.db",
        "ledger/calls-2026-11-22.db",
        "ledger/rollups.db",
    ]
    new = tmp_path / "elsewhere"
    assert restore(tmp_path / "backup.tar.gz", new) == names
    assert sorted(str(path.relative_to(new)) for path in new.rglob("*") if path.is_file()) == names
    with closing(Ledger(new / "ledger")) as ledger, closing(Rollups(new / "ledger")) as rollups:
        assert [(one["call_id"], one["state"]) for one in ledger.calls().calls] == [
            ("b", "ok"),
            ("c", "running"),
            ("a", "ok"),
        ]
        assert [row["calls"] for row in rollups.usage()] == [2]
    with closing(sqlite3.connect(new / "control.db")) as control:
        assert control.execute("SELECT id FROM caller_keys").fetchall() == [("key-1",)]


def test_a_backup_is_private_and_whole_or_not_there(state: Path, tmp_path: Path) -> None:
    backup(state, tmp_path / "backup.tar.gz")
    assert (tmp_path / "backup.tar.gz").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "backup.tar.gz.part").exists()


def test_a_folder_in_use_is_not_overwritten_unless_told(state: Path, tmp_path: Path) -> None:
    backup(state, tmp_path / "backup.tar.gz")
    with pytest.raises(RestoreRefused, match="give --replace"):
        restore(tmp_path / "backup.tar.gz", state)
    (state / "ledger" / "calls-2020-01-01.db").touch()
    names = restore(tmp_path / "backup.tar.gz", state, replace=True)
    assert sorted(f"ledger/{path.name}" for path in (state / "ledger").glob("*.db*")) == names[1:]


@pytest.mark.parametrize(
    "name", ["../evil.db", "/tmp/evil.db", "master.key", "ledger/../../x.db", "ledger/deep/x.db"]
)
def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RestoreRefused, match="which is no part of a backup"):
        restore(archive_of(tmp_path / "bad.tar.gz", name, b"x"), tmp_path / "state")
    assert list((tmp_path / "state").iterdir()) == []


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RestoreRefused, match="no part of a backup"):
        restore(archive_of(tmp_path / "bad.tar.gz", "control.db", b"", tarfile.SYMTYPE), tmp_path / "state")


def test_a_damaged_backup_changes_nothing(state: Path, tmp_path: Path) -> None:
    bad = archive_of(tmp_path / "bad.tar.gz", "control.db", b"this is no database, at length " * 200)
    cut = tmp_path / "cut.tar.gz"
    backup(state, tmp_path / "whole.tar.gz")
    cut.write_bytes((tmp_path / "whole.tar.gz").read_bytes()[:-2000])
    before = (state / "control.db").read_bytes()
    with pytest.raises(RestoreRefused, match="damaged"):
        restore(bad, state, replace=True)
    with pytest.raises(RestoreRefused, match="no whole backup"):
        restore(cut, state, replace=True)
    assert (state / "control.db").read_bytes() == before
