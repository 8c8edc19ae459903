"""The state folder: where each file lies, its creation, the master key, the installation's own keys, its database.

Not for: what the files say (`publish.py`, `keys.py`, `secrets.py`).
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline.core.outside import StoreSettings, is_outside
from trunkline.plugins.secrets import SecretUnavailable, StoreDown, masterkey, scheme_of, store
from trunkline.plugins.secrets.masterkey import MasterKeyProblem

if TYPE_CHECKING:
    import sqlalchemy as sa

INSTALLATION_KEYS = ("pepper", "token_key", "subject_salt", "audit", "answer_key")
PURPOSE = "installation"


class StateProblem(Exception):
    """The state folder cannot be used; says what and the cure."""


class State:
    """Paths and keys of one installation. Nothing is created before `create()` or first need."""

    def __init__(self, path: Path | str, environ: Mapping[str, str] | None = None) -> None:
        self.path = Path(path)
        self.environ = os.environ if environ is None else environ
        self.control_db = self.path / "control.db"
        self.journal = self.path / "journal"
        self.ledger = self.path / "ledger"
        self.snapshot = self.path / "snapshot.msgpack"
        self.sealed = self.path / "secrets.sealed"
        self.callers = self.path / "callers.msgpack"
        self.reload = self.path / "reload.json"
        self.gateway = self.path / "gateway.json"
        self.serve = self.path / "serve.json"
        self.serve_pid = self.path / "serve.pid"
        self.gateway_pid = self.path / "gateway.pid"
        self.console_pid = self.path / "console.pid"
        self.worker_pid = self.path / "worker.pid"
        self.simulator_pid = self.path / "simulator.pid"
        self.egress_pid = self.path / "egress.pid"
        self.simulator = self.path / "simulator.json"
        self.admin_token = self.path / "admin.token"
        self.kills = self.path / "kills"
        self.resolutions = self.path / "resolutions"
        self.answers = self.path / "answers"
        self.responses = self.path / "responses"
        self.master_key_file = self.path / masterkey.FILE_NAME
        self.tips: dict[int, tuple[int, bytes, float]] = {}
        """Where the audit chain ends for each change under way: number and hash of the row, and when."""

    def create(self) -> State:
        """Makes the folder (0700, ignored by git) if it is not there."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            ignore = self.path / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as problem:
            raise StateProblem(
                f"The state folder {self.path} cannot be made ({problem.strerror}). Choose another with --state-dir."
            ) from None
        return self

    def master_key(self) -> bytes:
        """The master key, made at first need. Raises MasterKeyProblem if it is unusable or lost."""
        self._finish_rotation()
        key = self._outside_key or masterkey.read(self.path, self.environ)
        if key is not None:
            return key
        if self.control_db.exists():
            raise MasterKeyProblem(
                f"The master key is missing: {self.master_key_file} is gone and TRUNKLINE_MASTER_KEY is not set, but "
                f"{self.control_db} needs it. Put the key back; without it the stored secrets are lost."
            )
        self.create()
        with self.lock():
            return masterkey.read(self.path, self.environ) or masterkey.write_new(self.master_key_file)

    @cached_property
    def _outside_key(self) -> bytes | None:
        """The master key where the variable names an outside store; asked once per process. Raises MasterKeyProblem."""
        ref = self.environ.get(masterkey.VARIABLE, "").strip()
        if not is_outside(ref):
            return None
        from trunkline.plugins.secrets.outside import open_store

        scheme, rest = scheme_of(ref)
        try:
            value = open_store(scheme, StoreSettings(), self.environ).fetch(rest).value
        except (SecretUnavailable, StoreDown) as problem:
            raise MasterKeyProblem(
                f"The master key cannot be had from {ref}: {problem.why}. {problem.cure}"
            ) from None
        return masterkey.parse(value, ref)

    @property
    def owns_master_key(self) -> bool:
        """Whether the master key is the file in this folder, not one that is handed in."""
        return not (self.environ.get(masterkey.VARIABLE) or self.environ.get(masterkey.FILE_VARIABLE))

    @cached_property
    def database(self) -> sa.Engine:
        """The control database for changes, made or upgraded at first need; every transaction is a writing one (`change`)."""
        from trunkline.control import anchor
        from trunkline.ledger.engine import open_engine
        from trunkline.ledger.migrate import revision, upgrade

        self.master_key()  # before the database, so that a database without its key is always a loss, never a start
        self.create()
        with self.lock():
            engine = open_engine(self.control_db)
            before = revision(engine)
            upgrade(engine, "control")
            if before in anchor.SCHEMAS_WITHOUT:
                self.__dict__["database"] = engine  # as it will be, for who asks for it now
                anchor.drop_first(self)
            return engine

    @cached_property
    def _reader(self) -> sa.Engine:
        from trunkline.ledger.engine import open_engine

        _ = self.database
        return open_engine(self.control_db, read_only=True)

    @contextmanager
    def view(self) -> Iterator[sa.Connection]:
        """One state of the control database for reading; never waits for a writer."""
        with self._reader.connect() as connection:
            yield connection

    @cached_property
    def keys(self) -> dict[str, bytes]:
        """The installation's own keys (INSTALLATION_KEYS), each 32 random bytes, at rest under the master key."""
        from trunkline.ledger import control_tables as tables

        master = self.master_key()
        with self.view() as connection:
            rows = tables.all_installation_keys(connection)
        if len(rows) < len(INSTALLATION_KEYS):
            with self.database.begin() as connection:
                _add_missing_keys(connection, master)
                rows = tables.all_installation_keys(connection)
        return {row["name"]: _open_key(row, master) for row in rows}

    @contextmanager
    def change(self) -> Iterator[sa.Connection]:
        """A writing transaction on the control database, with everything at hand that an audit row needs."""
        from trunkline.control import anchor

        _ = self.keys
        with self.database.begin() as connection:
            try:
                yield connection
            finally:
                tip = self.tips.pop(id(connection), None)
        if tip is not None:
            anchor.drop(self, anchor.made(self, *tip))

    @contextmanager
    def lock(self, name: str = "lock") -> Iterator[None]:
        """One process at a time does what `name` stands for; waits for its turn. Never nest one name."""
        with (self.path / name).open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def write(self, path: Path, data: bytes, mode: int = 0o600) -> bool:
        """Replaces a file in one step, durably; False if it has this content already."""
        try:
            if path.read_bytes() == data:
                return False
        except FileNotFoundError:
            self.create()
        handle, name = tempfile.mkstemp(dir=self.path, prefix=f".{path.name}.")
        try:
            os.fchmod(handle, mode)
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return True

    def _finish_rotation(self) -> None:
        """A rotation of the master key that was cut after its commit left the key in use under `master.key.new`."""
        waiting = self.path / f"{masterkey.FILE_NAME}.new"
        if not (waiting.exists() and self.owns_master_key and self.control_db.exists()):
            return
        from trunkline.ledger import control_tables as tables
        from trunkline.ledger.engine import open_engine

        with open_engine(self.control_db, read_only=True).connect() as connection:
            used = {row["kek_id"] for row in tables.all_installation_keys(connection)}
        if used == {masterkey.key_id(masterkey.read_file(waiting))}:
            waiting.replace(self.master_key_file)


def _add_missing_keys(connection: sa.Connection, master: bytes) -> None:
    from trunkline.ledger import control_tables as tables

    there = {row["name"] for row in tables.all_installation_keys(connection)}
    for name in INSTALLATION_KEYS:
        if name not in there:
            made = store.enclose(os.urandom(32), name=name, version=1, purpose=PURPOSE, master_key=master)
            row = {
                "name": name,
                "ciphertext": made.ciphertext,
                "wrapped_key": made.wrapped_key,
                "kek_id": made.kek_id,
            }
            tables.insert_installation_key(connection, row)


def _open_key(row: Any, master: bytes) -> bytes:
    envelope = store.Envelope(row["ciphertext"], row["wrapped_key"], row["kek_id"])
    return store.disclose(envelope, name=row["name"], version=1, purpose=PURPOSE, master_key=master)
