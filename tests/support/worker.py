"""The worker process beside a test's gateway, as the supervisor starts it. Not for: the supervisor itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.gateway import Trunkline
from tests.support.processes import ended
from trunkline.control.child import child_environ
from trunkline.settings import to_environ


class WorkerProcess:
    """One worker. It may be killed and started again."""

    def __init__(self, trunkline: Trunkline) -> None:
        self._trunkline = trunkline
        self._errors = trunkline.folder / "worker.stderr"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environ = child_environ(
            {**os.environ, **self._trunkline._environ}, to_environ(self._trunkline._settings)
        )
        with self._errors.open("ab") as errors:
            command = [sys.executable, "-m", "trunkline.worker"]
            self.process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stderr=errors)

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        ended(self.process)

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self.process is not None
        self.process.terminate()
        return ended(self.process)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Meanwhile it is started again whenever it goes because nothing is to be done, as the supervisor does."""
        over = threading.Event()

        def keep() -> None:
            while not over.wait(0.05):
                if self.process is None or self.process.poll() is not None:
                    self.start()

        keeper = threading.Thread(target=keep, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    @property
    def errors(self) -> str:
        """What it wrote to stderr."""
        return self._errors.read_text() if self._errors.exists() else ""


@contextmanager
def running_worker(trunkline: Trunkline) -> Iterator[WorkerProcess]:
    """Starts a worker and ends it afterwards; it must have ended in order and told of no defect."""
    worker = WorkerProcess(trunkline)
    worker.start()
    try:
        yield worker
    finally:
        status = worker.stop() if worker.process is not None and worker.process.poll() is None else 0
    assert status == 0, worker.errors
    assert "Traceback" not in worker.errors, worker.errors
