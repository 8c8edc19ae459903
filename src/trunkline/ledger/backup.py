"""A backup of every database of a state folder, and of the answers kept for idempotency keys, in one archive, taken while all goes on;
and putting it back.

Not for the master key, which is never in it: whoever makes the backup decides about that (`control`). Calls that are still in the
journal are not in it either.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from trunkline.ledger.engine import copy_database

CONTROL = "control.db"
TASKS = "tasks.db"
LEDGER = "ledger"
ANSWERS = "answers"
_SEGMENT = re.compile(r"\d{12}\.(heads|bodies)")


class RestoreRefused(Exception):
    """A backup cannot be put back; the text says why and what to do."""


def databases(state_dir: Path) -> list[Path]:
    """The databases of a state folder, relative to it."""
    found = [Path(name) for name in (CONTROL, TASKS) if (state_dir / name).exists()]
    days = (file for file in (state_dir / LEDGER).glob("*.db")) if (state_dir / LEDGER).is_dir() else ()
    return found + sorted(file.relative_to(state_dir) for file in days)


def answers(state_dir: Path) -> list[Path]:
    """The files of kept answers, relative to the state folder; heads before the bodies that they name, which are written first."""
    folder = state_dir / ANSWERS
    there = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    names = sorted(
        (name for name in there if _SEGMENT.fullmatch(name)), key=lambda n: (n[:12], n[13:] != "heads")
    )
    return [Path(ANSWERS) / name for name in names]


def backup(state_dir: Path, out_path: Path) -> list[str]:
    """Write the databases into a tar archive (gzip), each a consistent copy, then the kept answers; returns the names. The file
    appears when it is whole.
    """
    part = out_path.with_name(out_path.name + ".part")
    names = []
    with tempfile.TemporaryDirectory(dir=out_path.parent) as folder, part.open("xb") as file:
        part.chmod(0o600)
        # One copy at a time: a second copy of every day would need twice the room.
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as archive:
            for name in [*databases(state_dir), *answers(state_dir)]:
                copy = Path(folder) / name.name
                # A day may expire meanwhile, and a segment of answers.
                with contextlib.suppress(FileNotFoundError, sqlite3.OperationalError):
                    if name.parts[0] == ANSWERS:
                        shutil.copyfile(state_dir / name, copy)
                    else:
                        copy_database(state_dir / name, copy)
                    archive.add(copy, arcname=str(name))
                    names.append(str(name))
                    copy.unlink()
    part.rename(out_path)
    return names


def restore(
    archive_path: Path, state_dir: Path, *, replace: bool = False, keep_answers: Callable[[], bool] = bool
) -> list[str]:
    """Put the databases of a backup into a state folder, and its kept answers unless `keep_answers` (asked when the databases are
    in place) says that those which are there shall stay; returns the names.

    Raises RestoreRefused, with nothing changed, when the folder holds databases and `replace` is not given, or when one in the
    archive is damaged. The processes must be stopped.
    """
    there = databases(state_dir)
    if there and not replace:
        raise RestoreRefused(
            f"{state_dir} holds databases ({there[0]}, ...): give --replace to put the backup in their place"
        )
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=state_dir) as folder:
        names = _unpack(archive_path, Path(folder))
        for name in there:
            for suffix in ("", "-wal", "-shm"):
                (state_dir / f"{name}{suffix}").unlink(missing_ok=True)
        (state_dir / LEDGER).mkdir(mode=0o700, exist_ok=True)
        kept = [name for name in names if name.startswith(f"{ANSWERS}/")]
        for unpacked in names:
            if unpacked not in kept:
                (Path(folder) / unpacked).rename(state_dir / unpacked)
        if keep_answers():
            return [name for name in names if name not in kept]
        shutil.rmtree(state_dir / ANSWERS, ignore_errors=True)
        if kept:
            (Path(folder) / ANSWERS).rename(state_dir / ANSWERS)
    return names


def _unpack(archive_path: Path, folder: Path) -> list[str]:
    names: list[str] = []
    (folder / LEDGER).mkdir()
    (folder / ANSWERS).mkdir(mode=0o700)
    try:
        with tarfile.open(archive_path, "r:gz") as archive:
            for member in archive:
                if not _expected(member):
                    raise RestoreRefused(
                        f"{archive_path} holds {member.name!r}, which is no part of a backup"
                    )
                _write(folder / member.name, archive.extractfile(member))
                if member.name.endswith(".db"):
                    _check(folder / member.name)
                names.append(member.name)
    except (tarfile.TarError, EOFError, OSError) as fault:
        raise RestoreRefused(f"{archive_path} is no whole backup ({fault}); take another one") from fault
    if not names:
        raise RestoreRefused(f"{archive_path} holds no database")
    return names


def _expected(member: tarfile.TarInfo) -> bool:
    """Only plain files of the names that `backup` writes: an archive must not write elsewhere."""
    parts = Path(member.name).parts
    known = parts in ((CONTROL,), (TASKS,))
    if len(parts) == 2:
        known = (parts[0] == LEDGER and parts[1].endswith(".db")) or (
            parts[0] == ANSWERS and _SEGMENT.fullmatch(parts[1]) is not None
        )
    return member.isreg() and known


def _write(path: Path, content: object) -> None:
    assert isinstance(content, io.BufferedReader | tarfile.ExFileObject)
    with path.open("wb") as file:
        path.chmod(0o600)
        while piece := content.read(1 << 20):
            file.write(piece)


def _check(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        except sqlite3.DatabaseError as fault:
            verdict = str(fault)
    if verdict != "ok":
        raise RestoreRefused(f"{path.name} in the backup is damaged ({verdict}); take another backup")
