"""`trunkline serve` in a folder of a test's own, and commands given beside it. Not for: a gateway without supervisor (`gateway.py`)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.polling import eventually
from tests.support.processes import HANGS_S, ended, ready
from trunkline.control.child import is_alive

TRUNKLINE = [sys.executable, "-m", "trunkline.cli"]
SERVE = ("serve", "--simulate-missing", "--env", "dev", "--port", "0", "--console-port", "0", "--drain", "5")


class Served:
    """One `trunkline serve` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".trunkline"
        self.registry = folder / "trunkline.yaml"
        self.log = folder / "serve.log"
        self.console = 0
        """Its port, where a test has chosen one."""
        self.process: subprocess.Popen[bytes] | None = None
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_COLOR": "1"}

    def start(self, *flags: str) -> Served:
        said = len(self.said)
        with self.log.open("ab") as log:
            command = [*TRUNKLINE, *SERVE, *flags]
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environ, stderr=log, stdin=subprocess.DEVNULL
            )
        ready(self.process, lambda: "Trunkline serves" in self.said[said:], "serve", lambda: self.said)
        return self

    def facts(self, name: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.state / name).read_text())
            return found
        except (OSError, ValueError):
            return {}

    def pid(self, name: str) -> int:
        try:
            return int((self.state / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return 0

    def kill(self, name: str) -> int:
        """SIGKILL for one of its processes, once there is one; answers its pid. Pid 0 would be all that run these tests."""
        pid = eventually(lambda: self.pid(name), f"a {name} to kill")
        os.kill(pid, signal.SIGKILL)
        return pid

    @property
    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TRUNKLINE, *arguments],
            cwd=self.folder,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=HANGS_S,
        )

    def get(self, path: str) -> int:
        port = self.facts("gateway.json")["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=HANGS_S) as answer:
            return int(answer.status)

    def up(self) -> bool:
        try:
            return self.get("/health/live") == 200
        except (OSError, KeyError):
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return ended(self.process)

    def end(self) -> None:
        """At once, with everything that it started."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.send_signal(signal.SIGINT)
            ended(self.process)
        for name in ("gateway", "console", "simulator"):
            if is_alive(pid := self.pid(name)):
                os.kill(pid, signal.SIGKILL)
