"""The worker process: runs durable tasks, today deferred calls. `python -m trunkline.worker`, started by `trunkline serve` at need.

Composition only: joins `tasks/` with the state folder, the gateway and those who are told. It ends by itself when nothing is due
for a while. Exit codes: 0 done for now, 3 for settings or keys that do not fit.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from trunkline import settings as process_settings
from trunkline.core.codec import DecodeError, pack_decoder
from trunkline.core.flow import Notify
from trunkline.core.scrub import Scrubber
from trunkline.core.service import Sealed, Snapshot
from trunkline.core.text import printable
from trunkline.journal.deferrals import Board, Inbox
from trunkline.plugins.secrets import masterkey
from trunkline.plugins.secrets.sealed import open_sealed
from trunkline.settings import Settings
from trunkline.tasks import deferral, parts, tell
from trunkline.tasks.deferral import DeferredCalls
from trunkline.tasks.holds import Holds
from trunkline.tasks.intake import Intake
from trunkline.tasks.lease import LeaseEngine
from trunkline.tasks.loop import Loop
from trunkline.tasks.own_call import OwnGateway
from trunkline.tasks.presence import Presence
from trunkline.tasks.showing import Showing
from trunkline.tasks.tell import Tellings
from trunkline.tasks.webhook import Webhooks

CONCURRENCY = 32
"""Calls at once: each waits in a thread."""

_snapshot = pack_decoder(Snapshot)


class Followed:
    """The published files that the worker needs, read anew when they were replaced."""

    def __init__(self, state: Path, environ: Mapping[str, str]) -> None:
        self._state = state
        self._environ = environ
        self._lock = threading.RLock()
        self._seen: tuple[int, int] = (0, 0)
        self._sealed = self._open()
        self._mark = self._stamp("secrets.sealed")
        self._notify: Notify | None = None

    def _open(self) -> Sealed:
        master = masterkey.read(self._state, self._environ)
        if master is None:
            text = f"There is no master key for {self._state}. Start with `trunkline serve`, which makes one."
            raise masterkey.MasterKeyProblem(text)
        return open_sealed(self._state / "secrets.sealed", master)

    def _stamp(self, name: str) -> tuple[int, int]:
        try:
            found = (self._state / name).stat()
        except OSError:
            return (0, 0)
        return found.st_ino, found.st_mtime_ns

    @property
    def sealed(self) -> Sealed:
        """Credentials and keys of the installation, as they are now."""
        mark = self._stamp("secrets.sealed")
        with self._lock:
            if mark != self._mark:
                # Noted first: what is said below asks for this again, and a file that is whole later has another mark.
                self._mark = mark
                try:
                    self._sealed = self._open()
                except (OSError, masterkey.MasterKeyProblem) as problem:
                    say(f"secrets.sealed was not taken over: {problem}")
            return self._sealed

    def token_key(self) -> bytes:
        """Signs grants and callers' webhooks."""
        return self.sealed.token_key

    def notify(self) -> Notify:
        """Whom the registry names."""
        mark = self._stamp("snapshot.msgpack")
        with self._lock:
            if mark != self._seen or self._notify is None:
                try:
                    content = (self._state / "snapshot.msgpack").read_bytes()
                    self._notify, self._seen = _snapshot.decode(content).notify, mark
                except (OSError, DecodeError):
                    return self._notify or Notify()
            return self._notify


class Worker:
    """Everything of one worker process."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._drain_s = settings.drain
        state = settings.state_path
        self._followed = followed = Followed(state, environ)
        sys.stderr = Scrubbed(sys.stderr, followed)
        key, folder, wall = followed.token_key(), parts.folder(state), time.time
        inbox, board = Inbox(folder, key), Board(folder, key)
        store = parts.made_store(state, key)
        self._presence = Presence(folder)
        self._threads = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="task")
        holds = Holds()
        calls = DeferredCalls(OwnGateway(state), holds, followed.token_key, wall=wall)
        tellings = Tellings(store.get, Webhooks(followed.token_key).post, self._notify, wall)
        showing = Showing(store, board, folder)
        engine = LeaseEngine(
            store,
            {deferral.NAME: calls.run, tell.NAME: tellings.run},
            self._presence,
            self._threads,
            concurrency=CONCURRENCY,
            holds=holds,
            follow_up=lambda task: tell.follow_up(task, to_registry=self._has_registry_target()),
            changed=showing.changed,
            said=say,
        )
        intake = Intake(inbox, engine, say)
        self.loop = Loop(engine, intake, inbox, board, showing, away_until=lambda: calls.away_until, said=say)
        self._stop = threading.Event()

    def _has_registry_target(self) -> bool:
        notify = self._followed.notify()
        return bool(notify.webhook or notify.email)

    def _notify(
        self, event: str, facts: dict[str, Any], *, message_id: str, skip: Sequence[str]
    ) -> tuple[list[str], str]:
        """The registry's targets."""
        from trunkline.ops.notify import send

        values = self._followed.sealed.values
        delivery = send(
            self._followed.notify(),
            event,
            facts,
            secret=values.__getitem__,
            message_id=message_id,
            skip=skip,
        )
        why = "; ".join(f"{one.channel} {one.where}: {one.detail}" for one in delivery.sent if not one.ok)
        return sorted(delivery.channels), why

    def run(self) -> int:
        """Until told to stop, or nothing is due for a while."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        while not self._stop.is_set() and not self.loop.idle:
            if not self.loop.look():
                self.loop.wait()
        in_time = self.loop.stop(self._drain_s if self._stop.is_set() else 0.0)
        self._presence.leave()
        self._threads.shutdown(wait=in_time, cancel_futures=True)
        return 0


class Scrubbed:
    """Stands before a stream and takes live credentials out of all that is written."""

    def __init__(self, stream: Any, followed: Followed) -> None:
        self._stream = stream
        self._followed = followed
        self._of: Sealed | None = None
        self._scrubber = Scrubber()

    def write(self, text: str) -> int:
        sealed = self._followed.sealed
        if sealed is not self._of:
            self._of, self._scrubber = sealed, Scrubber(sealed.values.values())
        return int(self._stream.write(self._scrubber.text(text)))

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return int(self._stream.fileno())


def say(text: str) -> None:
    """One line for people."""
    sys.stderr.write(f"trunkline worker: {printable(text)}\n")
    sys.stderr.flush()


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Runs one worker; returns the exit code."""
    try:
        settings = process_settings.read(environ)
        worker = Worker(settings, environ)
    except (process_settings.SettingsInvalid, masterkey.MasterKeyProblem, OSError) as problem:
        say(str(problem))
        return 3
    return worker.run()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # A thread that still waits for a cut call must not keep the process.
    os._exit(status)
