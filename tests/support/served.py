"""`trunkline serve --simulate-missing` in a folder, and commands typed beside it. For tests of what a person would do by hand.

Not for: stories of the gateway alone (`gateway.py`).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.polling import eventually
from tests.support.processes import HANGS_S, ended, ready

SERVE = ("serve", "--simulate-missing", "--env", "dev", "--port", "0", "--console-port", "0", "--drain", "5")
_KEY = re.compile(r"First key +(tl_\w+)")


class Serving:
    """One `trunkline serve`; its first key stands in the environment of what is typed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "serve.log"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environ = {"PATH": path, "HOME": str(folder), "NO_COLOR": "1", "PYTHONUTF8": "1"}
        with self._log.open("wb") as log:
            command = [sys.executable, "-m", "trunkline.cli", *SERVE]
            self._process = subprocess.Popen(
                command, cwd=folder, env=self.environ, stderr=log, stdin=subprocess.DEVNULL
            )

    def ready(self) -> None:
        """Waits until it serves."""
        ready(self._process, lambda: _KEY.search(self.said), "serve", lambda: self.said)
        found = _KEY.search(self.said)
        assert found is not None
        self.environ["TRUNKLINE_KEY"] = found[1]

    @property
    def said(self) -> str:
        return self._log.read_text()

    def type(self, line: str) -> str:
        """What a command prints to stdout. Faults that it sets or lifts are live when it returns."""
        before = self.said
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=HANGS_S,
        )
        assert done.returncode == 0, f"{line}: {done.stderr}\n{done.stdout}"
        if line.startswith(("trunkline faults set", "trunkline faults clear")):
            eventually(lambda: self.said != before, f"the gateway to say that it has heard: {line}")
        return done.stdout

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        ended(self._process)


@contextmanager
def serving(folder: Path) -> Iterator[Serving]:
    """Started on the registry in `folder`, stopped at the end."""
    one = Serving(folder)
    try:
        one.ready()
        yield one
    finally:
        one.stop()
