"""Trunkline as people run it: `trunkline serve` in a folder of its own, with its defaults, and a key without a bound on concurrency.

Gateway on the first core; supervisor and console on the second.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench, free_port
from benchmarks.payload import CHAT, request
from benchmarks.processes import Broken, Process, children, pin, unpin

REGISTRY = """\
version: 1
integrations:
  openai: {{secret: "env:OPENAI_API_KEY", base_url: "http://127.0.0.1:{chat}"}}
"""
# A second vendor with a model of its own, so that a bare model name stays unambiguous.
IMAGES = """\
  images:
    base_url: "http://127.0.0.1:{images}"
    auth: {{kind: bearer, secret: "env:OPENAI_API_KEY"}}
    dialects: [{{name: openai-chat, path: /v1/chat/completions}}]
    models: [{{id: picture-1}}]
"""
IMAGE_MODEL = "images/picture-1"
# A vendor that speaks another dialect than the caller.
CLAUDE = """\
  claude:
    base_url: "http://127.0.0.1:{chat}"
    auth: {{kind: header, name: x-api-key, secret: "env:OPENAI_API_KEY"}}
    dialects: [{{name: anthropic-messages, path: /v1/messages}}]
    models: [{{id: claude-x}}]
"""
CLAUDE_MODEL = "claude/claude-x"
SECRETS = {"OPENAI_API_KEY": "sk-test-not-a-real-key"}
CHAT_PATH = "/v1/chat/completions"
COMMAND = [sys.executable, "-m", "trunkline.cli"]


@dataclass
class Trunkline:
    """A running installation."""

    supervisor: Process
    folder: Path
    port: int
    console_port: int
    key: str

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def gateway(self) -> int:
        return int((self.state / "gateway.pid").read_text())

    @property
    def console(self) -> int:
        return int((self.state / "console.pid").read_text())

    @contextlib.contextmanager
    def console_paused(self) -> Iterator[None]:
        """Keeps the console from taking the load's core; the journal keeps what it will drain."""
        console = self.console
        os.kill(console, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(console, signal.SIGCONT)

    @property
    def fields(self) -> dict[str, str]:
        """Header fields of a call."""
        return {"content-type": "application/json", "authorization": f"Bearer {self.key}"}


def prepare(bench: Bench, chat: int, images: int = 0, *, claude: bool = False) -> tuple[Path, str]:
    """A folder with a registry and a key; answers the folder and the key."""
    folder = bench.new_folder("trunkline")
    registry = REGISTRY + (IMAGES if images else "") + (CLAUDE if claude else "")
    (folder / "trunkline.yaml").write_text(registry.format(chat=chat, images=images))
    made = subprocess.run(
        [*COMMAND, "keys", "create", "--name", "bench", "--scope", "*", "--concurrency", "none", "--json"],
        cwd=folder,
        env=environ(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if made.returncode:
        raise Broken(f"trunkline keys create failed: {made.stderr}")
    return folder, str(json.loads(made.stdout)["key"])


def environ(folder: Path) -> dict[str, str]:
    """Of its processes: nothing of this machine's but what a process needs."""
    return {
        "PATH": os.environ["PATH"],
        "TRUNKLINE_STATE_DIR": str(folder / "state"),
        "TRUNKLINE_CONFIG": str(folder / "trunkline.yaml"),
        "TRUNKLINE_DRAIN": "3",
        **SECRETS,
    }


def start(bench: Bench, folder: Path, key: str, *, anywhere: bool = False) -> Trunkline:
    """Starts it and does not wait; `anywhere`: on all cores. The caller ends it."""
    port, console_port = free_port(), free_port()
    ports = ["--port", str(port), "--console-port", str(console_port)]
    process = Process(
        "trunkline-serve", [*COMMAND, "serve", *ports], folder, core=bench.other, environ=environ(folder)
    )
    if anywhere:
        unpin(process.pid)
    return Trunkline(process, folder, port, console_port, key)


@contextlib.contextmanager
def running(bench: Bench, chat: int, images: int = 0, *, claude: bool = False) -> Iterator[Trunkline]:
    """The whole product, ready: the gateway has answered a call and the console is up."""
    folder, key = prepare(bench, chat, images, claude=claude)
    it = start(bench, folder, key)
    try:
        answered(it)
        _console_up(it)
        if bench.core is not None:
            pin(it.gateway, bench.core)
        yield it
    finally:
        end(it)


def end(it: Trunkline) -> None:
    """At once: what was left to drain is of no use. The supervisor stands still first, so that it starts nothing meanwhile."""
    if it.supervisor.alive():
        it.supervisor.signal(signal.SIGSTOP)
    ours = set(children(it.supervisor.pid)) | written_pids(it.state)
    it.supervisor.kill()
    for pid in ours:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def written_pids(state: Path) -> set[int]:
    """What its state folder says is running; needed where the system tells no children."""
    found = set()
    for name in ("gateway.pid", "console.pid"):
        with contextlib.suppress(OSError, ValueError):
            found.add(int((state / name).read_text()))
    return found


def answered(it: Trunkline, within_s: float = 20.0, pause_s: float = 0.02) -> float:
    """Waits for the first 200 to a chat call; answers the instant at which it was there."""
    end_at = time.monotonic() + within_s
    wire = request(CHAT_PATH, f"127.0.0.1:{it.port}", {**it.fields, "connection": "close"}, CHAT.encode())
    last = b""
    while time.monotonic() < end_at:
        if not it.supervisor.alive():
            raise Broken(f"trunkline serve ended at its start: {it.supervisor.said()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", it.port), 2) as sock:
            sock.settimeout(5)
            sock.sendall(wire)
            last = sock.recv(65536) or last
            if last.startswith(b"HTTP/1.1 200 "):
                return time.monotonic()
        time.sleep(pause_s)
    raise Broken(
        f"no good answer after {within_s:g} s; last: {last[:800]!r}; it wrote: {it.supervisor.said()}"
    )


def _console_up(it: Trunkline, within_s: float = 20.0) -> None:
    end_at = time.monotonic() + within_s
    while time.monotonic() < end_at:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", it.console_port), 1):
            return
        time.sleep(0.05)
    raise Broken(f"the console does not listen after {within_s:g} s: {it.supervisor.said()}")
