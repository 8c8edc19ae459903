"""Backup and restore of an installation: one tar file with the databases, kept answers, the registry and a manifest.

What had not ended when a backup was made may have run since: a restore never lets it run by itself. The master key goes in only
when asked for; a restore without a key that fits is refused before anything is changed (ruling 24). Not for: copying databases
that are in use (`ledger/backup.py`).
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

import trunkline
from trunkline.control import anchor, audit, publish
from trunkline.control.claim import is_claimed
from trunkline.control.state import State, StateProblem
from trunkline.core import codec
from trunkline.journal.deferrals import Board, Inbox
from trunkline.journal.spend import FILE_NAME
from trunkline.ledger import backup as databases
from trunkline.ledger.spent import made_anew
from trunkline.plugins.secrets import masterkey
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.tasks import parts
from trunkline.tasks.showing import SUMMARY, Showing

MANIFEST, DATABASES, REGISTRY = "manifest.json", "databases.tar.gz", "trunkline.yaml"
FORMAT = 2
READ_FORMATS = (1, 2)
"""1 had no tasks and no answers."""
SAID = ("kills", "resolutions")
"""What people have said that the gateway reads without the database."""
CANCELLED_BY = "the restore of a backup, since it may have run after that was made"


class ArchiveProblem(Exception):
    """A backup cannot be written or brought back; says why and the cure."""


def backup(
    state: State, registry: Path, target: Path, *, with_master_key: bool = False, actor: str = "cli"
) -> dict[str, Any]:
    """Writes the file (0600); it appears when it is whole. Answers its manifest. Raises ArchiveProblem."""
    if target.exists():
        raise ArchiveProblem(f"{target} exists already. Give another name.")
    master = state.master_key()
    detail = {"with_master_key": with_master_key}
    audit.append(state, actor, "backup", target.name, detail)
    said = [name for name in SAID if (state.path / name).exists()]
    part = target.with_name(f"{target.name}.part")
    with tempfile.TemporaryDirectory(dir=target.resolve().parent) as folder:
        inner = Path(folder) / DATABASES
        members = databases.backup(state.path, inner)
        manifest = {
            "format": FORMAT,
            "trunkline": trunkline.__version__,
            "created": time.time(),
            "kek_id": masterkey.key_id(master),
            "members": [
                *members,
                *said,
                *([REGISTRY] if registry.exists() else []),
                *([masterkey.FILE_NAME] if with_master_key else []),
            ],
        }
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
            _add(archive, MANIFEST, codec.to_json(manifest))
            for name in said:
                _add(archive, name, (state.path / name).read_bytes())
            archive.add(inner, arcname=DATABASES)
            if registry.exists():
                _add(archive, REGISTRY, registry.read_bytes())
            if with_master_key:
                _add(archive, masterkey.FILE_NAME, master.hex().encode() + b"\n")
    part.rename(target)
    return manifest


def restore(source: Path, state: State, registry: Path, *, replace: bool = False) -> dict[str, Any]:
    """Brings a backup back. Raises ArchiveProblem with nothing changed if it does not fit; answers what was restored."""
    if is_claimed(state):
        raise ArchiveProblem(f"Trunkline is running on {state.path}. Stop it first.")
    members = _read(source)
    manifest = _manifest(source, members)
    key = _fitting_key(state, manifest, members, replace)
    before = _answer_key(state)
    state.create()
    with tempfile.TemporaryDirectory(dir=state.path) as folder:
        inner = Path(folder) / DATABASES
        _extract(source, DATABASES, inner)
        try:
            names = databases.restore(
                inner,
                state.path,
                replace=replace,
                # Of the same installation those that are there are newer: to forget a key would be to act twice.
                keep_answers=lambda: before != b"" and before == _answer_key(state, key),
            )
        except databases.RestoreRefused as refusal:
            raise ArchiveProblem(str(refusal)) from None
    same = before != b"" and before == _answer_key(state, key)
    if key is not None:
        state.write(state.master_key_file, key.hex().encode() + b"\n")
    for name in SAID:
        # Of the same installation what is there goes on from what is in the backup.
        if name in members and not (same and (state.path / name).exists()):
            state.write(state.path / name, members[name])
            names.append(name)
        elif not same:
            (state.path / name).unlink(missing_ok=True)
    # What was published belongs to the installation before; the next start writes it anew.
    for file in (state.snapshot, state.sealed, state.callers, state.reload):
        file.unlink(missing_ok=True)
    (state.path / FILE_NAME).unlink(missing_ok=True)
    for stale in (anchor.FILE_NAME, anchor.BEFORE):  # of a chain that may be longer than the restored one
        (state.path / stale).unlink(missing_ok=True)
    made_anew(state.journal, state.ledger, state.path / FILE_NAME, time.time_ns() // 1000)
    if REGISTRY in members and not registry.exists():
        registry.write_bytes(members[REGISTRY])
        names.append(str(registry))
    cancelled = _settle_tasks(state, same=same)
    publish.callers(state)
    detail = {"created": manifest["created"], "cancelled_tasks": cancelled}
    audit.append(state, "cli", "restore", source.name, detail)
    return {"members": names, "created": manifest["created"], "cancelled_tasks": cancelled}


def _answer_key(state: State, master: bytes | None = None) -> bytes:
    """Under which the answers of the installation in a state folder lie; empty where there is none, or it does not open."""
    if not (state.path / databases.CONTROL).exists():
        return b""
    environ = state.environ if master is None else {**state.environ, "TRUNKLINE_MASTER_KEY": master.hex()}
    try:
        return State(state.path, environ).keys["answer_key"]
    except (MasterKeyProblem, StateProblem, SQLAlchemyError, OSError):
        return b""


def _settle_tasks(state: State, *, same: bool) -> int:
    """Ends the tasks that had not ended, and has all of them shown; what another installation has left there goes."""
    folder = parts.folder(state.path)
    for name in ("tasks", *(() if same else ("inbox", "damaged"))):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / SUMMARY).unlink(missing_ok=True)
    if not (state.path / databases.TASKS).exists():
        return 0
    key = state.keys["token_key"]
    folder.mkdir(mode=0o700, exist_ok=True)
    store, board, inbox = parts.made_store(state.path, key), Board(folder, key), Inbox(folder, key)
    try:
        cancelled = store.end_open(CANCELLED_BY)
        showing = Showing(store, board, folder)
        showing.catch_up()
        showing.sum_up(inbox=len(inbox.names()))
    finally:
        store.close()
    return cancelled


def _fitting_key(
    state: State, manifest: dict[str, Any], members: dict[str, bytes], replace: bool
) -> bytes | None:
    """The master key from the backup if it must be put in place; None if the one at hand fits. Raises ArchiveProblem."""
    needed = str(manifest["kek_id"])
    own = masterkey.read(state.path, state.environ)
    if own is not None and masterkey.key_id(own) == needed:
        return None
    if masterkey.FILE_NAME not in members:
        have = f"the one at hand is {masterkey.key_id(own)}" if own is not None else "none is at hand"
        raise ArchiveProblem(
            f"This backup was made with the master key {needed}, which is not in it, and {have}. Give the right one as "
            f"TRUNKLINE_MASTER_KEY or TRUNKLINE_MASTER_KEY_FILE, or put it at {state.master_key_file} (mode 0600)."
        )
    key = masterkey.parse(members[masterkey.FILE_NAME].decode("ascii", "replace"), "the backup")
    if not state.owns_master_key:
        raise ArchiveProblem(
            f"The master key that is handed in does not fit; the backup needs {needed}. Unset TRUNKLINE_MASTER_KEY(_FILE)."
        )
    if own is not None and not replace:
        raise ArchiveProblem(
            f"{state.master_key_file} holds another master key. Give --replace to put the backup's in its place."
        )
    return key


def _read(source: Path) -> dict[str, bytes]:
    """The members by name; only those that a backup has, so that no archive writes elsewhere."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(source, "r:") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None and member.name in (MANIFEST, REGISTRY, masterkey.FILE_NAME, *SAID):
                    found[member.name] = content.read()
                elif content is not None and member.name == DATABASES:
                    found[DATABASES] = b""  # it may be long: it is taken out when its turn comes
    except (tarfile.TarError, OSError, EOFError) as problem:
        raise ArchiveProblem(f"{source} is no whole backup ({problem}).") from None
    return found


def _extract(source: Path, name: str, to: Path) -> None:
    """One long member."""
    try:
        with tarfile.open(source, "r:") as archive, to.open("wb") as file:
            content = archive.extractfile(name)
            assert content is not None
            shutil.copyfileobj(content, file, 1 << 20)
    except (tarfile.TarError, OSError, EOFError) as problem:
        raise ArchiveProblem(f"{source} is no whole backup ({problem}).") from None


def _manifest(source: Path, members: dict[str, bytes]) -> dict[str, Any]:
    try:
        manifest = codec.from_json(members[MANIFEST])
        known = manifest["format"] in READ_FORMATS and manifest["kek_id"] and DATABASES in members
    except (KeyError, TypeError, codec.DecodeError):
        raise ArchiveProblem(f"{source} is no backup of Trunkline.") from None
    if not known:
        raise ArchiveProblem(
            f"{source} was written in format {manifest['format']}, and this version reads {' and '.join(map(str, READ_FORMATS))}."
        )
    return dict(manifest)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content), 0o600, int(time.time())
    archive.addfile(member, io.BytesIO(content))
