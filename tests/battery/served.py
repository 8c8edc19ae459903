"""`trunkline serve` with a registry of the test's own, as a person runs it: its processes, its log, its ledger.

Not for: a gateway without a supervisor (`tests/support/gateway.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.caller import Answer, call
from tests.support.gateway import SECRETS
from tests.support.polling import eventually
from tests.support.processes import ended, ready
from trunkline.control import keys
from trunkline.control.state import State

REGISTRY = """version: 1
defaults:
  retry: {{backoff: 10ms, backoff_max: 20ms}}
  breaker: {{volume: 1000000}}
integrations:
  openai: {{base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY}}
  stripe: {{base_url: "{simulator}/stripe", secret: env:STRIPE_SECRET_KEY}}
  crm:
    base_url: "{simulator}/crm"
    auth: {{kind: bearer, secret: env:CRM_TOKEN}}
    operations:
      - {{name: create_item, method: POST, path: /items, repeat: never}}
"""


class Served:
    """One supervisor with its children in a state folder of its own."""

    def __init__(
        self,
        folder: Path,
        registry: str,
        *,
        drain_s: float = 10.0,
        secrets: Mapping[str, str] = SECRETS,
        console_port: int = 0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.state = folder / "state"
        self.registry = folder / "trunkline.yaml"
        self.registry.write_text(registry)
        self.log = folder / "serve.log"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "NO_COLOR": "1",
            "TRUNKLINE_ENV": "dev",
            **secrets,
        }
        self.environ |= {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
        self.environ |= {"TRUNKLINE_STATE_DIR": str(self.state), "TRUNKLINE_CONFIG": str(self.registry)}
        self.drain_s = drain_s
        self.console_port = console_port
        self.port = 0
        self.key = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Served:
        """Returns when the gateway answers and a key is live."""
        command = [
            sys.executable,
            "-m",
            "trunkline.cli",
            "serve",
            "--port",
            str(self.port),
            "--console-port",
            str(self.console_port),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--drain", str(self.drain_s)],
                cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        ready(self.process, lambda: self.pid("console"), "serve", lambda: self.said)
        self.port = int(self.facts("gateway.json")["port"])
        if not self.key:
            self.key = keys.create(
                State(self.state, self.environ), keys.Wish(name="all", scopes=["*"], concurrency=0)
            ).key
        eventually(lambda: self.answers("/v1/models") == 200, "the key to be live")
        return self

    def facts(self, name: str) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.state / name).read_text())
            return found
        return {}

    def pid(self, name: str) -> int:
        """Of `gateway` or `console`, as the state folder tells it; 0 while there is none."""
        with contextlib.suppress(OSError, ValueError):
            return int((self.state / f"{name}.pid").read_text())
        return 0

    def kill(self, name: str) -> int:
        """SIGKILL for `gateway` or `console`; answers the pid that it had."""
        pid = eventually(lambda: self.pid(name), f"a {name} to kill")
        os.kill(pid, signal.SIGKILL)
        return pid

    def answers(self, path: str = "/health/live") -> int:
        """The status of a GET on the data plane; 0 without an answer."""
        with contextlib.suppress(OSError):
            return call(self.port, "GET", path, {"authorization": f"Bearer {self.key}"}, timeout_s=5).status
        return 0

    @property
    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def console(self, path: str, **fields: str) -> Answer:
        """A GET on the console as the installation's admin."""
        token = (self.state / "admin.token").read_text().strip()
        lines = {"authorization": f"Bearer {token}", "host": f"127.0.0.1:{self.console_port}", **fields}
        return call(self.console_port, "GET", path, lines, timeout_s=30)

    def console_ready(self) -> str:
        """Waits until the console answers; its admin token."""
        token = self.state / "admin.token"
        eventually(token.exists, "the console's token")

        def answers() -> bool:
            with contextlib.suppress(OSError):
                return self.console("/api/calls").status == 200
            return False

        eventually(answers, "the console to answer")
        return token.read_text().strip()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the CLI on this state folder."""
        command = [sys.executable, "-m", "trunkline.cli", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=120
        )

    def logs(self) -> list[dict[str, Any]]:
        """All of `trunkline logs --json`."""
        shown = self.run("logs", "--json", "--limit", "1000000")
        assert shown.returncode == 0, shown.stderr
        return [json.loads(line) for line in shown.stdout.splitlines()]

    def stop(self, number: signal.Signals = signal.SIGTERM, limit_s: float = 60.0) -> int:
        """Asks the supervisor to stop; its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(limit_s)

    def abandon(self) -> None:
        """Ends whatever still runs, at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.send_signal(signal.SIGINT)
            ended(self.process)
        for name in ("gateway", "console"):
            if pid := self.pid(name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def serving(folder: Path, registry: str, **options: Any) -> Iterator[Served]:
    """A started `trunkline serve`, ended afterwards."""
    served = Served(folder, registry, **options)
    try:
        yield served.start()
    finally:
        served.abandon()
