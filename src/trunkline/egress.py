"""The process of the CONNECT listener: follows the published files, listens, and notes what was refused.

    python -m trunkline.egress

Started by the supervisor when the registry (`egress: {port: ...}`) or `--egress-port` asks for it; it ends by itself, with status 0,
when nothing does any more. A process of its own, because tunnels move bulk and the gateway's loop is for calls. Exit codes: 0 not
wanted or stopped, 3 settings, keys or port that do not fit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from trunkline import settings as process_settings
from trunkline.control import kills
from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.service import Callers, Sealed, Snapshot
from trunkline.core.text import printable
from trunkline.ops import findings
from trunkline.ops.egress.hosts import Declared
from trunkline.ops.egress.listener import SWEEP_S, Listener
from trunkline.plugins.policies.access import Access
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.plugins.secrets.sealed import open_sealed
from trunkline.settings import Settings

POLL_S = 0.25
TELL_S = 2.0
PATIENCE_S = 5.0

_snapshot = codec.pack_decoder(Snapshot)
_callers = codec.pack_decoder(Callers)


class EgressProblem(Exception):
    """The listener cannot run; says why and the cure."""


class Process:
    """Everything of one process."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._state = State(settings.state_path, environ)
        self._marks: dict[Path, object] = {}
        self._sealed = self._open_sealed()
        self._read = self._read_snapshot()
        self._access = Access(
            self._read_callers(), self._sealed.pepper, self._sealed.token_key, wall=time.time
        )
        self._access.refresh = lambda: self._look(self._state.callers, self._take_callers)
        self._ids: set[str] = set()
        self._gone: set[str] = set()
        self.listener = Listener(self._declared(), self._access.identify, alive=self._is_alive)
        self._stop = asyncio.Event()
        for path, take in self._files().items():
            self._look(path, take)
        self._take_kills()

    @property
    def port(self) -> int:
        """Where it should listen; 0: nowhere."""
        return self._settings.egress_port or self._read.egress.port

    def _files(self) -> dict[Path, Callable[[], None]]:
        state = self._state
        return {
            state.sealed: self._take_sealed,
            state.snapshot: self._take_snapshot,
            state.callers: self._take_callers,
            state.kills: self._take_kills,
        }

    def _look(self, path: Path, take: Callable[[], None]) -> bool:
        """Takes a file over if it was replaced; what was loaded stays if it does not read."""
        with contextlib.suppress(OSError):
            stat = path.stat()
            mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if mark == self._marks.get(path):
                return False
            self._marks[path] = mark
            try:
                take()
            except (codec.DecodeError, MasterKeyProblem) as problem:
                say(f"{path.name} was not taken over: {problem}")
                return False
            return True
        return False

    def _open_sealed(self) -> Sealed:
        return open_sealed(self._state.sealed, self._state.master_key())

    def _read_snapshot(self) -> Snapshot:
        return _snapshot.decode(self._state.snapshot.read_bytes())

    def _read_callers(self) -> Callers:
        return _callers.decode(self._state.callers.read_bytes())

    def _declared(self) -> Declared:
        return Declared(self._read, kills.disabled(self._state))

    def _is_alive(self, key: str) -> bool:
        """Neither killed, nor revoked since this process has known it."""
        return key not in self._access.dead and key not in self._gone

    def _take_sealed(self) -> None:
        self._sealed = self._open_sealed()
        self._take_callers()

    def _take_snapshot(self) -> None:
        self._read = self._read_snapshot()
        self.listener.declared = self._declared()

    def _take_callers(self) -> None:
        callers = self._read_callers()
        ids = {key.id for key in callers.keys}
        self._gone = (self._gone | self._ids) - ids
        self._ids = ids
        self._access.load(callers, self._sealed.pepper, self._sealed.token_key)

    def _take_kills(self) -> None:
        self._access.dead = frozenset(kills.killed(self._state, "key"))
        self.listener.declared = self._declared()

    async def run(self) -> int:
        """Until told to stop, or nobody wants it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        port = self.port
        if not port:
            return 0
        try:
            await self.listener.start(self._settings.host, port)
        except OSError as problem:
            raise EgressProblem(
                f"The CONNECT listener cannot use port {port} of {self._settings.host}: {problem.strerror}."
            ) from None
        self._state.write(
            self._state.path / "egress.json",
            codec.to_json({"pid": os.getpid(), "host": self._settings.host, "port": self.listener.port})
            + b"\n",
        )
        tasks = [loop.create_task(self._follow(port)), loop.create_task(self._tell())]
        await self._stop.wait()
        for task in tasks:
            task.cancel()
        await self.listener.stop(min(PATIENCE_S, self._settings.drain))
        await asyncio.to_thread(self._note)
        (self._state.path / "egress.json").unlink(missing_ok=True)
        return 0

    async def _follow(self, port: int) -> None:
        """Looks at the published files; ends the process when the port is another (the supervisor starts it anew)."""
        while True:
            await asyncio.sleep(POLL_S)
            for path, take in self._files().items():
                self._look(path, take)
            if self.port != port:
                self._stop.set()

    async def _tell(self) -> None:
        """Sweeps, writes the statistics, and notes what was refused, in a thread."""
        told_at = 0.0
        while True:
            await asyncio.sleep(SWEEP_S)
            self.listener.sweep()
            if time.monotonic() - told_at >= TELL_S:
                told_at = time.monotonic()
                await asyncio.to_thread(self._note)

    def _note(self) -> None:
        fresh = self.listener.counts.take()
        try:
            while fresh:
                findings.note(self._state, fresh[-1], time.time())
                fresh.pop()
            told = {"port": self.listener.port, **self.listener.counts.told()}
            self._state.write(self._state.path / "egress.stats", codec.to_json(told) + b"\n")
        except Exception as problem:  # a full disk or a locked database must not end the tunnels
            self.listener.counts.give_back(fresh)
            say(f"Findings wait: {type(problem).__name__}: {problem}")


def say(text: str) -> None:
    """One line for people."""
    sys.stderr.write(f"trunkline egress: {printable(text)}\n")
    sys.stderr.flush()


async def _run(settings: Settings, environ: Mapping[str, str]) -> int:
    return await Process(settings, environ).run()


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Runs the listener; returns the exit code."""
    try:
        return asyncio.run(_run(process_settings.read(environ), environ))
    except (
        process_settings.SettingsInvalid,
        MasterKeyProblem,
        EgressProblem,
        OSError,
        codec.DecodeError,
    ) as problem:
        say(str(problem))
        return 3


if __name__ == "__main__":
    raise SystemExit(main())
