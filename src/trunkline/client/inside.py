"""A gateway within this process: the same engine, policies and journal as `trunkline serve`, without sockets and other processes.

Each process takes a slot of its own below the state folder (`python/1`, `python/2`, ...) with journal, ledger and what budgets and
idempotency remember; a slot is taken up again by the next process, so nothing is lost between runs. `trunkline logs --state-dir
.trunkline/python/1` reads it. Limits and budgets hold within the process. Not there: deferral (no worker), probes, the console.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

import msgspec

from trunkline import app
from trunkline.client.errors import unreachable
from trunkline.client.transport import Arriving, Ask, Buffer, Field, named
from trunkline.control import keytext
from trunkline.control.reload import Compiler
from trunkline.control.state import State
from trunkline.core.codec import to_pack
from trunkline.core.service import CallerKey, Callers
from trunkline.journal.spend import FILE_NAME
from trunkline.ledger.drain import Drain
from trunkline.ledger.follow import Follower
from trunkline.ledger.spent import kept_book
from trunkline.plugins.secrets import masterkey
from trunkline.registry.findings import RegistryInvalid
from trunkline.settings import Settings
from trunkline.wire.request import Request

SLOTS = 64
REGISTRY_EVERY_S = 1.0
WHERE = "in process"


async def opened(settings: Settings) -> Inside:
    """Compiles the registry, takes a slot and begins. Raises ValueError with every finding of a registry that is wrong."""
    if not settings.config_path.is_file():
        raise ValueError(
            f"there is no registry {settings.config_path} and no Trunkline runs on {settings.state_path}: give `config=` or "
            "`url=`, or start one with `trunkline serve`"
        )
    slot = await asyncio.to_thread(Slot.taken, settings)
    try:
        return await _begun(slot, settings)
    except BaseException:
        slot.release()
        raise


class Slot(State):
    """The installation's state, with files of this process's own in place of the gateway's."""

    def __init__(self, main: Path, folder: Path, claim: IO[str]) -> None:
        super().__init__(main)
        self.folder = folder
        self._claim = claim
        for name in ("journal", "ledger"):
            setattr(self, name, folder / name)
        self.snapshot = folder / self.snapshot.name
        self.sealed = folder / self.sealed.name
        self.callers = folder / self.callers.name
        self.reload = folder / self.reload.name
        kills = folder / self.kills.name
        if not kills.is_symlink():
            kills.symlink_to(self.kills.resolve())  # a kill holds here, too

    @staticmethod
    def taken(settings: Settings) -> Slot:
        """The first that no process holds. Raises ValueError when there is none left."""
        main = State(settings.state_path).create()
        for number in range(1, SLOTS + 1):
            folder = main.path / "python" / str(number)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            claim = (folder / "pid").open("a+")
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                claim.close()
                continue
            claim.truncate(0)
            claim.write(f"{os.getpid()}\n")
            claim.flush()
            return Slot(main.path, folder, claim)
        raise ValueError(
            f"{SLOTS} processes use {main.path} already; run `trunkline serve` and let them share it (`url=`)"
        )

    def release(self) -> None:
        """Another process may take it up."""
        self._claim.close()


async def _begun(slot: Slot, settings: Settings) -> Inside:
    compiler, read = Compiler(slot, settings, os.environ), _stamp(settings.config_path)
    outcome = await asyncio.to_thread(compiler.run, first=True)
    if not outcome.ok:
        raise ValueError(str(RegistryInvalid(list(outcome.findings))))
    key = keytext.make()
    await asyncio.to_thread(_admit, slot, key)
    environ = {**os.environ}
    if slot.owns_master_key:
        environ[masterkey.FILE_VARIABLE] = str(slot.master_key_file.resolve())
    process = app.Process(_within(settings, slot.folder), environ, worker=False)
    await process.open()
    follow = partial(_follow, compiler, settings.config_path, read)
    return Inside(process, slot, key, follow)


def _within(settings: Settings, folder: Path) -> Settings:
    return msgspec.structs.replace(settings, state_dir=str(folder), one_port=False, tls_cert="", tls_key="")


def _admit(slot: Slot, key: str) -> None:
    """The one caller of this process is the process itself."""
    own = CallerKey(
        id="python",
        name="python",
        hash=keytext.key_hash(key, slot.keys["pepper"]),
        scopes=["*"],
        concurrency=0,
    )
    content = Callers(version=str(time.time_ns()), keys=[own], subject_salt=slot.keys["subject_salt"])
    slot.write(slot.callers, to_pack(content))


class Inside:
    """Calls handed straight to a gateway's engine."""

    where = WHERE

    def __init__(
        self, process: app.Process, slot: Slot, key: str, follow: Callable[[threading.Event], None]
    ) -> None:
        """`follow` watches the registry, in a thread, until it is told to stop."""
        self._process = process
        self._slot = slot
        self._key = (b"x-trunkline-key", key.encode())
        self._follower = Follower(_drain(slot), slot.journal)
        self._follower.start()
        self._stop = threading.Event()
        self._watch = threading.Thread(target=follow, args=(self._stop,), name="registry", daemon=True)
        self._watch.start()

    async def send(self, ask: Ask) -> Arriving:
        """As the wire would hand it over."""
        length = (b"content-length", b"%d" % len(ask.body))
        headers = [self._key, *ask.headers, *([length] if ask.body or ask.method == "POST" else [])]
        fields: dict[bytes, bytes] = {}
        for name, value in headers:
            fields.setdefault(name, value)
        reply = Incoming()
        request = Request(
            ask.method,
            ask.target.encode("ascii"),
            headers,
            fields,
            body=ask.body,
            peer="127.0.0.1",
            secure=True,
            memo={},
        )
        self._process.gateway.handle(request, reply)
        try:
            status, lines = await reply.head
        except BaseException:
            reply.give_up()
            raise
        return Arriving(status, named(_fields(lines)), reply.pieces())

    async def close(self) -> None:
        """Running calls end as cut; what was recorded is drained."""
        self._stop.set()
        await self._process.close()
        await asyncio.to_thread(self._drained)
        self._slot.release()

    def _drained(self) -> None:
        while self._follower.turn() == 0.0 and not self._follower.status.fatal:
            continue
        self._follower.stop()


class Incoming:
    """The answer of a call of this process's own, as the engine writes it (core/ports.Outbound)."""

    def __init__(self) -> None:
        self.head: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._buffer = Buffer()
        self.closed = self.started = False
        self.hangup: Callable[[], None] | None = None
        self.flow: Callable[[bool], None] | None = None

    def send(self, status: int, fields: bytes, body: bytes) -> None:
        self.start(status, fields, len(body))
        if body:
            self.write(body)
        self.end()

    def start(self, status: int, fields: bytes, length: int | None) -> None:
        del length
        if not self.closed and not self.head.done():
            self.started = True
            self.head.set_result((status, fields))

    def write(self, chunk: bytes) -> None:
        if not self.closed and self._buffer.put(chunk) and self.flow is not None:
            self.flow(True)

    def end(self) -> None:
        if not self.closed:
            self.closed = True
            self._buffer.end()

    def abort(self) -> None:
        if self.closed:
            return
        self.closed = True
        problem = unreachable(WHERE, "the answer broke off", sent=True)
        self._buffer.end(problem)
        if not self.head.done():
            self.head.set_exception(problem)

    def give_up(self) -> None:
        """The caller wants no more of it."""
        if not self.closed:
            self.closed = True
            if self.hangup is not None:
                self.hangup()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes; leaving early cuts the call."""
        try:
            while piece := await self._buffer.get():
                if self._buffer.held:
                    self._buffer.held = False
                    if self.flow is not None:
                        self.flow(False)
                yield piece
        finally:
            self.give_up()


def _fields(lines: bytes) -> list[Field]:
    split = (line.partition(b":") for line in lines.split(b"\r\n") if line)
    return [(name, value.strip()) for name, _, value in split]


def _drain(slot: Slot) -> Callable[[], Drain]:
    def make() -> Drain:
        checkpoint = slot.folder / FILE_NAME
        book = kept_book(slot.journal, slot.ledger, checkpoint, time.time_ns() // 1000)
        return Drain(slot.journal, slot.ledger, book=book)

    return make


def _follow(compiler: Compiler, registry: Path, seen: Any, stop: threading.Event) -> None:
    """A registry that is not as it was `seen` is compiled; the process takes up what is published. A wrong one leaves the old one live."""
    while not stop.wait(REGISTRY_EVERY_S):
        now = _stamp(registry)
        if now != seen:
            seen = now
            compiler.run(first=False)


def _stamp(path: Path) -> Any:
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino
